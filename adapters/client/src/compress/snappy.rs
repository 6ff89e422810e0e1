//! snappy, raw format.

use stator_wire::{Codec, CodecError};

pub(crate) struct Snappy;

impl Codec for Snappy {
    fn compress(&self, input: &[u8], out: &mut Vec<u8>) -> Result<(), CodecError> {
        let start = out.len();
        out.resize(start + snap::raw::max_compress_len(input.len()), 0);
        let written = snap::raw::Encoder::new()
            .compress(input, &mut out[start..])
            .map_err(|_| CodecError::new("snappy cannot compress so much"))?;
        out.truncate(start + written);
        Ok(())
    }

    fn decompress(&self, input: &[u8], out: &mut [u8]) -> Result<(), CodecError> {
        if snap::raw::decompress_len(input).ok() != Some(out.len()) {
            return Err(CodecError::new("the snappy data states another size than its frame"));
        }
        let written = snap::raw::Decoder::new().decompress(input, out);
        if written.ok() != Some(out.len()) {
            return Err(CodecError::new("the snappy data is damaged"));
        }
        Ok(())
    }
}
