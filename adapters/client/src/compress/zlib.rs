//! zlib.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use stator_wire::{Codec, CodecError};

pub(crate) struct Zlib {
    /// -1 (the library's default) to 9.
    pub(crate) level: i32,
}

impl Codec for Zlib {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let level = u32::try_from(self.level).map_or_else(|_| Compression::default(), Compression::new);
        let mut encoder = Compress::new(level, true);
        out.reserve(input.len() / 2 + 64);
        loop {
            let read = encoder.total_in() as usize;
            let status = encoder.compress_vec(&input[read..], out, FlushCompress::Finish);
            match status.map_err(|_| CodecError::new("zlib cannot compress this"))? {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError => out.reserve(input.len() / 4 + 64),
            }
        }
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        let mut decoder = Decompress::new(true);
        let status = decoder.decompress(input, out, FlushDecompress::Finish);
        match status {
            Ok(Status::StreamEnd) if decoder.total_out() == out.len() as u64 => Ok(()),
            Ok(Status::StreamEnd) => Err(CodecError::new("the zlib data is shorter than its frame states")),
            Ok(_) => Err(CodecError::new("the zlib data is longer than its frame states, or cut off")),
            Err(_) => Err(CodecError::new("the zlib data is damaged")),
        }
    }
}
