//! `insert`, `update` and `delete`.

use alloc::string::ToString;
use alloc::vec;

use super::*;

fn set(value: i32) -> UpdateStatement {
    UpdateStatement::new(doc("{a: 1}"), Change::Update(doc(&format!("{{$set: {{b: {value}}}}}"))))
}

fn update(count: i32) -> Update {
    Update::new(namespace(), (0..count).map(set)).unwrap()
}

fn delete(count: usize) -> Delete {
    let statement = DeleteStatement::new(doc("{a: 1}"), true);
    Delete::new(namespace(), vec![statement; count]).unwrap()
}

fn insert(count: i32) -> Insert {
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for id in 0..count {
        bytes.extend_from_slice(doc(&format!("{{_id: {id}}}")).as_bytes());
        ends.push(bytes.len());
    }
    Insert::new(namespace(), Documents::new(bytes, ends))
}

#[track_caller]
fn invalid<T: fmt::Debug>(result: Result<T, OperationError>) -> String {
    match result {
        Err(error @ OperationError::InvalidArgument(_)) => error.to_string(),
        other => panic!("accepted: {other:?}"),
    }
}

#[test]
fn update_writes_only_what_was_asked() {
    assert_eq!(
        request(update(1), "{ok: 1, n: 1}"),
        r#"{update: "c", ordered: true, $db: "db"} | updates: {q: {a: 1}, u: {$set: {b: 0}}}"#
    );
}

#[test]
fn update_writes_all_options() {
    let mut statement = UpdateStatement::new(doc("{a: 1}"), Change::Pipeline(array("[{$set: {b: 1}}]")));
    statement.multi = true;
    statement.upsert = Some(true);
    statement.array_filters = Some(array("[{x: 1}]"));
    statement.collation = Some(doc(r#"{locale: "de"}"#));
    statement.hint = Some(value(r#""a_1""#));
    statement.sort = Some(doc("{a: -1}"));
    let replace =
        UpdateStatement { upsert: Some(false), ..UpdateStatement::new(doc("{}"), Change::Replace(doc("{}"))) };
    let mut operation = Update::new(namespace(), [statement, replace]).unwrap();
    operation.ordered = Some(false);
    operation.bypass_document_validation = Some(true);
    operation.let_vars = Some(doc("{v: 1}"));
    operation.comment = Some(value("7"));
    assert_eq!(
        request(operation, "{ok: 1, n: 0, nModified: 0}"),
        concat!(
            r#"{update: "c", ordered: false, bypassDocumentValidation: true, let: {v: 1}, comment: 7, $db: "db"} | "#,
            r#"updates: {q: {a: 1}, u: [{$set: {b: 1}}], multi: true, upsert: true, arrayFilters: [{x: 1}], "#,
            r#"collation: {locale: "de"}, hint: "a_1", sort: {a: -1}}, {q: {}, u: {}, upsert: false}"#,
        )
    );
}

#[test]
fn updates_replacements_and_pipelines_are_told_apart() {
    let build = |change| Update::new(namespace(), [UpdateStatement::new(doc("{}"), change)]);
    for update in ["{}", "{a: 1}", "{a: 1, $set: {b: 1}}"] {
        invalid(build(Change::Update(doc(update))));
    }
    build(Change::Update(doc("{$set: {b: 1}, a: 1}"))).expect("the server judges what follows");
    invalid(build(Change::Replace(doc("{$set: {b: 1}}"))));
    for replacement in ["{}", "{a: 1}", "{a: 1, $set: {b: 1}}"] {
        build(Change::Replace(doc(replacement))).expect("only the first key is checked");
    }
    invalid(build(Change::Pipeline(array("[]"))));
    build(Change::Pipeline(array("[{$set: {b: 1}}]"))).unwrap();
    let torn = DocBuf::new(&b"\x08\0\0\0\x10$\xff\0"[..]).unwrap();
    for change in [Change::Update(torn.clone()), Change::Replace(torn.clone()), Change::Pipeline(torn)] {
        assert!(invalid(build(change)).contains("BSON"));
    }
    invalid(Update::new(namespace(), []));
    invalid(Delete::new(namespace(), []));
}

#[test]
fn update_counts_over_all_batches() {
    let mut server = Server::new(&[
        "{ok: 1, n: 2, nModified: 0, upserted: [{index: 1, _id: 10}]}",
        "{ok: 1.0, n: 2.0, nModified: 1}",
        r#"{ok: 1, n: 1, nModified: 0, upserted: [{index: 0, _id: "x"}]}"#,
    ])
    .with_batches_of(2);
    let updated = server.run(update(5)).unwrap();
    let upserted = vec![(1, value("10")), (4, value(r#""x""#))];
    assert_eq!(updated, Updated { matched: 3, modified: 1, upserted, acknowledged: true });
    let batches: Vec<_> = server.requests.iter().map(|request| request.matches("{q:").count()).collect();
    assert_eq!(batches, [2, 2, 1]);
    assert!(server.requests[2].contains("{b: 4}"), "{}", server.requests[2]);
}

#[test]
fn an_upsert_without_index_or_id_is_an_incomplete_reply() {
    for text in ["{ok: 1, n: 1, upserted: [{_id: 1}]}", "{ok: 1, n: 1, upserted: [{index: 0}]}"] {
        assert!(matches!(reply(update(1), text), Err(Failure::Operation(OperationError::Reply(_)))), "{text}");
    }
}

#[test]
fn an_ordered_update_stops_at_the_first_error() {
    let mut server = Server::new(&[
        "{ok: 1, n: 2, nModified: 2}",
        r#"{ok: 1, n: 0, nModified: 0, writeErrors: [{index: 0, code: 11000, errmsg: "dup"}]}"#,
    ])
    .with_batches_of(2);
    let failure = write_failure(server.run(update(6)));
    assert_eq!((failure.done, failure.modified), (2, 2));
    assert_eq!(failure.write_errors.len(), 1);
    assert_eq!((failure.write_errors[0].index, failure.write_errors[0].code), (2, 11000));
    assert_eq!(failure.write_errors[0].message, "dup");
}

#[test]
fn an_unordered_update_goes_on_and_keeps_all_errors() {
    let mut operation = update(3);
    operation.ordered = Some(false);
    let mut server = Server::new(&[
        r#"{ok: 1, n: 1, nModified: 1, writeErrors: [{index: 1, code: 1, errmsg: "a", errInfo: {why: 1}}]}"#,
        r#"{ok: 1, n: 1, nModified: 0, upserted: [{index: 0, _id: 7}], errorLabels: ["L"],
            writeConcernError: {code: 64, codeName: "WriteConcernTimeout", errmsg: "late"}}"#,
    ])
    .with_batches_of(2);
    let failure = write_failure(server.run(operation));
    assert_eq!((failure.done, failure.modified, failure.upserted), (1, 1, vec![(2, value("7"))]));
    assert_eq!(failure.write_errors[0].index, 1);
    assert_eq!(failure.write_errors[0].details, Some(doc("{why: 1}")));
    let concern = failure.write_concern_error.unwrap();
    assert_eq!(
        (concern.code, concern.code_name.as_str(), concern.message.as_str()),
        (64, "WriteConcernTimeout", "late")
    );
    assert_eq!(failure.labels, ["L"]);
}

#[test]
fn a_refused_batch_ends_the_write() {
    let mut server = Server::new(&["{ok: 1, n: 1}", r#"{ok: 0, code: 13, codeName: "Unauthorized", errmsg: "no"}"#])
        .with_batches_of(1);
    assert_eq!(command_code(server.run(delete(3))), 13);
}

#[test]
fn delete_writes_only_what_was_asked() {
    assert_eq!(
        request(delete(1), "{ok: 1, n: 1}"),
        r#"{delete: "c", ordered: true, $db: "db"} | deletes: {q: {a: 1}, limit: 1}"#
    );
}

#[test]
fn delete_writes_all_options() {
    let mut statement = DeleteStatement::new(doc("{a: 1}"), false);
    statement.collation = Some(doc(r#"{locale: "de"}"#));
    statement.hint = Some(value("{a: 1}"));
    let mut operation = Delete::new(namespace(), [statement]).unwrap();
    operation.ordered = Some(false);
    operation.let_vars = Some(doc("{v: 1}"));
    operation.comment = Some(value(r#""why""#));
    assert_eq!(
        request(operation, "{ok: 1, n: 3}"),
        concat!(
            r#"{delete: "c", ordered: false, let: {v: 1}, comment: "why", $db: "db"} | "#,
            r#"deletes: {q: {a: 1}, limit: 0, collation: {locale: "de"}, hint: {a: 1}}"#,
        )
    );
}

#[test]
fn delete_counts_and_reports_over_all_batches() {
    let mut server = Server::new(&["{ok: 1, n: 2}", "{ok: 1, n: 1}"]).with_batches_of(2);
    assert_eq!(server.run(delete(3)), Ok(Deleted { count: 3, acknowledged: true }));

    let failing = ["{ok: 1, n: 2}", r#"{ok: 1, n: 0, writeErrors: [{index: 1, code: 5, errmsg: "x"}]}"#];
    let failure = write_failure(Server::new(&failing).with_batches_of(2).run(delete(4)));
    assert_eq!((failure.done, failure.write_errors[0].index), (2, 3));
}

#[test]
fn insert_counts_and_reports_over_all_batches() {
    let mut server = Server::new(&["{ok: 1, n: 2}", "{ok: 1, n: 1}"]).with_batches_of(2);
    assert_eq!(server.run(insert(3)), Ok(Inserted { count: 3, acknowledged: true }));
    assert_eq!(
        server.requests,
        [
            r#"{insert: "c", ordered: true, $db: "db"} | documents: {_id: 0}, {_id: 1}"#,
            r#"{insert: "c", ordered: true, $db: "db"} | documents: {_id: 2}"#,
        ]
    );
    let failing = ["{ok: 1, n: 2}", r#"{ok: 1, n: 1, writeErrors: [{index: 1, code: 11000, errmsg: "x"}]}"#];
    let failure = write_failure(Server::new(&failing).with_batches_of(2).run(insert(5)));
    assert_eq!((failure.done, failure.write_errors[0].index), (3, 3));
}

#[test]
fn unacknowledged_writes_send_all_batches_and_wait_for_none() {
    let server = || Server::new(&[]).with_batches_of(1).with(unacknowledged());
    let mut updates = server();
    let updated = updates.run(update(2)).unwrap();
    assert_eq!(updated, Updated { matched: 0, modified: 0, upserted: vec![], acknowledged: false });
    assert_eq!(updates.requests.len(), 2);
    assert!(updates.requests[0].contains("writeConcern: {w: 0}"), "{}", updates.requests[0]);
    assert_eq!(server().run(delete(2)), Ok(Deleted { count: 0, acknowledged: false }));
    assert_eq!(server().run(insert(2)), Ok(Inserted { count: 0, acknowledged: false }));
}

#[test]
fn an_unacknowledged_hint_needs_a_server_that_knows_hints() {
    let hinted_update = || {
        let statement = UpdateStatement { hint: Some(value(r#""a_1""#)), ..set(1) };
        Update::new(namespace(), [set(0), statement]).unwrap()
    };
    let hinted_delete = || {
        let statement = DeleteStatement { hint: Some(value(r#""a_1""#)), ..DeleteStatement::new(doc("{}"), true) };
        Delete::new(namespace(), [statement]).unwrap()
    };
    let server = |wire_version, settings| {
        let mut server = Server::new(&[]).with(settings);
        server.hello.max_wire_version = wire_version;
        server
    };
    let old = || server(8, unacknowledged());
    let result = old().run(hinted_delete());
    assert!(matches!(result, Err(Failure::Operation(OperationError::InvalidArgument(_)))), "{result:?}");
    old().run(hinted_update()).expect("updates know hints since server 4.2");
    old().run(update(1)).expect("without a hint");
    server(9, unacknowledged()).run(hinted_update()).expect("server 4.4");
    server(9, unacknowledged()).run(hinted_delete()).expect("server 4.4");
    let mut acknowledged = server(8, Settings::default());
    acknowledged.replies.push(doc("{ok: 1, n: 1}"));
    acknowledged.run(hinted_delete()).expect("the server can answer");
}

#[test]
fn only_batches_of_single_writes_are_retryable() {
    let many = UpdateStatement { multi: true, ..set(1) };
    let mut updates = Update::new(namespace(), [set(0), set(0), set(0), many]).unwrap();
    let mut deletes =
        Delete::new(namespace(), [true, true, false, true].map(|one| DeleteStatement::new(doc("{}"), one))).unwrap();
    let mut connection = Connection::new(Compression::none());
    let limits = Limits { max_write_batch_size: 2, ..Limits::default() };
    connection.set_hello(HelloReply { limits, ..HelloReply::default() }, None);
    for retryable in [true, false] {
        updates.prepare(&connection).unwrap();
        assert_eq!(updates.traits(), Traits { retryable, ..Traits::WRITE });
        deletes.prepare(&connection).unwrap();
        assert_eq!(deletes.traits(), Traits { retryable, ..Traits::WRITE });
        // On to the next batch.
        assert!(updates.unacknowledged().is_some() && deletes.unacknowledged().is_some());
    }
}

#[test]
fn a_statement_may_be_longer_than_a_stored_document_but_not_by_much() {
    let statement = |length: usize| {
        let filter = doc(&format!("{{a: \"{}\"}}", "x".repeat(length)));
        Delete::new(namespace(), [DeleteStatement::new(filter, true)]).unwrap()
    };
    let mut server = Server::new(&["{ok: 1, n: 1}"]);
    server.hello.limits = Limits { max_bson_object_size: 1000, ..Limits::default() };
    server.run(statement(1000 + 16 * 1024 - 100)).unwrap();
    let error = server.run(statement(1000 + 16 * 1024)).unwrap_err();
    assert!(
        matches!(error, Failure::Operation(OperationError::DocumentTooLarge { index: 0, limit: 17384, .. })),
        "{error:?}"
    );
}
