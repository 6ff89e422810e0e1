//! Bytes that are not BSON.

use alloc::vec;

use super::*;

/// Reads everything that can be read, like a careless user.
fn read_all(doc: Doc<'_>, level: usize) {
    let _ = alloc::format!("{doc:?}");
    for element in doc {
        let Ok(element) = element else { return };
        let _ = element.key();
        let value = element.value();
        let _ = (value.as_truthy(), value.as_number_i64());
        match value.decode() {
            Ok(Value::Document(doc) | Value::Array(doc) | Value::CodeWithScope { scope: doc, .. }) if level < 9 => {
                read_all(doc, level + 1);
            }
            _ => {}
        }
    }
}

fn error_of(bytes: &[u8]) -> BsonError {
    match Doc::new(bytes) {
        Ok(doc) => doc.validate().unwrap_err(),
        Err(error) => error,
    }
}

/// Puts length and terminator around elements.
fn wrap(elements: &[u8]) -> Vec<u8> {
    let mut bytes = (elements.len() as i32 + 5).to_le_bytes().to_vec();
    bytes.extend_from_slice(elements);
    bytes.push(0);
    bytes
}

#[test]
fn every_error_with_its_offset() {
    let cases: &[(&[u8], BsonError)] = &[
        (b"", BsonError::Truncated { offset: 0 }),
        (b"\x05\0\0", BsonError::Truncated { offset: 0 }),
        (b"\x04\0\0\0", BsonError::BadLength { offset: 0, length: 4 }),
        (b"\x06\0\0\0\0", BsonError::BadLength { offset: 0, length: 6 }),
        (b"\x05\0\0\0\x01", BsonError::MissingTerminator { offset: 4 }),
        (&wrap(b"\0"), BsonError::UnknownType { offset: 4, byte: 0 }),
        (&wrap(b"\x14a\0"), BsonError::UnknownType { offset: 4, byte: 0x14 }),
        (&wrap(b"\x10abc"), BsonError::MissingTerminator { offset: 8 }),
        (&wrap(b"\x10a\0\x01\0\0"), BsonError::Truncated { offset: 7 }),
        (&wrap(b"\x02a\0\x01\0\0"), BsonError::Truncated { offset: 7 }),
        (&wrap(b"\x02a\0\x02\0\0\0\0"), BsonError::Truncated { offset: 7 }),
        (&wrap(b"\x02a\0\0\0\0\0"), BsonError::BadLength { offset: 7, length: 0 }),
        (&wrap(b"\x02a\0\x02\0\0\0bc"), BsonError::MissingTerminator { offset: 12 }),
        (&wrap(b"\x02a\0\x04\0\0\0b\xffc\0"), BsonError::InvalidUtf8 { offset: 12 }),
        (&wrap(b"\x0aa\xff\0"), BsonError::InvalidUtf8 { offset: 6 }),
        (&wrap(b"\x08a\0\x02"), BsonError::InvalidBool { offset: 7, byte: 2 }),
        (&wrap(b"\x0ba\0b\0c"), BsonError::MissingTerminator { offset: 10 }),
        (&wrap(b"\x0ba\0b\xe9\0c\0"), BsonError::InvalidUtf8 { offset: 8 }),
        (&wrap(b"\x0ba\0b\0c\xe9\0"), BsonError::InvalidUtf8 { offset: 10 }),
        (&wrap(b"\x05a\0\xff\xff\xff\xff\0"), BsonError::BadLength { offset: 7, length: -1 }),
        (&wrap(b"\x05a\0\x05\0\0\0\x02\x02\0\0\0x"), BsonError::BadLength { offset: 12, length: 2 }),
        (&wrap(b"\x05a\0\x03\0\0\0\x02\0\0\0"), BsonError::Truncated { offset: 12 }),
        (&wrap(b"\x03a\0\x04\0\0\0\0"), BsonError::BadLength { offset: 7, length: 4 }),
        (&wrap(b"\x03a\0\x05\0\0\0\x01"), BsonError::MissingTerminator { offset: 11 }),
        (&wrap(b"\x04a\0\x08\0\0\0\x08b\x09\0"), BsonError::MissingTerminator { offset: 14 }),
        (&wrap(b"\x03a\0\x09\0\0\0\x08b\0\x09\0"), BsonError::InvalidBool { offset: 14, byte: 9 }),
        (&wrap(b"\x03a\0\x09\0\0\0\x08b\0\x09"), BsonError::Truncated { offset: 7 }),
        (&wrap(b"\x03a\0\x0a\0\0\0\x08b\0\x01\0\0"), BsonError::UnknownType { offset: 15, byte: 0 }),
        (&wrap(b"\x0fa\0\x0e\0\0\0\x02\0\0\0\0\x05\0\0\0\0"), BsonError::MissingTerminator { offset: 16 }),
        (&wrap(b"\x0fa\0\x0d\0\0\0\x01\0\0\0\0\x05\0\0\0\0"), BsonError::BadLength { offset: 7, length: 13 }),
        (&wrap(b"\x0fa\0\x0e\0\0\0\x01\0\0\0\0\x06\0\0\0\0"), BsonError::BadLength { offset: 16, length: 6 }),
    ];
    for (bytes, expected) in cases {
        assert_eq!(&error_of(bytes), expected, "{bytes:02x?}");
        assert!(!alloc::format!("{expected}").is_empty());
    }
}

#[test]
fn errors_end_the_iteration() {
    let bytes = wrap(b"\x0aa\0\x10b\0\0");
    let mut elements = Doc::new(&bytes).unwrap().iter();
    assert!(elements.next().unwrap().is_ok());
    assert_eq!(elements.next(), Some(Err(BsonError::Truncated { offset: 10 })));
    assert_eq!(elements.next(), None);
    assert_eq!(Doc::new(&bytes).unwrap().get("a").unwrap().unwrap().kind(), Kind::Null);
    assert_eq!(Doc::new(&bytes).unwrap().get("b"), Err(BsonError::Truncated { offset: 10 }));
}

#[test]
fn getters_report_offsets_of_the_document() {
    let bytes = wrap(b"\x0ax\0\x02a\0\x04\0\0\0b\xffc\0");
    let doc = Doc::new(&bytes).unwrap();
    assert_eq!(doc.get_str("a"), Err(BsonError::InvalidUtf8 { offset: 15 }));
    assert_eq!(doc.get("a").unwrap().unwrap().as_str(), Err(BsonError::InvalidUtf8 { offset: 5 }));
    assert_eq!(doc.validate(), Err(BsonError::InvalidUtf8 { offset: 15 }));
    assert_eq!(doc.check_depth(), Ok(()));
}

#[test]
fn truncated_anywhere() {
    let rich = rich();
    for len in 0..rich.len() {
        let cut = &rich[..len];
        assert!(Doc::new(cut).is_err());
        assert!(Doc::read_prefix(cut).is_err());
        // With a fitting length and terminator only the elements are wrong.
        if len < 4 {
            continue;
        }
        let patched = wrap(&cut[4..]);
        let doc = Doc::new(&patched).unwrap();
        read_all(doc, 0);
        let whole = rich_boundaries(&rich).contains(&len);
        assert_eq!(doc.validate().is_ok(), whole, "cut at {len}");
    }
}

/// Where the elements of the outermost document begin.
fn rich_boundaries(rich: &[u8]) -> Vec<usize> {
    let mut elements = Doc::new(rich).unwrap().iter();
    let mut offsets = vec![elements.offset()];
    while elements.next().is_some() {
        offsets.push(elements.offset());
    }
    offsets
}

#[test]
fn any_single_byte_changed() {
    let rich = rich();
    let mut bytes = rich.clone();
    let mut refused = 0;
    for at in 0..rich.len() {
        for byte in [0x00, 0x01, 0x05, 0x0f, 0x7f, 0x80, 0xff, rich[at] ^ 1, rich[at].wrapping_add(1)] {
            bytes[at] = byte;
            if let Ok(doc) = Doc::new(&bytes) {
                read_all(doc, 0);
                refused += usize::from(doc.validate().is_err());
                let _ = doc.check_depth();
            }
        }
        bytes[at] = rich[at];
    }
    assert!(refused > rich.len(), "{refused}");
}

/// `levels` documents in each other, the outermost one included.
fn nest(levels: usize, kind: Kind) -> Vec<u8> {
    let mut bytes = Vec::new();
    let len = |inner: usize| 5 + 8 * inner as i32;
    for inner in (0..levels).rev() {
        bytes.extend_from_slice(&len(inner).to_le_bytes());
        if inner > 0 {
            bytes.extend_from_slice(&[kind.to_byte(), b'a', 0]);
        }
    }
    bytes.resize(5 + 8 * (levels - 1), 0);
    bytes
}

#[test]
fn depth_is_limited() {
    for kind in [Kind::Document, Kind::Array] {
        let deepest = nest(MAX_DEPTH, kind);
        Doc::new(&deepest).unwrap().validate().unwrap();
        Doc::new(&deepest).unwrap().check_depth().unwrap();
        assert!(!Doc::new(&nest(50, kind)).unwrap().may_be_too_deep());
        read_all(Doc::new(&deepest).unwrap(), 0);
        for levels in [MAX_DEPTH + 1, 10_000] {
            let deeper = nest(levels, kind);
            let doc = Doc::new(&deeper).unwrap();
            let expected = Err(BsonError::TooDeep { offset: MAX_DEPTH * 7 });
            assert_eq!((doc.validate(), doc.check_depth()), (expected.clone(), expected));
            assert!(doc.may_be_too_deep());
            read_all(doc, 0);
        }
    }
}

#[test]
fn scopes_count_as_levels() {
    let mut bytes = build(|_| {});
    for _ in 1..MAX_DEPTH {
        let scope = bytes;
        bytes = build(|doc| {
            doc.typed("c", Value::CodeWithScope { code: "", scope: Doc::new(&scope).unwrap() });
        });
    }
    Doc::new(&bytes).unwrap().validate().unwrap();
    let deeper = build(|doc| {
        doc.doc("d", Doc::new(&bytes).unwrap());
    });
    assert!(matches!(Doc::new(&deeper).unwrap().validate(), Err(BsonError::TooDeep { .. })));
    assert!(Doc::new(&deeper).unwrap().may_be_too_deep());
}

#[test]
fn suspicion_is_not_proof() {
    for byte in 0..=u8::MAX {
        let values = vec![byte; 2000];
        let bytes = build(|doc| {
            doc.binary("b", 0, &values);
        });
        let doc = Doc::new(&bytes).unwrap();
        assert_eq!(doc.may_be_too_deep(), (3..=15).contains(&byte), "{byte}");
        doc.check_depth().unwrap();
    }
}

#[test]
fn what_is_too_deep_is_never_missed() {
    let (deepest, deeper) = (smallest_nest(MAX_DEPTH - 1), smallest_nest(MAX_DEPTH));
    // The levels at every distance from the beginning and the end, so that every block and the rest are cut through.
    for before in 0..500 {
        let around = |nested: &[u8]| {
            build(|doc| {
                doc.binary("b", 0, &vec![0; before]).doc("", Doc::new(nested).unwrap()).binary(
                    "b",
                    0,
                    &vec![0; 500 - before],
                );
            })
        };
        let (deepest, deeper) = (around(&deepest), around(&deeper));
        Doc::new(&deepest).unwrap().check_depth().unwrap();
        let deeper = Doc::new(&deeper).unwrap();
        assert!(deeper.check_depth().is_err() && deeper.may_be_too_deep(), "{before}");
    }
    let bare = smallest_nest(MAX_DEPTH + 1);
    assert!(Doc::new(&bare).unwrap().may_be_too_deep());
    assert!(!Doc::new(&smallest_nest(MAX_DEPTH)).unwrap().may_be_too_deep());
}

/// So many levels in as few bytes as they can take.
fn smallest_nest(levels: usize) -> Vec<u8> {
    let mut bytes = Doc::EMPTY.as_bytes().to_vec();
    for _ in 1..levels {
        bytes = build(|doc| {
            doc.doc("", Doc::new(&bytes).unwrap());
        });
    }
    bytes
}

#[test]
fn siblings_are_no_levels() {
    let bytes = build(|doc| {
        for _ in 0..MAX_DEPTH * 2 {
            doc.doc("d", Doc::EMPTY);
        }
        doc.bool("last", true);
    });
    Doc::new(&bytes).unwrap().validate().unwrap();
    let mut wrong = bytes.clone();
    let last = wrong.len() - 2;
    wrong[last] = 3;
    assert_eq!(error_of(&wrong), BsonError::InvalidBool { offset: last, byte: 3 });
}

#[test]
fn raw_values_have_the_size_of_their_type() {
    assert!(RawValue::new(Kind::Int32, &[1, 2, 3, 4]).is_ok());
    assert_eq!(RawValue::new(Kind::Int32, &[1, 2, 3]), Err(BsonError::Truncated { offset: 0 }));
    assert_eq!(RawValue::new(Kind::Int32, &[0; 5]), Err(BsonError::BadLength { offset: 0, length: 4 }));
    assert!(RawValue::new(Kind::Regex, b"a\0b\0").is_ok());
    assert!(RawValue::new(Kind::Regex, b"a\0b").is_err());
    assert!(RawValue::new(Kind::String, b"\x01\0\0\0\0").is_ok());
    assert!(RawValue::new(Kind::String, b"\xff\xff\xff\x7f\0").is_err());
    assert!(RawValue::new(Kind::Null, b"").is_ok());
}
