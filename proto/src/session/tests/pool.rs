//! The pool of server sessions (specification *Driver Sessions*).

use alloc::string::ToString;
use core::time::Duration;

use super::super::*;
use crate::Instant;

const TIMEOUT: Option<Duration> = Some(Duration::from_secs(30 * 60));

fn minutes(minutes: u64) -> Instant {
    Instant::from_millis(minutes * 60_000)
}

fn new(at: Instant, byte: u8) -> ServerSession {
    ServerSession::new(at, [byte; 16])
}

#[test]
fn ids_are_uuids_of_version_4() {
    let id = SessionId::from_random([0xff; 16]);
    assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(SessionId::from_random([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
    assert_eq!(id.as_bytes()[6], 0x4f);
}

#[test]
fn the_most_recently_used_comes_first() {
    let mut pool = ServerSessions::new();
    let (a, b) = (new(minutes(0), 1), new(minutes(0), 2));
    let (first, second) = (a.id(), b.id());
    pool.give_back(minutes(0), TIMEOUT, a);
    pool.give_back(minutes(0), TIMEOUT, b);
    assert_eq!(pool.take(minutes(1), TIMEOUT, [3; 16]).id(), second);
    assert_eq!(pool.take(minutes(1), TIMEOUT, [3; 16]).id(), first);
    assert_eq!(pool.take(minutes(1), TIMEOUT, [3; 16]).id(), SessionId::from_random([3; 16]));
}

#[test]
fn what_expires_within_a_minute_is_dropped() {
    let mut pool = ServerSessions::new();
    pool.give_back(minutes(0), TIMEOUT, new(minutes(0), 1));
    assert!(pool.reuse(minutes(29), TIMEOUT).is_some(), "a whole minute is left");
    pool.give_back(minutes(0), TIMEOUT, new(minutes(0), 1));
    assert!(pool.reuse(minutes(29) + Duration::from_nanos(1), TIMEOUT).is_none());
    assert!(pool.is_empty());
    // On the way in: those at the back, and the one that comes.
    pool.give_back(minutes(0), TIMEOUT, new(minutes(0), 1));
    pool.give_back(minutes(0), TIMEOUT, new(minutes(0), 2));
    pool.give_back(minutes(30), TIMEOUT, new(minutes(30), 3));
    assert_eq!(pool.len(), 1);
    pool.give_back(minutes(59), TIMEOUT, new(minutes(29), 4));
    assert_eq!(pool.len(), 1);
}

#[test]
fn a_dirty_session_is_dropped() {
    let mut pool = ServerSessions::new();
    let mut session = new(minutes(0), 1);
    session.mark_dirty();
    pool.give_back(minutes(0), TIMEOUT, session);
    assert!(pool.is_empty());
}

#[test]
fn nothing_expires_behind_a_load_balancer_or_while_no_timeout_is_known() {
    let mut pool = ServerSessions::load_balanced();
    pool.give_back(minutes(90), TIMEOUT, new(minutes(0), 1));
    assert!(pool.reuse(minutes(900), TIMEOUT).is_some());
    let mut pool = ServerSessions::new();
    pool.give_back(minutes(90), None, new(minutes(0), 1));
    assert!(pool.reuse(minutes(900), None).is_some());
}

#[test]
fn the_number_of_transactions_survives_the_pool() {
    let mut pool = ServerSessions::new();
    let mut session = Session::new(SessionOptions::default(), new(minutes(0), 1)).unwrap();
    let nothing = TransactionOptions::default();
    session.start_transaction(&nothing, &nothing).unwrap();
    pool.give_back(minutes(0), TIMEOUT, session.end().unwrap());
    assert_eq!(pool.take(minutes(0), TIMEOUT, [2; 16]).txn_number(), 1);
}

#[test]
fn ends_come_in_batches() {
    let mut pool = ServerSessions::new();
    for number in 0..20_001u64 {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&(number << 8).to_be_bytes());
        pool.give_back(minutes(0), TIMEOUT, ServerSession::new(minutes(0), bytes));
    }
    let mut sizes = alloc::vec::Vec::new();
    while let Some(ids) = pool.poll_end() {
        sizes.push(ids.len());
    }
    assert_eq!(sizes, [10_000, 10_000, 1]);
    assert!(pool.is_empty());
    pool.give_back(minutes(0), TIMEOUT, new(minutes(0), 1));
    pool.clear();
    assert!(pool.poll_end().is_none());
}
