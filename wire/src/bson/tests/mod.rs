//! Documents that several tests read and write.

use alloc::vec::Vec;

use super::*;

mod hostile;
mod owned;
mod reading;
mod writing;

/// Writes one document.
fn build(fill: impl FnOnce(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    fill(&mut doc);
    doc.finish().unwrap();
    bytes
}

/// One value of every type, in the order of [`Kind::ALL`].
fn every_value() -> [Value<'static>; 21] {
    const NESTED: &[u8] = b"\x0c\0\0\0\x10b\0\x07\0\0\0\0";
    let nested = Doc::new(NESTED).unwrap();
    [
        Value::Double(-1.5),
        Value::String("h\u{e9}llo\0wor\u{1f600}ld"),
        Value::Document(nested),
        Value::Array(nested),
        Value::Binary { subtype: 2, bytes: b"old" },
        Value::Undefined,
        Value::ObjectId(*b"abcdefghijkl"),
        Value::Bool(true),
        Value::DateTime(-1),
        Value::Null,
        Value::Regex { pattern: "^a.*", options: "imx" },
        Value::DbPointer { namespace: "db.c", id: [7; 12] },
        Value::Code("f()"),
        Value::Symbol("s"),
        Value::CodeWithScope { code: "g(b)", scope: nested },
        Value::Int32(i32::MIN),
        Value::Timestamp(Timestamp { time: 0x0102_0304, increment: 0x0506_0708 }),
        Value::Int64(i64::MIN),
        Value::Decimal128([9; 16]),
        Value::MaxKey,
        Value::MinKey,
    ]
}

/// A document with every type, twice: at the top and in an embedded document.
fn rich() -> Vec<u8> {
    build(|doc| {
        for value in every_value() {
            doc.typed(value.kind().name(), value);
        }
        let mut inner = doc.document("inner");
        for value in every_value() {
            inner.typed("", value);
        }
        inner.finish().unwrap();
    })
}
