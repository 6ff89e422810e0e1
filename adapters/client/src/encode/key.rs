//! The keys of maps: text only.

use bson::error::Error;
use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use super::compound::Compound;
use super::{refuse, refuse_compounds};

/// Takes the key of a map's next value.
#[derive(Debug)]
pub(super) struct Key<'k, 'e, 'o>(pub(super) &'k mut Compound<'e, 'o>);

impl Key<'_, '_, '_> {
    #[cold]
    fn refused(&self, method: &str) -> Error {
        let kind = method.trim_start_matches("serialize_");
        Error::custom(format_args!("keys of BSON are text; a map has one of serde's type {kind}"))
    }
}

impl Serializer for Key<'_, '_, '_> {
    type Ok = ();
    type Error = Error;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Impossible<(), Error>;

    #[inline]
    fn serialize_str(self, key: &str) -> Result<(), Error> {
        self.0.begin_field(key)
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.0.begin_field(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, key: &T) -> Result<(), Error> {
        key.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, key: &T) -> Result<(), Error> {
        key.serialize(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(self.refused("serialize_map"))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        Err(self.refused("serialize_struct"))
    }

    refuse! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
    }
    refuse_compounds!();
}
