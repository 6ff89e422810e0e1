//! The runner itself: it must be able to fail.

use serde_json::json;

use super::*;

fn case() -> Value {
    let server = |address: &str, kind: &str, rtt: u64| json!({ "address": address, "type": kind, "avg_rtt_ms": rtt });
    json!({
        "topology_description": {
            "type": "ReplicaSetWithPrimary",
            "servers": [
                server("a:1", "RSPrimary", 5),
                server("b:1", "RSSecondary", 5),
                server("c:1", "RSSecondary", 100),
            ],
        },
        "operation": "read",
        "read_preference": { "mode": "Secondary" },
        "suitable_servers": [{ "address": "b:1" }, { "address": "c:1" }],
        "in_latency_window": [{ "address": "b:1" }],
    })
}

#[test]
fn every_stage_of_a_selection_can_fail() {
    assert_eq!(check_selection(&case()), Ok(()));
    let failing = |change: &dyn Fn(&mut Value)| {
        let mut changed = case();
        change(&mut changed);
        check_selection(&changed).unwrap_err()
    };
    let reason = failing(&|case| case["suitable_servers"] = json!([{ "address": "b:1" }]));
    assert!(reason.starts_with("suitable servers: expected"), "{reason}");
    let reason = failing(&|case| case["in_latency_window"] = case["suitable_servers"].clone());
    assert!(reason.starts_with("the latency window: expected"), "{reason}");
    let reason = failing(&|case| case["error"] = json!(true));
    assert!(reason.contains("expected an error"), "{reason}");
    let reason = failing(&|case| case["read_preference"]["maxStalenessSeconds"] = json!(1));
    assert!(reason.contains("at least 90 seconds"), "{reason}");
    let reason = failing(&|case| case["deprioritized_servers"] = json!([{ "address": "b:1", "type": "Unknown" }]));
    assert!(reason.contains("expected"), "{reason}");
    let reason = failing(&|case| case["operation"] = json!("write"));
    assert!(reason.contains("expected"), "{reason}");
}

#[test]
fn an_average_can_be_wrong() {
    let case = |average| json!({ "avg_rtt_ms": 10, "new_rtt_ms": 20, "new_avg_rtt": average });
    assert_eq!(check_rtt(&case(12)), Ok(()));
    assert!(check_rtt(&case(13)).unwrap_err().starts_with("expected"));
}

#[test]
fn frequencies_can_be_wrong() {
    let case = |a: f64, b: f64| {
        json!({
            "topology_description": {
                "type": "Sharded",
                "servers": [
                    { "address": "a:1", "type": "Mongos", "avg_rtt_ms": 5 },
                    { "address": "b:1", "type": "Mongos", "avg_rtt_ms": 5 },
                ],
            },
            "mocked_topology_state": [
                { "address": "a:1", "operation_count": 3 },
                { "address": "b:1", "operation_count": 3 },
            ],
            "iterations": 1000,
            "outcome": { "tolerance": 0.05, "expected_frequencies": { "a:1": a, "b:1": b } },
        })
    };
    assert_eq!(check_frequencies(&case(0.5, 0.5)), Ok(()));
    assert!(check_frequencies(&case(0.6, 0.4)).unwrap_err().contains("expected a frequency"));
}
