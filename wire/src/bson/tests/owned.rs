use alloc::format;
use bytes::Bytes;

use super::*;

#[test]
fn documents_share_their_frame() {
    let mut bytes = b"head".to_vec();
    bytes.extend_from_slice(&rich());
    let frame = Bytes::from(bytes);
    let doc = Doc::new(&frame[4..]).unwrap();
    let inner = doc.get_doc("inner").unwrap().unwrap();
    let kept = DocBuf::slice_of(&frame, inner);
    assert_eq!(kept.as_bytes().as_ptr(), inner.as_bytes().as_ptr());
    assert_eq!(kept.as_doc(), inner);
    assert_eq!(kept, inner);
    assert_eq!(kept.clone().into_bytes(), inner.as_bytes());

    let elsewhere = rich();
    let copied = DocBuf::slice_of(&frame, Doc::new(&elsewhere).unwrap());
    assert_ne!(copied.as_bytes().as_ptr(), elsewhere.as_ptr());
    assert_eq!(copied.as_bytes(), elsewhere);

    let id = doc.get("objectId").unwrap().unwrap();
    let kept = ValueBuf::slice_of(&frame, id);
    assert_eq!(kept.as_raw().bytes().as_ptr(), id.bytes().as_ptr());
    let null = ValueBuf::slice_of(&frame, doc.get("null").unwrap().unwrap());
    assert_eq!(null.as_raw().decode(), Ok(Value::Null));
}

#[test]
fn documents_are_checked_when_taken() {
    assert_eq!(DocBuf::new(&b"\x06\0\0\0\0"[..]), Err(BsonError::BadLength { offset: 0, length: 6 }));
    let doc = DocBuf::new(rich()).unwrap();
    assert_eq!(doc.as_ref(), rich());
    assert_eq!(DocBuf::from(doc.as_doc()), doc);
    assert_eq!(DocBuf::default().as_doc(), Doc::EMPTY);
    assert_eq!(format!("{:?}", DocBuf::default()), "{}");
}

#[test]
fn values_own_their_bytes() {
    let cases: [(ValueBuf, Value<'_>); 6] = [
        ("text".into(), Value::String("text")),
        (7_i32.into(), Value::Int32(7)),
        (8_i64.into(), Value::Int64(8)),
        (0.5.into(), Value::Double(0.5)),
        (true.into(), Value::Bool(true)),
        (Doc::EMPTY.into(), Value::Document(Doc::EMPTY)),
    ];
    for (buf, value) in cases {
        assert_eq!(buf.as_raw().decode(), Ok(value));
        assert_eq!(buf.kind(), value.kind());
        assert_eq!(ValueBuf::from_raw(buf.as_raw()), buf);
        assert_eq!(RawValue::new(buf.kind(), buf.as_raw().bytes()), Ok(buf.as_raw()));
    }
    assert_eq!(ValueBuf::from(DocBuf::default()), ValueBuf::from(Doc::EMPTY));
    assert_eq!(format!("{:?}", ValueBuf::from("a")), r#""a""#);
}
