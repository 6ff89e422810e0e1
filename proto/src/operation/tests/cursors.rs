//! `aggregate`, `find` and `getMore`.

use super::*;
use crate::cursor::CursorReply;

const EMPTY: &str = r#"{ok: 1, cursor: {id: 0.0, ns: "db.c", firstBatch: []}}"#;

/// A reply with a cursor whose id is an int64, as servers send it.
fn first_batch() -> DocBuf {
    let mut bytes = Vec::new();
    let mut writer = DocWriter::new(&mut bytes);
    let mut cursor = writer.document("cursor");
    cursor.i64("id", 9).str("ns", "db.other");
    cursor.array_of("firstBatch").doc(doc("{_id: 1}").as_doc()).doc(doc("{_id: 2}").as_doc());
    drop(cursor);
    writer.i32("ok", 1);
    writer.finish().unwrap();
    DocBuf::new(bytes).unwrap()
}

fn server() -> Server {
    let mut server = Server::new(&[]);
    server.replies.push(first_batch());
    server
}

fn pipeline(stages: &str) -> Aggregate {
    Aggregate::new(AggregateTarget::Collection(namespace()), array(stages))
}

#[track_caller]
fn asked(operation: impl Operation<Output = CursorReply>) -> String {
    let mut server = server();
    server.run(operation).unwrap();
    server.requests.remove(0)
}

#[test]
fn aggregate_writes_only_what_was_asked() {
    assert_eq!(asked(pipeline("[]")), r#"{aggregate: "c", pipeline: [], cursor: {}, $db: "db"}"#);
    let on_database = Aggregate::new(AggregateTarget::Database("admin".into()), array("[{$currentOp: {}}]"));
    assert_eq!(asked(on_database), r#"{aggregate: 1, pipeline: [{$currentOp: {}}], cursor: {}, $db: "admin"}"#);
}

#[test]
fn aggregate_writes_all_options() {
    let operation = |stages| {
        let mut operation = pipeline(stages);
        operation.allow_disk_use = Some(true);
        operation.batch_size = Some(0);
        operation.max_time = Some(Duration::from_secs(1));
        operation.max_await_time = Some(Duration::from_secs(9));
        operation.bypass_document_validation = Some(true);
        operation.collation = Some(doc(r#"{locale: "de"}"#));
        operation.hint = Some(value("{a: 1}"));
        operation.let_vars = Some(doc("{v: 1}"));
        operation.comment = Some(value("7"));
        operation
    };
    let options = concat!(
        r#"allowDiskUse: true, bypassDocumentValidation: true, collation: {locale: "de"}, hint: {a: 1}, let: {v: 1}, "#,
        r#"comment: 7, maxTimeMS: 1000, $db: "db"}"#,
    );
    assert_eq!(
        asked(operation("[{$match: {}}]")),
        format!(r#"{{aggregate: "c", pipeline: [{{$match: {{}}}}], cursor: {{batchSize: 0}}, {options}"#)
    );
    assert_eq!(
        asked(operation(r#"[{$out: "x"}]"#)),
        format!(r#"{{aggregate: "c", pipeline: [{{$out: "x"}}], cursor: {{}}, {options}"#)
    );
}

#[test]
fn only_a_last_out_or_merge_is_a_write() {
    for (stages, writes) in [
        ("[]", false),
        ("[{$match: {}}]", false),
        (r#"[{$out: "x"}, {$match: {}}]"#, false),
        (r#"[{$match: {}}, {$out: "x"}]"#, true),
        ("[{$merge: {}}]", true),
        ("[{}]", false),
        ("[7]", false),
    ] {
        assert_eq!(pipeline(stages).writes(), writes, "{stages}");
        let mut server = server().with(concerns());
        server.run(pipeline(stages)).unwrap();
        let request = &server.requests[0];
        assert!(request.contains(r#"readConcern: {level: "majority"}"#), "{request}");
        assert_eq!(request.contains(r#"writeConcern: {w: "majority"}"#), writes, "{request}");
        assert_eq!(pipeline(stages).traits().retryable, !writes, "{stages}");
    }
}

#[test]
fn old_secondaries_are_not_asked_to_write() {
    let mut connection = Connection::new(Compression::none());
    for (max_wire_version, stages, expected) in
        [(12, r#"[{$out: "x"}]"#, false), (13, r#"[{$out: "x"}]"#, true), (12, "[]", true)]
    {
        connection.set_hello(HelloReply { max_wire_version, ..HelloReply::default() }, None);
        let mut operation = pipeline(stages);
        operation.prepare(&connection).unwrap();
        assert_eq!(operation.traits().read_preference, expected, "{max_wire_version} {stages}");
    }
}

#[test]
fn old_servers_are_sent_no_comment_with_get_more() {
    let comment = || Some(ValueBuf::from_raw(doc(r#"{c: "x"}"#).as_doc().get("c").unwrap().unwrap()));
    for (max_wire_version, expected) in [(8, false), (9, true)] {
        let mut server = Server::new(&[r#"{ok: 1, cursor: {id: 0.0, ns: "db.c", nextBatch: []}}"#]);
        server.hello.max_wire_version = max_wire_version;
        let (namespace, comment) = (namespace(), comment());
        let get_more =
            GetMore { namespace, cursor_id: 1, batch_size: None, max_await_time: None, comment, exhaust: false };
        // The reply's id is no int64; the request is what matters.
        drop(server.run(get_more));
        assert_eq!(server.requests[0].contains(r#"comment: "x""#), expected, "{}", server.requests[0]);
    }
}

#[test]
fn aggregate_gives_the_cursor() {
    let mut reply = server().run(pipeline("[]")).unwrap();
    assert_eq!(reply.id, 9);
    assert_eq!(reply.namespace, Some(Namespace::new("db", "other")));
    assert_eq!(reply.batch.next_doc_buf(), Some(Ok(doc("{_id: 1}"))));
    assert_eq!(reply.batch.next_doc_buf(), Some(Ok(doc("{_id: 2}"))));
    assert_eq!(reply.batch.next_doc_buf(), None);
}

#[test]
fn aggregate_reports_errors() {
    let error = reply(pipeline("[]"), EMPTY).unwrap_err();
    assert!(matches!(error, Failure::Operation(OperationError::Bson(_))), "the id is no int64: {error:?}");
    let error = reply(pipeline("[]"), "{ok: 1}").unwrap_err();
    assert!(matches!(error, Failure::Operation(OperationError::Reply(_))), "{error:?}");
    assert_eq!(command_code(reply(pipeline("[]"), r#"{ok: 0, code: 59, errmsg: "what"}"#)), 59);

    let text = r#"{ok: 1, cursor: {}, writeConcernError: {code: 64, errmsg: "late"}}"#;
    let failure = write_failure(reply(pipeline(r#"[{$out: "x"}]"#), text));
    assert_eq!(failure.write_concern_error.unwrap().code, 64);
}

#[test]
fn an_unacknowledged_out_gives_an_empty_cursor() {
    let mut reply = Server::new(&[]).with(unacknowledged()).run(pipeline(r#"[{$out: "x"}]"#)).unwrap();
    assert_eq!((reply.id, reply.batch.next_doc_buf()), (0, None));
    server().with(unacknowledged()).run(pipeline("[]")).expect("a read is always answered");
}

#[test]
fn find_writes_its_time_once() {
    let mut find = Find::new(namespace(), doc("{a: 1}"));
    find.options.max_time = Some(Duration::from_secs(1));
    find.options.skip = Some(3);
    assert_eq!(asked(find), r#"{find: "c", filter: {a: 1}, skip: 3, maxTimeMS: 1000, $db: "db"}"#);
}

#[test]
fn a_cursor_on_the_namespace_that_was_asked_for_shares_its_name() {
    let other = Namespace::new("db", "other");
    let same = server().run(Find::new(other.clone(), doc("{}"))).unwrap().namespace.unwrap();
    assert_eq!(same.full().as_ptr(), other.full().as_ptr());
    // A view's cursor may be on another namespace; that one is to be used.
    assert_eq!(server().run(Find::new(namespace(), doc("{}"))).unwrap().namespace, Some(other));
}

#[test]
fn a_comment_goes_with_get_more_only_to_servers_that_accept_it_there() {
    for (max_wire_version, sent) in [(8, ""), (9, r#", comment: "why""#)] {
        let command = GetMore {
            namespace: namespace(),
            cursor_id: 1,
            batch_size: None,
            max_await_time: None,
            comment: Some(value(r#""why""#)),
            exhaust: false,
        };
        let mut server = Server::new(&[r#"{ok: 1, cursor: {id: 0, ns: "db.c", nextBatch: []}}"#]);
        server.hello.max_wire_version = max_wire_version;
        server.run(command).unwrap();
        assert_eq!(server.requests, [format!(r#"{{getMore: 1, collection: "c"{sent}, $db: "db"}}"#)]);
    }
}
