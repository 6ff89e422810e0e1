//! Bytes and messages: `cargo bench -p stator-benches --bench wire`.

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use stator_benches::Data;
use stator_benches::data::{Scale, to_bytes};
use stator_wire::bson::{Doc, DocWriter, Kind};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, OpMsg};

fn main() {
    divan::main();
}

const LIMIT: usize = 48_000_000;

/// A document's bytes by name.
fn document(name: &str) -> Vec<u8> {
    let data = Data::generated(Scale::QUICK);
    let document = match name {
        "small" => data.small,
        "tweet" => data.tweet,
        "flat" => data.flat,
        "deep" => data.deep,
        _ => data.full,
    };
    to_bytes(&document).expect("a document can be encoded")
}

/// A reply with so many tweets.
fn reply(tweets: usize) -> Vec<u8> {
    let tweet = document("tweet");
    let tweet = Doc::new(&tweet).expect("a document");
    let mut frame = Vec::new();
    let mut message = Builder::new(&mut frame, 1, 2, Flags::NONE);
    let mut body = message.body();
    let mut cursor = body.document("cursor");
    let mut batch = cursor.array_of("firstBatch");
    for _ in 0..tweets {
        batch.doc(tweet);
    }
    batch.finish().expect("an array");
    cursor.i64("id", 0).str("ns", "perftest.corpus");
    cursor.finish().expect("a document");
    body.f64("ok", 1.0);
    body.finish().expect("a body");
    message.finish().expect("a message");
    frame
}

/// A frame comes in one piece, as a small reply does.
#[divan::bench(args = [1, 100, 1000])]
fn deframe(bencher: Bencher<'_, '_>, tweets: usize) {
    let frame = reply(tweets);
    let mut input = Deframer::new(LIMIT);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| {
        input.push(&frame);
        input.next_frame().map(black_box).expect("a frame").expect("a whole frame")
    });
}

/// The same in pieces of the size of a segment.
#[divan::bench]
fn deframe_in_pieces(bencher: Bencher<'_, '_>) {
    let frame = reply(100);
    let mut input = Deframer::new(LIMIT);
    bencher.counter(BytesCount::new(frame.len())).bench_local(|| {
        let mut found = None;
        for piece in frame.chunks(1460) {
            input.push(piece);
            found = input.next_frame().expect("a frame");
        }
        found.expect("a whole frame")
    });
}

#[divan::bench]
fn parse_op_msg(bencher: Bencher<'_, '_>) {
    let frame = reply(1);
    bencher.bench(|| OpMsg::parse(black_box(&frame)).map(|message| message.body().as_bytes().len()));
}

#[divan::bench]
fn build_op_msg(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(512);
    bencher.bench_local(|| {
        out.clear();
        let mut message = Builder::new(&mut out, 1, 0, Flags::NONE);
        let mut body = message.body();
        body.str("find", "corpus");
        let mut filter = body.document("filter");
        filter.i32("_id", black_box(7));
        filter.finish().expect("a document");
        body.i64("limit", 1).bool("singleBatch", true).str("$db", "perftest");
        body.finish().expect("a body");
        message.finish()
    });
}

const DOCUMENTS: [&str; 5] = ["small", "tweet", "flat", "deep", "full"];

/// Every element at every depth; values are stepped over.
#[divan::bench(args = DOCUMENTS)]
fn walk(bencher: Bencher<'_, '_>, name: &str) {
    fn count(doc: Doc<'_>) -> usize {
        doc.iter()
            .map(|element| {
                let value = element.expect("an element").value();
                match value.kind() {
                    Kind::Document => count(value.as_doc().expect("a document")),
                    Kind::Array => count(value.as_array().expect("an array")),
                    _ => 1,
                }
            })
            .sum()
    }
    let bytes = document(name);
    let bencher = bencher.counter(BytesCount::new(bytes.len()));
    bencher.bench(|| count(Doc::new(black_box(&bytes)).expect("a document")));
}

#[divan::bench(args = DOCUMENTS)]
fn validate(bencher: Bencher<'_, '_>, name: &str) {
    let bytes = document(name);
    let bencher = bencher.counter(BytesCount::new(bytes.len()));
    bencher.bench(|| Doc::new(black_box(&bytes)).and_then(Doc::validate));
}

/// The last of 145 keys.
#[divan::bench]
fn get_the_last(bencher: Bencher<'_, '_>) {
    let bytes = document("flat");
    let doc = Doc::new(&bytes).expect("a document");
    let last = doc.iter().last().expect("elements").expect("an element").key().expect("a key");
    bencher.bench(|| doc.get(black_box(last)).map(|value| value.is_some()));
}

/// As many elements as a tweet has, at two depths.
#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let mut out = Vec::with_capacity(4096);
    bencher.bench_local(|| {
        out.clear();
        let mut document = DocWriter::new(&mut out);
        for _ in 0..10 {
            document
                .str("text", black_box("a line of thirty-five characters..."))
                .i64("id", 7)
                .bool("truncated", false);
        }
        let mut user = document.document("user");
        for _ in 0..16 {
            user.i32("count", black_box(7)).str("name", "somebody");
        }
        user.finish().expect("a document");
        document.finish()
    });
}
