//! `bulkWrite` of a collection, made of the commands that every server has.

use alloc::vec;

use super::host::{Event, Host, field};
use super::*;

fn insert(id: i32) -> WriteModel {
    WriteModel::Insert(doc(&format!("{{_id: {id}}}")))
}

fn update(value: i32) -> WriteModel {
    WriteModel::Update(UpdateStatement::new(doc("{a: 1}"), Change::Update(doc(&format!("{{$set: {{b: {value}}}}}")))))
}

fn update_many() -> WriteModel {
    let change = Change::Update(doc("{$set: {b: 1}}"));
    WriteModel::Update(UpdateStatement { multi: true, ..UpdateStatement::new(doc("{}"), change) })
}

fn replace() -> WriteModel {
    WriteModel::Update(UpdateStatement::new(doc("{a: 1}"), Change::Replace(doc("{c: 1}"))))
}

fn delete(one: bool) -> WriteModel {
    WriteModel::Delete(DeleteStatement::new(doc("{a: 1}"), one))
}

fn bulk(ordered: bool, models: impl IntoIterator<Item = WriteModel>) -> BulkWrite {
    BulkWrite::new(namespace(), Some(ordered), models).unwrap()
}

fn mixed() -> [WriteModel; 6] {
    [insert(1), insert(2), update(1), delete(true), insert(3), update(2)]
}

#[test]
fn an_ordered_write_sends_runs_of_one_kind_in_order() {
    let mut server = Server::new(&[
        "{ok: 1, n: 2}",
        "{ok: 1, n: 1, nModified: 0, upserted: [{index: 0, _id: 7}]}",
        "{ok: 1, n: 1}",
        "{ok: 1, n: 1}",
        "{ok: 1, n: 2, nModified: 1}",
    ]);
    let mut operation = BulkWrite::new(namespace(), None, mixed()).unwrap();
    operation.bypass_document_validation = Some(true);
    operation.let_vars = Some(doc("{v: 1}"));
    operation.comment = Some(value("7"));
    let written = server.run(&mut operation).unwrap();
    assert_eq!(
        written,
        BulkWritten {
            inserted: 3,
            matched: 2,
            modified: 1,
            deleted: 1,
            upserted: vec![(2, value("7"))],
            acknowledged: true
        }
    );
    assert_eq!(operation.inserted(&[]), [0, 1, 4]);
    let head = "ordered: true, ";
    let bypass = "bypassDocumentValidation: true, ";
    let rest = "comment: 7, $db: \"db\"}";
    assert_eq!(
        server.requests,
        [
            format!("{{insert: \"c\", {head}{bypass}{rest} | documents: {{_id: 1}}, {{_id: 2}}"),
            format!(
                "{{update: \"c\", {head}{bypass}let: {{v: 1}}, {rest} | updates: {{q: {{a: 1}}, u: {{$set: {{b: 1}}}}}}"
            ),
            format!("{{delete: \"c\", {head}let: {{v: 1}}, {rest} | deletes: {{q: {{a: 1}}, limit: 1}}"),
            format!("{{insert: \"c\", {head}{bypass}{rest} | documents: {{_id: 3}}"),
            format!(
                "{{update: \"c\", {head}{bypass}let: {{v: 1}}, {rest} | updates: {{q: {{a: 1}}, u: {{$set: {{b: 2}}}}}}"
            ),
        ]
    );
}

#[test]
fn an_unordered_write_groups_by_kind_and_goes_on_after_errors() {
    let mut server = Server::new(&[
        r#"{ok: 1, n: 1, writeErrors: [{index: 1, code: 11000, errmsg: "dup"}]}"#,
        "{ok: 1, n: 1}",
        r#"{ok: 1, n: 1, nModified: 0, upserted: [{index: 1, _id: 9}],
            writeConcernError: {code: 64, codeName: "WriteConcernTimeout", errmsg: "late"}}"#,
        r#"{ok: 1, n: 0, writeErrors: [{index: 0, code: 5, errmsg: "no"}],
            writeConcernError: {code: 91, errmsg: "going down"}}"#,
    ])
    .with_batches_of(2);
    let mut operation = bulk(false, mixed());
    let failure = write_failure(server.run(&mut operation));
    let starts: Vec<_> = server.requests.iter().map(|request| &request[1..7]).collect();
    assert_eq!(starts, ["insert", "insert", "update", "delete"]);
    assert!(server.requests.iter().all(|request| request.contains("ordered: false")));
    let errors: Vec<_> = failure.write_errors.iter().map(|error| (error.index, error.code)).collect();
    assert_eq!(errors, [(1, 11000), (3, 5)]);
    let concerns: Vec<_> = failure.write_concern_errors.iter().map(|error| error.code).collect();
    assert_eq!(concerns, [64, 91]);
    assert_eq!((failure.done, failure.modified), (2, 0));
    assert_eq!(operation.inserted(&failure.write_errors), [0, 4]);
    let written = operation.take_written();
    assert_eq!((written.inserted, written.matched, written.deleted), (2, 0, 0));
    assert_eq!(written.upserted, vec![(5, value("9"))]);
}

#[test]
fn an_ordered_write_stops_at_the_first_error_but_not_for_a_write_concern() {
    let mut server = Server::new(&[
        r#"{ok: 1, n: 2, writeConcernError: {code: 64, errmsg: "late"}}"#,
        "{ok: 1, n: 1, nModified: 1}",
        "{ok: 1, n: 0}",
        r#"{ok: 1, n: 0, writeErrors: [{index: 0, code: 11000, errmsg: "dup"}]}"#,
    ]);
    let mut operation = bulk(true, mixed());
    let failure = write_failure(server.run(&mut operation));
    assert_eq!((failure.write_errors[0].index, failure.write_concern_errors.len()), (4, 1));
    assert_eq!(operation.inserted(&failure.write_errors), [0, 1]);
    let written = operation.take_written();
    assert_eq!((written.inserted, written.matched, written.modified), (2, 1, 1));
}

#[test]
fn documents_of_a_batch_behind_an_ordered_error_are_not_inserted() {
    let mut server =
        Server::new(&[r#"{ok: 1, n: 1, writeErrors: [{index: 1, code: 11000, errmsg: "dup"}]}"#]).with_batches_of(3);
    let mut operation = bulk(true, (0..5).map(insert));
    let failure = write_failure(server.run(&mut operation));
    assert_eq!(operation.inserted(&failure.write_errors), [0]);
}

#[test]
fn what_was_done_before_a_refusal_can_be_asked_for() {
    let mut server = Server::new(&[
        r#"{ok: 1, n: 1, writeErrors: [{index: 0, code: 11000, errmsg: "dup"}]}"#,
        "{ok: 1, n: 2}",
        "{ok: 0, code: 13, errmsg: \"no\"}",
    ])
    .with_batches_of(2);
    let mut operation = bulk(false, [insert(0), update(0), insert(1), insert(2), insert(3), insert(4)]);
    assert_eq!(command_code(server.run(&mut operation)), 13);
    let failure = operation.take_failure();
    assert_eq!(failure.write_errors[0].index, 0);
    assert_eq!(operation.inserted(&failure.write_errors), [2, 3, 4]);
    assert_eq!(operation.take_written().inserted, 3);
}

#[test]
fn each_batch_has_its_own_number_and_those_of_many_have_none() {
    let mut host = Host::replica_set();
    let done = Event::Reply("{ok: 1, n: 1}");
    let models = [insert(1), delete(true), update_many(), delete(false), insert(2)];
    host.run(bulk(true, models), &[Event::Lost, done, done, done, done, Event::Lost, done]).unwrap();
    let numbers: Vec<_> = host.requests.iter().map(|request| field(request, "txnNumber")).collect();
    assert_eq!(numbers, [Some("1"), Some("1"), Some("2"), None, None, Some("3"), Some("3")]);
    // A network error with a write of many ends it.
    let mut host = Host::replica_set();
    let mut operation = bulk(true, [insert(1), update_many()]);
    assert!(host.run(&mut operation, &[done, Event::Lost]).is_err());
    assert_eq!(operation.inserted(&[]), [0]);
}

#[test]
fn a_group_is_as_retryable_as_its_batch() {
    let mut host = Host::replica_set();
    host.hello.limits = Limits { max_write_batch_size: 2, ..Limits::default() };
    let done = Event::Reply("{ok: 1, n: 2}");
    let models = [update(1), replace(), update(2), update_many(), replace()];
    host.run(bulk(false, models), &[done, done, Event::Lost, done]).unwrap();
    let numbers: Vec<_> = host.requests.iter().map(|request| field(request, "txnNumber")).collect();
    assert_eq!(numbers, [Some("1"), None, Some("2"), Some("2")]);
}

#[test]
fn a_document_that_is_too_long_is_refused_before_anything_is_sent() {
    let long = |index: usize| {
        let text = doc(&format!("{{a: \"{}\"}}", "x".repeat(2000)));
        let mut models = vec![update(1), insert(1), delete(true)];
        models.insert(index, WriteModel::Insert(text));
        models
    };
    for ordered in [true, false] {
        for place in 0..4 {
            let mut server = Server::new(&[]);
            server.hello.limits = Limits { max_bson_object_size: 1000, ..Limits::default() };
            let error = server.run(bulk(ordered, long(place))).unwrap_err();
            let expected = OperationError::DocumentTooLarge { index: place, length: 2013, limit: 1000 };
            assert_eq!(error, Failure::Operation(expected));
            assert!(server.requests.is_empty());
        }
    }
}

#[test]
fn unacknowledged_all_batches_are_sent() {
    let mut server = Server::new(&[]).with_batches_of(1).with(unacknowledged());
    let written = server.run(bulk(true, mixed())).unwrap();
    assert_eq!((written.acknowledged, written.inserted), (false, 0));
    assert_eq!(server.requests.len(), 6);
    assert!(server.requests.iter().all(|request| request.contains("writeConcern: {w: 0}")));
    let hinted = DeleteStatement { hint: Some(value("\"a_1\"")), ..DeleteStatement::new(doc("{}"), true) };
    let mut old = Server::new(&[]).with(unacknowledged());
    old.hello.max_wire_version = 8;
    let result = old.run(bulk(true, [insert(1), WriteModel::Delete(hinted)]));
    assert!(matches!(result, Err(Failure::Operation(OperationError::InvalidArgument(_)))), "{result:?}");
}

#[test]
fn an_empty_list_and_an_update_without_operators_are_refused() {
    assert!(matches!(BulkWrite::new(namespace(), None, []), Err(OperationError::InvalidArgument(_))));
    let wrong = WriteModel::Update(UpdateStatement::new(doc("{}"), Change::Update(doc("{a: 1}"))));
    assert!(matches!(BulkWrite::new(namespace(), None, [insert(1), wrong]), Err(OperationError::InvalidArgument(_))));
}
