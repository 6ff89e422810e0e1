//! The runner itself: it must be able to fail.

use serde_json::json;

use super::*;

/// A replica set whose primary `a` is seen, and then met by an error.
fn case() -> Value {
    json!({
        "uri": "mongodb://a/?replicaSet=rs",
        "phases": [{
            "responses": [["a:27017", {
                "ok": 1, "helloOk": true, "isWritablePrimary": true, "setName": "rs", "setVersion": 1,
                "hosts": ["a:27017", "b:27017"], "minWireVersion": 0, "maxWireVersion": 21,
            }]],
            "applicationErrors": [{
                "address": "a:27017", "when": "afterHandshakeCompletes", "type": "network", "maxWireVersion": 21,
            }],
            "outcome": {
                "topologyType": "ReplicaSetNoPrimary", "setName": "rs", "logicalSessionTimeoutMinutes": null,
                "maxSetVersion": 1, "compatible": true,
                "servers": {
                    "a:27017": { "type": "Unknown", "setName": null, "pool": { "generation": 1 }, "error": "Network" },
                    "b:27017": { "type": "Unknown" },
                },
            },
        }],
    })
}

#[test]
fn the_runner_tells_right_from_wrong() {
    assert_eq!(run(&case()), Ok(()));
    for (pointer, value) in [
        ("/topologyType", json!("ReplicaSetWithPrimary")),
        ("/setName", json!(null)),
        ("/logicalSessionTimeoutMinutes", json!(30)),
        ("/maxSetVersion", json!(2)),
        ("/compatible", json!(false)),
        ("/servers/a:27017/type", json!("RSPrimary")),
        ("/servers/a:27017/setName", json!("rs")),
        ("/servers/a:27017/pool/generation", json!(0)),
        ("/servers/a:27017/error", json!("timeout")),
        ("/servers", json!({})),
    ] {
        let mut wrong = case();
        *wrong["phases"][0]["outcome"].pointer_mut(pointer).unwrap() = value;
        let reason = run(&wrong).expect_err(pointer);
        assert!(reason.starts_with("phase 0: "), "{reason}");
    }
}

#[test]
fn events_are_compared_one_by_one() {
    let opening = json!([
        { "topology_opening_event": { "topologyId": "42" } },
        { "topology_description_changed_event": {
            "topologyId": "42",
            "previousDescription": { "topologyType": "Unknown", "servers": [] },
            "newDescription": { "topologyType": "Unknown", "servers": [{ "address": "a:27017", "type": "Unknown" }] },
        } },
        { "server_opening_event": { "topologyId": "42", "address": "a:27017" } },
    ]);
    let told = |events: Value| run(&json!({ "uri": "mongodb://a", "phases": [{ "outcome": { "events": events } }] }));
    assert_eq!(told(opening.clone()), Ok(()));

    let mut wrong = opening.clone();
    wrong[2]["server_opening_event"]["address"] = json!("b:27017");
    assert!(told(wrong).unwrap_err().contains("event 2: "));
    let mut more = opening.clone();
    more.as_array_mut().unwrap().push(json!({ "topology_closed_event": { "topologyId": "42" } }));
    assert!(told(more).unwrap_err().contains("event 3 is missing"));
    let mut fewer = opening;
    fewer.as_array_mut().unwrap().pop();
    assert!(told(fewer).unwrap_err().contains("an event too many"));
}
