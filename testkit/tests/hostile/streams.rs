//! Servers that send too much, too little, too slowly, or nothing.

use std::io::Write;
use std::time::{Duration, Instant};

use bson::{Document, doc};
use stator_client::{ErrorKind, Phase, Runtime};
use stator_proto::connection::ConnectionError;
use stator_wire::op_msg::Flags;

use crate::peer::{client, find, found, hello, message, server};
use crate::{LATE, SHORT, expect};

/// More bytes than were asked for, glued to a reply or later: they are nobody's reply.
pub(crate) async fn unsolicited_bytes<R: Runtime>(runtime: R) {
    let frames = || [message(0, &found(&doc! { "_id": "forged" }).to_vec().unwrap()), vec![0xFF; 7], vec![1]];
    for (index, extra) in frames().into_iter().enumerate() {
        for glued in [true, false] {
            let extra = extra.clone();
            let (told, heard) = std::sync::mpsc::sync_channel(100);
            let uri = server(move |number, mut peer| {
                while let Some((id, request)) = peer.request() {
                    if number > 0 || !request.contains_key("find") {
                        peer.answer(id, &request, &hello());
                        continue;
                    }
                    let mut whole = message(id, &found(request.get_document("filter").unwrap()).to_vec().unwrap());
                    if glued {
                        whole.extend_from_slice(&extra);
                        peer.send(&whole);
                    } else {
                        peer.send(&whole);
                        peer.send(&extra);
                    }
                    told.send(()).unwrap();
                }
            });
            let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
            assert_eq!(find(&client, 1).await.unwrap(), Some(doc! { "_id": 1 }));
            heard.recv_timeout(LATE).unwrap();
            // It may cost the next one its connection (or its time, if it looks like the beginning of a long frame), but
            // never gives it another's reply.
            let things = client.database("d").collection::<Document>("c");
            match things.find_one(doc! { "_id": 2 }).timeout(SHORT).await {
                Ok(found) => assert_eq!(found, Some(doc! { "_id": 2 })),
                Err(error) if glued => panic!("what comes with a reply is seen at once: {error:?}"),
                Err(error) => {
                    println!("unsolicited {index}, glued {glued}: {error}");
                    assert!(matches!(error.kind(), ErrorKind::Connection(_)) || error.is_timeout(), "{error:?}");
                }
            }
            for id in 3..6 {
                assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }));
            }
        }
    }
}

/// Half a reply, then nothing: the operation ends in time, and the only connection is free again after a second.
pub(crate) async fn silence_in_the_middle<R: Runtime>(runtime: R) {
    for part in [0, 3, 20] {
        let uri = server(move |number, mut peer| {
            while let Some((id, request)) = peer.request() {
                if number == 0 && request.contains_key("find") {
                    let whole = message(id, &found(&doc! { "_id": 1 }).to_vec().unwrap());
                    peer.send(&whole[..part]);
                    return peer.be_silent();
                }
                peer.answer(id, &request, &hello());
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
        // Connected beforehand: the timeout is for the reply alone.
        client.database("d").run_command(doc! { "ping": 1 }).await.unwrap();
        let start = Instant::now();
        let one = client.database("d").collection::<Document>("c").find_one(doc! { "_id": 1 }).timeout(SHORT).await;
        let error = expect("silence in the middle of a reply", one, start);
        assert!(error.is_timeout() && error.is_network() && error.maybe_executed(), "{error:?}");
        assert_eq!(error.phase(), Phase::Receive);
        assert!(start.elapsed() >= SHORT);
        let start = Instant::now();
        let two = client.database("d").collection::<Document>("c").find_one(doc! { "_id": 2 }).timeout(SHORT).await;
        let error = expect("behind it in the queue", two, start);
        assert!(error.is_timeout() && !error.maybe_executed() && error.phase() == Phase::Queue, "{error:?}");
        assert_eq!(find(&client, 3).await.unwrap(), Some(doc! { "_id": 3 }));
        assert!(start.elapsed() < LATE);
        assert_eq!(client.pool_stats().owing, 0);
    }
}

/// A reply that says that another will come, which does not, or never ends.
pub(crate) async fn more_replies_than_were_asked_for<R: Runtime>(runtime: R) {
    for endless in [false, true] {
        let uri = server(move |number, mut peer| {
            while let Some((id, request)) = peer.request() {
                if number > 0 || !request.contains_key("find") {
                    peer.answer(id, &request, &hello());
                    continue;
                }
                let mut more = message(id, &found(request.get_document("filter").unwrap()).to_vec().unwrap());
                more[16] = Flags::MORE_TO_COME.bits() as u8;
                peer.send(&more);
                while endless && peer.stream.write_all(&more).is_ok() {
                    // Each answers the one before it.
                    more[8..12].copy_from_slice(&1_i32.to_le_bytes());
                }
                return peer.be_silent();
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1"));
        let start = Instant::now();
        let error = expect("more replies than one", find(&client, 1).await, start);
        assert!(matches!(error.kind(), ErrorKind::Connection(ConnectionError::MoreThanAsked)), "{error:?}");
        assert_eq!(find(&client, 2).await.unwrap(), Some(doc! { "_id": 2 }), "endless: {endless}");
        assert!(start.elapsed() < LATE, "{:?}", start.elapsed());
    }
}

/// A cursor that never gives anything and never ends: its timeout ends it.
pub(crate) async fn batches_that_are_always_empty<R: Runtime>(runtime: R) {
    let uri = server(|_, mut peer| {
        while let Some((id, request)) = peer.request() {
            let empty = |batch: &str| doc! { "cursor": { "id": 9_i64, "ns": "d.c", batch: [] }, "ok": 1 };
            match request.keys().next().map(String::as_str) {
                Some("find") => peer.reply(id, &empty("firstBatch")),
                Some("getMore") => peer.reply(id, &empty("nextBatch")),
                _ => peer.answer(id, &request, &hello()),
            }
        }
    });
    let client = client(runtime, &uri);
    let find = client.database("d").collection::<Document>("c").find(doc! {}).timeout(SHORT);
    let start = Instant::now();
    let mut cursor = find.await.unwrap();
    let error = expect("empty batches", cursor.advance().await, start);
    assert!(error.is_timeout(), "{error:?}");
    assert!(!cursor.advance().await.unwrap(), "it has ended");
}

/// Limits of zero, below zero and beyond everything: inserts end, and nothing is allocated for them.
pub(crate) async fn limits_that_make_no_sense<R: Runtime>(runtime: R) {
    for (size, message, batch) in [(0, 0, 0), (-1, -1, -1), (i32::MAX, i32::MAX, i32::MAX), (100, 100, 1)] {
        let mut reply = hello();
        reply.extend(doc! { "maxBsonObjectSize": size, "maxMessageSizeBytes": message, "maxWriteBatchSize": batch });
        let uri = server(move |_, mut peer| peer.behave(&reply));
        let client = client(runtime.clone(), &uri);
        let things = client.database("d").collection::<Document>("c");
        let documents = (0..3).map(|i| doc! { "_id": i });
        let start = Instant::now();
        let inserted = things.insert_many(documents).timeout(Duration::from_secs(2)).await;
        println!("limits {size} {message} {batch}: {inserted:?}");
        assert!(start.elapsed() < LATE && !inserted.is_err_and(|error| error.is_timeout()), "{size} {message} {batch}");
    }
}

pub(crate) async fn one_byte_at_a_time<R: Runtime>(runtime: R) {
    let uri = server(|_, mut peer| {
        peer.stream.set_nodelay(true).unwrap();
        while let Some((id, request)) = peer.request() {
            let body = match request.get("find") {
                Some(_) => found(request.get_document("filter").unwrap()),
                None => hello(),
            };
            for byte in message(id, &body.to_vec().unwrap()) {
                peer.send(&[byte]);
            }
        }
    });
    let client = client(runtime, &uri);
    for id in 0..3 {
        assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }));
    }
}

/// The second dial of this client never ends; the client does.
pub(crate) async fn a_dial_does_not_keep_its_client<R: Runtime>(runtime: R) {
    let (told, heard) = std::sync::mpsc::channel();
    let uri = server(move |number, mut peer| {
        if number == 0 {
            peer.behave(&hello());
            told.send("gone").unwrap();
        } else {
            peer.request();
            told.send("dialled").unwrap();
            peer.be_silent();
        }
    });
    let client = client(runtime.clone(), &format!("{uri}?minPoolSize=2&connectTimeoutMS=600000"));
    // minPoolSize has the second dialled.
    assert_eq!(find(&client, 1).await.unwrap(), Some(doc! { "_id": 1 }));
    let start = Instant::now();
    let (mut seen, mut client) = (Vec::new(), Some(client));
    while seen.len() < 2 {
        assert!(start.elapsed() < LATE, "the idle connection is closed with the last handle: {seen:?}");
        match heard.try_recv() {
            Ok(event) => {
                seen.push(event);
                drop(client.take());
            }
            Err(_) => runtime.sleep_until(runtime.now() + Duration::from_millis(1)).await,
        }
    }
    assert_eq!(seen, ["dialled", "gone"]);
}
