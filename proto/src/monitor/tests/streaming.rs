//! Streaming: one request, many replies.

use super::*;

const AWAITED: &str = r#"exhaust {hello: 1, helloOk: true, topologyVersion: {processId: "#;

#[test]
fn a_stream_of_replies_is_a_stream_of_checks() {
    let mut world = World::new(options());
    world.connect();
    world.request();
    world.after(5).reply(NEW);
    assert_eq!(world.told(), ["started", "succeeded 5 ms", "started awaited", "seen Standalone in 5 ms"]);
    assert!(world.monitor.wants_rtt_monitor());
    let command = world.request();
    assert!(command.starts_with(AWAITED) && command.contains("maxAwaitTimeMS: 10000"), "{command}");
    for millis in [9000, 10_000, 3] {
        world.after(millis).reply(MORE);
        assert_eq!(world.told(), [&*format!("succeeded awaited {millis} ms"), "started awaited", "seen Standalone"]);
        // Each reply has the whole time again, and needs no request.
        assert_eq!(world.step(), "exchange 20000");
        assert!(!world.monitor.poll_transmit(world.now, &mut world.out) && world.out.is_empty());
        assert!(world.monitor.wants_rtt_monitor());
    }
    // The last reply of the stream: a new request, at once, with the version that it told.
    world.after(1).reply(Says { version: Some(9), ..NEW });
    assert_eq!(world.told(), ["succeeded awaited 1 ms", "started awaited", "seen Standalone"]);
    let command = world.request();
    assert!(command.starts_with(AWAITED) && command.contains("counter: 9}"), "{command}");
}

#[test]
fn replies_that_come_together_are_taken_in_order() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    let mut bytes = vec![];
    for _ in 0..3 {
        bytes.extend(world.bytes_of(MORE));
    }
    let (first, second) = bytes.split_at(bytes.len() - 7);
    for (part, seen) in [(first, 2), (second, 1)] {
        world.input.push(part);
        world.monitor.handle_recv(world.now, &mut world.input);
        assert_eq!(world.told().iter().filter(|told| *told == "seen Standalone").count(), seen);
    }
}

#[test]
fn without_a_topology_version_it_is_polling() {
    let mut world = World::greeted(options(), OLD);
    assert_eq!(world.step(), "wait 10000");
    world.wait();
    // The server was upgraded behind a proxy, say; then it was downgraded again.
    assert!(world.request().starts_with("{isMaster: 1"));
    world.reply(NEW);
    assert!(world.request().starts_with("exhaust {hello: 1"));
    world.reply(OLD);
    assert_eq!(world.step(), "wait 10000");
    assert!(!world.monitor.wants_rtt_monitor());
    world.wait();
    assert!(world.request().starts_with("{isMaster: 1"));
}

#[test]
fn a_stream_goes_on_although_a_reply_lacks_the_version() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    world.reply(Says { version: None, ..MORE });
    assert_eq!(world.step(), "exchange 20000");
    world.reply(OLD);
    assert_eq!(world.step(), "wait 10000");
}

#[test]
fn a_request_for_a_check_does_not_disturb_a_stream() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    world.after(700);
    world.monitor.handle_check_request(world.now);
    assert_eq!((world.step().as_str(), world.told().len()), ("exchange 19300", 0));
}

#[test]
fn a_cancelled_stream_is_closed_and_checked_again() {
    let mut world = World::greeted(options(), NEW);
    world.request();
    world.after(30);
    world.monitor.handle_cancel(world.now);
    // The topology knows already: there is no report.
    assert_eq!(world.told(), ["failed awaited 30 ms: the check was cancelled"]);
    assert!(!world.monitor.wants_rtt_monitor());
    // What comes late from the old stream is nobody's business.
    world.reply(MORE);
    world.monitor.handle_failed(world.now, "reset", false);
    world.monitor.handle_closed(world.now, &world.input);
    world.monitor.handle_cancel(world.now);
    assert_eq!(world.told().len(), 0);
    world.close();
    // In its time; or soon, by order.
    assert_eq!(world.step(), "wait 10000");
    world.monitor.handle_check_request(world.now);
    assert_eq!(world.step(), "wait 500");
    world.wait();
    assert_eq!(world.told(), ["started"]);
    world.connect();
    assert!(world.request().starts_with("{isMaster: 1"), "a new connection begins anew");
    world.after(1).reply(NEW);
    assert_eq!(world.told(), ["succeeded 1 ms", "started awaited", "seen Standalone in 1 ms"]);
}

#[test]
fn cancelling_elsewhere_closes_what_there_is() {
    // While connecting: the host may have an attempt under way.
    let mut world = World::new(options());
    world.told();
    world.monitor.handle_cancel(world.now);
    assert_eq!(world.told(), ["failed 0 ms: the check was cancelled"]);
    // It succeeds just then: the stream is dropped with the rest.
    world.monitor.handle_connected(world.now);
    world.close();
    assert_eq!(world.step(), "wait 10000");
    // While waiting without a connection: nothing.
    world.monitor.handle_cancel(world.now);
    assert_eq!(world.step(), "wait 10000");
    // While waiting with one: the wait is what it was.
    let mut world = World::greeted(polling(), OLD);
    world.after(1000);
    world.monitor.handle_cancel(world.now);
    world.close();
    assert_eq!((world.step().as_str(), world.told().len()), ("wait 9000", 0));
    // The server is unknown now: a failure has nothing to repeat at once.
    world.wait();
    world.monitor.handle_failed(world.now, "refused", false);
    world.close();
    assert_eq!(world.step(), "wait 10000");
}
