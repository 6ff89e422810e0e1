//! Servers that are of no use to monitors either: selection fails in time, and says why.

use std::io::Write;
use std::time::{Duration, Instant};

use stator_client::{Error, ErrorKind, Phase, Runtime};

use crate::peer::{Peer, bare_server, client, find, hello, message};
use crate::replies::memory;
use crate::{SHORT, expect};

const OPTIONS: &str = "?serverSelectionTimeoutMS=300&connectTimeoutMS=80&heartbeatFrequencyMS=500";

fn is_selection(error: &Error, cause: &str) {
    assert!(matches!(error.kind(), ErrorKind::Selection(_)) && error.phase() == Phase::Select, "{error:?}");
    assert!(error.is_timeout() && !error.maybe_executed(), "{error:?}");
    assert!(error.to_string().contains(cause), "the root cause is named: {error}");
}

/// Accepts, and never answers.
pub(crate) async fn black_hole<R: Runtime>(runtime: R) {
    let uri = bare_server(|_, mut peer| peer.be_silent());
    let client = client(runtime, &format!("{uri}{OPTIONS}"));
    let before = memory("VmRSS:").unwrap_or_default();
    for id in 0..4 {
        let start = Instant::now();
        is_selection(&expect("black hole", find(&client, id).await, start), "timed out");
        assert!(start.elapsed() >= SHORT);
    }
    assert!(memory("VmRSS:").unwrap_or_default() < before + 30_000, "memory stays flat");
}

/// Sends a little more of the answer each time, and closes.
pub(crate) async fn closes_at_each_byte<R: Runtime>(runtime: R) {
    let whole = message(1, &hello().to_vec().unwrap()).len();
    for count in (0..whole).step_by(7) {
        let cut = move |mut peer: Peer| {
            if let Some((id, _)) = peer.request() {
                let answer = message(id, &hello().to_vec().unwrap());
                peer.send(&answer[..count]);
            }
        };
        // The monitor's answer, and that of the first dial.
        let uri = bare_server(move |_, peer| cut(peer));
        let options = "?serverSelectionTimeoutMS=30&connectTimeoutMS=80&heartbeatFrequencyMS=500";
        let start = Instant::now();
        let error = find(&client(runtime.clone(), &format!("{uri}{options}")), 1).await;
        is_selection(&expect("closes in the middle of hello", error, start), "closed the connection");
        let uri = crate::peer::server(move |_, peer| cut(peer));
        let start = Instant::now();
        let error = expect("closes a dial", find(&client(runtime.clone(), &uri), 1).await, start);
        assert!(error.is_network() && error.phase() == Phase::Hello && !error.maybe_executed(), "{error:?}");
        assert!(error.has_label("SystemOverloadedError"), "{error:?}");
    }
}

/// Answers one byte in each second.
pub(crate) async fn one_byte_per_second<R: Runtime>(runtime: R) {
    let uri = bare_server(|_, mut peer| {
        while let Some((id, _)) = peer.request() {
            for byte in message(id, &hello().to_vec().unwrap()) {
                if peer.stream.write_all(&[byte]).is_err() {
                    return;
                }
                // Passing time is what this server is about.
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    });
    let start = Instant::now();
    let error = find(&client(runtime, &format!("{uri}{OPTIONS}")), 1).await;
    is_selection(&expect("one byte per second", error, start), "timed out");
    assert!(start.elapsed() < Duration::from_secs(3));
}
