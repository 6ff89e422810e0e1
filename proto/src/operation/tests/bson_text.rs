//! BSON from text, in the form that `Debug` of a document prints: `{ok: 1, names: ["a"], on: true, none: null}`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use stator_wire::bson::{DocBuf, DocWriter, Timestamp, ValueBuf};

/// The document that `text` describes. Whole numbers are int32; `T5` is a timestamp of 5 s, increment 1.
#[track_caller]
pub(super) fn doc(text: &str) -> DocBuf {
    let (value, rest) = parse(text);
    assert_eq!(rest, "", "text behind the document");
    DocBuf::from(value.as_raw().as_doc().unwrap())
}

/// The array that `text` describes, as the document that it is encoded as.
#[track_caller]
pub(super) fn array(text: &str) -> DocBuf {
    let (value, rest) = parse(text);
    assert_eq!(rest, "", "text behind the array");
    DocBuf::from(value.as_raw().as_array().unwrap())
}

/// The value that `text` describes.
#[track_caller]
pub(super) fn value(text: &str) -> ValueBuf {
    let (value, rest) = parse(text);
    assert_eq!(rest, "", "text behind the value");
    value
}

#[track_caller]
fn parse(text: &str) -> (ValueBuf, &str) {
    let text = text.trim_start();
    match text.as_bytes()[0] {
        b'{' => elements(&text[1..], '}'),
        b'[' => elements(&text[1..], ']'),
        b'"' => {
            let (content, rest) = text[1..].split_once('"').expect("a quote ends the text");
            (content.into(), rest)
        }
        _ => {
            let end = text.find([',', '}', ']', ' ']).unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            let value = match word {
                "true" => true.into(),
                "false" => false.into(),
                "null" => first(|doc| {
                    doc.null("value");
                }),
                time if time.starts_with('T') => {
                    let time = time[1..].parse().expect("a time in seconds");
                    first(|doc| {
                        doc.timestamp("value", Timestamp { time, increment: 1 });
                    })
                }
                number if number.contains('.') => number.parse::<f64>().expect("a number").into(),
                number => number.parse::<i32>().expect("a number").into(),
            };
            (value, rest)
        }
    }
}

/// The elements of a document or an array, up to `close`.
fn elements(mut text: &str, close: char) -> (ValueBuf, &str) {
    let mut elements: Vec<(String, ValueBuf)> = Vec::new();
    loop {
        text = text.trim_start_matches([' ', ',', '\n']);
        if let Some(rest) = text.strip_prefix(close) {
            let value = first(|doc| {
                if close == '}' {
                    let mut inner = doc.document("value");
                    for (key, value) in &elements {
                        inner.value(key, value.as_raw());
                    }
                } else {
                    let mut inner = doc.array_of("value");
                    for (_, value) in &elements {
                        inner.value(value.as_raw());
                    }
                }
            });
            return (value, rest);
        }
        let key = if close == '}' {
            let (key, rest) = text.split_once(':').expect("a colon behind the key");
            text = rest;
            String::from(key)
        } else {
            format!("{}", elements.len())
        };
        let (value, rest) = parse(text);
        elements.push((key, value));
        text = rest;
    }
}

/// The value of the first element that `write` writes.
fn first(write: impl FnOnce(&mut DocWriter<'_>)) -> ValueBuf {
    let mut bytes = Vec::new();
    let mut writer = DocWriter::new(&mut bytes);
    write(&mut writer);
    writer.finish().unwrap();
    let doc = DocBuf::new(bytes).unwrap();
    let element = doc.as_doc().iter().next().unwrap().unwrap();
    ValueBuf::from_raw(element.value())
}

#[test]
fn the_text_of_a_document_is_what_debug_prints() {
    let text = r#"{ok: 1, at: 1.5, names: ["a", {b: [], c: {}}], on: true, none: null}"#;
    assert_eq!(format!("{:?}", doc(text)), text);
}
