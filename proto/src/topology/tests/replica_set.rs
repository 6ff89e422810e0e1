use super::*;

#[test]
fn a_deposed_primary_is_checked_at_once_and_keeps_its_pool() {
    let mut topology = replica_set();
    see(&mut topology, "b", member(ServerKind::RsPrimary, &["a", "b"]));
    assert_eq!(actions(&mut topology), ["check a", "ready b", "changed"]);
    let deposed = topology.description().server(&at("a")).unwrap();
    assert_eq!((deposed.kind, &deposed.rejection), (ServerKind::Unknown, &Some(Rejection::Deposed)));
    assert_eq!(topology.description().primary().unwrap().address, at("b"));
}

#[test]
fn a_deposed_primary_that_is_no_member_any_more_is_not_checked() {
    let mut topology = replica_set();
    see(&mut topology, "b", member(ServerKind::RsPrimary, &["b", "c"]));
    assert_eq!(actions(&mut topology), ["remove a", "add c", "ready b", "changed"]);
}

#[test]
fn an_answer_of_a_server_that_was_removed_is_ignored() {
    let mut topology = replica_set();
    see(&mut topology, "z", member(ServerKind::RsPrimary, &["z"]));
    topology.handle_check_failed(NOW, &at("z"), "late", CheckFailure::Network);
    let late = error(ErrorPhase::Established, ErrorKind::Network);
    assert_eq!(topology.handle_application_error(NOW, &at("z"), late), ErrorVerdict::Keep);
    assert_eq!(actions(&mut topology), Vec::<String>::new());
    assert_eq!(hosts(&topology), ["a:27017", "b:27017"]);
}

#[test]
fn what_is_no_address_is_no_member() {
    let mut topology = open(options(&["a"]));
    see(&mut topology, "a", member(ServerKind::RsPrimary, &["a", "", "b:0", "c d", "[::1", "e:1"]));
    assert_eq!(hosts(&topology), ["a:27017", "e:1"]);
}

#[test]
fn a_member_of_many_members_takes_no_quadratic_time() {
    let names: Vec<String> = (0..20_000).map(|number| alloc::format!("host{number}")).collect();
    let mut topology = open(options(&["host0"]));
    see(&mut topology, "host0", HelloReply { hosts: names.clone(), ..member(ServerKind::RsPrimary, &[]) });
    assert_eq!(topology.description().servers.len(), names.len());
}

#[test]
fn a_direct_connection_to_another_set_is_unknown_and_says_why() {
    let mut topology = open(TopologyOptions { direct: true, set_name: Some("other".to_string()), ..options(&["a"]) });
    see(&mut topology, "a", member(ServerKind::RsPrimary, &["a"]));
    assert_eq!(actions(&mut topology), ["changed"]);
    let server = topology.description().server(&at("a")).unwrap();
    let found = Some("rs".to_string());
    assert_eq!(server.rejection, Some(Rejection::SetName { wanted: "other".to_string(), found }));
    assert_eq!((server.kind, topology.description().kind), (ServerKind::Unknown, TopologyKind::Single));
}

#[test]
fn whatever_is_reached_directly_gets_a_pool() {
    for kind in [ServerKind::RsArbiter, ServerKind::RsOther, ServerKind::RsGhost] {
        let mut topology = open(TopologyOptions { direct: true, ..options(&["a"]) });
        see(&mut topology, "a", member(kind, &["a"]));
        assert_eq!(actions(&mut topology), ["ready a", "changed"], "{kind:?}");
        let mut topology = open(options(&["a", "b"]));
        see(&mut topology, "a", member(kind, &["a", "b"]));
        assert_eq!(actions(&mut topology), ["changed"], "{kind:?}");
    }
}

#[test]
fn a_standalone_is_taken_as_the_only_seed_even_if_that_is_named_twice() {
    let mut topology = open(options(&["a", "a"]));
    see(&mut topology, "a", hello(ServerKind::Standalone));
    assert_eq!((topology.description().kind, hosts(&topology).len()), (TopologyKind::Single, 1));
    let mut topology = open(options(&["a", "b"]));
    see(&mut topology, "a", hello(ServerKind::Standalone));
    assert_eq!((topology.description().kind, hosts(&topology)), (TopologyKind::Unknown, vec!["b:27017".to_string()]));
}

#[test]
fn only_a_set_without_an_answer_from_before_is_updated() {
    let mut topology = replica_set();
    let old = HelloReply { topology_version: version(4), ..member(ServerKind::RsSecondary, &["a", "b"]) };
    see(&mut topology, "a", old.clone());
    assert_eq!(kind(&topology, "a"), Some(ServerKind::RsPrimary));
    assert_eq!(actions(&mut topology), Vec::<String>::new());
    // The same counter of another process is news.
    let restarted = TopologyVersion { process_id: [2; 12], counter: 0 };
    see(&mut topology, "a", HelloReply { topology_version: Some(restarted), ..old });
    assert_eq!(kind(&topology, "a"), Some(ServerKind::RsSecondary));
    assert_eq!(topology.description().kind, TopologyKind::ReplicaSetNoPrimary);
}
