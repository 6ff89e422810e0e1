//! What parses, when written again, parses to the same; a checksum notices every flipped bit.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_wire::bson::Doc;
use stator_wire::op_msg::{Builder, Flags, OpMsg};
use stator_wire::{Header, Message, OpCode, WireError};

fuzz_target!(|data: &[u8]| {
    let _ = Message::parse(data);
    let Some((ids, rest)) = data.split_first_chunk::<8>() else { return };
    // Length and opcode are given, so that the fuzzer can look for more than those.
    let mut frame = Header { length: 16 + rest.len() as i32, request_id: 0, response_to: 0, op_code: OpCode::Msg }
        .to_bytes()
        .to_vec();
    frame[4..12].copy_from_slice(ids);
    frame.extend_from_slice(rest);
    let Ok(message) = OpMsg::parse(&frame) else { return };
    let _ = format!("{message:?}");
    let Some(emitted) = emit(message, false) else { return };
    same(message, OpMsg::parse(&emitted).expect("what the builder writes parses"));

    let mut emitted = emit(message, true).expect("it was written without a checksum");
    same(message, OpMsg::parse(&emitted).expect("with its checksum too"));
    // Behind length, opcode and flags, which have errors of their own.
    let bit = (u64::from_le_bytes(*ids) % ((emitted.len() as u64 - 20) * 8)) as usize;
    emitted[20 + bit / 8] ^= 1 << (bit % 8);
    assert!(matches!(OpMsg::parse(&emitted), Err(WireError::Checksum { .. })));
});

/// `None` if the message has what the builder does not write: a broken document, an identifier that is no text.
fn emit(message: OpMsg<'_>, checksum: bool) -> Option<Vec<u8>> {
    let mut out = vec![0xee; 3];
    let header = message.header();
    let mut builder = Builder::new(&mut out, header.request_id, header.response_to, message.flags());
    builder.body_doc(message.body());
    for sequence in message.sequences() {
        let documents: Result<Vec<Doc<'_>>, _> = sequence.documents().collect();
        builder.sequence(str::from_utf8(sequence.identifier()).ok()?, documents.ok()?.into_iter()).expect("it fits");
    }
    let length = if checksum { builder.finish_with_checksum() } else { builder.finish() }.expect("it fits");
    assert_eq!(length, out.len() - 3);
    Some(out.split_off(3))
}

fn same(left: OpMsg<'_>, right: OpMsg<'_>) {
    let ids = |message: OpMsg<'_>| (message.header().request_id, message.header().response_to);
    let flags = |message: OpMsg<'_>| message.flags().bits() & !Flags::CHECKSUM_PRESENT.bits();
    assert_eq!((ids(left), flags(left), left.body()), (ids(right), flags(right), right.body()));
    let sequences = |message: OpMsg<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
        message.sequences().map(|sequence| (sequence.identifier().to_vec(), sequence.as_bytes().to_vec())).collect()
    };
    assert_eq!(sequences(left), sequences(right));
}
