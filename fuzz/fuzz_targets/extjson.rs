//! Extended JSON with a tree in between and without one: the same texts, the same documents, the same output.

#![no_main]

use bson::{Document, RawDocumentBuf};
use libfuzzer_sys::fuzz_target;
use stator_client::extjson;

fuzz_target!(|text: &str| {
    match (extjson::parse(text), extjson::parse_by_tree(text)) {
        // Equal documents may differ in their order, and NaN is equal to nothing.
        (Ok(document), Ok(expected)) => assert_eq!(document.to_vec().unwrap(), expected.to_vec().unwrap()),
        (document, expected) => assert_eq!(document, expected),
    }
    let raw = match (extjson::parse_by_tree(text), extjson::parse_raw(text)) {
        (Err(with), Err(without)) => return assert_eq!(with, without),
        (Ok(document), Ok(raw)) => {
            // What is there twice has stayed there twice; decoding ends that.
            let decoded = Document::try_from(raw.clone()).unwrap();
            assert_eq!(decoded.to_vec().unwrap(), document.to_vec().unwrap());
            if raw.as_bytes() != document.to_vec().unwrap() {
                return;
            }
            assert_eq!(extjson::raw_to_canonical(&raw).unwrap(), extjson::to_canonical(&document));
            assert_eq!(extjson::raw_to_relaxed(&raw).unwrap(), extjson::to_relaxed(&document));
            raw
        }
        (with, without) => panic!("{with:?} but {without:?}"),
    };
    let again: RawDocumentBuf = extjson::parse_raw(&extjson::raw_to_canonical(&raw).unwrap()).unwrap();
    assert_eq!(again, raw);
});
