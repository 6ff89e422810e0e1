//! What a `cmap-format` file says, and whether it came out: options, MATCH, events and errors as the specification
//! describes them.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};
use stator_proto::pool::{PoolError, PoolEvent, PoolOptions};

/// What events and errors give for `address`.
const ADDRESS: &str = "localhost:27017";

/// The options of the pool, and `waitQueueTimeoutMS`, which is the runner's to keep.
pub(super) fn pool_options(test: &Value) -> (PoolOptions, Option<Duration>) {
    let given = &test["poolOptions"];
    let number = |name: &str| given[name].as_u64().and_then(|number| u32::try_from(number).ok());
    let default = PoolOptions::default();
    let options = PoolOptions {
        max_pool_size: number("maxPoolSize").unwrap_or(default.max_pool_size),
        min_pool_size: number("minPoolSize").unwrap_or(default.min_pool_size),
        max_connecting: number("maxConnecting").unwrap_or(default.max_connecting),
        max_idle_time: time(&given["maxIdleTimeMS"]),
        events: true,
        ..default
    };
    (options, time(&given["waitQueueTimeoutMS"]))
}

/// Milliseconds; zero is none.
pub(super) fn time(millis: &Value) -> Option<Duration> {
    millis.as_u64().filter(|&millis| millis > 0).map(Duration::from_millis)
}

/// Compares what the main thread threw, and the events, with what the file wants.
pub(super) fn judge(test: &Value, thrown: Option<Value>, events: &[Value]) -> Result<(), String> {
    match (&test["error"], thrown) {
        (Value::Null, Some(error)) => return Err(format!("threw {error}")),
        (Value::Null, None) => {}
        (_, None) => return Err("threw no error".into()),
        (expected, Some(error)) => matches(expected, &error)?,
    }
    let ignored = |event: &&Value| test["ignore"].as_array().into_iter().flatten().any(|name| *name == event["type"]);
    let actual: Vec<&Value> = events.iter().filter(|event| !ignored(event)).collect();
    for (index, expected) in test["events"].as_array().into_iter().flatten().enumerate() {
        let event = actual.get(index).ok_or_else(|| format!("event {index} is missing: {expected}"))?;
        matches(expected, event).map_err(|reason| format!("event {index}: {reason}"))?;
    }
    Ok(())
}

/// The specification's MATCH: `expected` is a subset of `actual`, and 42 stands for any value.
fn matches(expected: &Value, actual: &Value) -> Result<(), String> {
    let matched = match (expected, actual) {
        (Value::Object(fields), Value::Object(_)) => {
            return fields.iter().try_for_each(|(name, expected)| {
                matches(expected, &actual[name]).map_err(|reason| format!("{name}: {reason}"))
            });
        }
        _ if *expected == json!(42) || *expected == json!("42") => !actual.is_null(),
        _ => expected == actual,
    };
    matched.then_some(()).ok_or_else(|| format!("expected {expected}, got {actual}"))
}

/// An error as the specification describes it.
pub(super) fn thrown<C: Display>(error: &PoolError<C>) -> Value {
    let kind = match error {
        PoolError::Cleared { .. } => "PoolClearedError",
        PoolError::Closed => "PoolClosedError",
        PoolError::TimedOut => "WaitQueueTimeoutError",
        _ => "Error",
    };
    json!({ "type": kind, "message": error.to_string(), "address": ADDRESS })
}

/// An event as the specification describes it.
pub(super) fn tell<C>(event: &PoolEvent<C>) -> Value {
    let millis = |duration: &Duration| duration.as_millis() as u64;
    let mut told = match event {
        PoolEvent::PoolCreated { options } => {
            let idle = options.max_idle_time.map(|time| millis(&time));
            let (most, least) = (options.max_pool_size, options.min_pool_size);
            let options = json!({ "maxPoolSize": most, "minPoolSize": least, "maxIdleTimeMS": idle });
            json!({ "type": "ConnectionPoolCreated", "options": options })
        }
        PoolEvent::PoolReady => json!({ "type": "ConnectionPoolReady" }),
        PoolEvent::PoolCleared { interrupt_in_use, .. } => {
            json!({ "type": "ConnectionPoolCleared", "interruptInUseConnections": interrupt_in_use })
        }
        PoolEvent::PoolClosed => json!({ "type": "ConnectionPoolClosed" }),
        PoolEvent::ConnectionCreated { connection } => {
            json!({ "type": "ConnectionCreated", "connectionId": connection.number() })
        }
        PoolEvent::ConnectionReady { connection, duration } => {
            json!({ "type": "ConnectionReady", "connectionId": connection.number(), "duration": millis(duration) })
        }
        PoolEvent::ConnectionClosed { connection, reason, .. } => {
            json!({ "type": "ConnectionClosed", "connectionId": connection.number(), "reason": reason.as_str() })
        }
        PoolEvent::CheckOutStarted => json!({ "type": "ConnectionCheckOutStarted" }),
        PoolEvent::CheckOutFailed { error, duration } => {
            let reason = error.reason().as_str();
            json!({ "type": "ConnectionCheckOutFailed", "reason": reason, "duration": millis(duration) })
        }
        PoolEvent::CheckedOut { connection, duration } => {
            json!({ "type": "ConnectionCheckedOut", "connectionId": connection.number(), "duration": millis(duration) })
        }
        PoolEvent::CheckedIn { connection } => {
            json!({ "type": "ConnectionCheckedIn", "connectionId": connection.number() })
        }
    };
    told["address"] = json!(ADDRESS);
    told
}
