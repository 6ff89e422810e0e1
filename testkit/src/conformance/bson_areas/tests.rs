//! The runner itself must be able to fail.

use serde_json::json;

use super::*;

fn run(area: fn(&mut Report, &str, &Json), file: Json) -> (usize, Vec<String>) {
    let mut report = Report::default();
    area(&mut report, "file", &file);
    (report.passed, report.failed.into_iter().map(|outcome| outcome.reason).collect())
}

#[test]
fn wrong_corpus_cases_fail() {
    let valid = |bson: &str, json: &str| {
        run(corpus::file, json!({"valid": [{"canonical_bson": bson, "canonical_extjson": json}]}))
    };
    let right = r#"{"i": {"$numberInt": "1"}}"#;
    assert_eq!(valid("0c0000001069000100000000", right), (1, vec![]));
    assert_eq!(valid("0C0000001069000200000000", right).0, 0);
    assert_eq!(valid("0c0000001069000100000000", r#"{"i": {"$numberLong": "1"}}"#).0, 0);
    assert_eq!(valid("0c00000010690001000000", right).0, 0);
    assert_eq!(valid("0c0", right).0, 0);
    assert_eq!(valid("zz", right).0, 0);

    let (passed, failed) = run(corpus::file, json!({"decodeErrors": [{"bson": "0500000000"}, {"bson": "05000000"}]}));
    assert_eq!((passed, failed), (1, vec!["was accepted: {}".to_owned()]));
    let errors = json!([{"string": "{}"}, {"string": "{"}, {"string": r#"{"a": {"$oid": 1}}"#}]);
    assert_eq!(run(corpus::file, json!({"bson_type": "0x00", "parseErrors": errors})).0, 1);
    let errors = json!([{"string": "1"}, {"string": "x"}]);
    assert_eq!(run(corpus::file, json!({"bson_type": "0x13", "parseErrors": errors})).0, 1);
}

#[test]
fn wrong_vector_cases_fail() {
    let one = |valid: bool, vector: Json, bson: &str| {
        let case = json!({"valid": valid, "vector": vector, "dtype_hex": "0x03", "canonical_bson": bson});
        run(vector::file, json!({"test_key": "v", "tests": [case]})).0
    };
    let bson = "10000000057600030000000903000700";
    assert_eq!(one(true, json!([7]), bson), 1);
    assert_eq!(one(true, json!([8]), bson), 0);
    assert_eq!(one(false, json!([7]), bson), 0);
    assert_eq!(one(false, json!([777]), bson), 0);
    assert_eq!(one(false, json!([777]), &bson.replace("0903", "0904")), 1);
}

#[test]
fn a_missing_folder_is_a_failure() {
    let report = corpus(Path::new("does-not-exist"));
    assert_eq!((report.passed, report.failed.len()), (0, 1));
}
