//! Servers that break the rules: each gets its own clear error in time, costs no memory, and does not hurt the client.

mod cases;
mod deployments;
mod handshakes;
mod peer;
mod replies;
mod streams;

use std::sync::RwLock;
use std::time::{Duration, Instant};

use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Error, Phase};
use stator_smol::Smol;
use stator_tokio::Tokio;

/// What has not ended by then does not end by itself.
const LATE: Duration = Duration::from_secs(10);
/// Where a timeout is to end it.
const SHORT: Duration = Duration::from_millis(80);

/// Does the same on runtimes of every kind.
macro_rules! on_all {
    ($lock:ident: $($test:ident: $body:path;)*) => {
        $(#[test]
        fn $test() {
            let _company = COMPANY.$lock();
            let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            tokio.block_on($body(Tokio));
            smol::block_on($body(Smol));
            Blocking.block_on($body(Blocking));
        })*
    };
}

/// Whoever measures the memory of the process is alone in it.
static COMPANY: RwLock<()> = RwLock::new(());

on_all! { write:
    black_hole: deployments::black_hole;
}

on_all! { read:
    bad_replies: replies::bad_replies;
    bad_handshakes: handshakes::bad_handshakes;
    closes_at_each_byte: deployments::closes_at_each_byte;
    one_byte_per_second: deployments::one_byte_per_second;
    unsolicited: streams::unsolicited_bytes;
    silence: streams::silence_in_the_middle;
    more_to_come: streams::more_replies_than_were_asked_for;
    empty_batches: streams::batches_that_are_always_empty;
    odd_limits: streams::limits_that_make_no_sense;
    slow_servers: streams::one_byte_at_a_time;
    dials_in_flight: streams::a_dial_does_not_keep_its_client;
}

#[track_caller]
fn expect<T: std::fmt::Debug>(name: &str, result: stator_client::Result<T>, since: Instant) -> Error {
    let error = result.expect_err(name);
    println!("{name}: {error}");
    assert!(since.elapsed() < LATE, "{name}: only after {:?}", since.elapsed());
    // What is decoded has left its server behind.
    assert!(error.server().is_some() || error.phase() == Phase::Decode, "{name}: {error:?}");
    error
}
