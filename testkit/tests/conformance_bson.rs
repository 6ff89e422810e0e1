//! The BSON specifications, as data and as prose.

use bson::binary::{PackedBitVector, Vector};
use bson::raw::CString;
use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use stator_testkit::conformance::{AREAS, Outcome, spec_dir};

#[test]
fn bson_corpus() {
    run("bson-corpus", DEVIATIONS);
}

#[test]
fn bson_binary_vector() {
    run("bson-binary-vector", &[]);
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

/// Runs one area, of which exactly the cases in `deviations` must fail. Without the data it says how to get it.
fn run(area: &str, deviations: &[(&str, &str)]) {
    let Some(dir) = spec_dir() else {
        println!("skipped {area}: set STATOR_SPEC_DIR to the `source` folder of a clone of mongodb/specifications");
        return;
    };
    let (_, runner) = AREAS.iter().find(|(name, _)| *name == area).expect("the area has a runner");
    let report = runner(&dir.join(area));
    println!("{area}: {} passed, {} failed, {} skipped", report.passed, report.failed.len(), report.skipped.len());
    for outcome in &report.failed {
        println!("{}: {}: {}", outcome.file, outcome.case, outcome.reason);
    }
    let is = |outcome: &Outcome, (file, case): &(&str, &str)| outcome.file == *file && outcome.case.contains(case);
    for outcome in &report.failed {
        assert!(deviations.iter().any(|deviation| is(outcome, deviation)), "new failure: {outcome:?}");
    }
    for deviation in deviations {
        assert!(report.failed.iter().any(|outcome| is(outcome, deviation)), "no longer fails: {deviation:?}");
    }
    assert_eq!(report.failed.len(), deviations.len());
    assert!(report.passed > 0, "{area} has no cases");
    assert!(report.skipped.is_empty(), "{area} has skipped cases");
}

/// Where the `bson` crate 3.1, not `stator_wire::bson`, differs from `bson-corpus`: file and case.
const DEVIATIONS: &[(&str, &str)] = &[
    // Dates after the year 9999 are cut off in relaxed Extended JSON without the feature `large_dates`, which would
    // change what `time` parses in the whole program of the user.
    ("tests/datetime.json", "valid: Y10K"),
    // `Decimal128::from_str` takes these for numbers: "", ".", "E01", "-+32.4", "++1", "+.e+1" and the like.
    ("tests/decimal128-6.json", "Exponent at the beginning"),
    ("tests/decimal128-6.json", "Just a decimal place"),
    ("tests/decimal128-6.json", "2 signs"),
    ("tests/decimal128-6.json", "Empty string"),
    ("tests/decimal128-7.json", "[basx501]"),
    ("tests/decimal128-7.json", "[basx503]"),
    ("tests/decimal128-7.json", "[basx505]"),
    ("tests/decimal128-7.json", "[basx519]"),
    ("tests/decimal128-7.json", "[basx525]"),
    ("tests/decimal128-7.json", "[basx549]"),
    ("tests/decimal128-7.json", "[basx577]"),
    ("tests/decimal128-7.json", "[basx578]"),
    ("tests/decimal128-7.json", "[basx581]"),
    ("tests/decimal128-7.json", "[basx582]"),
    ("tests/decimal128-7.json", "[basx583]"),
    // `{"$date": 42}` is accepted as milliseconds.
    ("tests/top.json", "Bad $date (number, not string or hash)"),
];
