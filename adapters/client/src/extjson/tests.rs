//! What the module adds to the `bson` crate, and that the rest goes there and back.

use bson::oid::ObjectId;
use bson::spec::BinarySubtype;
use bson::{Binary, Bson, DateTime, Document, JavaScriptCodeWithScope, RawDocumentBuf, Regex, Timestamp, doc};

use super::*;

#[track_caller]
fn wrong(text: &str, expected: &str) {
    match parse_value(text) {
        Err(Error::Value { key, .. }) => assert_eq!(key, expected, "{text}"),
        other => panic!("{text}: {other:?}"),
    }
}

fn everything() -> Document {
    let mut document = doc! {
        "z": "first", "a": "second",
        "double": 1.5, "whole": 2.0, "large": 1e300, "tiny": 5e-324, "negative zero": -0.0,
        "infinite": [f64::INFINITY, f64::NEG_INFINITY],
        "string": "quote \" backslash \\ newline \n snowman \u{2603} \u{1f600} control \u{1}",
        "nested": { "z": [1, { "b": 2, "a": i64::MAX }], "empty": {}, "none": [] },
        "binary": Binary { subtype: BinarySubtype::UserDefined(0x80), bytes: vec![1, 2, 3] },
        "undefined": Bson::Undefined,
        "id": ObjectId::from_bytes([7; 12]),
        "bool": true, "null": Bson::Null,
        "date": DateTime::from_millis(1_356_351_330_500),
        "before": DateTime::from_millis(-1),
        "code": Bson::JavaScriptCode("f()".into()),
        "symbol": Bson::Symbol("s".into()),
        "int32": i32::MIN, "int64": 5_i64,
        "timestamp": Timestamp { time: u32::MAX, increment: 1 },
        "decimal": "1.20E+3".parse::<bson::Decimal128>().unwrap(),
        "min": Bson::MinKey, "max": Bson::MaxKey,
    };
    let regex = Regex { pattern: "a*b".try_into().unwrap(), options: "im".try_into().unwrap() };
    document.insert("regex", regex);
    let scope = doc! { "z": 1, "a": { "$x": 2 } };
    document.insert("scoped", JavaScriptCodeWithScope { code: "g()".into(), scope });
    let pointer = r#"{"$dbPointer": {"$ref": "db.c", "$id": {"$oid": "0707070707070707070707ff"}}}"#;
    document.insert("pointer", parse_value(pointer).unwrap());
    document
}

#[test]
fn canonical_keeps_every_type_and_the_order_of_keys() {
    let document = everything();
    let text = to_canonical(&document);
    assert_eq!(parse(&text).unwrap().to_vec().unwrap(), document.to_vec().unwrap(), "{text}");
    assert_eq!(parse_by_tree(&text).unwrap().to_vec().unwrap(), document.to_vec().unwrap(), "{text}");
    assert_eq!(to_canonical(&Bson::Document(document)), text);
}

#[test]
fn relaxed_keeps_all_but_the_width_of_integers() {
    let mut document = everything();
    let text = to_relaxed(&document);
    document.insert("int64", 5_i32);
    assert_eq!(parse(&text).unwrap().to_vec().unwrap(), document.to_vec().unwrap(), "{text}");
    assert_eq!(parse_by_tree(&text).unwrap().to_vec().unwrap(), document.to_vec().unwrap(), "{text}");
}

#[test]
fn wrappers_are_written_in_the_order_of_the_table() {
    let timestamp = Bson::Timestamp(Timestamp { time: 4, increment: 2 });
    assert_eq!(to_canonical(&timestamp), r#"{"$timestamp":{"t":4,"i":2}}"#);
    let document = everything();
    let shown = |key: &str| to_relaxed(document.get(key).unwrap());
    assert_eq!(shown("regex"), r#"{"$regularExpression":{"pattern":"a*b","options":"im"}}"#);
    assert_eq!(shown("pointer"), r#"{"$dbPointer":{"$ref":"db.c","$id":{"$oid":"0707070707070707070707ff"}}}"#);
    assert_eq!(shown("binary"), r#"{"$binary":{"base64":"AQID","subType":"80"}}"#);
    assert_eq!(shown("scoped"), r#"{"$code":"g()","$scope":{"z":1,"a":{"$x":2}}}"#);
}

#[test]
fn doubles_are_written_as_the_table_says() {
    for nan in [f64::NAN, -f64::NAN] {
        assert_eq!(to_relaxed(&Bson::Double(nan)), r#"{"$numberDouble":"NaN"}"#);
        assert_eq!(to_canonical(&Bson::Double(nan)), r#"{"$numberDouble":"NaN"}"#);
    }
    assert_eq!(to_canonical(&Bson::Double(5e-324)), r#"{"$numberDouble":"5e-324"}"#);
    assert_eq!(to_canonical(&Bson::Double(-0.0)), r#"{"$numberDouble":"-0.0"}"#);
    assert_eq!(to_relaxed(&Bson::Double(2.0)), "2.0");
}

#[test]
fn relaxed_dates_have_three_digits_or_none_and_end_with_the_year_9999() {
    let shown = |millis| to_relaxed(&Bson::DateTime(DateTime::from_millis(millis)));
    assert_eq!(shown(0), r#"{"$date":"1970-01-01T00:00:00Z"}"#);
    assert_eq!(shown(500), r#"{"$date":"1970-01-01T00:00:00.500Z"}"#);
    assert_eq!(shown(1_001), r#"{"$date":"1970-01-01T00:00:01.001Z"}"#);
    assert_eq!(shown(253_402_300_799_999), r#"{"$date":"9999-12-31T23:59:59.999Z"}"#);
    for millis in [-1, 253_402_300_800_000, i64::MAX, i64::MIN] {
        assert_eq!(shown(millis), format!(r#"{{"$date":{{"$numberLong":"{millis}"}}}}"#));
    }
}

#[test]
fn the_outermost_object_is_a_document_or_a_value() {
    assert_eq!(parse(r#"{"$oid": "x", "$code": 1}"#).unwrap(), doc! { "$oid": "x", "$code": 1 });
    wrong(r#"{"$oid": "x"}"#, "$oid");
    for text in ["1", "[]", "null", "\"x\""] {
        assert_eq!(parse(text), Err(Error::NotADocument));
        assert!(parse_value(text).is_ok());
    }
}

#[test]
fn numbers_take_the_smallest_type() {
    let is = |text: &str, value: Bson| assert_eq!(parse_value(text), Ok(value), "{text}");
    is("-2147483648", Bson::Int32(i32::MIN));
    is("2147483648", Bson::Int64(2_147_483_648));
    is("9223372036854775807", Bson::Int64(i64::MAX));
    is("9223372036854775808", Bson::Double(9_223_372_036_854_775_808.0));
    is("1.0", Bson::Double(1.0));
    is("1e2", Bson::Double(100.0));
    // Exact to the last bit.
    is("-1.23456789012345678e-5", Bson::Double(-1.234_567_890_123_456_8e-5));
    is("9007199254740993.0", Bson::Double(9_007_199_254_740_992.0));
}

#[test]
fn values_of_the_wrong_form_are_errors() {
    for text in ["inf", "-inf", "nan", "-NaN", "+Infinity", "infinity", "1x", ""] {
        wrong(&format!(r#"{{"$numberDouble": "{text}"}}"#), "$numberDouble");
    }
    assert_eq!(parse_value(r#"{"$numberDouble": "-1.5E-3"}"#), Ok(Bson::Double(-0.0015)));
    for body in ["42", "4.2", "null", "true", r#""x""#, r#"{"$numberLong": 1}"#, r#"{"$numberInt": "1"}"#] {
        wrong(&format!(r#"{{"$date": {body}}}"#), "$date");
    }
    wrong(r#"{"$numberDecimal": "."}"#, "$numberDecimal");
    wrong(r#"{"$numberInt": "2147483648"}"#, "$numberInt");
    wrong(r#"{"$oid": "0707070707070707070707ff", "other": 1}"#, "$oid");
    wrong(r#"{"$timestamp": {"t": -1, "i": 1}}"#, "$timestamp");
    wrong(r#"{"$code": 1}"#, "$code");
    wrong(r#"{"$code": "", "$scope": null}"#, "$code");
    wrong(r#"{"$scope": {}}"#, "$code");
    wrong(r#"{"$code": "", "$scope": {}, "other": 1}"#, "$code");
    wrong(r#"{"a": [{"b": {"$undefined": false}}]}"#, "$undefined");
    assert_eq!(parse(r#"{"a": {"b\u0000": 1}}"#), Err(Error::NulInKey));
}

#[test]
fn one_digit_of_a_binary_subtype_is_enough() {
    for (digits, subtype) in [("0", 0), ("5", 5), ("00", 0), ("80", 0x80), ("fF", 0xff)] {
        let text = format!(r#"{{"$binary": {{"subType": "{digits}", "base64": "AQ=="}}}}"#);
        let expected = Binary { subtype: BinarySubtype::from(subtype), bytes: vec![1] };
        assert_eq!(parse_value(&text), Ok(Bson::Binary(expected)));
    }
    for digits in ["", "100", "g", "0x"] {
        wrong(&format!(r#"{{"$binary": {{"subType": "{digits}", "base64": "AQ=="}}}}"#), "$binary");
    }
}

#[test]
fn what_is_no_type_wrapper_stays_as_it_is() {
    for text in [
        r#"{"a":{"$unknown":1}}"#,
        r#"{"a":{"$ref":"c"}}"#,
        r#"{"a":{"$ref":"c","$id":1,"$db":"d"}}"#,
        r#"{"$regex":"x","$options":"i"}"#,
    ] {
        assert_eq!(to_relaxed(&parse(text).unwrap()), text);
    }
    assert_eq!(parse(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap(), doc! { "a": 3, "b": 2 });
}

#[test]
fn the_grammar_of_decimal128() {
    for text in
        ["0", "12", "-76", "12.70", "+0.003", "017.", ".5", "4E+9", "0.73e-7", "Inf", "-infinity", "NaN", "-nan"]
    {
        assert!(parse_decimal128(text).is_ok(), "{text}");
    }
    for text in [
        "", ".", "+", "-.", "E1", ".E1", "1E", "1E+", "1E+-1", "-+1", "++1", "1..2", "1.2.3", " 1", "1 ", "1,5",
        "sNaN", "NaN0", "Infinit", "١", "1e1e1", "0x1",
    ] {
        assert!(matches!(parse_decimal128(text), Err(Error::Value { key: "$numberDecimal", .. })), "{text}");
    }
    // Within the grammar, but not within 34 digits.
    assert!(parse_decimal128(&"1".repeat(35)).is_err());
}

#[test]
fn text_that_is_no_json_is_refused_where_it_breaks() {
    for (text, offset) in [
        ("", 0),
        ("  ", 2),
        ("{", 1),
        ("{a: 1}", 1),
        (r#"{"a" 1}"#, 5),
        (r#"{"a": }"#, 6),
        (r#"{"a": 1,}"#, 8),
        (r#"{"a": 1 "b"}"#, 8),
        ("[1, 2", 5),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("nul", 0),
        ("{} x", 3),
        (r#""abc"#, 0),
        (r#""ab\"#, 0),
        (r#""\é""#, 0),
        (r#""\ud800""#, 0),
        ("\"\u{1}\"", 0),
        ("01", 0),
        ("-", 0),
        ("1.", 0),
        (".5", 0),
        ("1e", 0),
        ("+1", 0),
        ("1-2", 0),
        ("1e999", 0),
    ] {
        let Err(Error::Syntax { offset: found, .. }) = parse_value(text) else { panic!("{text} was accepted") };
        assert_eq!(found, offset, "{text}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(parse_value(&nested(MAX_DEPTH)).is_ok());
    for levels in [MAX_DEPTH + 1, 1_000_000] {
        assert_eq!(parse_value(&nested(levels)), Err(Error::TooDeep));
    }
}

#[test]
fn every_prefix_of_a_text_is_an_error_and_no_panic() {
    let text = to_canonical(&everything());
    for (end, _) in text.char_indices() {
        assert!(matches!(parse(&text[..end]), Err(Error::Syntax { .. })), "{end}");
    }
}

#[test]
fn bytes_and_text_without_a_tree_are_those_with_one() {
    let document = everything();
    let raw = RawDocumentBuf::try_from(&document).unwrap();
    let (canonical, relaxed) = (to_canonical(&document), to_relaxed(&document));
    assert_eq!((raw_to_canonical(&raw), raw_to_relaxed(&raw)), (Ok(canonical.clone()), Ok(relaxed.clone())));
    assert_eq!(parse_raw(&canonical).unwrap(), raw);
    for text in [
        canonical.as_str(),
        &relaxed,
        "{}",
        " { } ",
        r#"{"a": [ ], "b": [[1], [{"c": -0, "d": -0.0, "e": 1e2}]], "f": 9223372036854775808}"#,
        r#"{"$oid": "x", "$code": 1}"#,
        r#"{"a": {"$oid": "507f1f77bcf86cd799439011"}, "b": [{"$date": "2020-01-01T00:00:00Z"}]}"#,
        r#"{"a": {"$ref": "c", "$id": 1}}"#,
        r#"{"\u0061\n": "\ud83d\ude00 \" \\", "": ""}"#,
        r#"{"a": {"b": 1, "$oid": "507f1f77bcf86cd799439011"}}"#,
        r#"{"a": {"b": 1, "$scope": {}}}"#,
        r#"{"a": {"$oid": "x"}}"#,
        r#"{"a\u0000b": 1}"#,
        "{\"a\": \"line\nbreak\"}",
        r#"{"a": 1e999}"#,
        r#"{"a": 01}"#,
        r#"{"a": 1,}"#,
        r#"{"a" 1}"#,
        r#"{"a": tru}"#,
        r#"{"a": "b"#,
        r#"{"a": 1} 2"#,
        "[]",
        "",
    ] {
        assert_eq!(parse(text), parse_by_tree(text), "{text}");
        let expected = parse_by_tree(text).map(|document| RawDocumentBuf::try_from(&document).unwrap());
        assert_eq!(parse_raw(text), expected, "{text}");
    }
}

#[test]
fn depth_is_limited_without_a_tree_too() {
    let nested = |levels: usize| format!("{}{}", "{\"a\":".repeat(levels), "[]".to_owned() + &"}".repeat(levels));
    let deepest = nested(MAX_DEPTH - 1);
    let raw = parse_raw(&deepest).unwrap();
    assert_eq!(raw_to_relaxed(&raw), Ok(deepest));
    for levels in [MAX_DEPTH, 100_000] {
        assert_eq!(parse_raw(&nested(levels)), Err(Error::TooDeep));
    }
    let mut deeper = raw;
    for _ in 0..2 {
        deeper = bson::rawdoc! { "a": deeper };
        assert!(matches!(raw_to_relaxed(&deeper), Err(Error::Bson { .. })));
    }
}

#[test]
fn malformed_bytes_are_an_error() {
    let mut bytes = bson::rawdoc! { "a": "text", "b": 1 }.into_bytes();
    let at = bytes.iter().position(|&byte| byte == b'x').unwrap();
    bytes[at] = 0xff;
    let raw = RawDocumentBuf::from_bytes(bytes).unwrap();
    assert!(matches!(raw_to_canonical(&raw), Err(Error::Bson { .. })));
}
