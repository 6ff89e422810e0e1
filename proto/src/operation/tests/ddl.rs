//! `create`, `drop`, `dropDatabase`, `listCollections` and `listDatabases`.

use super::*;

#[test]
fn create_writes_what_was_asked() {
    assert_eq!(request(Create::new(namespace()), "{ok: 1}"), r#"{create: "c", $db: "db"}"#);
    let operation = Create {
        capped: Some(true),
        size: Some(4096),
        max: Some(10),
        storage_engine: Some(doc("{wiredTiger: {}}")),
        validator: Some(doc("{a: 1}")),
        validation_level: Some("strict".into()),
        validation_action: Some("warn".into()),
        view_on: Some("base".into()),
        pipeline: Some(array("[{$match: {}}]")),
        collation: Some(doc(r#"{locale: "de"}"#)),
        index_option_defaults: Some(doc("{storageEngine: {}}")),
        timeseries: Some(doc(r#"{timeField: "t"}"#)),
        expire_after_seconds: Some(60),
        change_stream_pre_and_post_images: Some(doc("{enabled: true}")),
        clustered_index: Some(doc("{key: {_id: 1}, unique: true}")),
        extra: Some(doc("{flags: 1, more: 2}")),
        comment: Some(value("7")),
        ..Create::new(namespace())
    };
    assert_eq!(
        request(operation, "{ok: 1}"),
        concat!(
            r#"{create: "c", capped: true, size: 4096, max: 10, storageEngine: {wiredTiger: {}}, validator: {a: 1}, "#,
            r#"validationLevel: "strict", validationAction: "warn", viewOn: "base", pipeline: [{$match: {}}], "#,
            r#"collation: {locale: "de"}, indexOptionDefaults: {storageEngine: {}}, timeseries: {timeField: "t"}, "#,
            r#"expireAfterSeconds: 60, changeStreamPreAndPostImages: {enabled: true}, "#,
            r#"clusteredIndex: {key: {_id: 1}, unique: true}, flags: 1, more: 2, comment: 7, $db: "db"}"#,
        )
    );
}

#[test]
fn drops_write_what_was_asked() {
    let comment = || Some(value(r#""why""#));
    assert_eq!(request(Drop::new(namespace()), "{ok: 1}"), r#"{drop: "c", $db: "db"}"#);
    assert_eq!(
        request(Drop { comment: comment(), ..Drop::new(namespace()) }, "{ok: 1}"),
        r#"{drop: "c", comment: "why", $db: "db"}"#
    );
    assert_eq!(request(DropDatabase::new("db"), "{ok: 1}"), r#"{dropDatabase: 1, $db: "db"}"#);
    assert_eq!(
        request(DropDatabase { comment: comment(), ..DropDatabase::new("db") }, "{ok: 1}"),
        r#"{dropDatabase: 1, comment: "why", $db: "db"}"#
    );
}

#[test]
fn dropping_what_is_not_there_succeeds() {
    let missing = r#"{ok: 0, code: 26, codeName: "NamespaceNotFound", errmsg: "ns not found"}"#;
    assert_eq!(reply(Drop::new(namespace()), missing), Ok(()));
    assert_eq!(command_code(reply(Create::new(namespace()), missing)), 26);
    let refused = r#"{ok: 0, code: 13, codeName: "Unauthorized", errmsg: "no"}"#;
    assert_eq!(command_code(reply(Drop::new(namespace()), refused)), 13);
}

/// Runs a command that changes the catalog as all of them must behave.
fn behaves_like_ddl(operation: impl Operation<Output = ()> + Clone) {
    let late = r#"{ok: 1, writeConcernError: {code: 64, codeName: "WriteConcernTimeout", errmsg: "late"}}"#;
    let failure = write_failure(reply(operation.clone(), late));
    assert_eq!(failure.write_concern_error.unwrap().code, 64);

    let mut server = Server::new(&["{ok: 1}"]).with(concerns());
    assert_eq!(server.run(operation.clone()), Ok(()));
    assert!(server.requests[0].contains(r#"writeConcern: {w: "majority"}"#), "{}", server.requests[0]);
    assert!(!server.requests[0].contains("readConcern"), "{}", server.requests[0]);
    assert_eq!(Server::new(&[]).with(unacknowledged()).run(operation), Ok(()));
}

#[test]
fn ddl_reports_write_concern_errors_and_takes_a_write_concern() {
    behaves_like_ddl(Create::new(namespace()));
    behaves_like_ddl(Drop::new(namespace()));
    behaves_like_ddl(DropDatabase::new("db"));
}

#[test]
fn list_collections_writes_what_was_asked() {
    let asked = |operation: ListCollections| {
        let mut server = Server::new(&["{ok: 0, code: 1}"]).with(concerns());
        assert_eq!(command_code(server.run(operation)), 1);
        server.requests.remove(0)
    };
    assert_eq!(asked(ListCollections::new("db")), r#"{listCollections: 1, cursor: {}, $db: "db"}"#);
    let operation = ListCollections {
        filter: Some(doc(r#"{name: "a"}"#)),
        name_only: Some(true),
        authorized_collections: Some(true),
        batch_size: Some(5),
        comment: Some(value("7")),
        ..ListCollections::new("db")
    };
    assert_eq!(
        asked(operation),
        concat!(
            r#"{listCollections: 1, filter: {name: "a"}, nameOnly: true, authorizedCollections: true, "#,
            r#"cursor: {batchSize: 5}, comment: 7, $db: "db"}"#,
        )
    );
}

#[test]
fn list_collections_gives_a_cursor() {
    let mut bytes = Vec::new();
    let mut writer = DocWriter::new(&mut bytes);
    writer.i32("ok", 1);
    let mut cursor = writer.document("cursor");
    cursor.i64("id", 0).str("ns", "db.$cmd.listCollections");
    cursor.array_of("firstBatch").doc(doc(r#"{name: "a"}"#).as_doc());
    drop(cursor);
    writer.finish().unwrap();
    let mut server = Server::new(&[]);
    server.replies.push(DocBuf::new(bytes).unwrap());
    let mut reply = server.run(ListCollections::new("db")).unwrap();
    assert_eq!(reply.namespace, Some(Namespace::new("db", "$cmd.listCollections")));
    assert_eq!(reply.batch.next_doc_buf(), Some(Ok(doc(r#"{name: "a"}"#))));
}

#[test]
fn list_databases_writes_what_was_asked_and_gives_the_array() {
    let text = r#"{ok: 1, databases: [{name: "a", sizeOnDisk: 1}], totalSize: 1}"#;
    assert_eq!(request(ListDatabases::new(), text), r#"{listDatabases: 1, $db: "admin"}"#);
    let operation = ListDatabases {
        filter: Some(doc(r#"{name: "a"}"#)),
        name_only: Some(true),
        authorized_databases: Some(false),
        comment: Some(value("7")),
    };
    assert_eq!(
        request(operation.clone(), text),
        concat!(
            r#"{listDatabases: 1, filter: {name: "a"}, nameOnly: true, authorizedDatabases: false, comment: 7, "#,
            r#"$db: "admin"}"#,
        )
    );
    assert_eq!(reply(operation.clone(), text), Ok(array(r#"[{name: "a", sizeOnDisk: 1}]"#)));
    assert!(matches!(reply(operation, "{ok: 1}"), Err(Failure::Operation(OperationError::Reply(_)))));
}
