use bson::{Bson, Document, doc};
use stator_proto::auth::scram::{ClientFirst, Credentials, Finish, Nonce, Prepared};

use super::*;

struct Server {
    engine: Engine,
    peer: Peer,
}

impl Server {
    fn new(config: Config) -> Self {
        Self { engine: Engine::new(config), peer: Peer::new(1) }
    }

    fn raw(&mut self, mut body: Document) -> Document {
        if !body.contains_key("$db") {
            body.insert("$db", "db");
        }
        self.engine.command(Instant::from_millis(5), &mut self.peer, &Request::new(body))
    }

    #[track_caller]
    fn ok(&mut self, body: Document) -> Document {
        let mut reply = self.raw(body);
        assert_eq!(reply.remove("ok"), Some(Bson::Double(1.0)), "{reply}");
        reply
    }

    #[track_caller]
    fn fails(&mut self, body: Document, code: i32, name: &str) {
        let reply = self.raw(body);
        assert_eq!(reply.get_f64("ok").unwrap(), 0.0, "{reply}");
        assert_eq!((reply.get_i32("code").unwrap(), reply.get_str("codeName").unwrap()), (code, name));
        assert!(!reply.get_str("errmsg").unwrap().is_empty());
    }

    #[track_caller]
    fn batch(&mut self, body: Document) -> Vec<Document> {
        let reply = self.ok(body);
        let cursor = reply.get_document("cursor").unwrap();
        assert_eq!(cursor.get_i64("id").unwrap(), 0);
        cursor.get_array("firstBatch").unwrap().iter().map(|item| item.as_document().unwrap().clone()).collect()
    }

    #[track_caller]
    fn find(&mut self, filter: Document) -> Vec<i32> {
        let found = self.batch(doc! { "find": "c", "filter": filter, "sort": { "_id": 1 } });
        found.iter().map(|document| document.get_i32("_id").unwrap()).collect()
    }
}

/// A server whose collection `db.c` holds four documents.
fn filled() -> Server {
    let mut server = Server::new(Config::default());
    server.ok(doc! { "insert": "c", "documents": [
        { "_id": 1, "x": 1, "s": "a", "tags": ["p", "q"], "sub": { "y": 10 } },
        { "_id": 2, "x": 2.0, "s": "b", "tags": ["q"], "sub": { "y": 20 } },
        { "_id": 3, "x": 3_i64, "s": "c", "n": null },
        { "_id": 4, "s": "d", "list": [{ "k": 1 }, { "k": 2 }] },
    ]});
    server
}

#[test]
fn a_standalone_says_hello() {
    let mut server = Server::new(Config { max_write_batch_size: 5, ..Config::default() });
    let reply = server.ok(doc! { "hello": 1, "$db": "admin" });
    assert!(reply.get_bool("isWritablePrimary").unwrap() && reply.get_bool("helloOk").unwrap());
    assert_eq!(reply.get_i32("maxWireVersion").unwrap(), 17);
    assert_eq!(reply.get_i32("maxBsonObjectSize").unwrap(), 16 * 1024 * 1024);
    assert_eq!(reply.get_i32("maxMessageSizeBytes").unwrap(), 48_000_000);
    assert_eq!(reply.get_i32("maxWriteBatchSize").unwrap(), 5);
    assert_eq!(reply.get_i64("connectionId").unwrap(), 1);
    assert!(!reply.contains_key("setName") && !reply.contains_key("saslSupportedMechs"));
    assert!(server.ok(doc! { "isMaster": 1 }).get_bool("ismaster").unwrap());
    server.ok(doc! { "ping": 1 });
    assert_eq!(server.ok(doc! { "buildInfo": 1 }).get_str("version").unwrap(), "6.0.0");
    server.fails(doc! { "noSuch": 1 }, 59, "CommandNotFound");
    server.fails(doc! { "insert": "c", "documents": vec![Bson::from(doc! {}); 6] }, 16, "InvalidLength");
}

#[test]
fn a_replica_set_member_names_its_set_and_remembers_retried_writes() {
    let mut standalone = Server::new(Config::default());
    let session = bson::Binary { subtype: bson::spec::BinarySubtype::Uuid, bytes: vec![7; 16] };
    let insert = doc! { "insert": "c", "documents": [{ "x": 1 }], "lsid": { "id": session }, "txnNumber": 1_i64 };
    standalone.fails(insert.clone(), 20, "IllegalOperation");
    let config =
        Config { set_name: Some("rs".into()), me: "db:1".into(), hello: doc! { "extra": 1 }, ..Config::default() };
    let mut member = Server::new(config);
    let hello = member.ok(doc! { "hello": 1 });
    assert_eq!((hello.get_str("setName").unwrap(), hello.get_str("me").unwrap()), ("rs", "db:1"));
    assert_eq!(hello.get_i32("extra").unwrap(), 1);
    assert_eq!(member.ok(insert.clone()), member.ok(insert.clone()));
    assert_eq!(member.engine.documents("db", "c").len(), 1, "the retry did not run again");
    let mut next = insert;
    next.insert("autocommit", false);
    member.fails(next.clone(), 20, "IllegalOperation");
    next.remove("autocommit");
    next.insert("txnNumber", 2_i64);
    member.ok(next);
    assert_eq!(member.engine.documents("db", "c").len(), 2);
}

#[test]
fn filters_select_as_the_server_does() {
    let server = &mut filled();
    for (filter, found) in [
        (doc! {}, vec![1, 2, 3, 4]),
        (doc! { "_id": 2_i64 }, vec![2]),
        (doc! { "x": 2 }, vec![2]),
        (doc! { "sub.y": 10 }, vec![1]),
        (doc! { "sub": { "y": 10 } }, vec![1]),
        (doc! { "tags": "q" }, vec![1, 2]),
        (doc! { "tags": ["q"] }, vec![2]),
        (doc! { "tags.0": "q" }, vec![2]),
        (doc! { "list.k": 2 }, vec![4]),
        (doc! { "n": null }, vec![1, 2, 3, 4]),
        (doc! { "x": null }, vec![4]),
        (doc! { "x": { "$gt": 1, "$lt": 3 } }, vec![2]),
        (doc! { "x": { "$gte": 1, "$lte": 2 } }, vec![1, 2]),
        (doc! { "x": { "$gt": "a" } }, vec![]),
        (doc! { "x": { "$ne": 1 } }, vec![2, 3, 4]),
        (doc! { "x": { "$in": [1, 3] } }, vec![1, 3]),
        (doc! { "x": { "$nin": [1, 3] } }, vec![2, 4]),
        (doc! { "x": { "$exists": false } }, vec![4]),
        (doc! { "n": { "$exists": true } }, vec![3]),
        (doc! { "$and": [{ "x": { "$gt": 1 } }, { "s": "b" }] }, vec![2]),
        (doc! { "$or": [{ "x": 1 }, { "s": "d" }] }, vec![1, 4]),
        (doc! { "$nor": [{ "x": 1 }, { "s": "d" }] }, vec![2, 3]),
        (doc! { "x": { "$not": { "$gt": 1 } } }, vec![1, 4]),
        (doc! { "tags": { "$size": 2 } }, vec![1]),
        (doc! { "tags": { "$all": ["p", "q"] } }, vec![1]),
    ] {
        assert_eq!(server.find(filter.clone()), found, "{filter}");
    }
    server.fails(doc! { "find": "c", "filter": { "x": { "$near": 1 } } }, 2, "BadValue");
    server.fails(doc! { "find": "c", "filter": { "$where": "1" } }, 2, "BadValue");
    server.fails(doc! { "find": "" }, 73, "InvalidNamespace");
    assert_eq!(server.batch(doc! { "find": "absent" }), []);
}

#[test]
fn sort_skip_limit_and_projection_shape_the_result() {
    let server = &mut filled();
    let found =
        server.batch(doc! { "find": "c", "sort": { "x": -1 }, "skip": 1, "limit": 2, "projection": { "x": 1 } });
    assert_eq!(found, [doc! { "_id": 2, "x": 2.0 }, doc! { "_id": 1, "x": 1 }]);
    let mut one = |projection: Document| {
        server.batch(doc! { "find": "c", "filter": { "_id": 1 }, "projection": projection }).remove(0)
    };
    assert_eq!(one(doc! { "sub.y": 1, "_id": 0 }), doc! { "sub": { "y": 10 } });
    assert_eq!(one(doc! { "sub": 0, "tags": 0, "_id": 0 }), doc! { "x": 1, "s": "a" });
    assert_eq!(one(doc! { "_id": 1 }), doc! { "_id": 1 });
    server.fails(doc! { "find": "c", "projection": { "x": 1, "s": 0 } }, 31254, "Location31254");
}

#[test]
fn cursors_hand_out_batches_until_they_are_exhausted_or_killed() {
    let server = &mut filled();
    let reply = server.ok(doc! { "find": "c", "batchSize": 1 });
    let cursor = reply.get_document("cursor").unwrap();
    let id = cursor.get_i64("id").unwrap();
    assert!(id > 0 && cursor.get_str("ns").unwrap() == "db.c");
    assert_eq!(server.engine.open_cursors(), 1);
    let reply = server.ok(doc! { "getMore": id, "collection": "c", "batchSize": 2 });
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!((cursor.get_i64("id").unwrap(), cursor.get_array("nextBatch").unwrap().len()), (id, 2));
    server.fails(doc! { "getMore": id, "collection": "other" }, 13, "Unauthorized");
    let reply = server.ok(doc! { "getMore": id, "collection": "c" });
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!((cursor.get_i64("id").unwrap(), cursor.get_array("nextBatch").unwrap().len()), (0, 1));
    server.fails(doc! { "getMore": id, "collection": "c" }, 43, "CursorNotFound");

    let reply = server.ok(doc! { "find": "c", "batchSize": 0 });
    let other = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    assert!(other != id && other != 0);
    let killed = server.ok(doc! { "killCursors": "c", "cursors": [id, other] });
    assert_eq!(killed.get_array("cursorsKilled").unwrap(), &[Bson::Int64(other)]);
    assert_eq!(killed.get_array("cursorsNotFound").unwrap(), &[Bson::Int64(id)]);
    // A batch that is exactly full does not tell the end, a limit does.
    let reply = server.ok(doc! { "find": "c", "batchSize": 4 });
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    let reply = server.ok(doc! { "getMore": id, "collection": "c", "batchSize": 1 });
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!((cursor.get_i64("id").unwrap(), cursor.get_array("nextBatch").unwrap().len()), (0, 0));
    assert_eq!(server.batch(doc! { "find": "c", "batchSize": 2, "limit": 2 }).len(), 2);
    server.ok(doc! { "find": "c", "batchSize": 1, "singleBatch": true });
    assert_eq!(server.engine.open_cursors(), 0);
}

#[test]
fn duplicate_keys_end_ordered_inserts_only() {
    let server = &mut filled();
    let documents = vec![Bson::from(doc! { "_id": 1.0 }), Bson::from(doc! { "_id": 9 }), Bson::from(doc! { "_id": 9 })];
    let reply = server.ok(doc! { "insert": "c", "documents": documents.clone() });
    assert_eq!(reply.get_i32("n").unwrap(), 0);
    let errors = reply.get_array("writeErrors").unwrap();
    let error = errors[0].as_document().unwrap();
    assert_eq!((errors.len(), error.get_i32("index").unwrap(), error.get_i32("code").unwrap()), (1, 0, 11000));
    assert_eq!(error.get_document("keyPattern").unwrap(), &doc! { "_id": 1 });
    assert_eq!(error.get_document("keyValue").unwrap(), &doc! { "_id": 1.0 });
    let reply = server.ok(doc! { "insert": "c", "documents": documents, "ordered": false });
    assert_eq!((reply.get_i32("n").unwrap(), reply.get_array("writeErrors").unwrap().len()), (1, 2));
    // A missing _id is made, and comes first.
    server.ok(doc! { "insert": "d", "documents": [{ "x": 1 }] });
    let made = server.engine.documents("db", "d").remove(0);
    assert_eq!(made.keys().collect::<Vec<_>>(), ["_id", "x"]);
}

#[test]
fn sequences_stand_for_arrays_and_long_documents_are_refused() {
    let mut server = Server::new(Config { max_bson_object_size: 100, ..Config::default() });
    let mut request = Request::new(doc! { "insert": "c", "$db": "db" });
    let long = doc! { "_id": 2, "s": "x".repeat(100) };
    request.sequences.push(("documents".into(), vec![doc! { "_id": 1 }, long]));
    let reply = server.engine.command(Instant::ORIGIN, &mut server.peer, &request);
    let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!((reply.get_i32("n").unwrap(), error.get_i32("code").unwrap()), (1, 10334));
}

#[test]
fn updates_modify_replace_and_upsert() {
    let server = &mut filled();
    let mut update = |q: Document, u: Document, options: Document| {
        let mut one = doc! { "q": q, "u": u };
        one.extend(options);
        server.ok(doc! { "update": "c", "updates": [one] })
    };
    let set = doc! {
        "$set": { "s": "z", "deep.er": 1, "tags.0": "r" }, "$unset": { "sub": "" }, "$inc": { "x": 4, "new": 2 },
        "$push": { "tags": { "$each": ["t", "u"] }, "fresh": 1 }, "$setOnInsert": { "never": 1 },
    };
    assert_eq!(update(doc! { "_id": 1 }, set, doc! {}), doc! { "n": 1, "nModified": 1 });
    assert_eq!(update(doc! {}, doc! { "$set": { "s": "m" } }, doc! { "multi": true }), doc! { "n": 4, "nModified": 4 });
    assert_eq!(update(doc! { "_id": 2 }, doc! { "$set": { "s": "m" } }, doc! {}), doc! { "n": 1, "nModified": 0 });
    assert_eq!(update(doc! { "_id": 3 }, doc! { "only": 1 }, doc! {}), doc! { "n": 1, "nModified": 1 });
    let upsert = doc! { "$inc": { "x": 1 }, "$setOnInsert": { "born": true } };
    let reply = update(doc! { "s": "new", "_id": { "$eq": 8 } }, upsert, doc! { "upsert": true });
    assert_eq!(reply, doc! { "n": 1, "nModified": 0, "upserted": [{ "index": 0, "_id": 8 }] });
    let documents = server.engine.documents("db", "c");
    let first = doc! {
        "_id": 1, "x": 5, "s": "m", "tags": ["r", "q", "t", "u"], "deep": { "er": 1 }, "new": 2, "fresh": [1],
    };
    assert_eq!(documents[0], first);
    assert_eq!(documents[2], doc! { "_id": 3, "only": 1 });
    assert_eq!(documents[4], doc! { "_id": 8, "s": "new", "x": 1, "born": true });
    for (change, code) in [
        (doc! { "$set": { "_id": 5 } }, 66),
        (doc! { "$nope": { "x": 1 } }, 9),
        (doc! { "$inc": { "s": 1 } }, 14),
        (doc! { "$push": { "s": 1 } }, 2),
    ] {
        let reply = server.ok(doc! { "update": "c", "updates": [{ "q": { "_id": 1 }, "u": change }] });
        let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
        assert_eq!(error.get_i32("code").unwrap(), code);
    }
    assert_eq!(server.engine.documents("db", "c")[0], first, "a failed update changes nothing");
}

#[test]
fn deletes_remove_one_or_all() {
    let server = &mut filled();
    let mut delete =
        |q: Document, limit: i32| server.ok(doc! { "delete": "c", "deletes": [{ "q": q, "limit": limit }] });
    assert_eq!(delete(doc! { "tags": "q" }, 1), doc! { "n": 1 });
    assert_eq!(delete(doc! {}, 0), doc! { "n": 3 });
    assert_eq!(delete(doc! {}, 0), doc! { "n": 0 });
    assert!(delete(doc! {}, 2).contains_key("writeErrors"));
    // The index forgets too.
    assert_eq!(server.ok(doc! { "insert": "c", "documents": [{ "_id": 1 }] }), doc! { "n": 1 });
}

#[test]
fn find_and_modify_shows_the_document_before_or_after() {
    let server = &mut filled();
    let reply = server.ok(doc! {
        "findAndModify": "c", "query": {}, "sort": { "_id": -1 }, "update": { "$set": { "s": "e" } }, "fields": { "s": 1 },
    });
    assert_eq!(reply.get_document("value").unwrap(), &doc! { "_id": 4, "s": "d" });
    assert_eq!(reply.get_document("lastErrorObject").unwrap(), &doc! { "n": 1, "updatedExisting": true });
    let reply = server.ok(doc! {
        "findAndModify": "c", "query": { "_id": 9 }, "update": { "$inc": { "x": 1 } }, "upsert": true, "new": true,
    });
    assert_eq!(reply.get_document("value").unwrap(), &doc! { "_id": 9, "x": 1 });
    assert_eq!(reply.get_document("lastErrorObject").unwrap().get_i32("upserted").unwrap(), 9);
    let reply = server.ok(doc! { "findAndModify": "c", "query": { "_id": 9 }, "remove": true });
    assert_eq!(reply.get_document("value").unwrap().get_i32("x").unwrap(), 1);
    let reply = server.ok(doc! { "findAndModify": "c", "query": { "_id": 9 }, "remove": true });
    assert_eq!(reply.get("value"), Some(&Bson::Null));
    server.fails(
        doc! { "findAndModify": "c", "query": { "_id": 1 }, "update": { "$set": { "_id": 2 } } },
        66,
        "ImmutableField",
    );
}

#[test]
fn count_distinct_and_pipelines_compute() {
    let server = &mut filled();
    assert_eq!(server.ok(doc! { "count": "c", "query": { "x": { "$gt": 1 } } }), doc! { "n": 2 });
    assert_eq!(server.ok(doc! { "count": "c", "limit": 3, "skip": 2 }), doc! { "n": 2 });
    assert_eq!(server.ok(doc! { "distinct": "c", "key": "tags" }), doc! { "values": ["p", "q"] });
    let mut run = |stages: Vec<Document>| server.batch(doc! { "aggregate": "c", "pipeline": stages, "cursor": {} });
    let grouped = run(vec![
        doc! { "$unwind": "$tags" },
        doc! { "$group": { "_id": "$tags", "n": { "$sum": 1 }, "avg": { "$avg": "$x" }, "first": { "$first": "$s" } } },
        doc! { "$sort": { "_id": -1 } },
    ]);
    assert_eq!(
        grouped,
        [doc! { "_id": "q", "n": 2, "avg": 1.5, "first": "a" }, doc! { "_id": "p", "n": 1, "avg": 1.0, "first": "a" },]
    );
    let stages = vec![doc! { "$match": { "x": { "$exists": true } } }, doc! { "$skip": 1 }, doc! { "$limit": 1 }];
    let projected = run([stages, vec![doc! { "$project": { "s": 1, "_id": 0 } }]].concat());
    assert_eq!(projected, [doc! { "s": "b" }]);
    assert_eq!(run(vec![doc! { "$count": "all" }]), [doc! { "all": 4 }]);
    let open = server.ok(doc! { "aggregate": "c", "pipeline": [], "cursor": { "batchSize": 1 } });
    assert_ne!(open.get_document("cursor").unwrap().get_i64("id").unwrap(), 0);
    server.fails(doc! { "aggregate": "c", "pipeline": [{ "$out": "d" }], "cursor": {} }, 40324, "Location40324");
    server.fails(doc! { "aggregate": "c", "pipeline": [] }, 9, "FailedToParse");
}

#[test]
fn collections_and_databases_come_and_go() {
    let server = &mut filled();
    server.ok(doc! { "create": "made" });
    server.fails(doc! { "create": "made" }, 48, "NamespaceExists");
    let names = |found: Vec<Document>| -> Vec<String> {
        found.iter().map(|one| one.get_str("name").unwrap().to_owned()).collect()
    };
    assert_eq!(names(server.batch(doc! { "listCollections": 1 })), ["c", "made"]);
    assert_eq!(names(server.batch(doc! { "listCollections": 1, "filter": { "name": "c" }, "nameOnly": true })), ["c"]);
    let reply = server.ok(doc! { "listDatabases": 1, "$db": "admin" });
    let listed = reply.get_array("databases").unwrap();
    assert_eq!((listed.len(), listed[0].as_document().unwrap().get_str("name").unwrap()), (1, "db"));
    server.ok(doc! { "drop": "made" });
    server.fails(doc! { "drop": "made" }, 26, "NamespaceNotFound");
    assert_eq!(server.ok(doc! { "dropDatabase": 1 }), doc! { "dropped": "db" });
    assert_eq!(server.ok(doc! { "dropDatabase": 1 }), doc! {});
}

#[test]
fn fail_points_skip_count_and_end() {
    let mut server = Server::new(Config::default());
    let mut configure = |mode: Bson| {
        let data = doc! {
            "failCommands": ["find"], "errorCode": 91, "errorLabels": ["X"], "blockConnection": true, "blockTimeMS": 7,
        };
        server.ok(doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data, "$db": "admin" });
        let find = Request::new(doc! { "find": "c" });
        assert_eq!(server.engine.effect(&Request::new(doc! { "insert": "c" })), None);
        (0..4).map(|_| server.engine.effect(&find)).collect::<Vec<_>>()
    };
    let effects = configure(doc! { "times": 2 }.into());
    let effect = effects[0].clone().unwrap();
    assert_eq!(effect.block, Some(core::time::Duration::from_millis(7)));
    let error = effect.error.unwrap();
    assert_eq!(
        (error.get_str("codeName").unwrap(), error.get_array("errorLabels").unwrap().len()),
        ("ShutdownInProgress", 1)
    );
    let affected = |effects: Vec<Option<Effect>>| effects.iter().map(Option::is_some).collect::<Vec<_>>();
    assert_eq!(affected(effects), [true, true, false, false]);
    assert_eq!(affected(configure(doc! { "skip": 3 }.into())), [false, false, false, true]);
    assert_eq!(affected(configure("alwaysOn".into())), [true; 4]);
    assert_eq!(affected(configure("off".into())), [false; 4]);
}

fn login(server: &mut Server, sha256: bool, password: &str, skip_empty: bool) -> bool {
    let credentials = if sha256 {
        Credentials::sha256("ann", Prepared::ascii(password).unwrap()).unwrap()
    } else {
        Credentials::sha1("ann", password).unwrap()
    };
    let payload = |bytes: &[u8]| bson::Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: bytes.to_vec() };
    let first = ClientFirst::new(&credentials, Nonce::from_random(&[3; 24]));
    let mechanism = if sha256 { "SCRAM-SHA-256" } else { "SCRAM-SHA-1" };
    let start = doc! {
        "saslStart": 1, "mechanism": mechanism, "payload": payload(first.payload()), "db": "admin",
        "options": { "skipEmptyExchange": skip_empty },
    };
    let hello = server.ok(doc! {
        "hello": 1, "$db": "admin", "saslSupportedMechs": "admin.ann", "speculativeAuthenticate": start,
    });
    assert_eq!(hello.get_array("saslSupportedMechs").unwrap().len(), 2);
    let reply = hello.get_document("speculativeAuthenticate").unwrap();
    let challenge = first.next(reply.get_binary_generic("payload").unwrap(), false).unwrap();
    let keys = challenge.derive_keys();
    let last = challenge.client_final(keys).unwrap();
    let go_on = |bytes: &[u8]| doc! { "saslContinue": 1, "conversationId": 1, "payload": payload(bytes) };
    let reply = server.raw(go_on(last.payload()));
    if reply.get_f64("ok").unwrap() != 1.0 {
        assert_eq!(reply.get_str("codeName").unwrap(), "AuthenticationFailed");
        return false;
    }
    let done = reply.get_bool("done").unwrap();
    match last.finish(reply.get_binary_generic("payload").unwrap(), done).unwrap() {
        Finish::Done(_) => assert!(skip_empty),
        Finish::EmptyExchange(_) => {
            assert!(!skip_empty && !server.peer.is_authenticated());
            assert!(server.ok(go_on(b"")).get_bool("done").unwrap());
        }
    }
    true
}

#[test]
fn logins_open_the_server_and_wrong_passwords_do_not() {
    let mut server = Server::new(Config::default());
    assert!(server.engine.add_user("admin", "ann", "secret"));
    assert!(!server.engine.add_user("admin", "bob", "pässword"), "needs SASLprep");
    server.fails(doc! { "find": "c" }, 13, "Unauthorized");
    server.ok(doc! { "ping": 1 });
    assert!(!login(&mut server, true, "wrong", true));
    server.fails(doc! { "find": "c" }, 13, "Unauthorized");
    server.fails(doc! { "saslContinue": 1, "conversationId": 1 }, 17, "ProtocolError");
    for (sha256, skip_empty) in [(true, true), (true, false), (false, true)] {
        server.peer = Peer::new(2);
        assert!(login(&mut server, sha256, "secret", skip_empty));
        assert_eq!(server.peer.user(), Some("admin.ann"));
        server.ok(doc! { "find": "c" });
    }
    assert!(!format!("{server:?}", server = server.engine).contains("stored_key"));
}
