use super::*;

fn meet(topology: &mut Topology<Error>, error: ApplicationError<Error>) -> (ErrorVerdict, Vec<String>) {
    let verdict = topology.handle_application_error(NOW, &at("a"), error);
    (verdict, actions(topology))
}

/// A verdict without any action, and a primary that stays.
fn assert_ignored(topology: &mut Topology<Error>, error: ApplicationError<Error>) {
    let what = alloc::format!("{error:?}");
    assert_eq!(meet(topology, error), (ErrorVerdict::Keep, Vec::new()), "{what}");
    assert_eq!(kind(topology, "a"), Some(ServerKind::RsPrimary), "{what}");
}

#[test]
fn what_may_be_overload_or_a_slow_operation_changes_nothing() {
    let mut topology = replica_set();
    for (when, kind) in [
        (ErrorPhase::Establishing, ErrorKind::Network),
        (ErrorPhase::Establishing, ErrorKind::Timeout),
        (ErrorPhase::Establishing, ErrorKind::Overloaded),
        (ErrorPhase::Authenticating, ErrorKind::Overloaded),
        (ErrorPhase::Established, ErrorKind::Timeout),
        (ErrorPhase::Established, ErrorKind::Overloaded),
        (ErrorPhase::Established, ErrorKind::Other),
        (ErrorPhase::Established, command(11000, None)),
    ] {
        assert_ignored(&mut topology, error(when, kind));
    }
}

#[test]
fn a_dial_that_fails_otherwise_makes_the_server_unknown_and_its_pool_is_cleared_by_the_caller() {
    for (when, cause) in [
        (ErrorPhase::Establishing, ErrorKind::Other),
        (ErrorPhase::Establishing, command(18, None)),
        (ErrorPhase::Authenticating, ErrorKind::Network),
        (ErrorPhase::Authenticating, ErrorKind::Timeout),
        (ErrorPhase::Authenticating, command(18, None)),
        (ErrorPhase::Authenticating, ErrorKind::Other),
    ] {
        let mut topology = replica_set();
        let what = alloc::format!("{when:?} {cause:?}");
        let (verdict, actions) = meet(&mut topology, error(when, cause));
        assert_eq!((verdict, actions), (ErrorVerdict::Clear, vec!["cancel a".into(), "changed".into()]), "{what}");
        let server = topology.description().server(&at("a")).unwrap();
        assert_eq!((server.kind, server.error), (ServerKind::Unknown, Some("broken")), "{what}");
        assert_eq!(topology.description().kind, TopologyKind::ReplicaSetNoPrimary);
    }
}

#[test]
fn a_broken_connection_clears_the_pool_after_the_server_is_unknown_and_ends_its_check() {
    let mut topology = replica_set();
    let (verdict, actions) = meet(&mut topology, error(ErrorPhase::Established, ErrorKind::Network));
    assert_eq!(verdict, ErrorVerdict::Clear);
    assert_eq!(actions, ["clear a", "cancel a", "changed"]);
    assert_eq!(kind(&topology, "a"), Some(ServerKind::Unknown));
}

#[test]
fn a_server_that_shuts_down_loses_its_pool_and_one_that_steps_down_keeps_it() {
    let mut topology = replica_set();
    let (verdict, told) = meet(&mut topology, error(ErrorPhase::Established, command(91, version(6))));
    assert_eq!((verdict, told), (ErrorVerdict::Clear, vec!["clear a".into(), "check a".into(), "changed".into()]));
    assert_eq!(topology.description().server(&at("a")).unwrap().topology_version, version(6));

    let mut topology = replica_set();
    let (verdict, told) = meet(&mut topology, error(ErrorPhase::Established, command(10107, None)));
    assert_eq!((verdict, told), (ErrorVerdict::Keep, vec!["check a".into(), "changed".into()]));
    assert_eq!(kind(&topology, "a"), Some(ServerKind::Unknown));
}

#[test]
fn errors_of_the_past_change_nothing() {
    let mut topology = replica_set();
    for kind in [ErrorKind::Network, command(91, None)] {
        for when in [ErrorPhase::Authenticating, ErrorPhase::Established] {
            assert_ignored(&mut topology, ApplicationError { stale: true, ..error(when, kind.clone()) });
        }
    }
    // The version that is known already, and one before it.
    for counter in [5, 4] {
        assert_ignored(&mut topology, error(ErrorPhase::Established, command(91, version(counter))));
    }
}

#[test]
fn a_failed_check_clears_the_pool_and_interrupts_only_after_a_timeout() {
    for (failure, clear) in [
        (CheckFailure::Network, "clear a"),
        (CheckFailure::Command, "clear a"),
        (CheckFailure::Timeout, "clear and interrupt a"),
    ] {
        let mut topology = replica_set();
        topology.handle_check_failed(NOW, &at("a"), "gone", failure);
        assert_eq!(actions(&mut topology), [clear, "changed"]);
        let server = topology.description().server(&at("a")).unwrap();
        assert_eq!((server.kind, server.error, server.topology_version), (ServerKind::Unknown, Some("gone"), None));
    }
}

fn balanced() -> Topology<Error> {
    open(TopologyOptions { load_balanced: true, ..options(&["a"]) })
}

#[test]
fn behind_a_load_balancer_only_a_service_is_cleared_and_the_server_stays() {
    for (when, cause, verdict, clear) in [
        (ErrorPhase::Established, ErrorKind::Network, ErrorVerdict::Clear, &["clear a service of a"][..]),
        (ErrorPhase::Established, command(91, None), ErrorVerdict::Clear, &["clear a service of a"]),
        // A failed dial is told to the pool, which knows its service.
        (ErrorPhase::Authenticating, ErrorKind::Network, ErrorVerdict::Clear, &[]),
        (ErrorPhase::Established, command(10107, None), ErrorVerdict::Keep, &[]),
        (ErrorPhase::Established, ErrorKind::Timeout, ErrorVerdict::Keep, &[]),
        (ErrorPhase::Establishing, ErrorKind::Other, ErrorVerdict::Keep, &[]),
        (ErrorPhase::Establishing, command(91, None), ErrorVerdict::Keep, &[]),
    ] {
        let what = alloc::format!("{when:?} {cause:?}");
        let mut topology = balanced();
        let failure = ApplicationError { service_id: Some([7; 12]), ..error(when, cause) };
        let (found, told) = meet(&mut topology, failure);
        assert_eq!(
            (found, &told[..]),
            (verdict, &clear.iter().map(ToString::to_string).collect::<Vec<_>>()[..]),
            "{what}"
        );
        assert_eq!(kind(&topology, "a"), Some(ServerKind::LoadBalancer), "{what}");
    }
}

#[test]
fn behind_a_load_balancer_an_unknown_service_is_not_cleared() {
    for when in [ErrorPhase::Establishing, ErrorPhase::Authenticating, ErrorPhase::Established] {
        for cause in [ErrorKind::Network, command(91, None)] {
            let mut topology = balanced();
            assert_eq!(meet(&mut topology, error(when, cause)), (ErrorVerdict::Keep, Vec::new()));
        }
    }
}

#[test]
fn a_load_balancer_is_not_monitored_whatever_is_said() {
    let mut topology = balanced();
    see(&mut topology, "a", hello(ServerKind::Mongos));
    topology.handle_check_failed(NOW, &at("a"), "gone", CheckFailure::Timeout);
    assert_eq!(kind(&topology, "a"), Some(ServerKind::LoadBalancer));
    assert_eq!(actions(&mut topology), Vec::<String>::new());
}
