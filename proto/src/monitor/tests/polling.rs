//! Polling: a check, a wait, a check.

use super::*;

#[test]
fn a_check_then_a_wait_then_a_check_on_the_same_connection() {
    let mut world = World::new(polling());
    assert_eq!((world.step().as_str(), world.told()), ("connect 10000", vec!["started".into()]));
    // The handshake is measured from its sending.
    world.after(20);
    world.after(100).connect();
    assert_eq!(world.step(), "exchange 10000");
    world.request();
    world.after(7).reply(OLD);
    assert_eq!(world.told(), ["succeeded 7 ms", "seen Standalone in 7 ms"]);
    assert_eq!(world.step(), "wait 10000");
    for _ in 0..3 {
        world.wait();
        assert_eq!((world.step().as_str(), world.told()), ("exchange 10000", vec!["started".into()]));
        world.request();
        world.after(3).reply(OLD);
        assert_eq!(world.told(), ["succeeded 3 ms", "seen Standalone in 3 ms"]);
        assert!(!world.monitor.wants_rtt_monitor());
    }
}

#[test]
fn a_server_that_streams_is_polled_if_the_mode_or_the_platform_says_so() {
    let streams = |mode, faas| {
        let world = World::greeted(MonitorOptions { mode, faas, ..options() }, NEW);
        assert_eq!(world.monitor.wants_rtt_monitor(), world.step() == "exchange 20000");
        world.step() != "wait 10000"
    };
    assert!(!streams(ServerMonitoringMode::Poll, false));
    assert!(!streams(ServerMonitoringMode::Poll, true));
    assert!(!streams(ServerMonitoringMode::Auto, true));
    assert!(streams(ServerMonitoringMode::Auto, false));
    assert!(streams(ServerMonitoringMode::Stream, false));
    assert!(streams(ServerMonitoringMode::Stream, true));
}

#[test]
fn a_request_for_a_check_ends_the_wait_but_not_before_the_minimum() {
    let mut world = World::greeted(polling(), OLD);
    world.after(499);
    world.monitor.handle_check_request(world.now);
    assert_eq!((world.step().as_str(), world.told().len()), ("wait 1", 0));
    // Asking again moves nothing, and time that has not come does nothing.
    world.monitor.handle_check_request(world.now);
    world.monitor.handle_timeout(world.now);
    assert_eq!(world.step(), "wait 1");
    world.wait();
    assert_eq!(world.told(), ["started"]);
    world.request();
    world.reply(OLD);
    world.told();
    world.after(2000);
    world.monitor.handle_check_request(world.now);
    assert_eq!((world.step().as_str(), world.told()), ("exchange 10000", vec!["started".into()]));
}

#[test]
fn a_request_during_a_check_is_ignored() {
    let mut world = World::new(polling());
    world.monitor.handle_check_request(world.now);
    world.connect();
    world.monitor.handle_check_request(world.now);
    world.request();
    world.monitor.handle_check_request(world.now);
    world.reply(OLD);
    assert_eq!(world.step(), "wait 10000");
    assert_eq!(world.told().len(), 3);
}

#[test]
fn a_frequency_below_the_minimum_counts_as_the_minimum() {
    let options = MonitorOptions { heartbeat_frequency: Duration::from_millis(20), ..polling() };
    assert_eq!(World::greeted(options, OLD).step(), "wait 500");
}

#[test]
fn a_connection_lost_while_waiting_is_replaced_by_the_next_check() {
    let mut world = World::greeted(polling(), OLD);
    world.after(4000);
    world.monitor.handle_closed(world.now, &world.input);
    world.close();
    assert_eq!((world.step().as_str(), world.told().len()), ("wait 6000", 0));
    world.wait();
    world.connect();
    assert!(world.request().starts_with("{isMaster: 1, helloOk: true, backpressure: "));
}

#[test]
fn nothing_is_told_to_listeners_that_are_not_there() {
    let mut world = World::new(MonitorOptions { events: false, ..polling() });
    world.connect();
    world.request();
    world.after(2).reply(OLD);
    assert_eq!(world.told(), ["seen Standalone in 2 ms"]);
}

#[test]
fn without_a_connect_timeout_nothing_limits_a_check() {
    for connect_timeout in [None, Some(Duration::ZERO)] {
        let mut world = World::new(MonitorOptions { connect_timeout, ..options() });
        assert_eq!(world.step(), "connect never");
        world.connect();
        assert_eq!(world.step(), "exchange never");
        world.request();
        world.reply(NEW);
        assert!(world.monitor.wants_rtt_monitor());
        assert_eq!(world.step(), "exchange never");
    }
}
