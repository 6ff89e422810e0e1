//! The runner itself: it must be able to fail.

use super::*;

/// One connection; a second check-out waits for 50 ms in another thread.
fn queue_timeout(events: &Value, error: &Value) -> Result<(), String> {
    run(&json!({
        "poolOptions": { "maxPoolSize": 1, "waitQueueTimeoutMS": 50 },
        "operations": [
            { "name": "ready" },
            { "name": "checkOut", "label": "held" },
            { "name": "start", "target": "other" },
            { "name": "checkOut", "thread": "other" },
            { "name": "waitForEvent", "event": "ConnectionCheckOutFailed", "count": 1 },
            { "name": "checkIn", "connection": "held" },
            { "name": "waitForThread", "target": "other" },
        ],
        "error": error,
        "events": events,
        "ignore": ["ConnectionPoolCreated", "ConnectionPoolReady", "ConnectionCreated", "ConnectionReady"],
    }))
}

#[test]
fn the_runner_tells_right_from_wrong() {
    let events = json!([
        { "type": "ConnectionCheckOutStarted" },
        { "type": "ConnectionCheckedOut", "connectionId": 42, "address": 42 },
        { "type": "ConnectionCheckOutStarted" },
        { "type": "ConnectionCheckOutFailed", "reason": "timeout", "duration": 50 },
        { "type": "ConnectionCheckedIn", "connectionId": 1 },
    ]);
    let error = json!({ "type": "WaitQueueTimeoutError" });
    assert_eq!(queue_timeout(&events, &error), Ok(()));

    let reason = queue_timeout(&events, &Value::Null).unwrap_err();
    assert!(reason.starts_with("threw"), "{reason}");
    let reason = queue_timeout(&events, &json!({ "type": "PoolClosedError" })).unwrap_err();
    assert!(reason.starts_with("type: expected"), "{reason}");
    let mut wrong = events.clone();
    wrong[3]["reason"] = json!("poolClosed");
    assert!(queue_timeout(&wrong, &error).unwrap_err().starts_with("event 3: reason"));
    wrong = events;
    wrong.as_array_mut().unwrap().push(json!({ "type": "ConnectionClosed" }));
    assert!(queue_timeout(&wrong, &error).unwrap_err().starts_with("event 5 is missing"));
}

#[test]
fn an_event_that_never_comes_is_a_failure() {
    let waiting = json!({ "operations": [{ "name": "waitForEvent", "event": "ConnectionReady", "count": 1 }] });
    assert!(run(&waiting).unwrap_err().ends_with("waited in vain"));
    let blocked = json!({
        "poolOptions": { "maxPoolSize": 1 },
        "operations": [{ "name": "ready" }, { "name": "checkOut" }, { "name": "checkOut" }],
    });
    assert_eq!(run(&blocked), Err("waited in vain".into()));
}
