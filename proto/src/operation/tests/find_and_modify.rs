//! `findAndModify`.

use super::*;

fn operation(modification: Modification) -> FindAndModify {
    FindAndModify::new(namespace(), doc("{a: 1}"), modification).unwrap()
}

#[test]
fn it_writes_only_what_was_asked() {
    let cases = [
        (Modification::Remove, "remove: true"),
        (Modification::Update(doc("{$set: {b: 1}}")), "update: {$set: {b: 1}}"),
        (Modification::Pipeline(array("[{$unset: 1}]")), "update: [{$unset: 1}]"),
        (Modification::Replace(doc("{b: 1}")), "update: {b: 1}"),
    ];
    for (modification, written) in cases {
        assert_eq!(
            request(operation(modification), "{ok: 1, value: null}"),
            format!(r#"{{findAndModify: "c", query: {{a: 1}}, {written}, $db: "db"}}"#)
        );
    }
}

#[test]
fn it_writes_all_options() {
    let operation = FindAndModify {
        sort: Some(doc("{a: 1}")),
        projection: Some(doc("{b: 1}")),
        return_new: Some(true),
        upsert: Some(true),
        array_filters: Some(array("[{x: 1}]")),
        bypass_document_validation: Some(false),
        hint: Some(value(r#""a_1""#)),
        collation: Some(doc(r#"{locale: "de"}"#)),
        let_vars: Some(doc("{v: 1}")),
        max_time: Some(Duration::from_millis(1500)),
        comment: Some(value("7")),
        ..operation(Modification::Update(doc("{$set: {b: 1}}")))
    };
    assert_eq!(
        request(operation, "{ok: 1, value: null}"),
        concat!(
            r#"{findAndModify: "c", query: {a: 1}, update: {$set: {b: 1}}, sort: {a: 1}, fields: {b: 1}, new: true, "#,
            r#"upsert: true, arrayFilters: [{x: 1}], bypassDocumentValidation: false, hint: "a_1", "#,
            r#"collation: {locale: "de"}, let: {v: 1}, comment: 7, maxTimeMS: 1500, $db: "db"}"#,
        )
    );
}

#[test]
fn the_modification_is_checked() {
    let build = |modification| FindAndModify::new(namespace(), doc("{}"), modification).map(drop);
    let wrong = [
        Modification::Update(doc("{}")),
        Modification::Update(doc("{a: 1}")),
        Modification::Replace(doc("{$set: {a: 1}}")),
        Modification::Pipeline(array("[]")),
    ];
    for modification in wrong {
        assert!(matches!(build(modification.clone()), Err(OperationError::InvalidArgument(_))), "{modification:?}");
    }
}

#[test]
fn it_gives_the_document_or_none() {
    let run = |text| reply(operation(Modification::Remove), text);
    assert_eq!(run("{ok: 1, value: {_id: 1}, lastErrorObject: {n: 1}}"), Ok(Some(doc("{_id: 1}"))));
    assert_eq!(run("{ok: 1, value: null}"), Ok(None));
    assert_eq!(run("{ok: 1}"), Ok(None));
    assert!(matches!(run("{ok: 1, value: 5}"), Err(Failure::Operation(OperationError::Bson(_)))));
}

#[test]
fn errors_are_reported() {
    let run = |text| reply(operation(Modification::Remove), text);
    assert_eq!(command_code(run(r#"{ok: 0, code: 11000, errmsg: "dup"}"#)), 11000);
    let failure = write_failure(run(
        r#"{ok: 1, value: {_id: 1}, lastErrorObject: {n: 1}, writeConcernError: {code: 64, errmsg: "late"}}"#,
    ));
    assert_eq!(failure.done, 1);
    assert_eq!(failure.write_concern_error.unwrap().code, 64);
}

#[test]
fn it_can_be_unacknowledged_but_for_a_hint_on_an_old_server() {
    let mut server = Server::new(&[]).with(unacknowledged());
    assert_eq!(server.run(operation(Modification::Remove)), Ok(None));
    server.hello.max_wire_version = 8;
    let hinted = FindAndModify { hint: Some(value(r#""a_1""#)), ..operation(Modification::Remove) };
    assert!(matches!(server.run(hinted), Err(Failure::Operation(OperationError::InvalidArgument(_)))));
    assert_eq!(server.requests.len(), 1);
}

#[test]
fn it_takes_a_write_concern_only() {
    let mut server = Server::new(&["{ok: 1, value: null}"]).with(concerns());
    server.run(operation(Modification::Remove)).unwrap();
    assert!(server.requests[0].contains(r#"writeConcern: {w: "majority"}"#), "{}", server.requests[0]);
    assert!(!server.requests[0].contains("readConcern"), "{}", server.requests[0]);
}
