//! The command `bulkWrite`.

use alloc::vec;

use super::host::{Event, Host, field};
use super::*;
use crate::hello::ServerKind;

fn on(collection: &str, model: WriteModel) -> (Namespace, WriteModel) {
    (Namespace::new("db", collection), model)
}

fn insert(collection: &str, id: i32) -> (Namespace, WriteModel) {
    on(collection, WriteModel::Insert(doc(&format!("{{_id: {id}}}"))))
}

fn delete_many(collection: &str) -> (Namespace, WriteModel) {
    on(collection, WriteModel::Delete(DeleteStatement::new(doc("{}"), false)))
}

fn inserts(count: i32) -> ClientBulkWrite {
    ClientBulkWrite::new((0..count).map(|id| insert("c", id))).unwrap()
}

fn server(replies: &[&str]) -> Server {
    let mut server = Server::new(replies);
    server.hello.max_wire_version = 25;
    server
}

/// A reply without results.
fn counts(inserted: i32) -> String {
    format!(
        "{{ok: 1, cursor: {{id: 0, ns: \"admin.$cmd.bulkWrite\", firstBatch: []}}, nErrors: 0, nInserted: {inserted}, \
         nUpserted: 0, nMatched: 0, nModified: 0, nDeleted: 0}}"
    )
}

#[test]
fn the_command_says_everything_that_the_models_do() {
    let mut update = UpdateStatement::new(doc("{a: 1}"), Change::Pipeline(array("[{$set: {b: 1}}]")));
    update.multi = true;
    update.upsert = Some(true);
    update.array_filters = Some(array("[{x: 1}]"));
    update.hint = Some(value("\"a_1\""));
    update.collation = Some(doc("{locale: \"de\"}"));
    let mut replace = UpdateStatement::new(doc("{}"), Change::Replace(doc("{c: 1}")));
    replace.sort = Some(doc("{a: 1}"));
    let mut delete = DeleteStatement::new(doc("{a: 2}"), true);
    delete.hint = Some(value("{a: 1}"));
    delete.collation = Some(doc("{locale: \"fr\"}"));
    let models = [
        insert("c", 1),
        on("d", WriteModel::Update(update)),
        on("c", WriteModel::Update(replace)),
        on("d", WriteModel::Delete(delete)),
    ];
    let mut operation = ClientBulkWrite::new(models).unwrap();
    operation.bypass_document_validation = Some(true);
    operation.let_vars = Some(doc("{v: 1}"));
    operation.comment = Some(value("7"));
    let mut server = server(&[&counts(1)]);
    let written = server.run(operation).unwrap();
    assert!(written.succeeded && written.acknowledged && written.outcomes.is_empty());
    assert_eq!(
        server.requests[0],
        concat!(
            r#"{bulkWrite: 1, errorsOnly: true, ordered: true, bypassDocumentValidation: true, comment: 7, let: {v: 1}, "#,
            r#"$db: "admin"} | ops: {insert: 0, document: {_id: 1}}, "#,
            r#"{update: 1, filter: {a: 1}, updateMods: [{$set: {b: 1}}], multi: true, upsert: true, "#,
            r#"arrayFilters: [{x: 1}], hint: "a_1", collation: {locale: "de"}}, "#,
            r#"{update: 0, filter: {}, updateMods: {c: 1}, multi: false, sort: {a: 1}}, "#,
            r#"{delete: 1, filter: {a: 2}, multi: false, hint: {a: 1}, collation: {locale: "fr"}}"#,
            r#" | nsInfo: {ns: "db.c"}, {ns: "db.d"}"#,
        )
    );
}

#[test]
fn each_batch_names_only_its_own_namespaces() {
    let models = [insert("a", 0), insert("b", 1), insert("c", 2), insert("b", 3), insert("c", 4), insert("a", 5)];
    let operation = ClientBulkWrite::new(models).unwrap();
    let reply = counts(2);
    let mut server = server(&[&reply, &reply, &reply]).with_batches_of(2);
    server.hello.max_wire_version = 25;
    assert_eq!(server.run(operation).unwrap().inserted, 6);
    let tails: Vec<_> = server.requests.iter().map(|request| request.split_once(" | ").unwrap().1).collect();
    assert_eq!(
        tails,
        [
            r#"ops: {insert: 0, document: {_id: 0}}, {insert: 1, document: {_id: 1}} | nsInfo: {ns: "db.a"}, {ns: "db.b"}"#,
            r#"ops: {insert: 0, document: {_id: 2}}, {insert: 1, document: {_id: 3}} | nsInfo: {ns: "db.c"}, {ns: "db.b"}"#,
            r#"ops: {insert: 0, document: {_id: 4}}, {insert: 1, document: {_id: 5}} | nsInfo: {ns: "db.c"}, {ns: "db.a"}"#,
        ]
    );
}

/// The sizes are those of the specification's prose test 11: 43 bytes of command, 58 and 21 bytes of a model.
#[test]
fn a_message_is_filled_to_the_last_byte_that_the_specification_leaves() {
    let model = |collection: &str| {
        let text = r#"{_id: T5, a: "b"}"#;
        on(collection, WriteModel::Insert(doc(text)))
    };
    let size = |collection: &str| {
        let operation = doc(r#"{insert: 0, document: {_id: T5, a: "b"}}"#);
        (operation.as_bytes().len(), doc(&format!("{{ns: \"db.{collection}\"}}")).as_bytes().len())
    };
    let (op, ns) = size("coll");
    assert_eq!(ns, 21);
    let run = |models: [(Namespace, WriteModel); 2], max_message_size: usize, replies: usize| {
        let reply = counts(1);
        let mut server = server(&vec![reply.as_str(); replies]);
        server.hello.limits = Limits { max_message_size, ..Limits::default() };
        server.run(ClientBulkWrite::new(models).unwrap()).unwrap();
        server.requests.len()
    };
    let exact = 1000 + 43 + ns + 2 * op;
    assert_eq!(run([model("coll"), model("coll")], exact, 1), 1);
    assert_eq!(run([model("coll"), model("coll")], exact - 1, 2), 2);
    // Another namespace needs its room as well.
    assert_eq!(run([model("coll"), model("loco")], exact + ns, 1), 1);
    assert_eq!(run([model("coll"), model("loco")], exact + ns - 1, 2), 2);
}

#[test]
fn what_fits_into_no_message_is_refused_before_anything_is_sent() {
    let long = on("c", WriteModel::Insert(doc(&format!("{{a: \"{}\"}}", "b".repeat(3000)))));
    let named = insert(&"c".repeat(3000), 1);
    for model in [long, named] {
        let mut server = server(&[]);
        server.hello.limits = Limits { max_message_size: 3000, ..Limits::default() };
        let mut operation = ClientBulkWrite::new([insert("c", 0), model]).unwrap();
        let error = server.run(&mut operation).unwrap_err();
        let limit = 3000 - 1000 - 43;
        assert!(
            matches!(error, Failure::Operation(OperationError::DocumentTooLarge { index: 1, limit: l, .. }) if l == limit),
            "{error:?}"
        );
        assert!(server.requests.is_empty() && !operation.take_written().succeeded);
    }
}

#[test]
fn verbose_results_come_in_batches_and_in_the_same_session() {
    let mut operation = inserts(3);
    operation.verbose_results = Some(true);
    operation.comment = Some(value("7"));
    let mut host = Host::new(ServerKind::RsPrimary).wire_version(25);
    let written = host
        .run(
            operation,
            &[
                Event::Reply(
                    "{ok: 1, cursor: {id: 44, ns: \"admin.$cmd.bulkWrite\", firstBatch: [{ok: 1, idx: 0, n: 1}]}, \
                     nErrors: 0, nInserted: 1, nUpserted: 1, nMatched: 1, nModified: 1, nDeleted: 0}",
                ),
                Event::Reply(
                    "{ok: 1, cursor: {id: 44, ns: \"admin.$cmd.bulkWrite\", nextBatch: \
                     [{ok: 1.0, idx: 1, n: 1, nModified: 0, upserted: {_id: null}}]}}",
                ),
                Event::Reply(
                    "{ok: 1, cursor: {id: 0, ns: \"admin.$cmd.bulkWrite\", nextBatch: \
                     [{ok: 1, idx: 2, n: 1, nModified: 1}]}}",
                ),
            ],
        )
        .unwrap();
    let outcome = |modified, upserted| WriteOutcome { count: 1, modified, upserted };
    let null = value("null");
    assert_eq!(written.outcomes, [(0, outcome(0, None)), (1, outcome(0, Some(null))), (2, outcome(1, None))]);
    assert_eq!((written.inserted, written.upserted, written.matched, written.modified), (1, 1, 1, 1));
    let sessions: Vec<_> = host.requests.iter().map(|request| field(request, "lsid")).collect();
    assert!(sessions[0].is_some() && sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    assert_eq!(field(&host.requests[0], "errorsOnly"), Some("false"));
    assert_eq!(field(&host.requests[0], "txnNumber"), Some("1"));
    let more = "{getMore: 44, collection: \"$cmd.bulkWrite\", comment: 7, $db: \"admin\", lsid: ";
    assert!(host.requests[1].starts_with(more), "{}", host.requests[1]);
    assert!(!host.requests[1].contains("txnNumber") && !host.requests[1].contains(" | "));
}

const DUPLICATE: &str = "{ok: 1, cursor: {id: 0, ns: \"admin.$cmd.bulkWrite\", firstBatch: \
    [{ok: 0, idx: 1, code: 11000, errmsg: \"dup\", errInfo: {why: 1}, n: 0}]}, nErrors: 1, nInserted: 1}";

#[test]
fn unordered_errors_are_collected_over_all_batches() {
    let mut operation = inserts(5);
    operation.ordered = Some(false);
    let mut server = server(&[DUPLICATE, DUPLICATE, &counts(1)]).with_batches_of(2);
    server.hello.max_wire_version = 25;
    let failure = write_failure(server.run(&mut operation));
    let indexes: Vec<_> = failure.write_errors.iter().map(|error| error.index).collect();
    assert_eq!(indexes, [1, 3]);
    assert_eq!(failure.write_errors[0].details, Some(doc("{why: 1}")));
    let written = operation.take_written();
    assert_eq!((written.inserted, written.succeeded), (3, true));
}

#[test]
fn an_ordered_error_ends_it() {
    let mut operation = inserts(5);
    let mut server = server(&[&counts(2), DUPLICATE]).with_batches_of(2);
    server.hello.max_wire_version = 25;
    let failure = write_failure(server.run(&mut operation));
    assert_eq!(failure.write_errors[0].index, 3);
    assert_eq!(operation.take_written().inserted, 3);
    assert!(operation.take_cursor().is_none());
}

#[test]
fn results_behind_an_ordered_error_are_forgotten() {
    let reply = "{ok: 1, cursor: {id: 44, ns: \"admin.$cmd.bulkWrite\", firstBatch: \
        [{ok: 0, idx: 0, code: 11000, errmsg: \"dup\"}]}, nErrors: 1}";
    for killed in ["{ok: 1, cursorsKilled: [44]}", "{ok: 0, code: 43, errmsg: \"gone\"}"] {
        let mut operation = inserts(2);
        let mut server = server(&[reply, killed]);
        let failure = write_failure(server.run(&mut operation));
        assert_eq!(failure.write_errors.len(), 1);
        assert_eq!(server.requests[1], "{killCursors: \"$cmd.bulkWrite\", cursors: [44], $db: \"admin\"}");
        assert!(operation.take_cursor().is_none());
    }
}

#[test]
fn whether_anything_has_succeeded_is_told_only_if_it_is_certain() {
    let reply = |ordered_error: i32, errors: i32| {
        format!(
            "{{ok: 1, cursor: {{id: 0, ns: \"admin.$cmd.bulkWrite\", firstBatch: \
             [{{ok: 0, idx: {ordered_error}, code: 1}}]}}, nErrors: {errors}}}"
        )
    };
    for (ordered, index, errors, succeeded) in
        [(true, 0, 1, false), (true, 1, 1, true), (false, 0, 2, false), (false, 0, 1, true)]
    {
        let mut operation = inserts(2);
        operation.ordered = Some(ordered);
        write_failure(server(&[&reply(index, errors)]).run(&mut operation));
        assert_eq!(operation.take_written().succeeded, succeeded, "{ordered} {index} {errors}");
    }
}

#[test]
fn write_concern_errors_of_all_batches_are_kept() {
    let reply = counts(1).replace("nErrors: 0", "nErrors: 0, writeConcernError: {code: 91, errmsg: \"going down\"}");
    let mut server = server(&[&reply, &reply]).with_batches_of(1);
    server.hello.max_wire_version = 25;
    let mut operation = inserts(2);
    let failure = write_failure(server.run(&mut operation));
    assert_eq!((failure.write_concern_errors.len(), failure.write_errors.len()), (2, 0));
    assert_eq!(operation.take_written().inserted, 2);
}

const FIRST_OF_MANY: &str = "{ok: 1, cursor: {id: 44, ns: \"admin.$cmd.bulkWrite\", firstBatch: \
    [{ok: 1, idx: 0, n: 1}]}, nErrors: 0, nInserted: 2}";

#[test]
fn a_refused_get_more_ends_it_and_the_cursor() {
    let mut operation = inserts(2);
    operation.verbose_results = Some(true);
    let mut server = server(&[FIRST_OF_MANY, "{ok: 0, code: 8, errmsg: \"no\"}", "{ok: 1, cursorsKilled: [44]}"]);
    assert_eq!(command_code(server.run(&mut operation)), 8);
    assert!(
        server.requests[2].starts_with("{killCursors: \"$cmd.bulkWrite\", cursors: [44]"),
        "{}",
        server.requests[2]
    );
    let written = operation.take_written();
    assert_eq!((written.inserted, written.outcomes.len(), written.succeeded), (2, 1, true));
    assert!(operation.take_cursor().is_none());
}

#[test]
fn the_refusal_stays_the_error_whatever_becomes_of_the_cursor() {
    let refused = Event::Reply("{ok: 0, code: 8, errmsg: \"no\"}");
    let gone = Event::Reply("{ok: 0, code: 391, errmsg: \"gone\"}");
    for (end, left) in [(gone, false), (Event::Lost, true), (Event::Late, true)] {
        let mut operation = inserts(2);
        operation.ordered = Some(false);
        let mut host = Host::new(ServerKind::RsPrimary).wire_version(25).with_timeout(1000);
        let error = host.run(&mut operation, &[Event::Reply(FIRST_OF_MANY), refused, end]).unwrap_err();
        assert_eq!(error.code, Some(8));
        assert_eq!(host.requests.len(), 3);
        assert_eq!(operation.take_cursor().is_some(), left);
        let lsid = field(&host.requests[2], "lsid");
        assert!(lsid.is_some() && lsid == field(&host.requests[0], "lsid"));
    }
}

#[test]
fn a_lost_connection_leaves_the_cursor_for_the_host_to_kill() {
    let mut operation = inserts(2);
    let mut host = Host::new(ServerKind::RsPrimary).wire_version(25);
    assert!(host.run(&mut operation, &[Event::Reply(FIRST_OF_MANY), Event::Lost]).is_err());
    let kill = operation.take_cursor().unwrap();
    assert_eq!((kill.namespace.full(), kill.ids.as_slice()), ("admin.$cmd.bulkWrite", &[44][..]));
    assert!(operation.take_cursor().is_none());
}

#[test]
fn errors_before_a_refusal_can_be_asked_for() {
    let mut operation = inserts(4);
    operation.ordered = Some(false);
    let mut server = server(&[DUPLICATE, "{ok: 0, code: 13, errmsg: \"no\"}"]).with_batches_of(2);
    server.hello.max_wire_version = 25;
    assert_eq!(command_code(server.run(&mut operation)), 13);
    assert_eq!(operation.take_failure().write_errors[0].index, 1);
    assert_eq!(operation.take_written().inserted, 1);
}

#[test]
fn only_batches_without_writes_of_many_are_retried() {
    let reply = "{ok: 1, cursor: {id: 0, ns: \"admin.$cmd.bulkWrite\", firstBatch: []}, nErrors: 0}";
    let mut host = Host::new(ServerKind::RsPrimary).wire_version(25);
    host.hello.limits = Limits { max_write_batch_size: 2, ..Limits::default() };
    let models = || [insert("c", 1), insert("c", 2), delete_many("c"), insert("c", 3), insert("c", 4)];
    let operation = ClientBulkWrite::new(models()).unwrap();
    let done = Event::Reply(reply);
    host.run(operation, &[Event::Lost, done, done, Event::Lost, done]).unwrap();
    let numbers: Vec<_> = host.requests.iter().map(|request| field(request, "txnNumber")).collect();
    assert_eq!(numbers, [Some("1"), Some("1"), None, Some("2"), Some("2")]);
    let operation = ClientBulkWrite::new(models()).unwrap();
    assert!(host.run(operation, &[done, Event::Lost]).is_err());
}

#[test]
fn unacknowledged_batches_are_unordered_and_without_results() {
    let run = |ordered, verbose, collections: &[&str]| {
        let writes = collections.iter().enumerate().map(|(id, collection)| insert(collection, id as i32));
        let mut operation = ClientBulkWrite::new(writes).unwrap();
        operation.ordered = ordered;
        operation.verbose_results = verbose;
        let mut server = server(&[]).with_batches_of(2).with(unacknowledged());
        server.hello.max_wire_version = 25;
        (server.run(operation), server.requests)
    };
    let (written, requests) = run(Some(false), None, &["c", "c", "d"]);
    assert!(!written.unwrap().acknowledged);
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.contains("writeConcern: {w: 0}")), "{requests:?}");
    assert!(requests[1].ends_with("| nsInfo: {ns: \"db.d\"}"), "{}", requests[1]);
    for (ordered, verbose, what) in
        [(None, None, "ordered"), (Some(true), None, "ordered"), (None, Some(true), "verbose")]
    {
        let (error, requests) = run(ordered, verbose, &["c"]);
        let error = format!("{:?}", error.unwrap_err());
        assert!(error.contains("Cannot request unacknowledged write concern and ") && error.contains(what), "{error}");
        assert!(requests.is_empty());
    }
}

#[test]
fn it_needs_server_8_0_and_something_to_write() {
    let mut old = Server::new(&[]);
    old.hello.max_wire_version = 24;
    let result = old.run(inserts(1));
    assert!(matches!(result, Err(Failure::Operation(OperationError::InvalidArgument(_)))), "{result:?}");
    assert!(old.requests.is_empty());
    assert!(matches!(ClientBulkWrite::new([]), Err(OperationError::InvalidArgument(_))));
    let wrong = WriteModel::Update(UpdateStatement::new(doc("{}"), Change::Replace(doc("{$set: {a: 1}}"))));
    assert!(matches!(ClientBulkWrite::new([on("c", wrong)]), Err(OperationError::InvalidArgument(_))));
}

#[test]
fn nonsense_from_a_server_is_an_error() {
    for text in [
        "{ok: 1}",
        "{ok: 1, cursor: {id: 44, firstBatch: []}}",
        "{ok: 1, cursor: {id: 0, firstBatch: [{ok: 1}]}}",
        "{ok: 1, cursor: {id: 0, firstBatch: [{ok: 1, idx: -1}]}}",
    ] {
        assert!(matches!(server(&[text]).run(inserts(1)), Err(Failure::Operation(OperationError::Reply(_)))), "{text}");
    }
}
