//! What the schema takes and refuses.

use bson::doc;

use super::schema::{ExpectedError, Operation, Requirement, TestFile, Version};
use crate::conformance::files::json_files;
use crate::conformance::spec_dir;

fn version(text: &str) -> Result<Version, String> {
    Version::try_from(text.to_owned())
}

#[test]
fn versions_compare_by_number() {
    assert!(version("4.10").unwrap() > version("4.9.9").unwrap());
    assert_eq!(version("4.2").unwrap(), version("4.2.0").unwrap());
    for text in ["", "4", "4.", "4.x", "1.2.3.4", "-1.0"] {
        assert!(version(text).is_err(), "{text:?}");
    }
}

#[test]
fn newer_schemas_are_refused() {
    let file = |version: &str| {
        let text = r#"{"description": "d", "schemaVersion": "@", "tests": [{"description": "t", "operations": []}]}"#;
        TestFile::parse(&text.replace('@', version))
    };
    assert!(file("1.0").is_ok());
    assert!(file("1.28").is_ok());
    assert!(file("1.29").unwrap_err().contains("not known"));
    assert!(file("2.0").is_err());
    assert!(file("0.9").is_err());
}

#[test]
fn what_excludes_each_other_is_refused() {
    let operation = |more: bson::Document| {
        let mut operation = doc! { "name": "n", "object": "o" };
        operation.extend(more);
        bson::deserialize_from_document::<Operation>(operation)
    };
    assert!(operation(doc! { "expectResult": 1, "saveResultAsEntity": "x" }).is_ok());
    assert!(operation(doc! { "expectResult": null, "expectError": { "isError": true } }).is_err());
    assert!(operation(doc! { "ignoreResultAndError": true, "expectResult": 1 }).is_err());
    assert!(operation(doc! { "saveResultAsEntity": "x", "expectError": { "isError": true } }).is_err());
    assert!(operation(doc! { "expectResults": 1 }).is_err());
    let null = operation(doc! { "expectResult": null }).unwrap();
    assert_eq!(null.expect_result, Some(bson::Bson::Null));
    assert!(bson::deserialize_from_document::<ExpectedError>(doc! {}).is_err());
    assert!(bson::deserialize_from_document::<Requirement>(doc! {}).is_err());
}

/// Texts of the specifications' own files; nothing where there is no data.
fn texts(folder: &str) -> Vec<(String, String)> {
    let Some(dir) = spec_dir() else { return Vec::new() };
    let files = json_files(&dir.join(folder)).unwrap();
    files.into_iter().map(|path| (path.display().to_string(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_invalid_file_is_refused() {
    let accepted: Vec<_> = texts("unified-test-format/tests/invalid")
        .into_iter()
        .filter(|(_, text)| TestFile::parse(text).is_ok())
        .map(|(path, _)| path)
        .collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn every_other_file_is_read() {
    for (path, text) in texts("") {
        if path.contains("/invalid/")
            || path.contains("/valid-fail/")
            || path.contains("/schema-")
            || !text.contains("\"schemaVersion\"")
        {
            continue;
        }
        if let Err(error) = TestFile::parse(&text) {
            panic!("{path}: {error}");
        }
    }
}
