//! Command events from requests and replies.

use core::time::Duration;

use bson::doc;
use stator_proto::Instant;
use stator_proto::connection::Sequence;
use stator_wire::bson::DocWriter;

use super::world::{Clock, document, reply, request};
use super::{Log, connection, network_error};
use crate::error::{ErrorKind, Phase};
use crate::event::{CommandEvent, Event, Listeners, Watch};

fn command(event: &Event) -> &CommandEvent {
    match event {
        Event::Command(event) => event,
        other => panic!("{other:?}"),
    }
}

/// Watches a `ping` and lets 5 ms pass.
fn ping<'a>(clock: &'a Clock, listeners: &'a Listeners) -> Watch<'a, Clock> {
    let output = request("ping", &|_| {}, &[]);
    let watch = Watch::start(clock, listeners, Instant::ORIGIN, &output, 12, connection);
    clock.advance(Duration::from_millis(5));
    watch
}

#[test]
fn sequences_are_arrays_in_the_command() {
    let (log, clock) = (Log::default(), Clock::new());
    let numbered = |n: i32| {
        document(|d| {
            d.i32("_id", n);
        })
    };
    let documents = Sequence { identifier: "documents", documents: [numbered(1), numbered(2)].concat().into() };
    let more = Sequence { identifier: "nsInfo", documents: numbered(3).into() };
    let ordered = |body: &mut DocWriter<'_>| {
        body.bool("ordered", true);
    };
    let output = request("insert", &ordered, &[documents, more]);
    let listeners = log.listeners();
    Watch::start(&clock, &listeners, Instant::ORIGIN, &output, 12, connection).unacknowledged();
    let events = log.take();
    let CommandEvent::Started { info, command: sent } = command(&events[0]) else { panic!("{events:?}") };
    let expected = doc! {
        "insert": 1, "ordered": true, "$db": "shop",
        "documents": [{ "_id": 1 }, { "_id": 2 }], "nsInfo": [{ "_id": 3 }],
    };
    assert_eq!(sent.to_document().unwrap(), expected);
    assert_eq!(sent.get_str("$db").unwrap(), "shop");
    assert_eq!((info.command_name.as_str(), info.database_name.as_str()), ("insert", "shop"));
    assert_eq!((info.request_id, info.operation_id), (1, 12));
    assert_eq!(info.connection, connection());
    // Unacknowledged: a reply all the same, as the specification has it.
    let CommandEvent::Succeeded { reply, .. } = command(&events[1]) else { panic!("{events:?}") };
    assert_eq!(reply.to_document().unwrap(), doc! { "ok": 1 });
    assert_eq!(events.len(), 2);
}

#[test]
fn ok_1_succeeds_whatever_single_writes_do() {
    let (log, clock) = (Log::default(), Clock::new());
    ping(&clock, &log.listeners()).replied(&reply(|d| {
        d.f64("ok", 1.0);
        d.array_of("writeErrors").i32(7);
    }));
    let events = log.take();
    let CommandEvent::Succeeded { info, duration, reply } = command(&events[1]) else { panic!("{events:?}") };
    assert_eq!(reply.to_document().unwrap(), doc! { "ok": 1.0, "writeErrors": [7] });
    assert_eq!((info.request_id, *duration), (1, Duration::from_millis(5)));
    assert!(std::sync::Arc::ptr_eq(info, command(&events[0]).info()), "one allocation for both");
}

#[test]
fn ok_0_fails_with_what_the_server_said() {
    let (log, clock) = (Log::default(), Clock::new());
    ping(&clock, &log.listeners()).replied(&reply(|d| {
        d.f64("ok", 0.0).i32("code", 59).str("codeName", "CommandNotFound").str("errmsg", "no such command");
    }));
    let events = log.take();
    let CommandEvent::Failed { failure, duration, .. } = command(&events[1]) else { panic!("{events:?}") };
    assert_eq!((failure.code(), *duration), (Some(59), Duration::from_millis(5)));
    assert!(failure.to_string().contains("no such command"), "{failure}");
    assert_eq!(failure.server(), Some(&connection().address));
}

#[test]
fn a_reply_without_ok_fails() {
    let (log, clock) = (Log::default(), Clock::new());
    ping(&clock, &log.listeners()).replied(&reply(|_| {}));
    assert_eq!(log.names(), ["CommandStartedEvent", "CommandFailedEvent"]);
}

#[test]
fn the_network_fails() {
    let (log, clock) = (Log::default(), Clock::new());
    ping(&clock, &log.listeners()).failed(&network_error());
    let events = log.take();
    let CommandEvent::Failed { failure, .. } = command(&events[1]) else { panic!("{events:?}") };
    assert!(failure.is_network());
}

#[test]
fn who_is_dropped_has_failed() {
    let (log, clock) = (Log::default(), Clock::new());
    drop(ping(&clock, &log.listeners()));
    let events = log.take();
    assert_eq!(events.len(), 2);
    let CommandEvent::Failed { failure, .. } = command(&events[1]) else { panic!("{events:?}") };
    assert!(matches!(failure.kind(), ErrorKind::Abandoned));
    assert_eq!(failure.phase(), Phase::Receive);
}

#[test]
fn nothing_is_read_or_made_when_nobody_listens() {
    let clock = Clock::new();
    let deaf = [Listeners::new(vec![]), Listeners::new(vec![super::Listener::pools(|_| panic!("no pool here"))])];
    for listeners in &deaf {
        let output = request("ping", &|_| {}, &[]);
        let watch = Watch::start(&clock, listeners, Instant::ORIGIN, &output, 12, || panic!("nobody asked"));
        assert!(format!("{watch:?}").contains("pending: None"), "nothing is kept until the reply");
        watch.failed(&network_error());
    }
}
