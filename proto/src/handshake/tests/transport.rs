//! Streams that cut, end and say too much; deadlines.

use super::*;

/// The longest conversation: saslStart, saslContinue and the empty exchange.
fn longest() -> Pair {
    let mut server = Server::new(vec![stored(Hash::Sha256)]);
    (server.speculative, server.skip_empty) = (false, false);
    Pair::new(options(Some(scram(Hash::Sha256))), server).with_keys()
}

#[test]
fn bytes_may_come_and_go_in_pieces_of_any_size() {
    for piece in [1, 2, 3, 7, 16, 100] {
        let (pair, connection, keys) = Pair { piece, ..longest() }.logged_in();
        assert_eq!(pair.server.names(), ["isMaster", "saslStart", "saslContinue", "saslContinue"]);
        assert!(keys.is_some() && connection.is_idle());
        assert!(pair.input.is_empty() && pair.out.is_empty());
    }
}

#[test]
fn a_stream_that_ends_anywhere_is_an_error_that_says_where() {
    // The lengths of the four replies, which are the same each time.
    let mut boundaries = vec![0];
    let mut pair = longest();
    pair.closes_after = Some(usize::MAX);
    pair.piece = 1;
    loop {
        let left = pair.closes_after.unwrap();
        if pair.drive_step() {
            break;
        }
        let read = usize::MAX - pair.closes_after.unwrap();
        if left != pair.closes_after.unwrap() && pair.input.is_empty() {
            boundaries.push(read);
        }
    }
    let total = usize::MAX - pair.closes_after.unwrap();
    assert_eq!(boundaries.len(), 4);
    for end in 0..total {
        let mut pair = longest();
        pair.closes_after = Some(end);
        let mid_reply = !boundaries.contains(&end);
        let closed = HandshakeError::Connection(ConnectionError::Closed { mid_reply });
        assert_eq!(pair.drive(), Err(closed), "after {end} of {total} bytes");
        assert!(pair.client.finish().is_none());
    }
}

#[test]
fn bytes_that_nobody_asked_for_end_it() {
    let unsolicited = Err(HandshakeError::Connection(ConnectionError::Unsolicited));
    // Before hello is written.
    let mut pair = longest();
    pair.input.push(b"x");
    assert_eq!(pair.client.handle_recv(pair.now, &mut pair.input), unsolicited);
    assert!(!pair.client.poll_transmit(pair.now, &mut pair.out));
    // While keys are being derived.
    let mut pair = longest();
    while pair.client.poll_keys().is_none() {
        assert!(!pair.drive_step());
    }
    pair.input.push(b"x");
    assert_eq!(pair.client.handle_recv(pair.now, &mut pair.input), unsolicited);
    assert!(pair.client.poll_keys().is_none() && pair.client.error().is_some());
}

#[test]
fn a_reply_to_something_else_ends_it() {
    let mut pair = longest();
    pair.client.poll_transmit(pair.now, &mut pair.out);
    let bytes = pair.out.slices().concat();
    pair.server.handle(&bytes, &mut pair.wire);
    pair.client.handle_sent(pair.now, &mut pair.out, bytes.len());
    pair.wire[8] ^= 1;
    pair.input.push(&pair.wire);
    let error = pair.client.handle_recv(pair.now, &mut pair.input).unwrap_err();
    assert_eq!(error, HandshakeError::Connection(ConnectionError::WrongReply { expected: 1, found: 0 }));
}

#[test]
fn the_deadline_is_reported_until_the_end() {
    let deadline = Instant::from_millis(500);
    let mut pair = longest();
    pair.client = Handshake::new(
        HandshakeOptions { deadline, ..options(Some(scram(Hash::Sha256))) },
        Nonce::from_random(&[7; 24]),
    );
    pair.now = Instant::from_millis(600);
    assert_eq!(pair.client.poll_timeout(), Some(deadline));
    while !pair.drive_step() {
        if !pair.client.is_done() {
            assert_eq!(pair.client.poll_timeout(), Some(deadline));
        }
    }
    // The host enforces it: the machine itself does not look at the clock.
    assert!(pair.client.is_done());
    assert_eq!(pair.client.poll_timeout(), None);
    assert_eq!(longest().client.poll_timeout(), None, "never is no deadline");
}

#[test]
fn an_unfinished_handshake_gives_no_connection() {
    assert!(longest().client.finish().is_none());
    let mut pair = longest();
    let error = pair.client.handle_closed(pair.now, &pair.input);
    assert_eq!(error, HandshakeError::Connection(ConnectionError::Closed { mid_reply: false }));
    assert!(pair.client.finish().is_none());
}
