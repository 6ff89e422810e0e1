//! Decoding alone, this driver beside the `bson` crate: no server, no socket.
//!
//! Without arguments it prints MB/s of BSON for each document and way. With `DOCUMENT WAY SIDE COUNT` it does one of them COUNT
//! times and nothing else, for callgrind (`--toggle-collect='decode::measured*'`).

use std::collections::BTreeMap;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use bson::spec::ElementType;
use bson::{Bson, Document, RawBsonRef, RawDocument};
use serde::Deserialize;
use stator_benches::data::{Scale, Tweet};
use stator_benches::{Data, Failure};
use stator_client::decode;
use stator_wire::bson::{Doc, Kind};

/// The leaves and branches of the specification's deep document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code, reason = "only decoded")]
struct Tree {
    left: Option<Box<Self>>,
    right: Option<Box<Self>>,
    left_value: Option<String>,
    right_value: Option<String>,
}

/// Does something with the bytes of one document; what comes out is a number so that nothing is left out.
type Decode = fn(&[u8]) -> usize;

struct Case {
    document: &'static str,
    way: &'static str,
    ours: Decode,
    theirs: Decode,
}

macro_rules! typed {
    ($document:literal $way:literal $type:ty) => {
        Case {
            document: $document,
            way: $way,
            ours: |bytes| size_of_val(&decode::from_slice_owned::<$type>(bytes).expect("it fits")),
            theirs: |bytes| size_of_val(&bson::deserialize_from_slice::<$type>(bytes).expect("it fits")),
        }
    };
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for document in ["tweet", "small", "flat", "deep", "full"] {
        cases.push(Case { document, way: "walk", ours: walk, theirs: walk_theirs });
        cases.push(Case { document, way: "read", ours: read, theirs: read_theirs });
        cases.push(Case { document, ..typed!("" "document" Document) });
        cases.push(Case { document, ..typed!("" "map" BTreeMap<String, Bson>) });
    }
    cases.push(typed!("tweet" "struct" Tweet));
    cases.push(typed!("deep" "struct" Tree));
    cases
}

/// Every element of every level with its key, values of one level unread.
fn walk(bytes: &[u8]) -> usize {
    fn level(doc: Doc<'_>) -> usize {
        let mut count = 0;
        for element in doc {
            let element = element.expect("valid");
            let value = element.value();
            count += 1 + element.key().expect("valid").len();
            if matches!(value.kind(), Kind::Document | Kind::Array) {
                count += level(Doc::new(value.bytes()).expect("valid"));
            }
        }
        count
    }
    level(Doc::new(bytes).expect("valid"))
}

/// Every element of every level with its key and value as what they are.
fn read(bytes: &[u8]) -> usize {
    use stator_wire::bson::Value;
    fn level(doc: Doc<'_>) -> usize {
        let mut count = 0;
        for element in doc {
            let element = element.expect("valid");
            count += 1 + element.key().expect("valid").len();
            match black_box(element.value().decode().expect("valid")) {
                Value::Document(doc) | Value::Array(doc) => count += level(doc),
                _ => {}
            }
        }
        count
    }
    level(Doc::new(bytes).expect("valid"))
}

/// As [`walk`] with the `bson` crate.
fn walk_theirs(bytes: &[u8]) -> usize {
    fn level(doc: &RawDocument) -> usize {
        let mut count = 0;
        for element in doc.iter_elements() {
            let element = element.expect("valid");
            count += 1 + element.key().len();
            match element.element_type() {
                ElementType::EmbeddedDocument => {
                    count += level(element.value().expect("valid").as_document().expect("a document"));
                }
                ElementType::Array => {
                    let value = element.value().expect("valid");
                    let array = value.as_array().expect("an array");
                    count += level(RawDocument::from_bytes(array.as_bytes()).expect("valid"));
                }
                _ => {}
            }
        }
        count
    }
    level(RawDocument::from_bytes(bytes).expect("valid"))
}

/// As [`read`] with the `bson` crate.
fn read_theirs(bytes: &[u8]) -> usize {
    fn level(doc: &RawDocument) -> usize {
        let mut count = 0;
        for element in doc {
            let (key, value) = element.expect("valid");
            count += 1 + key.len();
            match black_box(value) {
                RawBsonRef::Document(doc) => count += level(doc),
                RawBsonRef::Array(array) => {
                    count += level(RawDocument::from_bytes(array.as_bytes()).expect("valid"));
                }
                _ => {}
            }
        }
        count
    }
    level(RawDocument::from_bytes(bytes).expect("valid"))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("decode: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<(), Failure> {
    let documents = documents()?;
    let cases = cases().into_iter().filter(|case| documents.contains_key(case.document));
    if let [document, way, side, count] = args {
        let mut cases = cases.filter(|case| case.document == document && case.way == way);
        let case = cases.next().ok_or_else(|| format!("no {way} of {document}"))?;
        let decode = if side == "bson" { case.theirs } else { case.ours };
        measured(decode, &documents[case.document], count.parse()?);
        return Ok(());
    }
    println!("{:<8} {:<9} {:>10} {:>10} {:>7}   MB/s, median of {ROUNDS} rounds", "", "", "stator", "bson", "ratio");
    for case in cases {
        let bytes = &documents[case.document];
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (our, their) = (speed(case.ours, bytes), speed(case.theirs, bytes));
            ours.push(our);
            theirs.push(their);
            ratios.push(our / their);
        }
        let (our, their, ratio) = (median(ours), median(theirs), median(ratios));
        println!("{:<8} {:<9} {our:>10.0} {their:>10.0} {ratio:>7.2}", case.document, case.way);
    }
    Ok(())
}

/// callgrind toggles collection at this function.
#[inline(never)]
fn measured(decode: Decode, bytes: &[u8], count: u64) {
    for _ in 0..count {
        black_box(decode(black_box(bytes)));
    }
}

/// MB/s.
fn speed(decode: Decode, bytes: &[u8]) -> f64 {
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < SLOT {
        measured(decode, bytes, 20);
        count += 20;
    }
    (count * bytes.len()) as f64 / start.elapsed().as_secs_f64() / 1e6
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Documents by name.
fn documents() -> Result<BTreeMap<&'static str, Vec<u8>>, Failure> {
    let data = Data::load(Scale::QUICK)?;
    let documents = [
        ("tweet", data.numbered_tweet(1)),
        ("small", data.small),
        ("flat", data.flat),
        ("deep", data.deep),
        ("full", data.full),
    ];
    documents.into_iter().map(|(name, document)| Ok((name, bson::serialize_to_vec(&document)?))).collect()
}

const ROUNDS: usize = 11;
const SLOT: Duration = Duration::from_millis(50);
