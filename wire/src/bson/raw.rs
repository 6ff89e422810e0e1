//! A value as its type and bytes.

use super::doc::measure;
use super::kind::SHAPES;
use super::{BsonError, Doc, Kind, Timestamp, Value, parse};

/// A value as its type and bytes.
///
/// The number of bytes is always that which the type and its length prefix demand. What the bytes say is
/// checked when it is read: every `as_*` method reports [`BsonError::WrongType`] if the value has another
/// type, and whatever is wrong with the bytes, at an offset from the start of the value.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawValue<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

impl<'a> RawValue<'a> {
    /// A value of type `kind` that consists of exactly `bytes`.
    ///
    /// # Errors
    ///
    /// `bytes` is shorter or longer than the value that begins there.
    pub fn new(kind: Kind, bytes: &'a [u8]) -> Result<Self, BsonError> {
        let size = measure(SHAPES[usize::from(kind.to_byte())].size, bytes)?;
        if size > bytes.len() {
            return Err(BsonError::Truncated { offset: 0 });
        }
        if size < bytes.len() {
            return Err(BsonError::BadLength { offset: 0, length: i32::try_from(size).unwrap_or(i32::MAX) });
        }
        Ok(Self { kind, bytes })
    }

    /// A value whose size was already compared with its type.
    #[inline]
    pub(super) fn measured(kind: Kind, bytes: &'a [u8]) -> Self {
        Self { kind, bytes }
    }

    /// The element type.
    #[inline]
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The bytes of the value, with its length prefix if its type has one.
    #[inline]
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Decodes the value; embedded documents stay views.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the bytes of this value, embedded documents excepted.
    pub fn decode(self) -> Result<Value<'a>, BsonError> {
        let bytes = self.bytes;
        Ok(match self.kind {
            Kind::Double => Value::Double(self.as_f64()?),
            Kind::String => Value::String(self.as_str()?),
            Kind::Document => Value::Document(Doc::new(bytes)?),
            Kind::Array => Value::Array(Doc::new(bytes)?),
            Kind::Binary => {
                let (subtype, bytes) = self.as_binary()?;
                Value::Binary { subtype, bytes }
            }
            Kind::Undefined => Value::Undefined,
            Kind::ObjectId => Value::ObjectId(fixed(bytes)?),
            Kind::Bool => Value::Bool(self.as_bool()?),
            Kind::DateTime => Value::DateTime(self.as_datetime()?),
            Kind::Null => Value::Null,
            Kind::Regex => {
                let (pattern, options) = parse::run(bytes, parse::regex)?;
                Value::Regex { pattern, options }
            }
            Kind::DbPointer => {
                let (namespace, id) = parse::run(bytes, parse::db_pointer)?;
                Value::DbPointer { namespace, id }
            }
            Kind::Code => Value::Code(parse::run(bytes, parse::string)?),
            Kind::Symbol => Value::Symbol(parse::run(bytes, parse::string)?),
            Kind::CodeWithScope => {
                let (code, scope) = parse::run(bytes, parse::code_with_scope)?;
                Value::CodeWithScope { code, scope }
            }
            Kind::Int32 => Value::Int32(self.as_i32()?),
            Kind::Timestamp => Value::Timestamp(self.as_timestamp()?),
            Kind::Int64 => Value::Int64(i64::from_le_bytes(fixed(bytes)?)),
            Kind::Decimal128 => Value::Decimal128(fixed(bytes)?),
            Kind::MaxKey => Value::MaxKey,
            Kind::MinKey => Value::MinKey,
        })
    }

    /// Text.
    ///
    /// # Errors
    ///
    /// No string, no terminator or no UTF-8.
    #[inline]
    pub fn as_str(self) -> Result<&'a str, BsonError> {
        self.only(Kind::String)?;
        parse::run(self.bytes, parse::string)
    }

    /// A 32-bit integer.
    ///
    /// # Errors
    ///
    /// No int32.
    #[inline]
    pub fn as_i32(self) -> Result<i32, BsonError> {
        self.only(Kind::Int32)?;
        fixed(self.bytes).map(i32::from_le_bytes)
    }

    /// A 32-bit or 64-bit integer.
    ///
    /// # Errors
    ///
    /// Neither int32 nor int64.
    #[inline]
    pub fn as_i64(self) -> Result<i64, BsonError> {
        match self.kind {
            Kind::Int64 => fixed(self.bytes).map(i64::from_le_bytes),
            Kind::Int32 => self.as_i32().map(i64::from),
            found => Err(BsonError::wrong_type("long or int", found)),
        }
    }

    /// A double.
    ///
    /// # Errors
    ///
    /// No double.
    #[inline]
    pub fn as_f64(self) -> Result<f64, BsonError> {
        self.only(Kind::Double)?;
        fixed(self.bytes).map(f64::from_le_bytes)
    }

    /// An integer of any type: int32, int64, or a double without a fraction that fits.
    ///
    /// # Errors
    ///
    /// No number, or a double that is no integer.
    pub fn as_number_i64(self) -> Result<i64, BsonError> {
        let Kind::Double = self.kind else { return self.as_i64() };
        let double = self.as_f64()?;
        // The cast saturates; 2^63 itself would come back equal although it does not fit.
        let integer = double as i64;
        if integer as f64 == double && integer != i64::MAX {
            Ok(integer)
        } else {
            Err(BsonError::wrong_type("integral number", Kind::Double))
        }
    }

    /// A boolean.
    ///
    /// # Errors
    ///
    /// No boolean, or one that is neither 0 nor 1.
    #[inline]
    pub fn as_bool(self) -> Result<bool, BsonError> {
        self.only(Kind::Bool)?;
        match fixed(self.bytes)? {
            [0] => Ok(false),
            [1] => Ok(true),
            [byte] => Err(BsonError::InvalidBool { offset: 0, byte }),
        }
    }

    /// Whether a boolean or number is true, that is not zero: servers say `ok: 1.0`.
    ///
    /// # Errors
    ///
    /// Neither a boolean nor an int32, int64 or double.
    pub fn as_truthy(self) -> Result<bool, BsonError> {
        match self.kind {
            Kind::Bool => self.as_bool(),
            Kind::Int32 | Kind::Int64 => Ok(self.as_i64()? != 0),
            Kind::Double => Ok(self.as_f64()? != 0.0),
            found => Err(BsonError::wrong_type("bool or number", found)),
        }
    }

    /// An embedded document.
    ///
    /// # Errors
    ///
    /// No document, or one without terminator.
    #[inline]
    pub fn as_doc(self) -> Result<Doc<'a>, BsonError> {
        self.only(Kind::Document)?;
        Doc::new(self.bytes)
    }

    /// An array, as the document that it is encoded as.
    ///
    /// # Errors
    ///
    /// No array, or one without terminator.
    #[inline]
    pub fn as_array(self) -> Result<Doc<'a>, BsonError> {
        self.only(Kind::Array)?;
        Doc::new(self.bytes)
    }

    /// Subtype and bytes, without the inner length of the old subtype 2.
    ///
    /// # Errors
    ///
    /// No binary, or a wrong inner length.
    #[inline]
    pub fn as_binary(self) -> Result<(u8, &'a [u8]), BsonError> {
        self.only(Kind::Binary)?;
        parse::run(self.bytes, parse::binary)
    }

    /// An object id.
    ///
    /// # Errors
    ///
    /// No object id.
    #[inline]
    pub fn as_object_id(self) -> Result<[u8; 12], BsonError> {
        self.only(Kind::ObjectId)?;
        fixed(self.bytes)
    }

    /// Milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// No date.
    #[inline]
    pub fn as_datetime(self) -> Result<i64, BsonError> {
        self.only(Kind::DateTime)?;
        fixed(self.bytes).map(i64::from_le_bytes)
    }

    /// The server's internal timestamp.
    ///
    /// # Errors
    ///
    /// No timestamp.
    #[inline]
    pub fn as_timestamp(self) -> Result<Timestamp, BsonError> {
        self.only(Kind::Timestamp)?;
        let both = u64::from_le_bytes(fixed(self.bytes)?);
        Ok(Timestamp { time: (both >> 32) as u32, increment: both as u32 })
    }

    #[inline]
    fn only(self, expected: Kind) -> Result<(), BsonError> {
        if self.kind == expected { Ok(()) } else { Err(BsonError::wrong_type(expected.name(), self.kind)) }
    }
}

/// The bytes of a value of fixed size.
#[inline]
fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], BsonError> {
    bytes.try_into().map_err(|_| BsonError::Truncated { offset: 0 })
}
