//! Servers that break the rules.

use super::*;
use crate::connection::ConnectionError;
use crate::operation::OperationError;
use crate::topology::CheckFailure;

/// The reason for which the check of a server that sends these bytes fails; `awaited` if in a stream.
fn outcome(awaited: bool, bytes: impl Fn(&mut World) -> Vec<u8>) -> (CheckError<&'static str>, CheckFailure) {
    let mut world = if awaited { World::greeted(options(), NEW) } else { World::new(options()) };
    if !awaited {
        world.connect();
    }
    world.request();
    let bytes = bytes(&mut world);
    world.input.push(&bytes);
    world.monitor.handle_recv(world.now, &mut world.input);
    assert_eq!(world.step(), "close");
    let failure = core::iter::from_fn(|| world.monitor.poll_report()).find_map(|report| match report {
        Report::Failed { error, failure } => Some((error, failure)),
        Report::Seen { .. } => None,
    });
    failure.unwrap()
}

fn with_body(world: &World, write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![];
    let mut builder = Builder::new(&mut bytes, 1, world.answers, Flags::NONE);
    let mut body = builder.body();
    write(&mut body);
    body.finish().unwrap();
    builder.finish().unwrap();
    bytes
}

#[test]
fn broken_frames_are_network_errors() {
    for awaited in [false, true] {
        let (error, kind) = outcome(awaited, |_| vec![0xff; 40]);
        assert!(matches!(error, CheckError::Connection(ConnectionError::Wire(_))), "{error}");
        assert_eq!(kind, CheckFailure::Network);
        let (error, _) = outcome(awaited, |_| NEW.write(1, 77));
        assert!(matches!(error, CheckError::Connection(ConnectionError::WrongReply { found: 77, .. })), "{error}");
    }
}

#[test]
fn a_stream_that_nobody_asked_for_ends_the_connection() {
    let (error, kind) = outcome(false, |world| world.bytes_of(MORE));
    assert_eq!((error, kind), (CheckError::Connection(ConnectionError::MoreThanAsked), CheckFailure::Network));
    // A second reply behind the last one of a stream: noticed when it stands in the place of another.
    let mut world = World::greeted(options(), NEW);
    world.request();
    let bytes = [world.bytes_of(NEW), world.bytes_of(NEW)].concat();
    world.input.push(&bytes);
    world.monitor.handle_recv(world.now, &mut world.input);
    world.request();
    world.monitor.handle_recv(world.now, &mut world.input);
    assert_eq!(world.step(), "close");
}

#[test]
fn replies_that_cannot_be_read_are_command_errors() {
    for awaited in [false, true] {
        let empty = outcome(awaited, |world| with_body(world, |_| {}));
        let missing = CheckError::Hello(OperationError::Reply("there is no `ok`"));
        assert_eq!(empty, (missing, CheckFailure::Command));
        let (error, kind) = outcome(awaited, |world| {
            with_body(world, |body| {
                body.i32("ok", 1).str("topologyVersion", "new");
            })
        });
        assert!(matches!(error, CheckError::Hello(OperationError::Bson(_))), "{error}");
        assert_eq!(kind, CheckFailure::Command);
    }
}

#[test]
fn bytes_while_waiting_are_noticed_by_the_next_check() {
    let mut world = World::greeted(polling(), OLD);
    world.input.push(&OLD.write(1, 1));
    world.monitor.handle_recv(world.now, &mut world.input);
    assert_eq!(world.step(), "wait 10000");
    world.wait();
    world.request();
    world.monitor.handle_recv(world.now, &mut world.input);
    assert!(world.told().iter().any(|told| told.starts_with("lost by Network")));
}

#[test]
fn bytes_before_hello_is_sent_end_the_connection() {
    let mut world = World::new(options());
    world.connect();
    world.input.push(b"220 smtp ready");
    world.monitor.handle_recv(world.now, &mut world.input);
    assert!(world.told()[2].starts_with("lost by Network: the server sent bytes although nothing was asked"));
    assert_eq!(world.step(), "close");
}
