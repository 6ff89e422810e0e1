//! From JSON text straight to BSON bytes, for what most documents consist of.
//!
//! What is not plain (a malformed text, a type wrapper that does not begin with its own key) is left to the way over [`Json`],
//! which knows what is wrong with it.
//!
//! [`Json`]: super::json::Json

use bson::Bson;
use stator_wire::bson::{ArrayWriter, DocWriter, ValueBuf};

use super::json::{Json, Reader};
use super::read;
use crate::convert::to_value;

/// The document that `text` is; `None` if that is for others to say.
pub(super) fn document(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut reader = Reader::new(text);
    let mut document = DocWriter::new(&mut bytes);
    if reader.peek() != Some(b'{') {
        return None;
    }
    object(&mut reader, &mut document, 0)?;
    document.finish().ok()?;
    reader.peek().is_none().then_some(bytes)
}

/// Where a value is written to.
enum Place<'p, 'b> {
    Field(&'p mut DocWriter<'b>, &'p str),
    Item(&'p mut ArrayWriter<'b>),
}

/// An object that is no type wrapper, or of which nobody has looked whether it is one.
fn object(reader: &mut Reader<'_>, document: &mut DocWriter<'_>, depth: usize) -> Option<()> {
    reader.skip();
    if reader.take(b'}') {
        return Some(());
    }
    loop {
        if reader.peek() != Some(b'"') {
            return None;
        }
        let key = reader.text().ok()?;
        if depth > 0 && read::is_wrapper(&key) {
            return None;
        }
        if !reader.take(b':') {
            return None;
        }
        value(reader, Place::Field(document, &key), depth + 1)?;
        if reader.take(b'}') {
            return Some(());
        }
        if !reader.take(b',') {
            return None;
        }
    }
}

fn array(reader: &mut Reader<'_>, items: &mut ArrayWriter<'_>, depth: usize) -> Option<()> {
    reader.skip();
    if reader.take(b']') {
        return Some(());
    }
    loop {
        value(reader, Place::Item(items), depth + 1)?;
        if reader.take(b']') {
            return Some(());
        }
        if !reader.take(b',') {
            return None;
        }
    }
}

fn value(reader: &mut Reader<'_>, place: Place<'_, '_>, depth: usize) -> Option<()> {
    match reader.peek()? {
        b'{' | b'[' if depth == super::MAX_DEPTH => return None,
        // A type wrapper, most likely: one at a time, they may take the long way.
        b'{' if reader.begins_with_dollar() => place.value(read::value(reader.value(depth).ok()?).ok()?)?,
        b'{' => {
            let mut document = place.document();
            object(reader, &mut document, depth)?;
            document.finish().ok()?;
        }
        b'[' => {
            let mut items = place.array();
            array(reader, &mut items, depth)?;
            items.finish().ok()?;
        }
        b'"' => place.text(&reader.text().ok()?),
        _ => match reader.value(depth).ok()? {
            Json::Integer(value) => match i32::try_from(value) {
                Ok(value) => place.int32(value),
                Err(_) => place.int64(value),
            },
            Json::Number(value) => place.double(value),
            Json::Bool(value) => place.bool(value),
            Json::Null => place.null(),
            Json::String(_) | Json::Array(_) | Json::Object(_) => return None,
        },
    }
    Some(())
}

impl<'p> Place<'p, '_> {
    fn text(self, value: &str) {
        match self {
            Self::Field(document, key) => _ = document.str(key, value),
            Self::Item(items) => _ = items.str(value),
        }
    }

    fn int32(self, value: i32) {
        match self {
            Self::Field(document, key) => _ = document.i32(key, value),
            Self::Item(items) => _ = items.i32(value),
        }
    }

    fn int64(self, value: i64) {
        match self {
            Self::Field(document, key) => _ = document.i64(key, value),
            Self::Item(items) => _ = items.i64(value),
        }
    }

    fn double(self, value: f64) {
        match self {
            Self::Field(document, key) => _ = document.f64(key, value),
            Self::Item(items) => _ = items.f64(value),
        }
    }

    fn bool(self, value: bool) {
        match self {
            Self::Field(document, key) => _ = document.bool(key, value),
            Self::Item(items) => _ = items.bool(value),
        }
    }

    fn null(self) {
        match self {
            Self::Field(document, key) => _ = document.null(key),
            Self::Item(items) => _ = items.null(),
        }
    }

    fn document(self) -> DocWriter<'p> {
        match self {
            Self::Field(document, key) => document.document(key),
            Self::Item(items) => items.document(),
        }
    }

    fn array(self) -> ArrayWriter<'p> {
        match self {
            Self::Field(document, key) => document.array_of(key),
            Self::Item(items) => items.array_of(),
        }
    }

    fn value(self, value: Bson) -> Option<()> {
        let value: ValueBuf = to_value(&value).ok()?;
        match self {
            Self::Field(document, key) => _ = document.value(key, value.as_raw()),
            Self::Item(items) => _ = items.value(value.as_raw()),
        }
        Some(())
    }
}
