//! The player itself: what happens on sockets is seen, and what does not happen is missed.

use std::io::Read;
use std::net::TcpListener;

use serde_json::json;

use super::super::super::cmap_judge::judge;
use super::*;

/// A peer that hangs up after the first bytes of each of `count` connections, or says nothing until they are closed.
fn peer(count: usize, hangs_up: bool) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = move || {
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = [0; 1024];
            while stream.read(&mut bytes).is_ok_and(|read| read > 0) && !hangs_up {}
        }
    };
    (address, std::thread::spawn(serve))
}

fn play(test: &Value, address: SocketAddr) -> Result<(), String> {
    let mut play = Play::new(test, address);
    let thrown = play.operate(test["operations"].as_array().unwrap().iter());
    let events = play.end();
    judge(test, thrown?, &events)
}

fn failing_dial(last_event: &str) -> Value {
    json!({
        "poolOptions": { "maxPoolSize": 1 },
        "operations": [
            { "name": "ready" },
            { "name": "start", "target": "thread1" },
            { "name": "checkOut", "thread": "thread1" },
            { "name": "waitForEvent", "event": "ConnectionCheckOutFailed", "timeout": 5000 },
            { "name": "waitForThread", "target": "thread1" },
        ],
        "error": { "type": "Error" },
        "events": [
            { "type": "ConnectionPoolReady" },
            { "type": "ConnectionCheckOutStarted" },
            { "type": "ConnectionCreated", "connectionId": 1 },
            { "type": "ConnectionPoolCleared" },
            { "type": "ConnectionClosed", "reason": "error" },
            { "type": last_event, "reason": "connectionError" },
        ],
        "ignore": ["ConnectionPoolCreated"],
    })
}

#[test]
fn a_dial_that_fails_on_its_socket_fails_the_thread_that_waits() {
    let (address, served) = peer(2, true);
    assert_eq!(play(&failing_dial("ConnectionCheckOutFailed"), address), Ok(()));
    let reason = play(&failing_dial("ConnectionCheckedOut"), address).unwrap_err();
    assert!(reason.starts_with("event 5: type"), "{reason}");
    served.join().unwrap();
}

#[test]
fn what_never_comes_is_a_failure_and_the_end_closes_a_silent_dial() {
    let (address, served) = peer(1, false);
    let waiting = json!({
        "poolOptions": { "minPoolSize": 1 },
        "operations": [{ "name": "ready" }, { "name": "waitForEvent", "event": "ConnectionReady", "timeout": 20 }],
    });
    assert!(play(&waiting, address).unwrap_err().ends_with("waited in vain"));
    // The peer reads until its connection is closed.
    served.join().unwrap();
}

#[test]
fn a_queue_that_is_too_slow_throws_its_timeout() {
    let (address, served) = peer(1, false);
    let slow = |error: Value| {
        json!({
            "poolOptions": { "maxConnecting": 1, "waitQueueTimeoutMS": 20 },
            "operations": [{ "name": "ready" }, { "name": "checkOut" }],
            "error": error,
        })
    };
    assert_eq!(play(&slow(json!({ "type": "WaitQueueTimeoutError" })), address), Ok(()));
    served.join().unwrap();
    let (address, served) = peer(1, false);
    assert!(play(&slow(Value::Null), address).unwrap_err().starts_with("threw"));
    served.join().unwrap();
}
