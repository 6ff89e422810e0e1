//! Documents and commands at the server's limits.

use bson::spec::BinarySubtype;
use bson::{Binary, Document, doc};
use stator_client::{ErrorKind, Phase, Runtime};
use stator_proto::operation::OperationError;

use super::Fixture;
use super::context::failure;

/// `maxBsonObjectSize` of every server.
const LIMIT: usize = 16 * 1024 * 1024;
/// `maxWriteBatchSize` of every server.
const BATCH: i32 = 100_000;

/// `{_id: <id>, x: <zeros>}` of exactly `size` bytes.
fn sized(id: i32, size: usize) -> Document {
    const FRAME: usize = 4 + (1 + 4 + 4) + (1 + 2 + 4 + 1) + 1;
    let x = Binary { subtype: BinarySubtype::Generic, bytes: vec![0; size - FRAME] };
    doc! { "_id": id, "x": x }
}

pub(super) async fn a_hundred_thousand_and_one_documents_go_in_two_batches<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    // The last one repeats the first: its index counts over both batches.
    let error = failure(things.insert_many((0..=BATCH).map(|i| doc! { "_id": i % BATCH })).ordered(false).await);
    let [refused] = error.write_errors() else { panic!("{} errors", error.write_errors().len()) };
    assert_eq!(refused.index, BATCH as usize);
    let ErrorKind::BulkWrite(failed) = error.kind() else { panic!("{error:?}") };
    assert_eq!(failed.partial_result.inserted_count, BATCH as u64);
    assert_eq!(things.estimated_document_count().await.unwrap(), BATCH as u64);
}

pub(super) async fn a_document_of_nearly_16_mb_goes_both_ways<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let whole = sized(1, LIMIT);
    assert_eq!(whole.to_vec().unwrap().len(), LIMIT);
    things.insert_one(&whole).await.unwrap();
    let found = things.find_one(doc! { "_id": 1 }).await.unwrap().unwrap();
    assert!(found == whole, "it came back changed");
}

pub(super) async fn a_longer_document_is_refused_before_it_is_sent<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let error = failure(things.insert_many([doc! { "_id": 0 }, sized(1, LIMIT + 1)]).await);
    let ErrorKind::Operation(OperationError::DocumentTooLarge { index, length, limit }) = error.kind() else {
        panic!("{error:?}")
    };
    assert_eq!((*index, *length, *limit), (1, LIMIT + 1, LIMIT));
    assert_eq!(error.phase(), Phase::Prepare);
    assert!(!error.maybe_executed() && !error.is_retryable(), "{error:?}");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0, "the client works, and nothing was inserted");
}

pub(super) async fn many_large_documents_split_by_size<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    // Four documents of 15 MB are more than one message of 48 MB can hold.
    let inserted = things.insert_many((0..4).map(|id| sized(id, 15_000_000))).await.unwrap();
    assert_eq!(inserted.inserted_ids.len(), 4);
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 4);
    // Batches are bounded too: 16 MB each.
    let mut cursor = things.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap();
    for id in 0..4 {
        let found = cursor.try_next().await.unwrap().unwrap();
        assert_eq!(found.get_i32("_id").unwrap(), id);
        assert_eq!(found.to_vec().unwrap().len(), 15_000_000);
    }
    assert!(cursor.try_next().await.unwrap().is_none());
}
