//! Typed access to the elements of a document by key.

use super::{BsonError, Doc, RawValue, Timestamp};

/// Typed getters: an absent key is `None`, a wrong type is [`BsonError::WrongType`] with the key's name. Null is
/// a type like any other.
impl<'a> Doc<'a> {
    /// The text at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_str`].
    #[inline]
    pub fn get_str(self, key: &str) -> Result<Option<&'a str>, BsonError> {
        self.read(key, RawValue::as_str)
    }

    /// The int32 at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_i32`].
    #[inline]
    pub fn get_i32(self, key: &str) -> Result<Option<i32>, BsonError> {
        self.read(key, RawValue::as_i32)
    }

    /// The int64 or int32 at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_i64`].
    #[inline]
    pub fn get_i64(self, key: &str) -> Result<Option<i64>, BsonError> {
        self.read(key, RawValue::as_i64)
    }

    /// The double at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_f64`].
    #[inline]
    pub fn get_f64(self, key: &str) -> Result<Option<f64>, BsonError> {
        self.read(key, RawValue::as_f64)
    }

    /// The int32, int64 or integral double at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_number_i64`].
    #[inline]
    pub fn get_number_i64(self, key: &str) -> Result<Option<i64>, BsonError> {
        self.read(key, RawValue::as_number_i64)
    }

    /// The boolean at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_bool`].
    #[inline]
    pub fn get_bool(self, key: &str) -> Result<Option<bool>, BsonError> {
        self.read(key, RawValue::as_bool)
    }

    /// Whether the boolean or number at `key` is true: servers say `ok: 1.0`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_truthy`].
    #[inline]
    pub fn get_truthy(self, key: &str) -> Result<Option<bool>, BsonError> {
        self.read(key, RawValue::as_truthy)
    }

    /// The embedded document at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_doc`].
    #[inline]
    pub fn get_doc(self, key: &str) -> Result<Option<Self>, BsonError> {
        self.read(key, RawValue::as_doc)
    }

    /// The array at `key`, as the document that it is encoded as.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_array`].
    #[inline]
    pub fn get_array(self, key: &str) -> Result<Option<Self>, BsonError> {
        self.read(key, RawValue::as_array)
    }

    /// Subtype and bytes of the binary at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_binary`].
    #[inline]
    pub fn get_binary(self, key: &str) -> Result<Option<(u8, &'a [u8])>, BsonError> {
        self.read(key, RawValue::as_binary)
    }

    /// The object id at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_object_id`].
    #[inline]
    pub fn get_object_id(self, key: &str) -> Result<Option<[u8; 12]>, BsonError> {
        self.read(key, RawValue::as_object_id)
    }

    /// The date at `key`, in milliseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_datetime`].
    #[inline]
    pub fn get_datetime(self, key: &str) -> Result<Option<i64>, BsonError> {
        self.read(key, RawValue::as_datetime)
    }

    /// The timestamp at `key`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get) and [`RawValue::as_timestamp`].
    #[inline]
    pub fn get_timestamp(self, key: &str) -> Result<Option<Timestamp>, BsonError> {
        self.read(key, RawValue::as_timestamp)
    }

    /// Reads the value at `key`; errors say where in the document and under which key.
    #[inline]
    fn read<T>(
        self,
        key: &str,
        read: impl FnOnce(RawValue<'a>) -> Result<T, BsonError>,
    ) -> Result<Option<T>, BsonError> {
        let Some(value) = self.get(key)? else { return Ok(None) };
        match read(value) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(error.shifted(self.offset_of(value.bytes())).keyed(key)),
        }
    }
}
