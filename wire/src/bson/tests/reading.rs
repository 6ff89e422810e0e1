use alloc::string::{String, ToString};
use alloc::{format, vec};

use super::*;

#[test]
fn kinds_and_bytes() {
    let known: Vec<u8> = (0..=255).filter(|b| Kind::from_byte(*b).is_some()).collect();
    assert_eq!(known, Kind::ALL.map(Kind::to_byte));
    for kind in Kind::ALL {
        assert_eq!(Kind::from_byte(kind.to_byte()), Some(kind));
    }
}

#[test]
fn iterates_in_order() {
    let bytes = rich();
    let doc = Doc::new(&bytes).unwrap();
    doc.validate().unwrap();
    doc.check_depth().unwrap();
    let mut elements = doc.iter();
    for value in every_value() {
        let element = elements.next().unwrap().unwrap();
        assert_eq!(element.key().unwrap(), value.kind().name());
        assert_eq!(element.key_bytes(), value.kind().name().as_bytes());
        assert_eq!(element.value().kind(), value.kind());
        assert_eq!(element.value().decode().unwrap(), value);
    }
    assert_eq!(elements.next().unwrap().unwrap().key(), Ok("inner"));
    assert!(elements.next().is_none());
    assert!(elements.next().is_none());
    assert_eq!(elements.offset(), bytes.len() - 1);
}

#[test]
fn reads_bytes_of_the_specification() {
    // The two examples of bsonspec.org.
    let hello = Doc::new(b"\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0").unwrap();
    assert_eq!(hello.get_str("hello"), Ok(Some("world")));
    let awesome = Doc::new(
        b"\x31\0\0\0\x04BSON\0\x26\0\0\0\x020\0\x08\0\0\0awesome\0\x011\0\x33\x33\x33\x33\x33\x33\x14\x40\x102\0\xc2\x07\0\0\0\0",
    )
    .unwrap();
    assert_eq!(format!("{awesome:?}"), r#"{BSON: ["awesome", 5.05, 1986]}"#);
    let array = awesome.get_array("BSON").unwrap().unwrap();
    assert_eq!((array.get_f64("1"), array.get_i32("2")), (Ok(Some(5.05)), Ok(Some(1986))));
}

#[test]
fn gets_by_key_and_type() {
    let bytes = rich();
    let doc = Doc::new(&bytes).unwrap();
    assert_eq!(doc.get_f64("double"), Ok(Some(-1.5)));
    assert_eq!(doc.get_str("string"), Ok(Some("h\u{e9}llo\0wor\u{1f600}ld")));
    assert_eq!(doc.get_doc("object").unwrap().unwrap().get_i32("b"), Ok(Some(7)));
    assert_eq!(doc.get_array("array").unwrap().unwrap().get_i64("b"), Ok(Some(7)));
    assert_eq!(doc.get_binary("binData"), Ok(Some((2, &b"old"[..]))));
    assert_eq!(doc.get_object_id("objectId"), Ok(Some(*b"abcdefghijkl")));
    assert_eq!(doc.get_bool("bool"), Ok(Some(true)));
    assert_eq!(doc.get_datetime("date"), Ok(Some(-1)));
    assert_eq!(doc.get_i32("int"), Ok(Some(i32::MIN)));
    assert_eq!(doc.get_i64("int"), Ok(Some(i64::from(i32::MIN))));
    assert_eq!(doc.get_i64("long"), Ok(Some(i64::MIN)));
    let timestamp = Timestamp { time: 0x0102_0304, increment: 0x0506_0708 };
    assert_eq!(doc.get_timestamp("timestamp"), Ok(Some(timestamp)));
    assert_eq!(doc.get("timestamp").unwrap().unwrap().bytes(), b"\x08\x07\x06\x05\x04\x03\x02\x01");
    for absent in ["", "doubl", "doublee", "double\0", "Double"] {
        assert_eq!(doc.get(absent), Ok(None), "{absent:?}");
        assert_eq!(doc.get_i32(absent), Ok(None), "{absent:?}");
    }
}

#[test]
fn wrong_types_name_key_and_types() {
    let bytes = build(|doc| {
        doc.null("x").str("ok", "1");
    });
    let doc = Doc::new(&bytes).unwrap();
    let wrong = |expected, found| BsonError::WrongType { key: "x".into(), expected, found };
    assert_eq!(doc.get_str("x"), Err(wrong("string", Kind::Null)));
    assert_eq!(doc.get_i32("x"), Err(wrong("int", Kind::Null)));
    assert_eq!(doc.get_i64("x"), Err(wrong("long or int", Kind::Null)));
    assert_eq!(doc.get_f64("x"), Err(wrong("double", Kind::Null)));
    assert_eq!(doc.get_bool("x"), Err(wrong("bool", Kind::Null)));
    assert_eq!(doc.get_doc("x"), Err(wrong("object", Kind::Null)));
    assert_eq!(doc.get_array("x"), Err(wrong("array", Kind::Null)));
    assert_eq!(doc.get_binary("x"), Err(wrong("binData", Kind::Null)));
    assert_eq!(doc.get_object_id("x"), Err(wrong("objectId", Kind::Null)));
    assert_eq!(doc.get_datetime("x"), Err(wrong("date", Kind::Null)));
    assert_eq!(doc.get_timestamp("x"), Err(wrong("timestamp", Kind::Null)));
    let error = doc.get_truthy("ok").unwrap_err();
    assert_eq!(error.to_string(), r#"expected BSON bool or number in field "ok", found string"#);
    let error = doc.get("ok").unwrap().unwrap().as_i32().unwrap_err();
    assert_eq!(error.to_string(), "expected BSON int, found string");
}

#[test]
fn numbers_that_are_integers() {
    let number = |value: f64| {
        let bytes = build(|doc| {
            doc.f64("n", value);
        });
        Doc::new(&bytes).unwrap().get_number_i64("n").ok().flatten()
    };
    assert_eq!(number(0.0), Some(0));
    assert_eq!(number(-0.0), Some(0));
    assert_eq!(number(-3.0), Some(-3));
    assert_eq!(number(i64::MIN as f64), Some(i64::MIN));
    assert_eq!(number(9_007_199_254_740_993.0), Some(9_007_199_254_740_992));
    for not in [0.5, -0.5, i64::MAX as f64, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(number(not), None, "{not}");
    }
    let bytes = build(|doc| {
        doc.i32("i", -1).i64("l", i64::MAX).bool("b", true);
    });
    let doc = Doc::new(&bytes).unwrap();
    assert_eq!(doc.get_number_i64("i"), Ok(Some(-1)));
    assert_eq!(doc.get_number_i64("l"), Ok(Some(i64::MAX)));
    assert!(doc.get_number_i64("b").is_err());
}

#[test]
fn what_is_truthy() {
    let bytes = build(|doc| {
        doc.f64("a", 1.0).f64("b", 0.0).i32("c", 1).i32("d", 0).i64("e", -1).i64("f", 0).bool("g", true);
        doc.bool("h", false).f64("i", f64::NAN);
    });
    let doc = Doc::new(&bytes).unwrap();
    let truthy: Vec<bool> = "abcdefghi".chars().map(|c| doc.get_truthy(&c.to_string()).unwrap().unwrap()).collect();
    assert_eq!(truthy, [true, false, true, false, true, false, true, false, true]);
    assert_eq!(doc.get_truthy("j"), Ok(None));
}

#[test]
fn reads_a_prefix() {
    let mut bytes = build(|doc| {
        doc.i32("a", 1);
    });
    bytes.extend_from_slice(b"rest");
    let (doc, rest) = Doc::read_prefix(&bytes).unwrap();
    assert_eq!((doc.get_i32("a"), rest), (Ok(Some(1)), &b"rest"[..]));
    assert_eq!(Doc::new(&bytes), Err(BsonError::BadLength { offset: 0, length: 12 }));
    assert_eq!(Doc::read_prefix(&bytes[..11]), Err(BsonError::Truncated { offset: 0 }));
    assert_eq!(Doc::read_prefix(&bytes[..3]), Err(BsonError::Truncated { offset: 0 }));
    assert_eq!(Doc::read_prefix(b"\x04\0\0\0\0"), Err(BsonError::BadLength { offset: 0, length: 4 }));
    assert_eq!(Doc::read_prefix(b"\xff\xff\xff\xff\0"), Err(BsonError::BadLength { offset: 0, length: -1 }));
}

#[test]
fn the_empty_document() {
    assert!(Doc::EMPTY.is_empty());
    assert_eq!(Doc::EMPTY.iter().count(), 0);
    assert_eq!(Doc::new(&build(|_| {})), Ok(Doc::EMPTY));
    assert_eq!(Doc::default(), Doc::EMPTY);
    Doc::EMPTY.validate().unwrap();
    assert_eq!(format!("{:?}", Doc::EMPTY), "{}");
}

#[test]
fn finds_nul_at_every_place() {
    for len in 0..40 {
        let mut bytes = vec![0x81_u8; len];
        assert_eq!(find_nul(&bytes), None);
        for at in (0..len).rev() {
            bytes[at] = 0;
            assert_eq!(find_nul(&bytes), Some(at));
            // 0x01 above a zero byte is where the trick gives false marks.
            if at + 1 < len {
                bytes[at + 1] = 1;
            }
        }
    }
}

#[test]
fn debug_is_bounded() {
    let bytes = rich();
    let printed = format!("{:?}", Doc::new(&bytes).unwrap());
    assert!(printed.starts_with(r#"{double: -1.5, string: "h"#), "{printed}");
    assert!(printed.contains(r#"binData: Binary(2, 6f6c64)"#), "{printed}");
    assert!(printed.contains(r#"regex: Regex("^a.*", "imx")"#), "{printed}");
    assert!(printed.len() <= 515 && printed.ends_with("..."), "{printed}");
    let text: String = "\u{e9}".repeat(1000);
    let bytes = build(|doc| {
        doc.str("k", &text);
    });
    assert!(format!("{:?}", Doc::new(&bytes).unwrap()).len() <= 515);
    let small = build(|doc| {
        doc.i32("a", 1).array("b", Doc::EMPTY);
    });
    let mut elements = Doc::new(&small).unwrap().iter();
    assert_eq!(format!("{:?}", elements.next().unwrap().unwrap()), "a: 1");
    assert_eq!(format!("{:?}", elements.next().unwrap().unwrap().value()), "[]");
    assert_eq!(format!("{elements:?}"), "Elements { offset: 19, .. }");
    let broken = Doc::new(b"\x08\0\0\0\x10a\0\0").unwrap();
    assert_eq!(format!("{broken:?}"), "{<BSON at byte 7 runs past the end of its document>}");
}
