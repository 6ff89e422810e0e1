use alloc::string::ToString;

use super::*;

#[test]
fn every_type_round_trips() {
    let rich = rich();
    let doc = Doc::new(&rich).unwrap();
    let decoded = build(|out| {
        for element in doc {
            let element = element.unwrap();
            out.typed(element.key().unwrap(), element.value().decode().unwrap());
        }
    });
    assert_eq!(decoded, rich);
    let copied = build(|out| {
        for element in doc {
            let element = element.unwrap();
            out.value(element.key().unwrap(), element.value());
        }
    });
    assert_eq!(copied, rich);
    assert_eq!(
        build(|out| {
            out.elements(doc);
        }),
        rich
    );
}

#[test]
fn typed_methods_write_their_types() {
    let bytes = build(|doc| {
        doc.str("a", "x").i32("b", 1).i64("c", 2).f64("d", 3.0).bool("e", false).null("f");
        doc.doc("g", Doc::EMPTY).array("h", Doc::EMPTY).binary("i", 0, b"y").object_id("j", [4; 12]);
        doc.datetime("k", 5).timestamp("l", Timestamp { time: 6, increment: 7 });
    });
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    let expected = [
        Value::String("x"),
        Value::Int32(1),
        Value::Int64(2),
        Value::Double(3.0),
        Value::Bool(false),
        Value::Null,
        Value::Document(Doc::EMPTY),
        Value::Array(Doc::EMPTY),
        Value::Binary { subtype: 0, bytes: b"y" },
        Value::ObjectId([4; 12]),
        Value::DateTime(5),
        Value::Timestamp(Timestamp { time: 6, increment: 7 }),
    ];
    let found: Vec<Value<'_>> = doc.iter().map(|e| e.unwrap().value().decode().unwrap()).collect();
    assert_eq!(found, expected);
}

#[test]
fn appends_behind_what_is_there() {
    let mut bytes = b"head".to_vec();
    let mut doc = DocWriter::new(&mut bytes);
    doc.i32("a", 1);
    assert_eq!(doc.written(), 11);
    assert_eq!(alloc::format!("{doc:?}"), "DocWriter { written: 11, fault: Own(None) }");
    doc.finish().unwrap();
    DocWriter::new(&mut bytes).finish().unwrap();
    assert_eq!(bytes, b"head\x0c\0\0\0\x10a\0\x01\0\0\0\0\x05\0\0\0\0");
}

#[test]
fn arrays_count_their_keys() {
    let bytes = build(|doc| {
        let mut array = doc.array_of("a");
        for i in 0..12 {
            array.i32(i);
        }
        array.document().str("k", "v");
        array.array_of().null().bool(true).f64(1.0);
        array.str("s").i64(1).doc(Doc::EMPTY).array(Doc::EMPTY).binary(2, b"b").object_id([1; 12]);
        array.datetime(1).timestamp(Timestamp::default()).value(ValueBuf::from(1).as_raw()).typed(Value::MinKey);
        assert_eq!(array.count(), 24);
        array.finish().unwrap();
    });
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    let array = doc.get_array("a").unwrap().unwrap();
    for (i, element) in array.iter().enumerate() {
        assert_eq!(element.unwrap().key().unwrap(), i.to_string());
    }
    assert_eq!(array.get_i32("11"), Ok(Some(11)));
    assert_eq!(array.get_doc("12").unwrap().unwrap().get_str("k"), Ok(Some("v")));
    assert_eq!(array.get_array("13").unwrap().unwrap().get_f64("2"), Ok(Some(1.0)));
    assert_eq!(array.get("23").unwrap().unwrap().kind(), Kind::MinKey);

    let copy = build(|doc| {
        doc.array_of("a").values(array).unwrap();
    });
    assert_eq!(copy, bytes);
}

#[test]
fn indexes_have_all_digits() {
    for index in [0, 1, 9, 10, 99, 100, 12_345, 999_999_999, 1_000_000_000, u32::MAX] {
        assert_eq!(Index::new(index).as_str(), index.to_string());
    }
}

#[test]
fn dropped_writers_leave_whole_documents() {
    let mut bytes = Vec::new();
    {
        let mut doc = DocWriter::new(&mut bytes);
        doc.document("a").document("b").i32("c", 1);
        let mut array = doc.array_of("d");
        array.document();
        array.i32(2);
    }
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    assert_eq!(alloc::format!("{doc:?}"), "{a: {b: {c: 1}}, d: [{}, 2]}");
}

#[test]
fn nul_in_a_key_is_reported_by_every_outer_writer() {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    let mut outer = doc.document("outer");
    let mut inner = outer.document("inner");
    inner.i32("a\0b", 1);
    let expected = Err(BsonError::ContainsNul { offset: 4 + 7 + 4 + 7 + 4 + 1 });
    assert_eq!(inner.finish(), expected);
    assert_eq!(outer.finish(), expected);
    doc.i32("later\0", 2);
    assert_eq!(doc.finish(), expected);
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    assert_eq!(alloc::format!("{doc:?}"), "{outer: {inner: {a: 1}}, later: 2}");
}

#[test]
fn nul_is_reported_wherever_a_key_is_written() {
    let written = |write: &dyn Fn(&mut DocWriter<'_>)| {
        let mut bytes = Vec::new();
        let mut doc = DocWriter::new(&mut bytes);
        write(&mut doc);
        let result = doc.finish();
        Doc::new(&bytes).unwrap().validate().unwrap();
        result
    };
    let nul = |result| assert!(matches!(result, Err(BsonError::ContainsNul { .. })), "{result:?}");
    for value in every_value() {
        nul(written(&|doc| {
            doc.typed("\0", value);
        }));
    }
    nul(written(&|doc| drop(doc.document("a\0"))));
    nul(written(&|doc| drop(doc.array_of("a\0"))));
    nul(written(&|doc| {
        doc.document("a").null("\0");
    }));
    nul(written(&|doc| {
        doc.array_of("a").document().null("\0");
    }));
    nul(written(&|doc| {
        doc.typed("a", Value::Regex { pattern: "b\0", options: "i" });
    }));
    nul(written(&|doc| {
        doc.typed("a", Value::Regex { pattern: "b", options: "i\0" });
    }));
    nul(written(&|doc| {
        doc.array_of("a").typed(Value::Regex { pattern: "\0", options: "" });
    }));
}

#[test]
fn options_of_regular_expressions_are_sorted() {
    let bytes = build(|doc| {
        doc.typed("r", Value::Regex { pattern: "p", options: "xmi" });
        doc.typed("odd", Value::Regex { pattern: "p", options: "x\u{e9}a" });
    });
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    assert_eq!(doc.get("r").unwrap().unwrap().bytes(), b"p\0imx\0");
    assert_eq!(doc.get("odd").unwrap().unwrap().bytes(), "p\0x\u{e9}a\0".as_bytes());
}

#[test]
fn oversized_documents_become_empty() {
    let mut bytes = b"head\0\0\0\0twelve bytes".to_vec();
    assert_eq!(writer::close(&mut bytes.clone(), 4, 17), Ok(()));
    assert_eq!(writer::close(&mut bytes, 4, 16), Err(BsonError::TooLong { offset: 4 }));
    assert_eq!(bytes, b"head\x05\0\0\0\0");
}
