//! Which codecs a connection has, and which commands never use them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use stator_wire::Codec;

/// Compression of one connection: the negotiated compressor and the codecs for what the server sends.
#[derive(Clone)]
pub struct Compression {
    /// The codecs that the host has, by compressor id.
    pub codecs: Arc<[(u8, Box<dyn Codec + Send + Sync>)]>,
    /// The compressor for requests, if one was negotiated.
    pub requests: Option<u8>,
}

impl Compression {
    /// No compression in either direction.
    pub fn none() -> Self {
        Self { codecs: Arc::new([]), requests: None }
    }

    pub(super) fn codec(&self, id: u8) -> Option<&(dyn Codec + Send + Sync)> {
        self.codecs.iter().find(|(known, _)| *known == id).map(|(_, codec)| &**codec)
    }
}

impl fmt::Debug for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compression").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// Commands that must never be compressed (specification *OP_COMPRESSED*): they carry secrets or negotiate.
pub const UNCOMPRESSED_COMMANDS: &[&str] = &[
    "hello",
    "isMaster",
    "ismaster",
    "saslStart",
    "saslContinue",
    "getnonce",
    "authenticate",
    "createUser",
    "updateUser",
    "copydbSaslStart",
    "copydbgetnonce",
    "copydb",
];
