//! Element types and the shape of their values.

use core::fmt;

/// The type of an element: its first byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// 64-bit floating point.
    Double = 0x01,
    /// UTF-8 text.
    String = 0x02,
    /// An embedded document.
    Document = 0x03,
    /// An array: a document whose keys are decimal indexes.
    Array = 0x04,
    /// Bytes with a subtype.
    Binary = 0x05,
    /// Deprecated.
    Undefined = 0x06,
    /// 12 bytes, usually an `_id`.
    ObjectId = 0x07,
    /// True or false.
    Bool = 0x08,
    /// Milliseconds since 1970-01-01 UTC.
    DateTime = 0x09,
    /// Null.
    Null = 0x0a,
    /// A regular expression with options.
    Regex = 0x0b,
    /// Deprecated: a namespace and an object id.
    DbPointer = 0x0c,
    /// JavaScript.
    Code = 0x0d,
    /// Deprecated: text.
    Symbol = 0x0e,
    /// Deprecated: JavaScript with the values of its free variables.
    CodeWithScope = 0x0f,
    /// 32-bit integer.
    Int32 = 0x10,
    /// The server's internal timestamp: seconds and a counter.
    Timestamp = 0x11,
    /// 64-bit integer.
    Int64 = 0x12,
    /// 128-bit decimal floating point.
    Decimal128 = 0x13,
    /// Sorts after everything.
    MaxKey = 0x7f,
    /// Sorts before everything.
    MinKey = 0xff,
}

impl Kind {
    /// Every element type, in the order of its byte.
    pub const ALL: [Self; 21] = [
        Self::Double,
        Self::String,
        Self::Document,
        Self::Array,
        Self::Binary,
        Self::Undefined,
        Self::ObjectId,
        Self::Bool,
        Self::DateTime,
        Self::Null,
        Self::Regex,
        Self::DbPointer,
        Self::Code,
        Self::Symbol,
        Self::CodeWithScope,
        Self::Int32,
        Self::Timestamp,
        Self::Int64,
        Self::Decimal128,
        Self::MaxKey,
        Self::MinKey,
    ];

    /// The element type of `byte`, or `None` if there is none.
    #[inline]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        SHAPES[byte as usize].kind
    }

    /// The byte that begins an element of this type.
    #[inline]
    pub const fn to_byte(self) -> u8 {
        self as u8
    }

    /// The alias by which the server's `$type` operator knows this type, for example `objectId`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::String => "string",
            Self::Document => "object",
            Self::Array => "array",
            Self::Binary => "binData",
            Self::Undefined => "undefined",
            Self::ObjectId => "objectId",
            Self::Bool => "bool",
            Self::DateTime => "date",
            Self::Null => "null",
            Self::Regex => "regex",
            Self::DbPointer => "dbPointer",
            Self::Code => "javascript",
            Self::Symbol => "symbol",
            Self::CodeWithScope => "javascriptWithScope",
            Self::Int32 => "int",
            Self::Timestamp => "timestamp",
            Self::Int64 => "long",
            Self::Decimal128 => "decimal",
            Self::MaxKey => "maxKey",
            Self::MinKey => "minKey",
        }
    }

    /// How the size of a value of this type is found.
    const fn size(self) -> Size {
        match self {
            Self::Undefined | Self::Null | Self::MaxKey | Self::MinKey => Size::Fixed(0),
            Self::Bool => Size::Fixed(1),
            Self::Int32 => Size::Fixed(4),
            Self::Double | Self::DateTime | Self::Timestamp | Self::Int64 => Size::Fixed(8),
            Self::ObjectId => Size::Fixed(12),
            Self::Decimal128 => Size::Fixed(16),
            Self::String | Self::Code | Self::Symbol => Size::Prefixed { least: 1, extra: 4 },
            Self::Document | Self::Array => Size::Prefixed { least: 5, extra: 0 },
            Self::Binary => Size::Prefixed { least: 0, extra: 5 },
            Self::DbPointer => Size::Prefixed { least: 1, extra: 16 },
            // Its own length, an empty string and an empty document.
            Self::CodeWithScope => Size::Prefixed { least: 14, extra: 0 },
            Self::Regex => Size::TwoCStrings,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the size of a value is found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// Always the same number of bytes.
    Fixed(u8),
    /// An `int32` of at least `least`, and `extra` bytes that it does not count.
    Prefixed { least: u8, extra: u8 },
    /// Up to the second NUL.
    TwoCStrings,
}

/// What a type byte means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) kind: Option<Kind>,
    pub(super) size: Size,
}

/// One entry per type byte, so that the hot loop looks up instead of branching over 21 types.
pub(super) const SHAPES: [Shape; 256] = {
    let mut shapes = [Shape { kind: None, size: Size::Fixed(0) }; 256];
    let mut i = 0;
    while i < Kind::ALL.len() {
        let kind = Kind::ALL[i];
        shapes[kind as usize] = Shape { kind: Some(kind), size: kind.size() };
        i += 1;
    }
    shapes
};
