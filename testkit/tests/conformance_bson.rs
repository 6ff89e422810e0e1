//! The BSON specifications, as data and as prose.

use bson::binary::{PackedBitVector, Vector};
use bson::raw::CString;
use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use stator_testkit::conformance::{AREAS, spec_dir};

#[test]
fn bson_corpus() {
    run("bson-corpus");
}

#[test]
fn bson_binary_vector() {
    run("bson-binary-vector");
}

/// `bson-corpus` prose test 1, for what users write with; the writer of the protocol has its own unit tests.
#[test]
fn nul_is_prohibited_when_encoding() {
    assert!(Document::from_iter([("a\0".to_owned(), 1.into())]).to_vec().is_err());
    assert!(doc! { "a": { "b\0": 1 } }.to_vec().is_err());
    // `Regex` consists of these, so it cannot hold NUL.
    assert!(CString::try_from("a\0").is_err());
    assert!(CString::try_from("a").is_ok());
}

/// `bson-binary-vector` prose tests 1 and 2: ignored bits that are not zero.
#[test]
fn ignored_bits_of_packed_vectors_are_zero() {
    assert!(PackedBitVector::new(vec![0b1111_1111], 7).is_err());
    assert!(PackedBitVector::new(vec![0b1000_0000], 7).is_ok());
    let binary = Binary { subtype: BinarySubtype::Vector, bytes: vec![0x10, 7, 0xff] };
    assert!(Vector::try_from(&binary).is_err());
}

/// Runs one area, of which every case must pass. Without the data it says how to get it.
fn run(area: &str) {
    let Some(dir) = spec_dir() else {
        println!("skipped {area}: set STATOR_SPEC_DIR to the `source` folder of a clone of mongodb/specifications");
        return;
    };
    let (_, runner) = AREAS.iter().find(|(name, _)| *name == area).expect("the area has a runner");
    let report = runner(&dir.join(area));
    println!("{area}: {} passed, {} failed, {} skipped", report.passed, report.failed.len(), report.skipped.len());
    let failures: Vec<_> = report.failed.iter().map(|o| format!("{}: {}: {}", o.file, o.case, o.reason)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(report.passed > 0, "{area} has no cases");
    assert!(report.skipped.is_empty(), "{area} has skipped cases");
}
