//! The comparison, rule by rule.

use bson::{Bson, Document, bson, doc};

use super::*;
use crate::unified::schema::{
    Component, EventKind, ExpectedError, ExpectedEvent, ExpectedEvents, ExpectedLogs, Severity,
};

/// Knows `five`, and the session `session0`.
struct Names;

impl Lookup for Names {
    fn bson(&self, name: &str) -> Result<Bson, String> {
        match name {
            "five" => Ok(Bson::Int32(5)),
            "open" => Ok(bson!({ "a": 1 })),
            _ => Err(format!("no entity {name}")),
        }
    }

    fn lsid(&self, name: &str) -> Result<Document, String> {
        if name == "session0" { Ok(doc! { "id": 7 }) } else { Err(format!("no session {name}")) }
    }
}

fn root(expected: Bson, actual: Bson) -> bool {
    matches(&expected, Some(&actual), Place::Root, &Names).is_ok()
}

fn roots(expected: Bson, actual: Bson) -> bool {
    matches(&expected, Some(&actual), Place::Roots, &Names).is_ok()
}

fn nested(expected: Bson, actual: Bson) -> bool {
    matches(&expected, Some(&actual), Place::Nested, &Names).is_ok()
}

fn reason(expected: Bson, actual: Bson) -> String {
    matches(&expected, Some(&actual), Place::Root, &Names).unwrap_err()
}

#[test]
fn only_root_documents_may_have_more_keys() {
    assert!(root(bson!({ "x": 1 }), bson!({ "x": 1, "y": 1 })));
    assert!(!root(bson!({ "x": 1, "y": 1 }), bson!({ "x": 1 })));
    assert!(!root(bson!({ "x": { "y": 1 } }), bson!({ "x": { "y": 1, "z": 1 } })));
    assert!(!nested(bson!({ "x": 1 }), bson!({ "x": 1, "y": 1 })));
    assert!(!root(bson!([{ "x": 1 }]), bson!([{ "x": 1, "y": 1 }])));
    assert!(roots(bson!([{ "x": 1 }]), bson!([{ "x": 1, "y": 1 }])));
    assert!(!roots(bson!([{ "x": { "y": 1 } }]), bson!([{ "x": { "y": 1, "z": 1 } }])));
}

#[test]
fn the_order_of_keys_does_not_matter_that_of_elements_does() {
    assert!(root(bson!({ "x": 1, "y": { "a": 1, "b": 2 } }), bson!({ "y": { "b": 2, "a": 1 }, "x": 1 })));
    assert!(!root(bson!([1, 2]), bson!([2, 1])));
    assert!(!root(bson!([1, 2]), bson!([1, 2, 3])));
    assert!(!root(bson!([1, 2, 3]), bson!([1, 2])));
}

#[test]
fn numbers_are_compared_by_value() {
    let values = [Bson::Int32(1), Bson::Int64(1), Bson::Double(1.0)];
    for one in &values {
        for other in &values {
            assert!(root(one.clone(), other.clone()), "{one:?} {other:?}");
        }
    }
    assert!(!root(bson!(1), bson!(1.5)));
    assert!(!root(bson!(1.5), bson!(1)));
    assert!(!root(Bson::Int64((1 << 53) + 1), Bson::Double((1_i64 << 53) as f64)));
    assert!(!root(Bson::Int64(i64::MAX), Bson::Double(9_223_372_036_854_775_808.0)));
    assert!(root(Bson::Int64(i64::MIN), Bson::Double(-9_223_372_036_854_775_808.0)));
    assert!(root(Bson::Double(f64::NAN), Bson::Double(f64::NAN)));
    assert!(!root(Bson::Double(f64::NAN), bson!(0)));
    assert!(!root(bson!(1), bson!(true)));
    assert!(!root(bson!(1), bson!("1")));
    assert!(!root(bson!(1), Bson::Decimal128("1".parse().unwrap())));
    assert!(root(Bson::Decimal128("1".parse().unwrap()), Bson::Decimal128("1".parse().unwrap())));
}

#[test]
fn null_is_a_value() {
    assert!(root(Bson::Null, Bson::Null));
    assert!(!root(Bson::Null, bson!(0)));
    assert!(matches(&Bson::Null, None, Place::Root, &Names).is_err());
    assert!(!root(bson!({ "x": null }), bson!({})));
}

#[test]
fn exists() {
    let there = bson!({ "x": { "$$exists": true } });
    let gone = bson!({ "x": { "$$exists": false } });
    assert!(root(there.clone(), bson!({ "x": null })));
    assert!(!root(there, bson!({})));
    assert!(root(gone.clone(), bson!({ "y": 1 })));
    assert!(!root(gone, bson!({ "x": null })));
    assert!(reason(bson!({ "x": { "$$exists": 1 } }), bson!({ "x": 1 })).contains("argument"));
}

#[test]
fn an_operator_is_the_only_key() {
    assert!(nested(bson!({ "$$exists": true, "x": 1 }), bson!({ "x": 1, "$$exists": true })));
    assert!(!nested(bson!({ "$$exists": true, "x": 1 }), bson!({ "x": 1 })));
    assert!(reason(bson!({ "x": { "$$nonsense": 1 } }), bson!({ "x": 1 })).contains("unknown operator"));
}

#[test]
fn types_by_name() {
    let of = |names: Bson, value: Bson| root(bson!({ "x": { "$$type": names } }), bson!({ "x": value }));
    assert!(of(bson!("int"), bson!(1)));
    assert!(!of(bson!("long"), bson!(1)));
    assert!(of(bson!(["int", "long"]), Bson::Int64(1)));
    assert!(of(bson!("number"), bson!(1.5)));
    assert!(of(bson!("array"), bson!([1])));
    assert!(!of(bson!("int"), bson!([1])));
    assert!(of(bson!("object"), bson!({})));
    assert!(of(bson!("string"), bson!("")));
    assert!(of(bson!("bool"), bson!(false)));
    assert!(of(bson!("null"), Bson::Null));
    assert!(!of(bson!("nonsense"), bson!(1)));
    assert!(!root(bson!({ "x": { "$$type": "int" } }), bson!({})));
    assert!(root(bson!({ "$$type": "objectId" }), Bson::ObjectId(bson::oid::ObjectId::from_bytes([1; 12]))));
}

#[test]
fn entities_are_compared_by_the_same_rules() {
    assert!(root(bson!({ "x": { "$$matchesEntity": "five" } }), bson!({ "x": 5.0 })));
    assert!(!root(bson!({ "x": { "$$matchesEntity": "five" } }), bson!({ "x": 6 })));
    assert!(!root(bson!({ "x": { "$$matchesEntity": "five" } }), bson!({})));
    assert!(reason(bson!({ "x": { "$$matchesEntity": "six" } }), bson!({ "x": 6 })).contains("no entity six"));
    // It changes nothing about what a root document is.
    assert!(root(bson!({ "$$matchesEntity": "open" }), bson!({ "a": 1, "b": 1 })));
    assert!(!nested(bson!({ "$$matchesEntity": "open" }), bson!({ "a": 1, "b": 1 })));
}

#[test]
fn hex_bytes() {
    let of = |hex: &str, actual: Bson| root(bson!({ "$$matchesHexBytes": hex }), actual);
    assert!(of(
        "61Bc",
        Bson::Binary(bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: vec![0x61, 0xbc] })
    ));
    assert!(of("6162", bson!("ab")));
    assert!(of("", bson!("")));
    assert!(!of("61", bson!("b")));
    assert!(!of("616", bson!("a")));
    assert!(!of("zz", bson!("zz")));
    assert!(!of("+1", bson!("\u{1}")));
}

#[test]
fn unset_or_matches() {
    let expected = bson!({ "x": { "$$unsetOrMatches": { "y": 1 } } });
    assert!(root(expected.clone(), bson!({})));
    assert!(root(expected.clone(), bson!({ "x": { "y": 1 } })));
    assert!(!root(expected.clone(), bson!({ "x": { "y": 2 } })));
    assert!(!root(expected.clone(), bson!({ "x": { "y": 1, "z": 1 } })));
    assert!(!root(expected, bson!({ "x": null })));
    let whole = bson!({ "$$unsetOrMatches": { "y": { "$$unsetOrMatches": 1 } } });
    assert!(matches(&whole, None, Place::Root, &Names).is_ok());
    assert!(root(whole.clone(), bson!({ "more": 1 })));
    assert!(!root(whole, bson!({ "y": 2 })));
    assert!(roots(bson!({ "$$unsetOrMatches": [{ "y": 1 }] }), bson!([{ "y": 1, "z": 1 }])));
}

#[test]
fn session_lsid() {
    let expected = bson!({ "lsid": { "$$sessionLsid": "session0" } });
    assert!(root(expected.clone(), bson!({ "lsid": { "id": 7 } })));
    assert!(!root(expected.clone(), bson!({ "lsid": { "id": 8 } })));
    assert!(!root(expected, bson!({})));
    assert!(!root(bson!({ "lsid": { "$$sessionLsid": "session1" } }), bson!({ "lsid": { "id": 7 } })));
}

#[test]
fn at_most() {
    let of = |actual: Bson| root(bson!({ "x": { "$$lte": 1 } }), bson!({ "x": actual }));
    assert!(of(bson!(1)));
    assert!(of(bson!(1.0)));
    assert!(of(Bson::Int64(0)));
    assert!(!of(bson!(1.1)));
    assert!(!of(bson!("0")));
    assert!(!of(Bson::Double(f64::NAN)));
    assert!(!root(bson!({ "x": { "$$lte": 1 } }), bson!({})));
}

#[test]
fn extended_json_inside_of_text() {
    let strict = bson!({ "command": { "$$matchAsDocument": { "ping": 1 } } });
    assert!(root(strict.clone(), bson!({ "command": "{\"ping\":{\"$numberInt\":\"1\"}}" })));
    assert!(!root(strict.clone(), bson!({ "command": "{\"ping\":1,\"$db\":\"x\"}" })));
    assert!(!root(strict.clone(), bson!({ "command": { "ping": 1 } })));
    assert!(!root(strict, bson!({ "command": "ping" })));
    let lenient = bson!({ "command": { "$$matchAsDocument": { "$$matchAsRoot": { "ping": 1 } } } });
    assert!(root(lenient.clone(), bson!({ "command": "{\"ping\":1,\"$db\":\"x\"}" })));
    assert!(!root(lenient, bson!({ "command": "{\"pong\":1}" })));
}

#[test]
fn as_root() {
    let expected = bson!({ "x": { "$$matchAsRoot": { "y": 1 } } });
    assert!(root(expected.clone(), bson!({ "x": { "y": 1, "z": 1 } })));
    assert!(!root(expected.clone(), bson!({ "x": 1 })));
    assert!(!root(expected, bson!({})));
}

#[test]
fn reasons_name_the_place() {
    let text = reason(bson!({ "a": [{ "b": 1 }] }), bson!({ "a": [{ "b": 2 }] }));
    assert_eq!(text, "/a/0/b: expected 1, found 2");
    assert_eq!(reason(bson!({ "a": {} }), bson!({ "a": { "b": 2 } })), "/a/b: was not expected");
}

#[test]
fn same_knows_types_and_no_order() {
    assert!(same_documents(&doc! { "a": 1, "b": [{ "c": 1, "d": 2 }] }, &doc! { "b": [{ "d": 2, "c": 1 }], "a": 1 }));
    assert!(!same_documents(&doc! { "a": 1 }, &doc! { "a": 1_i64 }));
    assert!(!same_documents(&doc! { "a": 1 }, &doc! { "a": 1, "b": 1 }));
    assert!(!same_documents(&doc! { "a": [1] }, &doc! { "a": [1, 2] }));
}

fn event(expected: Document) -> ExpectedEvent {
    bson::deserialize_from_document(expected).unwrap()
}

#[test]
fn command_events() {
    let mut seen = Observed::new(EventKind::CommandStartedEvent);
    seen.command = Some(doc! { "find": "c", "filter": {}, "lsid": { "id": 7 } });
    seen.command_name = Some("find".into());
    seen.database_name = Some("db".into());
    seen.server_connection_id = Some(3);
    let ok = |expected: Document| match_event(&event(expected), &seen, &Names).is_ok();
    assert!(ok(doc! { "commandStartedEvent": {} }));
    assert!(ok(doc! { "commandStartedEvent": { "command": { "find": "c" }, "databaseName": "db" } }));
    assert!(ok(doc! { "commandStartedEvent": { "command": { "lsid": { "$$sessionLsid": "session0" } } } }));
    assert!(!ok(doc! { "commandStartedEvent": { "command": { "find": "d" } } }));
    assert!(!ok(doc! { "commandStartedEvent": { "databaseName": "other" } }));
    assert!(!ok(doc! { "commandStartedEvent": { "commandName": "insert" } }));
    assert!(ok(doc! { "commandStartedEvent": { "hasServerConnectionId": true, "hasServiceId": false } }));
    assert!(!ok(doc! { "commandStartedEvent": { "hasServerConnectionId": false } }));
    assert!(!ok(doc! { "commandStartedEvent": { "hasServiceId": true } }));
    assert!(!ok(doc! { "commandSucceededEvent": {} }));
    assert!(!ok(doc! { "commandFailedEvent": {} }));
}

#[test]
fn pool_and_topology_events() {
    let mut cleared = Observed::new(EventKind::PoolClearedEvent);
    let ok = |expected: Document, seen: &Observed| match_event(&event(expected), seen, &Names).is_ok();
    assert!(!ok(doc! { "poolClearedEvent": { "interruptInUseConnections": false } }, &cleared));
    cleared.interrupt_in_use = Some(true);
    assert!(ok(doc! { "poolClearedEvent": { "interruptInUseConnections": true } }, &cleared));
    assert!(!ok(doc! { "poolClearedEvent": { "interruptInUseConnections": false } }, &cleared));
    let mut closed = Observed::new(EventKind::ConnectionClosedEvent);
    closed.reason = Some("stale".into());
    assert!(ok(doc! { "connectionClosedEvent": { "reason": "stale" } }, &closed));
    assert!(!ok(doc! { "connectionClosedEvent": { "reason": "idle" } }, &closed));
    let mut changed = Observed::new(EventKind::ServerDescriptionChangedEvent);
    changed.previous = Some("Unknown".into());
    changed.new = Some("RSPrimary".into());
    assert!(ok(doc! { "serverDescriptionChangedEvent": { "newDescription": { "type": "RSPrimary" } } }, &changed));
    assert!(!ok(
        doc! { "serverDescriptionChangedEvent": { "previousDescription": { "type": "RSPrimary" } } },
        &changed
    ));
    let mut beat = Observed::new(EventKind::ServerHeartbeatStartedEvent);
    beat.awaited = Some(false);
    assert!(ok(doc! { "serverHeartbeatStartedEvent": { "awaited": false } }, &beat));
    assert!(!ok(doc! { "serverHeartbeatStartedEvent": { "awaited": true } }, &beat));
}

#[test]
fn sequences_of_events() {
    let seen = [EventKind::PoolCreatedEvent, EventKind::PoolReadyEvent].map(Observed::new);
    let check = |events: Bson, extra: bool| {
        let expected = doc! { "client": "c", "eventType": "cmap", "events": events, "ignoreExtraEvents": extra };
        let expected: ExpectedEvents = bson::deserialize_from_document(expected).unwrap();
        match_events(&expected, &seen, &Names)
    };
    assert!(check(bson!([{ "poolCreatedEvent": {} }, { "poolReadyEvent": {} }]), false).is_ok());
    assert!(check(bson!([{ "poolReadyEvent": {} }, { "poolCreatedEvent": {} }]), false).is_err());
    assert!(check(bson!([{ "poolCreatedEvent": {} }]), false).unwrap_err().contains("PoolReadyEvent"));
    assert!(check(bson!([{ "poolCreatedEvent": {} }]), true).is_ok());
    assert!(check(bson!([]), false).is_err());
    let three = bson!([{ "poolCreatedEvent": {} }, { "poolReadyEvent": {} }, { "poolClosedEvent": {} }]);
    assert!(check(three, true).unwrap_err().contains("missing"));
}

#[test]
fn log_messages() {
    let logged = |data: Document| Logged { level: Severity::Debug, component: Component::Connection, data };
    let seen = [
        logged(doc! { "message": "one", "n": 1 }),
        logged(doc! { "message": "noise" }),
        logged(doc! { "message": "two" }),
    ];
    let message = |text: &str| bson!({ "level": "debug", "component": "connection", "data": { "message": text } });
    let check = |expected: Document| {
        let expected: ExpectedLogs = bson::deserialize_from_document(expected).unwrap();
        match_logs(&expected, &seen, &Names)
    };
    let two = vec![message("one"), message("two")];
    assert!(check(doc! { "client": "c", "messages": two.clone() }).is_err());
    assert!(check(doc! { "client": "c", "messages": two, "ignoreMessages": [message("noise")] }).is_ok());
    assert!(check(doc! { "client": "c", "messages": [message("one")] }).is_err());
    assert!(check(doc! { "client": "c", "messages": [message("one")], "ignoreExtraMessages": true }).is_ok());
    let info = bson!({ "level": "info", "component": "connection", "data": { "message": "one" } });
    assert!(check(doc! { "client": "c", "messages": [info], "ignoreExtraMessages": true }).is_err());
    let failed = |text: &str| logged(doc! { "failure": text });
    let redacted = |wanted: bool, seen: &[Logged]| {
        let message = bson!({ "level": "debug", "component": "connection", "failureIsRedacted": wanted, "data": {} });
        let expected = doc! { "client": "c", "messages": [message] };
        let expected: ExpectedLogs = bson::deserialize_from_document(expected).unwrap();
        match_logs(&expected, seen, &Names).is_ok()
    };
    assert!(redacted(true, &[failed("REDACTED (code 1)")]));
    assert!(!redacted(true, &[failed("bad value (code 1)")]));
    assert!(redacted(false, &[failed("bad value (code 1)")]));
    assert!(!redacted(false, &[failed("REDACTED (code 1)")]));
    assert!(!redacted(false, &[logged(doc! {})]));
}

#[test]
fn errors() {
    let facts = ErrorFacts {
        message: "E11000 Duplicate key".into(),
        from_server: true,
        code: Some(11000),
        code_names: vec!["DuplicateKey".into()],
        labels: vec!["RetryableWriteError".into()],
        response: Some(doc! { "ok": 0, "code": 11000 }),
        write_errors: doc! { "0": { "code": 11000, "message": "E11000" } },
        ..ErrorFacts::default()
    };
    let check = |expected: Document| {
        let expected: ExpectedError = bson::deserialize_from_document(expected).unwrap();
        match_error(&expected, &facts, &Names).is_ok()
    };
    assert!(check(doc! { "isError": true }));
    assert!(check(doc! { "isClientError": false }));
    assert!(!check(doc! { "isClientError": true }));
    assert!(check(doc! { "isTimeoutError": false }));
    assert!(!check(doc! { "isTimeoutError": true }));
    assert!(check(doc! { "errorContains": "duplicate KEY" }));
    assert!(!check(doc! { "errorContains": "absent" }));
    assert!(check(doc! { "errorCode": 11000, "errorCodeName": "duplicatekey" }));
    assert!(!check(doc! { "errorCode": 1 }));
    assert!(!check(doc! { "errorCodeName": "Other" }));
    assert!(check(doc! { "errorLabelsContain": ["RetryableWriteError"], "errorLabelsOmit": ["Transient"] }));
    assert!(!check(doc! { "errorLabelsContain": ["RetryableWriteError", "Transient"] }));
    assert!(!check(doc! { "errorLabelsOmit": ["RetryableWriteError"] }));
    assert!(check(doc! { "errorResponse": { "code": 11000 } }));
    assert!(!check(doc! { "errorResponse": { "code": 1 } }));
    assert!(check(doc! { "writeErrors": { "0": { "code": 11000 } } }));
    assert!(!check(doc! { "writeErrors": { "1": { "code": 11000 } } }));
    assert!(!check(doc! { "writeErrors": {} }));
    assert!(!check(doc! { "writeConcernErrors": [{ "code": 64 }] }));
    assert!(check(doc! { "writeConcernErrors": [] }));
    assert!(check(doc! { "expectResult": { "$$unsetOrMatches": { "x": 1 } } }));
    assert!(!check(doc! { "expectResult": { "x": 1 } }));
}
