use stator_wire::bson::DocWriter;
use stator_wire::op_compressed::Noop;
use stator_wire::op_msg::Builder;

use super::*;

fn message(id: i32, response_to: i32, flags: Flags, write: impl Fn(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out, id, response_to, flags);
    let mut body = builder.body();
    write(&mut body);
    body.finish().unwrap();
    builder.finish().unwrap();
    out
}

fn request(in_flight: &mut InFlight, frame: &[u8]) -> Line {
    in_flight.describe(Direction::Request, frame, Instant::now())
}

fn answer(in_flight: &mut InFlight, frame: &[u8]) -> Line {
    in_flight.describe(Direction::Reply, frame, Instant::now())
}

#[test]
fn a_reply_is_told_with_its_request() {
    let mut seen = InFlight::default();
    let get_more = message(7, 0, Flags::NONE, |body| {
        body.i64("getMore", 99).str("collection", "books").str("$db", "shop");
    });
    assert_eq!(request(&mut seen, &get_more).text, "getMore shop.books");
    let batch = message(8, 7, Flags::NONE, |body| {
        let mut cursor = body.document("cursor");
        cursor.i64("id", 0).str("ns", "shop.books");
        cursor.array_of("nextBatch").document().i32("a", 1);
        drop(cursor);
        body.f64("ok", 1.0);
    });
    let line = answer(&mut seen, &batch);
    assert_eq!((line.id, line.answers, line.text.as_str()), (8, Some(7), "getMore: ok, 1 document, cursor at its end"));
    assert!(line.latency.is_some() && line.body.unwrap().contains("nextBatch"));
    assert_eq!(answer(&mut seen, &batch).latency, None, "it is answered already");
}

#[test]
fn a_reply_that_announces_another_hands_its_request_on() {
    let mut seen = InFlight::default();
    let hello = message(1, 0, Flags::EXHAUST_ALLOWED, |body| _ = body.i32("hello", 1).str("$db", "admin"));
    assert_eq!(request(&mut seen, &hello).text, "hello admin [exhaustAllowed]");
    let more = |id, to| message(id, to, Flags::MORE_TO_COME, |body| _ = body.i32("ok", 1));
    assert_eq!(answer(&mut seen, &more(2, 1)).text, "hello: ok [moreToCome]");
    assert_eq!(answer(&mut seen, &more(3, 2)).text, "hello: ok [moreToCome]");
}

#[test]
fn credentials_are_left_out_in_both_directions() {
    let secret = "r=fyko+d2lbbFgONRv9qkxdawL";
    for name in ["saslStart", "SASLCONTINUE", "createUser", "hello", "ismaster"] {
        let mut seen = InFlight::default();
        let out = message(1, 0, Flags::NONE, |body| {
            body.i32(name, 1).str("payload", secret);
            body.document("speculativeAuthenticate").str("payload", secret);
        });
        let back = message(2, 1, Flags::NONE, |body| _ = body.str("errmsg", secret).i32("ok", 0));
        for line in [request(&mut seen, &out), answer(&mut seen, &back)] {
            assert!(!format!("{line:?}").contains(secret), "{line:?}");
        }
    }
    // A reply to nobody knows what.
    let back = message(2, 1, Flags::NONE, |body| _ = body.str("payload", secret).i32("ok", 1));
    assert!(!format!("{:?}", answer(&mut InFlight::default(), &back)).contains(secret));
    let plain = message(1, 0, Flags::NONE, |body| _ = body.i32("hello", 1).str("comment", "shown"));
    assert!(request(&mut InFlight::default(), &plain).body.unwrap().contains("shown"));
}

#[test]
fn errors_and_sequences_are_told() {
    let mut out = Vec::new();
    let mut builder = Builder::new(&mut out, 5, 0, Flags::MORE_TO_COME);
    let mut body = builder.body();
    body.str("insert", "books").str("$db", "shop");
    body.finish().unwrap();
    builder.sequence("documents", [Doc::EMPTY, Doc::EMPTY].into_iter()).unwrap();
    builder.finish().unwrap();
    let mut seen = InFlight::default();
    assert_eq!(request(&mut seen, &out).text, "insert shop.books documents[2] [moreToCome]");
    assert!(seen.0.is_empty(), "no reply will come");

    let refused = message(6, 5, Flags::NONE, |body| {
        body.i32("ok", 0).i32("code", 26).str("codeName", "NamespaceNotFound").str("errmsg", "ns\nnot found");
    });
    assert_eq!(
        answer(&mut seen, &refused).text,
        "?: error 26 NamespaceNotFound: (left out)",
        "to a sensitive request?"
    );
    let drop = message(5, 0, Flags::NONE, |body| _ = body.str("drop", "books").str("$db", "shop"));
    request(&mut seen, &drop);
    assert_eq!(answer(&mut seen, &refused).text, "drop: error 26 NamespaceNotFound: ns not found");
}

#[test]
fn compressed_opaque_and_broken_messages_are_told_by_their_heads() {
    let mut seen = InFlight::default();
    let ping = message(1, 0, Flags::NONE, |body| _ = body.i32("ping", 1));
    let mut packed = Vec::new();
    OpCompressed::compress(&ping, compressor::NOOP, &Noop, &mut packed).unwrap();
    let line = request(&mut seen, &packed);
    assert_eq!((line.kind.as_str(), line.text.as_str()), ("OP_COMPRESSED", "OP_MSG in noop, 20 bytes unpacked"));
    assert_eq!(answer(&mut seen, &message(2, 1, Flags::NONE, |body| _ = body.i32("ok", 1))).text, "?: ok");

    let mut query = ping.clone();
    query[12..16].copy_from_slice(&2004i32.to_le_bytes());
    let line = request(&mut seen, &query);
    assert_eq!((line.kind.as_str(), line.text.as_str()), ("OP_QUERY", "passed on unread"));

    let mut broken = ping;
    broken[16] = 4;
    assert!(request(&mut seen, &broken).text.starts_with("unreadable: "));
}
