//! `count` and `distinct`.

use super::*;

#[test]
fn count_writes_what_was_asked() {
    assert_eq!(request(Count::new(namespace()), "{ok: 1, n: 0}"), r#"{count: "c", $db: "db"}"#);
    let operation = Count {
        query: Some(doc("{a: 1}")),
        skip: Some(u64::MAX),
        limit: Some(5),
        hint: Some(value("{a: 1}")),
        collation: Some(doc(r#"{locale: "de"}"#)),
        max_time: Some(Duration::from_secs(2)),
        comment: Some(value(r#""why""#)),
        ..Count::new(namespace())
    };
    assert_eq!(
        request(operation, "{ok: 1, n: 0}"),
        concat!(
            r#"{count: "c", query: {a: 1}, skip: 9223372036854775807, limit: 5, hint: {a: 1}, "#,
            r#"collation: {locale: "de"}, comment: "why", maxTimeMS: 2000, $db: "db"}"#,
        )
    );
}

#[test]
fn count_reads_numbers_of_any_type_and_knows_that_nothing_has_no_documents() {
    let run = |text| reply(Count::new(namespace()), text);
    assert_eq!(run("{ok: 1, n: 7}"), Ok(7));
    assert_eq!(run("{ok: 1, n: 7.0}"), Ok(7));
    assert_eq!(run(r#"{ok: 0, code: 26, codeName: "NamespaceNotFound", errmsg: "ns not found"}"#), Ok(0));
    assert_eq!(command_code(run(r#"{ok: 0, code: 13, errmsg: "no"}"#)), 13);
    for text in ["{ok: 1}", "{ok: 1, n: -1}"] {
        assert!(matches!(run(text), Err(Failure::Operation(OperationError::Reply(_)))), "{text}");
    }
}

#[test]
fn distinct_writes_what_was_asked() {
    let operation = || Distinct::new(namespace(), "a.b", doc("{a: 1}"));
    assert_eq!(request(operation(), "{ok: 1, values: []}"), r#"{distinct: "c", key: "a.b", query: {a: 1}, $db: "db"}"#);
    let operation = Distinct {
        collation: Some(doc(r#"{locale: "de"}"#)),
        hint: Some(value(r#""a_1""#)),
        max_time: Some(Duration::from_micros(1)),
        comment: Some(value("{why: 1}")),
        ..operation()
    };
    assert_eq!(
        request(operation, "{ok: 1, values: []}"),
        concat!(
            r#"{distinct: "c", key: "a.b", query: {a: 1}, collation: {locale: "de"}, hint: "a_1", comment: {why: 1}, "#,
            r#"maxTimeMS: 1, $db: "db"}"#,
        )
    );
}

#[test]
fn distinct_gives_the_array() {
    let run = |text| reply(Distinct::new(namespace(), "a", doc("{}")), text);
    assert_eq!(run(r#"{ok: 1, values: [1, "x", null]}"#), Ok(array(r#"[1, "x", null]"#)));
    assert!(matches!(run("{ok: 1}"), Err(Failure::Operation(OperationError::Reply(_)))));
    assert!(matches!(run("{ok: 1, values: 5}"), Err(Failure::Operation(OperationError::Bson(_)))));
    assert_eq!(command_code(run(r#"{ok: 0, code: 2, errmsg: "bad"}"#)), 2);
}

#[test]
fn reads_take_a_read_concern_only() {
    let mut server = Server::new(&["{ok: 1, n: 1}"]).with(concerns());
    server.run(Count::new(namespace())).unwrap();
    server.replies.push(doc("{ok: 1, values: []}"));
    server.run(Distinct::new(namespace(), "a", doc("{}"))).unwrap();
    for request in server.requests {
        assert!(request.contains(r#"readConcern: {level: "majority"}"#), "{request}");
        assert!(!request.contains("writeConcern"), "{request}");
    }
}
