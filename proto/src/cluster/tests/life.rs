//! Opening and closing, SRV polling, and what all operations share.

use stator_wire::bson::{DocBuf, DocWriter, Timestamp};

use super::*;
use crate::session::{ClusterTime, ServerSession, SessionId};

#[test]
fn before_it_is_open_it_does_nothing_and_it_opens_once() {
    let now = Instant::from_millis(1);
    let mut cluster = Cluster::<&str>::new(now, options(&["a"]));
    cluster.handle_timeout(now);
    assert!(cluster.poll_action().is_none() && cluster.poll_timeout().is_none());
    assert!(matches!(cluster.check_out(now, &Target::Writable, &[], NEVER, 1), CheckOut::NoServer));
    assert!(cluster.poll_action().is_none(), "there is no monitor to ask");
    cluster.open(now);
    assert!(matches!(cluster.poll_action(), Some(Action::AddServer { monitored: true, .. })));
    assert!(matches!(cluster.poll_action(), Some(Action::Changed)));
    cluster.open(now);
    assert!(cluster.poll_action().is_none());
}

#[test]
fn closing_refuses_who_waits_and_ends_all() {
    let mut world = World::narrow_set();
    let (server, held) = world.hold("a");
    world.wait("a");
    world.wait("b");
    world.does();
    world.cluster.close(world.now);
    let did = world.does();
    for action in
        ["remove a", "remove b", "remove c", "a refuse 2: Closed", "b close 1: poolClosed", "b refuse 1: Closed"]
    {
        assert_eq!(did.iter().filter(|one| *one == action).count(), 1, "{action}: {did:?}");
    }
    assert_eq!(did.last().map(String::as_str), Some("changed"));
    assert!(matches!(world.check_out(&Target::Writable), CheckOut::NoServer));
    assert_eq!(world.cluster.pools().count(), 0);
    assert!(world.cluster.pool(server).is_some(), "until its last connection came back");
    world.cluster.check_in(world.now, server, held).unwrap();
    assert_eq!(world.does(), ["a close 1: poolClosed"]);
    assert!(world.cluster.pool(server).is_none());
    assert_eq!(world.cluster.poll_timeout(), None);
    // For good.
    world.cluster.open(world.now);
    assert_eq!(world.does(), [""; 0]);
}

const TTL: Duration = Duration::from_secs(90);

fn polled(options: ClusterOptions) -> World {
    let mut world = World::open(ClusterOptions { srv_rescan: Some(Duration::from_secs(5)), ..options });
    world.does();
    world
}

fn router() -> HelloReply {
    HelloReply { kind: ServerKind::Mongos, max_wire_version: 21, ..HelloReply::default() }
}

#[test]
fn srv_records_are_asked_for_again_a_minute_apart_at_least() {
    let mut world = polled(options(&["a", "b"]));
    assert_eq!(world.cluster.poll_timeout(), Some(world.now + MIN_RESCAN));
    world.pass(MIN_RESCAN - Duration::from_millis(1));
    assert_eq!(world.does(), [""; 0]);
    world.pass(Duration::from_millis(1));
    assert_eq!(world.does(), ["resolve"]);
    // Once, until it is answered.
    world.pass(Duration::from_secs(500));
    assert_eq!((world.does().len(), world.cluster.poll_timeout()), (0, None));
    world.cluster.handle_srv(world.now, vec![at("b"), at("c")], TTL, 3);
    assert_eq!(world.does(), ["remove a", "add c", "changed"]);
    assert_eq!(world.cluster.poll_timeout(), Some(world.now + TTL));
    world.see_after("b", router(), None);
    world.pass(TTL);
    world.does();
    world.cluster.handle_srv_failed(world.now);
    let pause = world.cluster.select_options().heartbeat_frequency;
    assert_eq!(world.cluster.poll_timeout(), Some(world.now + pause));
    assert_eq!(world.cluster.pools().count(), 2, "the hosts stay");
    world.pass(pause);
    assert_eq!(world.does(), ["resolve"]);
    // A life of zero is a minute as well.
    world.cluster.handle_srv(world.now, vec![at("b")], Duration::ZERO, 3);
    assert_eq!(world.cluster.poll_timeout(), Some(world.now + MIN_RESCAN));
}

#[test]
fn only_routers_and_the_unknown_are_asked_for_again() {
    let mut world = polled(options(&["a"]));
    world.see("a", ServerKind::RsPrimary, &SET);
    assert_eq!(world.cluster.poll_timeout(), None);
    // An answer to a question from before comes too late.
    world.does();
    world.cluster.handle_srv(world.now, vec![at("z")], TTL, 3);
    world.cluster.handle_srv_failed(world.now);
    assert_eq!((world.does().len(), world.cluster.poll_timeout()), (0, None));
    let mut world = polled(options(&["a"]));
    world.cluster.close(world.now);
    world.cluster.handle_srv(world.now, vec![at("z")], TTL, 3);
    world.cluster.open(world.now);
    assert_eq!((world.cluster.pools().count(), world.cluster.poll_timeout()), (0, None));
}

#[test]
fn server_sessions_are_used_again_last_in_first_out_until_they_are_old() {
    let mut world = World::set();
    assert!(world.cluster.reuse_session(world.now).is_none());
    for byte in [1, 2] {
        world.cluster.give_back_session(world.now, ServerSession::new(world.now, [byte; 16]));
    }
    let session = world.cluster.reuse_session(world.now).unwrap();
    assert_eq!(session.id(), SessionId::from_random([2; 16]));
    world.cluster.give_back_session(world.now, session);
    world.cluster.close(world.now);
    assert_eq!(world.cluster.poll_end_sessions().map(|ids| ids.len()), Some(2));
    assert_eq!(world.cluster.poll_end_sessions(), None);
    // Thirty minutes, as the servers say, less one.
    let mut world = World::set();
    world.cluster.give_back_session(world.now, ServerSession::new(world.now, [1; 16]));
    world.pass(Duration::from_secs(29 * 60 + 1));
    assert!(world.cluster.reuse_session(world.now).is_none());
}

#[test]
fn the_cluster_time_only_goes_forward() {
    let time = |seconds| {
        let mut bytes = Vec::new();
        let mut writer = DocWriter::new(&mut bytes);
        writer.timestamp("clusterTime", Timestamp { time: seconds, increment: 1 });
        writer.finish().unwrap();
        ClusterTime::parse(DocBuf::new(bytes).unwrap().as_doc()).unwrap()
    };
    let mut world = World::set();
    assert!(world.cluster.cluster_time().is_none());
    for (told, latest) in [(5, 5), (3, 5), (8, 8)] {
        world.cluster.advance_cluster_time(&time(told));
        assert_eq!(world.cluster.cluster_time().map(|time| time.timestamp().time), Some(latest));
    }
}
