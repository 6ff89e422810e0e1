//! OP_COMPRESSED in both directions.

use super::*;

/// Flips every bit: a codec whose output cannot be taken for its input.
struct Flip;

impl Codec for Flip {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), stator_wire::CodecError> {
        out.extend(input.iter().map(|byte| !byte));
        Ok(())
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), stator_wire::CodecError> {
        if input.len() != out.len() {
            return Err(stator_wire::CodecError::new("another size"));
        }
        out.iter_mut().zip(input).for_each(|(out, byte)| *out = !byte);
        Ok(())
    }
}

const FLIP: u8 = 200;

fn pair(requests: Option<u8>) -> Pair {
    let codecs: Vec<(u8, Box<dyn Codec + Send + Sync>)> =
        vec![(compressor::NOOP, Box::new(Noop)), (FLIP, Box::new(Flip))];
    Pair::with(Compression { codecs: Arc::from(codecs), requests })
}

fn compressed(message: &[u8], id: u8, codec: &dyn Codec) -> Vec<u8> {
    let mut bytes = vec![];
    OpCompressed::compress(message, id, codec, &mut bytes).unwrap();
    bytes
}

#[test]
fn requests_are_compressed_with_the_negotiated_codec() {
    for (id, codec) in [(compressor::NOOP, &Noop as &dyn Codec), (FLIP, &Flip)] {
        let mut plain = pair(None);
        let mut pair = pair(Some(id));
        let sequence = Sequence {
            identifier: "documents",
            documents: doc(|d| {
                d.i32("_id", 1);
            })
            .into(),
        };
        let sequences = [sequence.clone(), Sequence { identifier: "nsInfo", ..sequence }];
        let request = Request { sequences: &sequences, ..PING };
        plain.send(&request).unwrap();
        pair.send(&request).unwrap();
        // Listeners are told what was compressed, and of the next request not this one.
        assert_eq!(plain.out.uncompressed(), plain.out.slices());
        assert_eq!(pair.out.uncompressed().concat(), plain.out.slices().concat());
        pair.write(usize::MAX);
        assert_eq!(pair.out.uncompressed(), [&[] as &[u8]; 3]);
        let frame = pair.request().unwrap();
        let read = OpCompressed::parse(&frame).unwrap();
        assert_eq!((read.compressor(), read.header().request_id), (id, 1));
        assert_eq!(read.decompress(codec, 48_000_000).unwrap(), plain.out.slices().concat());
        // The reply comes compressed or not, as the server likes.
        let answer = compressed(&ok(4, 1, Flags::NONE), id, codec);
        let reply = pair.arrive(&answer).unwrap().unwrap();
        assert_eq!((reply.header().request_id, format!("{:?}", reply.body())), (4, "{ok: 1}".into()));
        pair.send(&PING).unwrap();
        pair.write(usize::MAX);
        assert!(pair.arrive(&ok(5, 2, Flags::NONE)).unwrap().is_some());
        assert!(pair.client.is_idle());
    }
}

#[test]
fn commands_with_secrets_and_handshakes_are_never_compressed() {
    for name in UNCOMPRESSED_COMMANDS {
        let body = |body: &mut DocWriter<'_>| {
            body.i32(name, 1);
        };
        let mut pair = pair(Some(FLIP));
        pair.send(&command(name, &body)).unwrap();
        pair.write(usize::MAX);
        assert_eq!(shown(&pair.request().unwrap()), format!("{{{name}: 1}}"));
    }
    // The specification's list, by name.
    for name in "hello isMaster ismaster saslStart saslContinue getnonce authenticate createUser updateUser \
                 copydbSaslStart copydbgetnonce copydb"
        .split(' ')
    {
        assert!(UNCOMPRESSED_COMMANDS.contains(&name), "{name}");
    }
}

#[test]
fn a_codec_that_the_host_lacks_is_not_used() {
    let mut pair = pair(Some(77));
    pair.send(&PING).unwrap();
    pair.write(usize::MAX);
    assert_eq!(shown(&pair.request().unwrap()), r#"{ping: 1, $db: "admin"}"#);
}

#[test]
fn a_noop_reply_is_read_even_without_any_codec() {
    let mut pair = Pair::new();
    let id = pair.ping();
    let answer = compressed(&ok(4, id, Flags::NONE), compressor::NOOP, &Noop);
    assert!(pair.arrive(&answer).unwrap().is_some());
    pair.assert_usable();
}

#[test]
fn bad_compressed_replies_break_the_connection() {
    let message = ok(4, 1, Flags::NONE);
    let head = OpCompressed::HEAD;
    let mut short = compressed(&message, FLIP, &Flip);
    short[20] -= 1;
    let mut huge = compressed(&message, FLIP, &Flip);
    huge[20..24].copy_from_slice(&i32::MAX.to_le_bytes());
    let mut nested = compressed(&message, FLIP, &Flip);
    nested[16..20].copy_from_slice(&OpCode::Compressed.to_i32().to_le_bytes());
    let mut cut = compressed(&message, FLIP, &Flip)[..head - 1].to_vec();
    cut[0] = (head - 1) as u8;
    let mut other = compressed(&message, FLIP, &Flip);
    other[16..20].copy_from_slice(&2004i32.to_le_bytes());
    let cases = [
        (compressed(&message, 77, &Flip), WireError::Compressor(77)),
        (short, WireError::Codec(stator_wire::CodecError::new("another size"))),
        (huge, WireError::UncompressedSize { claimed: i32::MAX, limit: 48_000_000 - Header::SIZE }),
        (nested, WireError::NestedCompression),
        (cut, WireError::Truncated { part: "OP_COMPRESSED head" }),
        (other, WireError::OpCode { found: 2004, expected: 2013 }),
    ];
    for (bytes, error) in cases {
        let mut pair = pair(None);
        pair.ping();
        let error = ConnectionError::Wire(error);
        assert_eq!(pair.arrive(&bytes).unwrap_err(), error);
        pair.assert_broken(&error);
    }
}

#[test]
fn a_compressed_reply_to_another_request_breaks_the_connection() {
    let mut pair = pair(None);
    pair.ping();
    let error = ConnectionError::WrongReply { expected: 1, found: 8 };
    let answer = compressed(&ok(4, 8, Flags::NONE), FLIP, &Flip);
    assert_eq!(pair.arrive(&answer).unwrap_err(), error);
    pair.assert_broken(&error);
}

#[test]
fn a_large_command_leaves_no_large_buffers_behind() {
    for requests in [None, Some(FLIP)] {
        let mut pair = pair(requests);
        let body = |body: &mut DocWriter<'_>| {
            body.i32("insert", 1).binary("large", 0, &vec![7; 1 << 20]);
        };
        pair.send(&Request { name: "insert", body: &body, ..PING }).unwrap();
        assert!(pair.out.remaining() > 1 << 20);
        pair.write(usize::MAX);
        assert!(pair.out.is_empty() && pair.out.head.capacity() <= SendBuf::KEPT);
        assert!(pair.out.scratch.capacity() <= SendBuf::KEPT);
    }
}
