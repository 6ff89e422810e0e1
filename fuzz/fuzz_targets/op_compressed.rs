//! Sizes are bounded before memory is taken, whatever the codec does; what is compressed comes back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_wire::op_compressed::{Noop, OpCompressed};
use stator_wire::{Codec, CodecError, Header, Message, OpCode};

fuzz_target!(|data: &[u8]| {
    let Some(([limit_low, limit_high, mood], rest)) = data.split_first_chunk::<3>() else { return };
    let limit = usize::from(u16::from_le_bytes([*limit_low, *limit_high]));
    let hostile = Hostile(*mood);

    let mut frame = frame(rest, OpCode::Compressed);
    if let Ok(compressed) = OpCompressed::parse(&frame) {
        let _ = format!("{compressed:?}");
        for codec in [&Noop as &dyn Codec, &hostile] {
            if let Ok(message) = compressed.decompress(codec, limit) {
                assert!(message.len() <= limit);
                let (header, _) = Header::parse_frame(&message).expect("the frame is whole");
                assert_eq!(header.op_code, compressed.original());
                assert_eq!(header.request_id, compressed.header().request_id);
                let _ = Message::parse(&message);
            }
        }
    }

    frame[12..16].copy_from_slice(&OpCode::Msg.to_i32().to_le_bytes());
    let mut out = vec![0xee; 2];
    OpCompressed::compress(&frame, *mood, &Noop, &mut out).expect("a whole frame can be compressed");
    let compressed = OpCompressed::parse(&out[2..]).expect("what was written parses");
    assert_eq!(compressed.compressor(), *mood);
    assert_eq!(compressed.decompress(&Noop, frame.len()).expect("it was compressed by us"), frame);
    assert!(compressed.decompress(&Noop, frame.len() - 1).is_err());
    out.clear();
    if OpCompressed::compress(&frame, *mood, &hostile, &mut out).is_ok() {
        OpCompressed::parse(&out).expect("a lying codec still makes whole frames");
    }
});

fn frame(rest: &[u8], op_code: OpCode) -> Vec<u8> {
    let mut frame =
        Header { length: 16 + rest.len() as i32, request_id: 5, response_to: 6, op_code }.to_bytes().to_vec();
    frame.extend_from_slice(rest);
    frame
}

/// Writes too little, nothing or nonsense, and says that all is well.
struct Hostile(u8);

impl Codec for Hostile {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        match self.0 % 4 {
            0 => {}
            1 => out.resize(out.len() + usize::from(self.0) * 9, self.0),
            2 => out.extend(input.iter().rev()),
            _ => return Err(CodecError::new("not today")),
        }
        Ok(())
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        match self.0 % 3 {
            0 => {}
            1 => out.iter_mut().zip(input.iter().cycle()).for_each(|(out, byte)| *out = *byte),
            _ => return Err(CodecError::new("not today")),
        }
        Ok(())
    }
}
