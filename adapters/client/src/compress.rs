//! The codecs of OP_COMPRESSED, each behind the feature of its name.

use std::sync::Arc;

use stator_proto::Config;
use stator_wire::Codec;
use stator_wire::op_compressed::compressor;

#[cfg(feature = "snappy")]
mod snappy;
#[cfg(feature = "zlib")]
mod zlib;
#[cfg(feature = "zstd")]
mod zstd;

/// Codecs by compressor id.
pub(crate) type Codecs = Arc<[(u8, Box<dyn Codec + Send + Sync>)]>;

/// A codec that was compiled in: its name, its id, and how to make it for a configuration.
type Maker = (&'static str, u8, fn(&Config) -> Box<dyn Codec + Send + Sync>);

const MAKERS: &[Maker] = &[
    #[cfg(feature = "snappy")]
    ("snappy", compressor::SNAPPY, |_| Box::new(snappy::Snappy)),
    #[cfg(feature = "zlib")]
    ("zlib", compressor::ZLIB, |config| Box::new(zlib::Zlib { level: config.zlib_compression_level() })),
    #[cfg(feature = "zstd")]
    ("zstd", compressor::ZSTD, |_| Box::new(zstd::Zstd)),
];

/// The codecs that the configuration asks for and that were compiled in.
pub(crate) fn codecs(config: &Config) -> Codecs {
    let asked = |name: &str| config.compressors.iter().any(|compressor| compressor.as_str() == name);
    MAKERS.iter().filter(|(name, ..)| asked(name)).map(|(_, id, make)| (*id, make(config))).collect()
}

/// The names to offer to the server, in the configuration's order.
pub(crate) fn wanted(config: &Config, codecs: &Codecs) -> Vec<(&'static str, u8)> {
    let id_of = |name: &str| match name {
        "snappy" => compressor::SNAPPY,
        "zlib" => compressor::ZLIB,
        _ => compressor::ZSTD,
    };
    let names = config.compressors.iter().map(|compressor| compressor.as_str());
    names.map(|name| (name, id_of(name))).filter(|(_, id)| codecs.iter().any(|(known, _)| known == id)).collect()
}

/// The compressors of `config` that were not compiled in: they are left out, and the user should know.
pub(crate) fn missing(config: &Config) -> impl Iterator<Item = &'static str> {
    let names = config.compressors.iter().map(|compressor| compressor.as_str());
    names.filter(|name| MAKERS.iter().all(|(known, ..)| known != name))
}
