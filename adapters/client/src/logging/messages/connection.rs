//! Messages of connection pools (specification *Connection Monitoring and Pooling*).

use core::time::Duration;

use super::super::{Component, Record, describe};
use super::Fields;
use crate::event::{CheckOutFailedReason, CloseReason, PoolEvent, PoolEventKind, PoolOptions};

pub(in crate::logging) fn pool(event: &PoolEvent, limit: usize) -> Record {
    let mut fields = Fields::new();
    fields.server(&event.address);
    if let Some(id) = event.kind.connection_id() {
        fields.count("driverConnectionId", id);
    }
    let (message, template) = match &event.kind {
        PoolEventKind::PoolCreated { options } => {
            pool_options(&mut fields, options);
            ("Connection pool created", CREATED)
        }
        PoolEventKind::PoolReady => ("Connection pool ready", "Connection pool ready for {serverHost}[:{serverPort}]"),
        PoolEventKind::PoolCleared { .. } => {
            if let Some(id) = event.service_id {
                fields.text("serviceId", id.to_hex());
            }
            ("Connection pool cleared", CLEARED)
        }
        PoolEventKind::PoolClosed => {
            ("Connection pool closed", "Connection pool closed for {serverHost}[:{serverPort}]")
        }
        PoolEventKind::ConnectionCreated { .. } => ("Connection created", CONNECTION_CREATED),
        PoolEventKind::ConnectionReady { duration, .. } => {
            fields.duration(*duration);
            ("Connection ready", CONNECTION_READY)
        }
        PoolEventKind::ConnectionClosed { reason, error, .. } => {
            fields.text("reason", closed(*reason));
            if let Some(error) = error {
                fields.text("error", describe::error(error, limit));
            }
            ("Connection closed", CONNECTION_CLOSED)
        }
        PoolEventKind::ConnectionCheckOutStarted => {
            ("Connection checkout started", "Checkout started for connection to {serverHost}[:{serverPort}]")
        }
        PoolEventKind::ConnectionCheckOutFailed { reason, error, duration } => {
            fields.text("reason", refused(*reason));
            if *reason == CheckOutFailedReason::ConnectionError {
                fields.text("error", describe::error(error, limit));
            }
            fields.duration(*duration);
            ("Connection checkout failed", CHECK_OUT_FAILED)
        }
        PoolEventKind::ConnectionCheckedOut { duration, .. } => {
            fields.duration(*duration);
            ("Connection checked out", CHECKED_OUT)
        }
        PoolEventKind::ConnectionCheckedIn { .. } => ("Connection checked in", CHECKED_IN),
    };
    fields.debug(Component::Connection, message, template)
}

fn pool_options(fields: &mut Fields, options: &PoolOptions) {
    let PoolOptions { max_pool_size, min_pool_size, max_idle_time, max_connecting, wait_queue_timeout } = *options;
    let whole = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let given = [
        ("maxIdleTimeMS", max_idle_time.map(whole)),
        ("minPoolSize", min_pool_size.map(u64::from)),
        ("maxPoolSize", max_pool_size.map(u64::from)),
        ("maxConnecting", max_connecting.map(u64::from)),
        ("waitQueueTimeoutMS", wait_queue_timeout.map(whole)),
    ];
    for (key, value) in given {
        if let Some(value) = value {
            fields.count(key, value);
        }
    }
}

const fn closed(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Stale => "Connection became stale because the pool was cleared",
        CloseReason::Idle => "Connection has been available but unused for longer than the configured max idle time",
        CloseReason::Error => "An error occurred while using the connection",
        CloseReason::PoolClosed => "Connection pool was closed",
    }
}

const fn refused(reason: CheckOutFailedReason) -> &'static str {
    match reason {
        CheckOutFailedReason::Timeout => "Wait queue timeout elapsed without a connection becoming available",
        CheckOutFailedReason::ConnectionError => "An error occurred while trying to establish a new connection",
        CheckOutFailedReason::PoolClosed => "Connection pool was closed",
    }
}

const CREATED: &str = "Connection pool created for {serverHost}[:{serverPort}][ using options {*}]";
const CLEARED: &str = "Connection pool for {serverHost}[:{serverPort}] cleared[ for serviceId {serviceId}]";
const CONNECTION_CREATED: &str =
    "Connection created: address={serverHost}[:{serverPort}], driver-generated ID={driverConnectionId}";
const CONNECTION_READY: &str = "Connection ready: address={serverHost}[:{serverPort}], driver-generated \
    ID={driverConnectionId}, established in={durationMS} ms";
const CONNECTION_CLOSED: &str = "Connection closed: address={serverHost}[:{serverPort}], driver-generated \
    ID={driverConnectionId}. Reason: {reason}[. Error: {error}]";
const CHECK_OUT_FAILED: &str = "Checkout failed for connection to {serverHost}[:{serverPort}]. Reason: \
    {reason}[. Error: {error}]. Duration: {durationMS} ms";
const CHECKED_OUT: &str = "Connection checked out: address={serverHost}[:{serverPort}], driver-generated \
    ID={driverConnectionId}, duration={durationMS} ms";
const CHECKED_IN: &str =
    "Connection checked in: address={serverHost}[:{serverPort}], driver-generated ID={driverConnectionId}";
