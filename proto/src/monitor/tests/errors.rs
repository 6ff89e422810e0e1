//! What becomes of a check that fails, and of a monitor that is stopped.

use super::*;

#[test]
fn a_network_error_on_a_known_server_is_tried_again_once() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    world.after(40);
    world.monitor.handle_failed(world.now, "reset", false);
    assert_eq!(world.told(), ["failed awaited 40 ms: reset", "lost by Network: reset"]);
    assert!(!world.monitor.wants_rtt_monitor());
    world.close();
    assert_eq!((world.step().as_str(), world.told()), ("connect 10000", vec!["started".into()]));
    world.after(2);
    world.monitor.handle_failed(world.now, "refused", false);
    assert_eq!(world.told(), ["failed 2 ms: refused", "lost by Network: refused"]);
    world.close();
    assert_eq!(world.step(), "wait 10000");
    world.after(100);
    world.monitor.handle_check_request(world.now);
    assert_eq!(world.step(), "wait 400");
}

#[test]
fn a_server_that_breaks_every_connection_keeps_nobody_busy() {
    let mut world = World::greeted(options(), NEW);
    let begun = world.now;
    let mut connects = 0;
    while world.now - begun < Duration::from_secs(10) {
        match world.monitor.poll_step() {
            Step::Connect { .. } => {
                connects += 1;
                assert!(connects < 50, "it spins");
                world.connect();
                world.request();
                world.reply(NEW);
            }
            Step::Exchange { .. } => {
                world.request();
                world.monitor.handle_closed(world.now, &world.input);
            }
            Step::Wait { .. } => world.wait(),
            Step::Close => world.close(),
            Step::Ended => unreachable!("nobody stops it"),
        }
    }
    // Twice in every half second at the most.
    assert!((20..=41).contains(&connects), "{connects}");
}

#[test]
fn an_unknown_server_is_not_tried_again_at_once() {
    let mut world = World::new(options());
    world.told();
    world.after(3);
    world.monitor.handle_failed(world.now, "no such host", false);
    assert_eq!(world.told(), ["failed 3 ms: no such host", "lost by Network: no such host"]);
    world.close();
    assert_eq!(world.step(), "wait 10000");
    // With a connection, that is closed first.
    let mut world = World::new(options());
    world.connect();
    world.request();
    world.monitor.handle_failed(world.now, "reset", false);
    world.close();
    assert_eq!(world.step(), "wait 10000");
}

#[test]
fn timeouts_are_told_apart() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    world.after(20_000);
    world.monitor.handle_failed(world.now, "too late", true);
    assert_eq!(world.told(), ["failed awaited 20000 ms: too late", "lost by Timeout: too late"]);
    world.close();
    assert_eq!(world.step(), "connect 10000");
    world.told();
    world.after(10_000);
    world.monitor.handle_failed(world.now, "still too late", true);
    assert_eq!(world.told(), ["failed 10000 ms: still too late", "lost by Timeout: still too late"]);
    // The pause begins with the end of a check, however long that was.
    world.monitor.handle_check_request(world.now);
    world.close();
    assert_eq!(world.step(), "wait 500");
}

#[test]
fn a_refusal_closes_the_connection_and_waits() {
    let refusal = "hello failed: shutting down (code 91)";
    // To the first hello, to a poll, and in a stream.
    let mut world = World::new(options());
    world.told();
    world.connect();
    world.request();
    world.after(1).reply(NO);
    let expected = |before: &str| [format!("failed {before}: {refusal}"), format!("lost by Command: {refusal}")];
    assert_eq!(world.told(), expected("1 ms"));
    world.close();
    assert_eq!(world.step(), "wait 10000");

    let mut world = World::greeted(polling(), OLD);
    world.wait();
    world.told();
    world.request();
    world.after(2).reply(NO);
    assert_eq!(world.told(), expected("2 ms"));
    world.close();
    assert_eq!(world.step(), "wait 10000");

    let mut world = World::greeted(options(), NEW);
    world.request();
    world.reply(MORE);
    world.told();
    world.after(3).reply(NO);
    assert_eq!(world.told(), expected("awaited 3 ms"));
    // A request that comes while the host is closing counts.
    world.monitor.handle_check_request(world.now);
    world.close();
    assert_eq!(world.step(), "wait 500");
}

#[test]
fn a_closed_stream_says_where_it_ended() {
    for (part, said) in [(0, "the server closed the connection"), (20, "the server closed the connection in the mi")] {
        let mut world = World::greeted(options(), NEW);
        world.request();
        let bytes = world.bytes_of(MORE);
        world.input.push(&bytes[..part]);
        world.monitor.handle_recv(world.now, &mut world.input);
        assert_eq!(world.step(), "exchange 20000");
        world.monitor.handle_closed(world.now, &world.input);
        let told = world.told();
        assert!(told[1].starts_with(&format!("lost by Network: {said}")), "{told:?}");
    }
}

#[test]
fn a_monitor_can_be_stopped_in_every_state() {
    let stopped = |mut world: World, told: &[&str]| {
        world.told();
        world.monitor.handle_stop(world.now);
        assert_eq!(world.told(), told);
        for _ in 0..2 {
            assert_eq!(world.step(), "ended");
            assert!(!world.monitor.wants_rtt_monitor());
            world.monitor.handle_connected(world.now);
            world.monitor.handle_check_request(world.now);
            world.monitor.handle_cancel(world.now);
            world.monitor.handle_failed(world.now, "x", true);
            world.monitor.handle_closed(world.now, &world.input);
            world.monitor.handle_recv(world.now, &mut world.input);
            world.monitor.handle_disconnected(world.now);
            world.after(100_000);
            world.monitor.handle_timeout(world.now);
            world.monitor.handle_stop(world.now);
            assert!(!world.monitor.poll_transmit(world.now, &mut world.out));
            assert_eq!(world.told().len(), 0);
        }
    };
    let cancelled = ["failed 0 ms: the check was cancelled"];
    stopped(World::new(options()), &cancelled);
    let mut world = World::new(options());
    world.connect();
    stopped(world, &cancelled);
    let mut world = World::new(options());
    world.connect();
    world.request();
    stopped(world, &cancelled);
    let mut world = World::greeted(options(), NEW);
    world.request();
    stopped(world, &["failed awaited 0 ms: the check was cancelled"]);
    stopped(World::greeted(polling(), OLD), &[]);
    let mut world = World::new(options());
    world.monitor.handle_failed(world.now, "x", false);
    world.close();
    stopped(world, &[]);
    let mut world = World::greeted(options(), NEW);
    world.monitor.handle_failed(world.now, "x", false);
    stopped(world, &[]);
}
