//! Zstandard.

use stator_wire::{Codec, CodecError};

pub(crate) struct Zstd;

impl Codec for Zstd {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let compressed = ::zstd::bulk::compress(input, ::zstd::DEFAULT_COMPRESSION_LEVEL)
            .map_err(|_| CodecError::new("zstd cannot compress this"))?;
        out.extend_from_slice(&compressed);
        Ok(())
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        // Writes into `out` only, and fails if the data would be longer.
        match ::zstd::bulk::decompress_to_buffer(input, out) {
            Ok(written) if written == out.len() => Ok(()),
            Ok(_) => Err(CodecError::new("the zstd data is shorter than its frame states")),
            Err(_) => Err(CodecError::new("the zstd data is damaged, or longer than its frame states")),
        }
    }
}
