//! `Debug` of documents and values: one line, bounded in length and depth.
//!
//! It shows what is in a document. Whoever prints commands must leave out those that carry credentials.

use core::fmt::{self, Write};

use super::{Doc, Element, Elements, RawValue, Value};

impl fmt::Debug for Doc<'_> {
    /// Prints like `{a: 1, b: "x"}`, cut off after 512 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bounded(f, |out| document(out, *self, Braces::Document, 0))
    }
}

impl fmt::Debug for RawValue<'_> {
    /// Prints like `1` or `"x"`, cut off after 512 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bounded(f, |out| value(out, *self, 0))
    }
}

impl fmt::Debug for Element<'_> {
    /// Prints like `a: 1`, cut off after 512 bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bounded(f, |out| element(out, *self, 0))
    }
}

impl fmt::Debug for Elements<'_> {
    /// Prints where the iterator stands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elements").field("offset", &self.offset()).finish_non_exhaustive()
    }
}

/// How many bytes are printed.
const MAX_BYTES: usize = 512;

/// How many levels are printed.
const MAX_LEVELS: usize = 8;

/// Passes on the first bytes, then fails.
struct Bounded<'f, 'a> {
    out: &'f mut fmt::Formatter<'a>,
    left: usize,
    full: bool,
}

impl Write for Bounded<'_, '_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if s.len() <= self.left {
            self.left -= s.len();
            return self.out.write_str(s);
        }
        self.full = true;
        self.out.write_str(&s[..s.floor_char_boundary(self.left)])?;
        self.out.write_str("...")?;
        Err(fmt::Error)
    }
}

fn bounded(f: &mut fmt::Formatter<'_>, print: impl FnOnce(&mut Bounded<'_, '_>) -> fmt::Result) -> fmt::Result {
    let mut out = Bounded { out: f, left: MAX_BYTES, full: false };
    match print(&mut out) {
        Err(_) if out.full => Ok(()),
        result => result,
    }
}

#[derive(Clone, Copy)]
enum Braces {
    Document,
    Array,
}

fn document(out: &mut Bounded<'_, '_>, doc: Doc<'_>, braces: Braces, level: usize) -> fmt::Result {
    let (open, close) = match braces {
        Braces::Document => ('{', '}'),
        Braces::Array => ('[', ']'),
    };
    out.write_char(open)?;
    if level == MAX_LEVELS {
        out.write_str("...")?;
        return out.write_char(close);
    }
    for (i, next) in doc.iter().enumerate() {
        if i > 0 {
            out.write_str(", ")?;
        }
        match (next, braces) {
            (Ok(next), Braces::Document) => element(out, next, level + 1)?,
            (Ok(next), Braces::Array) => value(out, next.value(), level + 1)?,
            (Err(error), _) => write!(out, "<{error}>")?,
        }
    }
    out.write_char(close)
}

fn element(out: &mut Bounded<'_, '_>, element: Element<'_>, level: usize) -> fmt::Result {
    write!(out, "{}: ", element.key_bytes().escape_ascii())?;
    value(out, element.value(), level)
}

fn value(out: &mut Bounded<'_, '_>, raw: RawValue<'_>, level: usize) -> fmt::Result {
    match raw.decode() {
        Ok(Value::Document(doc)) => document(out, doc, Braces::Document, level),
        Ok(Value::Array(doc)) => document(out, doc, Braces::Array, level),
        Ok(Value::String(text)) => write!(out, "{text:?}"),
        Ok(Value::Double(number)) => write!(out, "{number:?}"),
        Ok(Value::Int32(number)) => write!(out, "{number}"),
        Ok(Value::Int64(number)) => write!(out, "{number}"),
        Ok(Value::Bool(value)) => write!(out, "{value}"),
        Ok(Value::Null) => out.write_str("null"),
        Ok(Value::Undefined) => out.write_str("undefined"),
        Ok(Value::ObjectId(id)) => called(out, "ObjectId", &id),
        Ok(Value::Decimal128(bytes)) => called(out, "Decimal128", &bytes),
        Ok(Value::Binary { subtype, bytes }) => {
            write!(out, "Binary({subtype}, ")?;
            hex(out, bytes)?;
            out.write_char(')')
        }
        Ok(Value::DateTime(ms)) => write!(out, "DateTime({ms})"),
        Ok(Value::Timestamp(at)) => write!(out, "Timestamp({}, {})", at.time, at.increment),
        Ok(Value::Regex { pattern, options }) => write!(out, "Regex({pattern:?}, {options:?})"),
        Ok(Value::Code(code)) => write!(out, "Code({code:?})"),
        Ok(Value::Symbol(text)) => write!(out, "Symbol({text:?})"),
        Ok(Value::DbPointer { namespace, id }) => {
            write!(out, "DbPointer({namespace:?}, ")?;
            hex(out, &id)?;
            out.write_char(')')
        }
        Ok(Value::CodeWithScope { code, scope }) => {
            write!(out, "Code({code:?}, ")?;
            document(out, scope, Braces::Document, level)?;
            out.write_char(')')
        }
        Ok(Value::MinKey) => out.write_str("MinKey"),
        Ok(Value::MaxKey) => out.write_str("MaxKey"),
        Err(error) => write!(out, "<{error}>"),
    }
}

fn called(out: &mut Bounded<'_, '_>, name: &str, bytes: &[u8]) -> fmt::Result {
    write!(out, "{name}(")?;
    hex(out, bytes)?;
    out.write_char(')')
}

fn hex(out: &mut Bounded<'_, '_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}
