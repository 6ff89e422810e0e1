//! The names by which types of the `bson` crate, version 3, make themselves known to serde.

pub(crate) const UUID_TYPE: &str = "$__bson_private_uuid";
pub(crate) const HUMAN_READABLE: &str = "$__bson_private_human_readable";
pub(crate) const UTF8_LOSSY: &str = "$__bson_private_utf8_lossy";
pub(crate) const RAW_BSON: &str = "$__private__bson_RawBson";
pub(crate) const RAW_DOCUMENT: &str = "$__private__bson_RawDocument";
pub(crate) const RAW_ARRAY: &str = "$__private__bson_RawArray";

/// The binary subtype of UUIDs.
pub(crate) const UUID: u8 = 4;
