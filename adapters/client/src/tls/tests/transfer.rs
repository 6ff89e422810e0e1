//! Bytes arrive as they were sent, whatever the wire does to them.

use rustls::HandshakeKind;
use rustls::version::{TLS12, TLS13};

use super::*;

/// A secured channel and its peer.
fn pair(version: &'static SupportedProtocolVersion) -> (Channel<Wire>, Wire) {
    let wire = Wire::with(Some(&Ca::new().sign(|_| {}).server(&[version], None)));
    (secure(&connector("tlsInsecure=true"), &wire).unwrap(), wire)
}

/// Bytes that tell their place.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

fn poll_send(channel: &mut Channel<Wire>, slices: &[&[u8]], deadline: Instant) -> Poll<io::Result<usize>> {
    let slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    channel.poll_send(&mut Context::from_waker(Waker::noop()), &slices, deadline)
}

#[test]
fn byte_by_byte() {
    let server = Ca::new().sign(|_| {}).server(&[&TLS12, &TLS13], None);
    let wire = Wire::with(Some(&server));
    wire.peer().chunk = 1;
    let mut channel = secure(&connector("tlsInsecure=true"), &wire).unwrap();
    send(&mut channel, &mut [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")]);
    assert_eq!(wire.peer().heard, b"one two");
    wire.peer().say(b"three four");
    let mut came = [0; 10];
    for byte in &mut came {
        recv(&mut channel, core::slice::from_mut(byte));
    }
    assert_eq!(&came, b"three four");
}

#[test]
fn sixteen_megabytes_each_way() {
    for version in [&TLS12, &TLS13] {
        let (mut channel, wire) = pair(version);
        let bytes = pattern(16 << 20);
        let (head, payload) = bytes.split_at(333);
        send(&mut channel, &mut [IoSlice::new(head), IoSlice::new(payload)]);
        assert!(wire.peer().heard == bytes);
        wire.peer().say(&bytes);
        let mut came = vec![0; bytes.len()];
        recv(&mut channel, &mut came);
        assert!(came == bytes);
        assert!(channel.try_recv(&mut [0]).unwrap().is_none());
    }
}

#[test]
fn slices_of_every_size_are_put_together() {
    let (mut channel, wire) = pair(&TLS13);
    let bytes = pattern(400_000);
    for parts in [[0, 0, 1], [1, 16_383, 1], [16_384, 1, 40_000], [5, 70_000, 30_000], [16_383, 16_385, 100_000]] {
        wire.peer().heard.clear();
        let (first, rest) = bytes.split_at(parts[0]);
        let (second, rest) = rest.split_at(parts[1]);
        let third = &rest[..parts[2]];
        send(&mut channel, &mut [IoSlice::new(first), IoSlice::new(second), IoSlice::new(third)]);
        assert!(wire.peer().heard == bytes[..parts.iter().sum()], "{parts:?}");
    }
}

#[test]
fn a_small_head_and_its_payload_share_a_record() {
    let (mut channel, wire) = pair(&TLS13);
    wire.peer().room = 1000;
    send(&mut channel, &mut [IoSlice::new(&[1; 200]), IoSlice::new(&[2; 300])]);
    // Header, type and tag of one record.
    assert_eq!(wire.peer().room, 1000 - 500 - 22);
}

#[test]
fn what_was_taken_is_sent_and_what_waits_is_known_to_wait() {
    let (mut channel, wire) = pair(&TLS13);
    let bytes = pattern(100_000);
    wire.peer().room = 0;
    assert_eq!(poll_send(&mut channel, &[&bytes], EVER).map(Result::unwrap), Poll::Ready(65_535));
    // The rest waits, and the stream says so, by waiting or by its deadline.
    assert!(poll_send(&mut channel, &[&bytes[65_535..]], EVER).is_pending());
    wire.peer().room = 1000;
    let late = poll_send(&mut channel, &[&bytes[65_535..]], Instant::ORIGIN);
    assert!(matches!(late, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut));
    wire.peer().room = usize::MAX;
    send(&mut channel, &mut [IoSlice::new(&bytes[65_535..])]);
    assert!(wire.peer().heard == bytes);
}

#[test]
fn a_reader_sends_what_waits() {
    let (mut channel, wire) = pair(&TLS13);
    wire.peer().room = 10;
    assert_eq!(poll_send(&mut channel, &[b"question"], EVER).map(Result::unwrap), Poll::Ready(7));
    wire.peer().room = usize::MAX;
    wire.peer().say(b"answer");
    recv(&mut channel, &mut [0; 6]);
    wire.peer().room = usize::MAX;
    assert_eq!(poll_send(&mut channel, &[b"n"], EVER).map(Result::unwrap), Poll::Ready(1));
    assert_eq!(wire.peer().heard, b"question");
}

#[test]
fn dropped_in_mid_write_the_server_hears_no_good_bye() {
    let (mut channel, wire) = pair(&TLS13);
    wire.peer().room = 5;
    let _ = poll_send(&mut channel, &[&pattern(1000)], EVER);
    drop(channel);
    assert!(wire.peer().heard.is_empty() && !wire.peer().left);
}

#[test]
fn dropped_in_peace_the_server_hears_a_good_bye() {
    for version in [&TLS12, &TLS13] {
        let (mut channel, wire) = pair(version);
        send(&mut channel, &mut [IoSlice::new(b"x")]);
        drop(channel);
        assert!(wire.peer().left);
    }
}

#[test]
fn a_session_ticket_is_no_data() {
    let (mut channel, wire) = pair(&TLS13);
    // Tickets came with the server's last words, which the handshake did not wait for.
    assert!(!wire.peer().bytes.is_empty(), "there is a ticket to read");
    assert!(channel.try_recv(&mut [0]).unwrap().is_none());
    assert!(wire.peer().bytes.is_empty(), "it was read");
    wire.peer().say(b"unasked");
    assert_eq!(channel.try_recv(&mut [0]).unwrap(), Some(1));
}

#[test]
fn the_ends_of_streams() {
    // With a good-bye and without.
    let (mut channel, wire) = pair(&TLS13);
    wire.peer().say(b"last words");
    wire.peer().tls.as_mut().unwrap().send_close_notify();
    wire.peer().flush();
    recv(&mut channel, &mut [0; 10]);
    assert_eq!(channel.try_recv(&mut [0]).unwrap(), Some(0));
    let (mut channel, wire) = pair(&TLS12);
    wire.peer().ended = true;
    assert_eq!(channel.try_recv(&mut [0]).unwrap(), Some(0));
}

#[test]
fn damage_is_an_error_and_stays_one() {
    let (mut channel, wire) = pair(&TLS13);
    assert_eq!(channel.try_recv(&mut []).unwrap(), None);
    wire.peer().say(b"good, ");
    wire.peer().say(b"better, ");
    wire.peer().say(b"damaged");
    *wire.peer().bytes.back_mut().unwrap() ^= 1;
    let mut came = [0; 64];
    recv(&mut channel, &mut came[..3]);
    assert_eq!(channel.try_recv(&mut came[3..]).unwrap(), Some(11));
    assert_eq!(&came[..14], b"good, better, ");
    for _ in 0..3 {
        assert!(channel.try_recv(&mut [0; 64]).is_err());
    }
    assert!(wire.peer().failed.is_some(), "the server is told");
}

#[test]
fn keys_are_renewed_when_the_server_wants_it() {
    let (mut channel, wire) = pair(&TLS13);
    for _ in 0..3 {
        wire.peer().tls.as_mut().unwrap().refresh_traffic_keys().unwrap();
        wire.peer().say(b"new keys");
        recv(&mut channel, &mut [0; 8]);
        send(&mut channel, &mut [IoSlice::new(b"indeed")]);
    }
    assert_eq!(wire.peer().heard, b"indeedindeedindeed");
}

#[test]
fn later_connections_resume_the_session() {
    for version in [&TLS12, &TLS13] {
        let server = Ca::new().sign(|_| {}).server(&[version], None);
        let connector = connector("tlsInsecure=true");
        let kinds = [(); 3].map(|()| {
            let wire = Wire::with(Some(&server));
            let mut channel = secure(&connector, &wire).unwrap();
            send(&mut channel, &mut [IoSlice::new(b"x")]);
            assert!(channel.try_recv(&mut [0]).unwrap().is_none());
            wire.peer().tls.as_ref().unwrap().handshake_kind().unwrap()
        });
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed], "{version:?}");
    }
}
