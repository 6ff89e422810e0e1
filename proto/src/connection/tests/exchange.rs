//! Requests out, replies in, however the bytes are cut.

use super::*;

/// A request with all three slices.
fn insert<'a>(sequences: &'a [Sequence], body: &'a dyn WriteBody) -> Request<'a> {
    Request { sequences, ..command("insert", body) }
}

fn numbered(identifier: &'static str, numbers: core::ops::Range<i32>) -> Sequence {
    let documents: Vec<u8> = numbers
        .flat_map(|number| {
            doc(|d| {
                d.i32("_id", number);
            })
        })
        .collect();
    Sequence { identifier, documents: documents.into() }
}

const INSERT: &dyn WriteBody = &|body: &mut DocWriter<'_>| {
    body.str("insert", "c").str("$db", "d");
};

#[test]
fn sequences_arrive_as_they_were_given() {
    let documents = numbered("documents", 0..3);
    for (sequences, expected) in [
        (vec![], r#"{insert: "c", $db: "d"}"#),
        (vec![documents.clone()], r#"{insert: "c", $db: "d"} documents: [{_id: 0}, {_id: 1}, {_id: 2}]"#),
        (
            vec![documents.clone(), numbered("nsInfo", 7..8)],
            r#"{insert: "c", $db: "d"} documents: [{_id: 0}, {_id: 1}, {_id: 2}] nsInfo: [{_id: 7}]"#,
        ),
        (
            vec![numbered("a", 0..0), numbered("b", 1..2), numbered("c", 2..3)],
            r#"{insert: "c", $db: "d"} a: [] b: [{_id: 1}] c: [{_id: 2}]"#,
        ),
    ] {
        let mut pair = Pair::new();
        pair.send(&insert(&sequences, INSERT)).unwrap();
        pair.write(usize::MAX);
        assert_eq!(shown(&pair.request().unwrap()), expected);
        assert!(pair.server.is_empty());
    }
}

#[test]
fn the_first_sequence_is_not_copied() {
    let documents = numbered("documents", 0..3);
    let mut pair = Pair::new();
    pair.send(&insert(core::slice::from_ref(&documents), INSERT)).unwrap();
    let [_, payload, tail] = pair.out.slices();
    assert_eq!(payload.as_ptr(), documents.documents.as_ptr());
    assert!(tail.is_empty());
}

#[test]
fn a_request_survives_being_written_in_two_parts_cut_anywhere() {
    let sequences = [numbered("documents", 0..3), numbered("nsInfo", 7..8)];
    let request = insert(&sequences, INSERT);
    let mut pair = Pair::new();
    pair.send(&request).unwrap();
    let whole = pair.out.slices().concat();
    assert_eq!(pair.out.remaining(), whole.len());
    for cut in 0..=whole.len() {
        let mut pair = Pair::new();
        pair.send(&request).unwrap();
        pair.write(cut);
        assert_eq!(pair.out.remaining(), whole.len() - cut);
        assert_eq!(pair.client.is_awaiting(), cut == whole.len());
        assert!(!pair.client.is_idle());
        pair.write(whole.len());
        assert!(pair.client.is_awaiting() && pair.out.is_empty());
        assert_eq!(pair.request().unwrap(), whole, "cut at {cut}");
    }
}

#[test]
fn a_request_survives_being_written_byte_by_byte_and_more_than_was_there() {
    let mut pair = Pair::new();
    pair.send(&PING).unwrap();
    let whole = pair.out.slices().concat();
    for _ in 0..whole.len() {
        assert!(!pair.client.is_awaiting());
        pair.write(1);
    }
    assert_eq!(pair.request().unwrap(), whole);
    assert!(pair.client.is_awaiting());
    // A host that counts wrongly does no harm.
    pair.client.handle_sent(NOW, &mut pair.out, usize::MAX);
    assert!(pair.client.is_awaiting());
}

#[test]
fn a_reply_is_read_in_pieces_of_every_size() {
    let answer = |to| {
        reply(5, to, Flags::NONE, |body| {
            body.i32("ok", 1).document("cursor").i64("id", 9);
        })
    };
    let length = answer(1).len();
    for piece in 1..=length {
        let mut pair = Pair::new();
        let id = pair.ping();
        let bytes = answer(id);
        let mut replies = vec![];
        for (at, chunk) in bytes.chunks(piece).enumerate() {
            let reply = pair.arrive(chunk).unwrap();
            assert_eq!(reply.is_some(), (at + 1) * piece >= length, "pieces of {piece}");
            replies.extend(reply);
        }
        let [reply] = &replies[..] else { panic!("one reply") };
        assert_eq!(format!("{:?}", reply.body()), "{ok: 1, cursor: {id: 9}}");
        assert_eq!((reply.header().request_id, reply.header().response_to), (5, id));
        assert_eq!((reply.frame(), reply.more_to_come()), (&Bytes::from(bytes), false));
        assert_eq!(reply.to_doc_buf(), reply.body());
        assert_eq!(reply.clone().into_doc_buf(), reply.body());
        pair.assert_usable();
    }
}

#[test]
fn one_request_is_in_flight_at_a_time() {
    let mut pair = Pair::new();
    pair.send(&PING).unwrap();
    assert_eq!(pair.send(&PING), Err(ConnectionError::Busy));
    pair.write(3);
    assert_eq!(pair.send(&PING), Err(ConnectionError::Busy));
    pair.write(usize::MAX);
    assert_eq!(pair.send(&PING), Err(ConnectionError::Busy));
    // None of that has broken it.
    let id = Header::parse(&pair.request().unwrap()).unwrap().request_id;
    assert!(pair.arrive(&ok(1, id, Flags::NONE)).unwrap().is_some());
    pair.assert_usable();
}

#[test]
fn a_request_without_reply_ends_with_its_last_byte() {
    let mut pair = Pair::new();
    pair.send(&Request { no_reply: true, ..PING }).unwrap();
    let length = pair.out.remaining();
    pair.write(length - 1);
    assert!(!pair.client.is_idle());
    pair.write(1);
    assert!(!pair.client.is_awaiting());
    let frame = pair.request().unwrap();
    assert!(OpMsg::parse(&frame).unwrap().flags().contains(Flags::MORE_TO_COME));
    pair.assert_usable();
}

#[test]
fn each_exhaust_reply_answers_the_one_before() {
    let mut pair = Pair::new();
    pair.send(&Request { exhaust: true, ..PING }).unwrap();
    pair.write(usize::MAX);
    let frame = pair.request().unwrap();
    assert!(OpMsg::parse(&frame).unwrap().flags().contains(Flags::EXHAUST_ALLOWED));
    let id = Header::parse(&frame).unwrap().request_id;
    assert!(pair.arrive(&ok(100, id, Flags::MORE_TO_COME)).unwrap().unwrap().more_to_come());
    assert!(pair.client.is_awaiting());
    // Two at once: they come out one at a time.
    let mut two = ok(101, 100, Flags::MORE_TO_COME);
    two.extend(ok(102, 101, Flags::NONE));
    assert_eq!(pair.arrive(&two).unwrap().unwrap().header().request_id, 101);
    assert_eq!(pair.send(&PING), Err(ConnectionError::Busy));
    let last = pair.recv().unwrap().unwrap();
    assert_eq!((last.header().request_id, last.more_to_come()), (102, false));
    pair.assert_usable();
}

#[test]
fn request_ids_grow_and_wrap_around_to_one() {
    let mut pair = Pair::new();
    assert_eq!(pair.ping(), 1);
    pair.arrive(&ok(1, 1, Flags::NONE)).unwrap();
    pair.client.next_request_id = i32::MAX - 1;
    for expected in [i32::MAX - 1, i32::MAX, 1, 2] {
        let id = pair.ping();
        assert_eq!(id, expected);
        assert!(pair.arrive(&ok(1, id, Flags::NONE)).unwrap().is_some());
    }
}

#[test]
fn a_command_that_is_too_long_is_refused_and_leaves_the_connection_as_it_was() {
    let mut pair = Pair::new();
    let documents = numbered("documents", 0..1000);
    pair.send(&insert(core::slice::from_ref(&documents), INSERT)).unwrap();
    let length = pair.out.remaining();
    pair.client.cancel(&mut pair.out);
    pair.client.hello.limits.max_message_size = length;
    pair.send(&insert(core::slice::from_ref(&documents), INSERT)).unwrap();
    pair.client.cancel(&mut pair.out);
    pair.client.hello.limits.max_message_size = length - 1;
    let refused = pair.send(&insert(&[documents], INSERT));
    assert_eq!(refused, Err(ConnectionError::TooLong { length, limit: length - 1 }));
    assert!(pair.out.is_empty());
    pair.assert_usable();
}

#[test]
fn a_command_that_cannot_be_encoded_leaves_the_connection_as_it_was() {
    let mut pair = Pair::new();
    let body = |body: &mut DocWriter<'_>| {
        body.i32("in\0sert", 1);
    };
    assert!(matches!(pair.send(&command("insert", &body)), Err(ConnectionError::Encode(_))));
    assert!(pair.out.is_empty());
    pair.assert_usable();
}

#[test]
fn a_reply_that_gives_its_frame_away_leaves_the_checksum_behind() {
    let mut frame = Vec::new();
    let mut message = Builder::new(&mut frame, 5, 1, Flags::NONE);
    message.body().i32("ok", 1);
    message.finish_with_checksum().unwrap();
    let reply = Reply::parse(frame.into()).unwrap();
    let expected = reply.body().as_bytes().to_vec();
    assert_eq!(reply.into_doc_buf().as_bytes(), expected);
}
