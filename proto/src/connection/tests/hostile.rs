//! Servers that break the protocol: a typed error, and it sticks.

use super::*;

#[test]
fn a_reply_to_another_request() {
    for found in [0, 2, -1, i32::MAX] {
        let mut pair = Pair::new();
        let expected = pair.ping();
        let error = ConnectionError::WrongReply { expected, found };
        assert_eq!(pair.arrive(&ok(1, found, Flags::NONE)).unwrap_err(), error);
        pair.assert_broken(&error);
    }
}

#[test]
fn an_exhaust_reply_that_answers_the_request_again() {
    let mut pair = Pair::new();
    pair.send(&Request { exhaust: true, ..PING }).unwrap();
    pair.write(usize::MAX);
    let id = 1;
    assert!(pair.arrive(&ok(100, id, Flags::MORE_TO_COME)).unwrap().is_some());
    let error = ConnectionError::WrongReply { expected: 100, found: id };
    assert_eq!(pair.arrive(&ok(101, id, Flags::NONE)).unwrap_err(), error);
    pair.assert_broken(&error);
}

#[test]
fn more_replies_than_were_allowed() {
    let mut pair = Pair::new();
    let id = pair.ping();
    let error = ConnectionError::MoreThanAsked;
    assert_eq!(pair.arrive(&ok(100, id, Flags::MORE_TO_COME)).unwrap_err(), error);
    pair.assert_broken(&error);
}

#[test]
fn bytes_that_nobody_asked_for() {
    // Idle from the beginning, idle after an exchange, and while the request is still being written.
    let steps: [fn(&mut Pair); 3] = [
        |_| {},
        |pair| pair.assert_usable(),
        |pair| {
            pair.send(&PING).unwrap();
            pair.write(5);
        },
    ];
    for step in steps {
        let mut pair = Pair::new();
        step(&mut pair);
        assert!(pair.recv().unwrap().is_none());
        assert_eq!(pair.arrive(b"\x01").unwrap_err(), ConnectionError::Unsolicited);
        pair.assert_broken(&ConnectionError::Unsolicited);
    }
}

#[test]
fn a_second_reply_behind_the_first() {
    let mut pair = Pair::new();
    let id = pair.ping();
    let mut bytes = ok(1, id, Flags::NONE);
    bytes.extend(ok(2, id, Flags::NONE));
    assert!(pair.arrive(&bytes).unwrap().is_some());
    assert_eq!(pair.recv().unwrap_err(), ConnectionError::Unsolicited);
    pair.assert_broken(&ConnectionError::Unsolicited);
}

#[test]
fn a_message_of_another_kind() {
    let mut pair = Pair::new();
    let id = pair.ping();
    let header = Header { length: 16, request_id: 1, response_to: id, op_code: OpCode::from_i32(1) };
    assert_eq!(pair.arrive(&header.to_bytes()).unwrap_err(), ConnectionError::NotOpMsg(1));
    pair.assert_broken(&ConnectionError::NotOpMsg(1));
}

#[test]
fn every_byte_of_a_reply_changed_never_panics_and_errors_stick() {
    let original = reply(9, 1, Flags::NONE, |body| {
        body.i32("ok", 1).str("s", "text");
    });
    for at in 0..original.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = original.clone();
            bytes[at] ^= change;
            let mut pair = Pair::new();
            pair.ping();
            if let Err(error) = pair.arrive(&bytes) {
                pair.assert_broken(&error);
            }
        }
    }
}

#[test]
fn a_frame_longer_than_the_limit() {
    let mut pair = Pair::new();
    pair.ping();
    pair.input.set_limit(100);
    let header = Header { length: 101, request_id: 1, response_to: 1, op_code: OpCode::Msg };
    let error = ConnectionError::Wire(WireError::FrameLength { claimed: 101, limit: 100 });
    assert_eq!(pair.arrive(&header.to_bytes()).unwrap_err(), error);
    pair.assert_broken(&error);
}

#[test]
fn the_end_of_the_stream_says_whether_a_reply_was_cut() {
    let bytes = ok(3, 1, Flags::NONE);
    for cut in 0..bytes.len() {
        let mut pair = Pair::new();
        pair.ping();
        assert!(pair.arrive(&bytes[..cut]).unwrap().is_none());
        let error = ConnectionError::Closed { mid_reply: cut > 0 };
        assert_eq!(pair.client.handle_closed(NOW, &pair.input), error);
        pair.assert_broken(&error);
    }
}
