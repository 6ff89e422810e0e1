//! Nobody waits any more: what becomes of the connection, in every state.

use super::*;

#[test]
fn idle_it_stays_idle() {
    let mut pair = Pair::new();
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Idle);
    pair.assert_usable();
}

#[test]
fn before_the_first_byte_the_request_is_taken_back() {
    let mut pair = Pair::new();
    pair.send(&PING).unwrap();
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Idle);
    assert_eq!(pair.out.slices(), [&[] as &[u8]; 3]);
    pair.assert_usable();
    assert_eq!(pair.request(), None, "only the second request arrived");
}

#[test]
fn after_any_part_of_the_request_it_is_broken() {
    let mut pair = Pair::new();
    pair.send(&PING).unwrap();
    let length = pair.out.remaining();
    for written in 1..length {
        let mut pair = Pair::new();
        pair.send(&PING).unwrap();
        pair.write(written);
        assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Broken, "{written} of {length}");
        pair.assert_broken(&ConnectionError::CancelledMidWrite);
    }
}

#[test]
fn after_the_whole_request_it_owes_the_reply_and_is_idle_when_that_has_come() {
    let mut pair = Pair::new();
    let id = pair.ping();
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Owing);
    assert!(pair.client.is_awaiting());
    assert_eq!(pair.send(&PING), Err(ConnectionError::Busy), "the reply must be read first");
    let late = ok(9, id, Flags::NONE);
    assert!(pair.arrive(&late[..20]).unwrap().is_none());
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Owing, "asking twice changes nothing");
    assert!(pair.arrive(&late[20..]).unwrap().is_some());
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Idle);
    pair.assert_usable();
}

#[test]
fn an_owed_exhaust_reply_is_owed_until_the_last() {
    let mut pair = Pair::new();
    pair.send(&Request { exhaust: true, ..PING }).unwrap();
    pair.write(usize::MAX);
    pair.request();
    assert!(pair.arrive(&ok(10, 1, Flags::MORE_TO_COME)).unwrap().is_some());
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Owing);
    assert!(pair.arrive(&ok(11, 10, Flags::NONE)).unwrap().is_some());
    pair.assert_usable();
}

#[test]
fn without_a_reply_nothing_is_owed() {
    let mut pair = Pair::new();
    pair.send(&Request { no_reply: true, ..PING }).unwrap();
    pair.write(usize::MAX);
    pair.request();
    assert_eq!(pair.client.cancel(&mut pair.out), Cancelled::Idle);
    pair.assert_usable();
}

#[test]
fn a_deadline_is_reported_while_a_request_is_in_flight_only() {
    let mut pair = Pair::new();
    assert_eq!(pair.client.poll_timeout(), None);
    pair.send(&PING).unwrap();
    assert_eq!(pair.client.poll_timeout(), Some(LATER));
    pair.client.cancel(&mut pair.out);
    assert_eq!(pair.client.poll_timeout(), None);
    pair.client.send(NOW, &PING, Instant::FAR_FUTURE, &mut pair.out).unwrap();
    assert_eq!(pair.client.poll_timeout(), None, "never is no deadline");
}
