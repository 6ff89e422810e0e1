//! Events of a pool, from the machine that makes them.

use core::time::Duration;

use stator_proto::pool::{Action, CheckOut, OnFailure, Pool, PoolError, PoolOptions};
use stator_proto::{Config, Instant};

use super::{address, cleared, network_error};
use crate::error::{Error, ErrorKind};
use crate::event::{CheckOutFailedReason, PoolEvent, PoolEventKind};

fn drain(pool: &mut Pool<Error>, config: &Config) -> Vec<PoolEvent> {
    core::iter::from_fn(|| pool.poll_event()).map(|event| PoolEvent::of(event, &address(), config)).collect()
}

#[test]
fn a_pools_life() {
    let config: Config = "mongodb://db.example/?maxPoolSize=5&waitQueueTimeoutMS=70".parse().unwrap();
    let now = Instant::ORIGIN;
    let mut pool: Pool<Error> = Pool::new(PoolOptions { events: true, ..PoolOptions::default() });
    pool.ready(now);
    assert!(matches!(pool.check_out(now, Instant::FAR_FUTURE), CheckOut::Wait(_)));
    let Some(Action::Dial { connection, .. }) = pool.poll_action() else { panic!() };
    let later = now + Duration::from_millis(8);
    pool.handle_established(later, connection, None).unwrap();
    pool.check_in(later, connection).unwrap();
    assert!(matches!(pool.check_out(later, Instant::FAR_FUTURE), CheckOut::Granted { .. }));
    pool.clear(later, network_error(), true, None);
    pool.discard(later, connection, stator_proto::pool::CloseReason::Error, Some(network_error())).unwrap();
    assert!(matches!(pool.check_out(later, Instant::FAR_FUTURE), CheckOut::Refused(_)));
    pool.close(later);
    let events = drain(&mut pool, &config);
    let names: Vec<_> = events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(
        names,
        [
            "PoolCreatedEvent",
            "PoolReadyEvent",
            "ConnectionCheckOutStartedEvent",
            "ConnectionCreatedEvent",
            "ConnectionReadyEvent",
            "ConnectionCheckedOutEvent",
            "ConnectionCheckedInEvent",
            "ConnectionCheckOutStartedEvent",
            "ConnectionCheckedOutEvent",
            "PoolClearedEvent",
            "ConnectionCheckedInEvent",
            "ConnectionClosedEvent",
            "ConnectionCheckOutStartedEvent",
            "ConnectionCheckOutFailedEvent",
            "PoolClosedEvent",
        ]
    );
    assert!(events.iter().all(|event| event.address == address()));
    let PoolEventKind::PoolCreated { options } = events[0].kind else { panic!() };
    assert_eq!((options.max_pool_size, options.wait_queue_timeout), (Some(5), Some(Duration::from_millis(70))));
    assert_eq!((options.min_pool_size, options.max_connecting), (None, None), "only what was said");
    let PoolEventKind::ConnectionReady { duration, .. } = events[4].kind else { panic!() };
    assert_eq!(duration, Duration::from_millis(8));
    assert!(matches!(events[9].kind, PoolEventKind::PoolCleared { interrupt_in_use_connections: true }));
    let PoolEventKind::ConnectionCheckOutFailed { reason, error, .. } = &events[13].kind else { panic!() };
    assert_eq!(*reason, CheckOutFailedReason::ConnectionError);
    assert!(matches!(error.kind(), ErrorKind::Pool(PoolError::Cleared { cause: Some(_) })), "{error:?}");
    assert_eq!(error.server(), Some(&address()));
    assert_eq!(cleared().reason(), *reason);
}

#[test]
fn a_dial_that_fails() {
    let config = Config::default();
    let now = Instant::ORIGIN;
    let mut pool: Pool<Error> = Pool::new(PoolOptions { events: true, ..PoolOptions::default() });
    pool.ready(now);
    let _ = pool.check_out(now, Instant::FAR_FUTURE);
    let Some(Action::Dial { connection, .. }) = pool.poll_action() else { panic!() };
    pool.handle_dial_failed(now, connection, network_error(), OnFailure::Keep).unwrap();
    let events = drain(&mut pool, &config);
    let closed = events.iter().find(|event| event.kind.name() == "ConnectionClosedEvent").unwrap();
    let PoolEventKind::ConnectionClosed { error: Some(error), .. } = &closed.kind else { panic!("{closed:?}") };
    assert!(error.is_network());
    let failed = events.iter().find(|event| event.kind.name() == "ConnectionCheckOutFailedEvent").unwrap();
    let PoolEventKind::ConnectionCheckOutFailed { error, .. } = &failed.kind else { panic!("{failed:?}") };
    assert!(matches!(error.kind(), ErrorKind::Pool(PoolError::Dial { .. })));
}
