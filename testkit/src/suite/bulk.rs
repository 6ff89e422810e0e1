//! `bulk_write` of a collection, and the error of writes of many documents.

use bson::{Bson, Document, doc};
use stator_client::options::{
    DeleteManyModel, DeleteOneModel, InsertOneModel, ReplaceOneModel, UpdateManyModel, UpdateOneModel, WriteConcern,
    WriteModel,
};
use stator_client::{BulkWriteError, Collection, Error, ErrorKind, Runtime};

use super::Fixture;
use super::context::{failure, numbers};
use super::fail_point::FailPoint;

fn insert(id: i32) -> WriteModel {
    InsertOneModel::new(doc! { "_id": id, "x": id }).into()
}

fn set(id: i32, x: i32) -> WriteModel {
    UpdateOneModel::new(doc! { "_id": id }, doc! { "$set": { "x": x } }).into()
}

fn delete(id: i32) -> WriteModel {
    DeleteOneModel::new(doc! { "_id": id }).into()
}

async fn all<R: Runtime>(things: &Collection<R>) -> Vec<Document> {
    things.find(doc! {}).sort(doc! { "_id": 1 }).await.unwrap().to_list(None).await.unwrap()
}

#[track_caller]
fn bulk(error: &Error) -> &BulkWriteError {
    match error.kind() {
        ErrorKind::BulkWrite(error) => error,
        other => panic!("not a bulk write's error: {other:?}"),
    }
}

pub(super) async fn ordered_writes_happen_in_order<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let models: [WriteModel; 9] = [
        insert(1),
        InsertOneModel::new(doc! { "x": 7 }).into(),
        set(1, 10),
        delete(1),
        insert(1),
        UpdateManyModel::new(doc! { "x": { "$lt": 10 } }, doc! { "$inc": { "x": 1 } }).into(),
        UpdateOneModel::new(doc! { "_id": 5 }, doc! { "$set": { "x": 5 } }).upsert(true).into(),
        ReplaceOneModel::new(doc! { "_id": "six" }, doc! { "y": 6 }).upsert(true).into(),
        DeleteManyModel::new(doc! { "x": { "$gte": 5 } }).into(),
    ];
    let done = things.bulk_write(models).await.unwrap();
    assert_eq!((done.inserted_count, done.matched_count, done.modified_count), (3, 3, 3), "{done:?}");
    assert_eq!((done.deleted_count, done.upserted_count, done.acknowledged), (3, 2, true), "{done:?}");
    let inserted: Vec<_> = done.inserted_ids.indexes().collect();
    assert_eq!(inserted, [0, 1, 4]);
    assert_eq!((done.inserted_ids.get(0), done.inserted_ids.get(4)), (Some(Bson::from(1)), Some(Bson::from(1))));
    assert!(done.inserted_ids.get(1).unwrap().as_object_id().is_some());
    assert_eq!(done.upserted_ids, [(6, Bson::from(5)), (7, Bson::from("six"))].into());
    assert_eq!(all(&things).await, [doc! { "_id": 1, "x": 2 }, doc! { "_id": "six", "y": 6 }]);
}

pub(super) async fn an_ordered_write_ends_at_the_first_error<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(2).await;
    let models = [set(0, 9), insert(2), insert(1), insert(3), delete(0)];
    let error = failure(things.bulk_write(models).await);
    assert!(error.is_duplicate_key() && error.maybe_executed() && !error.is_retryable(), "{error:?}");
    assert_eq!((error.code(), error.write_errors().len()), (Some(11000), 1));
    let failed = bulk(&error);
    assert_eq!((failed.write_errors[0].index, failed.write_errors[0].code), (2, 11000));
    assert!(failed.error.is_none() && failed.write_concern_errors.is_empty());
    let done = &failed.partial_result;
    assert_eq!((done.inserted_count, done.modified_count, done.deleted_count), (1, 1, 0), "{done:?}");
    assert!(done.inserted_ids.iter().eq([(1, Bson::from(2))]));
    assert_eq!(numbers(&all(&things).await, "x"), [9, 1, 2]);
}

pub(super) async fn an_unordered_write_reports_every_error_by_index<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(3).await;
    let upsert = UpdateOneModel::new(doc! { "_id": 7 }, doc! { "$set": { "x": 7 } }).upsert(true);
    let models: [WriteModel; 7] = [insert(0), set(1, 8), insert(5), delete(2), insert(1), upsert.into(), insert(6)];
    let error = failure(things.bulk_write(models).ordered(false).await);
    let refused: Vec<_> = error.write_errors().iter().map(|error| (error.index, error.code)).collect();
    assert_eq!(refused, [(0, 11000), (4, 11000)]);
    let done = &bulk(&error).partial_result;
    assert_eq!((done.inserted_count, done.modified_count, done.deleted_count), (2, 1, 1), "{done:?}");
    assert!(done.inserted_ids.iter().eq([(2, Bson::from(5)), (6, Bson::from(6))]));
    assert_eq!(done.upserted_ids, [(5, Bson::from(7))].into());
    assert_eq!(numbers(&all(&things).await, "_id"), [0, 1, 5, 6, 7]);
    assert!(error.to_string().contains("and 1 more"), "{error}");
}

pub(super) async fn what_cannot_be_sent_is_an_invalid_argument<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let error = failure(things.bulk_write(Vec::<WriteModel>::new()).await);
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
    for wrong in [
        UpdateOneModel::new(doc! {}, doc! { "x": 1 }).into(),
        UpdateManyModel::new(doc! {}, doc! {}).into(),
        WriteModel::from(ReplaceOneModel::new(doc! {}, doc! { "$set": { "x": 1 } })),
    ] {
        let error = failure(things.bulk_write([insert(1), wrong]).await);
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
    }
    for wrong in [WriteModel::from(InsertOneModel::new("no document")), DeleteOneModel::new(5).into()] {
        let error = failure(things.bulk_write([insert(1), wrong]).await);
        assert!(matches!(error.kind(), ErrorKind::Encode(_)), "{error:?}");
    }
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0, "nothing was sent");
}

pub(super) async fn unacknowledged_writes_are_done_all_the_same<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    let models = [insert(1), insert(2), set(1, 5), delete(2)];
    let done = things.bulk_write(models).write_concern(WriteConcern::unacknowledged()).await.unwrap();
    assert!(!done.acknowledged);
    assert_eq!((done.inserted_count, done.modified_count, done.deleted_count), (0, 0, 0));
    t.eventually("all four are done", || async { all(&things).await == [doc! { "_id": 1, "x": 5 }] }).await;
}

pub(super) async fn models_have_options<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.filled([doc! { "_id": 1, "name": "nut", "marks": [1, 9] }, doc! { "_id": 2, "name": "bolt" }]).await;
    let pipeline = vec![doc! { "$set": { "both": { "$concat": ["$name", "!"] } } }];
    let models: [WriteModel; 4] = [
        UpdateOneModel::new(doc! { "_id": 1 }, doc! { "$set": { "marks.$[high]": 0 } })
            .array_filters([doc! { "high": { "$gte": 5 } }])
            .into(),
        UpdateManyModel::new(doc! {}, pipeline).hint("_id_").into(),
        UpdateOneModel::new(doc! { "name": "NUT" }, doc! { "$set": { "found": true } })
            .collation(doc! { "locale": "en", "strength": 2 })
            .hint(doc! { "_id": 1 })
            .into(),
        DeleteManyModel::new(doc! { "name": "BOLT" }).collation(doc! { "locale": "en", "strength": 2 }).into(),
    ];
    let done = things.bulk_write(models).await.unwrap();
    assert_eq!((done.matched_count, done.modified_count, done.deleted_count), (4, 4, 1));
    let nut = doc! { "_id": 1, "name": "nut", "marks": [1, 0], "both": "nut!", "found": true };
    assert_eq!(all(&things).await, [nut]);
    // Servers before 4.4 know no hints in deletions and no comments.
    if t.server().version >= (4, 4) {
        let hinted = DeleteOneModel::new(doc! {}).hint("missing");
        let error = failure(things.bulk_write([hinted]).comment("why").await);
        assert_eq!(error.code(), Some(2), "BadValue: {error}");
    }
    if t.server().version >= (5, 0) {
        let filter = doc! { "$expr": { "$eq": ["$name", "$$wanted"] } };
        let models: [WriteModel; 2] = [
            UpdateOneModel::new(filter.clone(), doc! { "$set": { "x": 1 } }).into(),
            DeleteOneModel::new(filter).into(),
        ];
        let done = things.bulk_write(models).let_vars(doc! { "wanted": "nut" }).await.unwrap();
        assert_eq!((done.modified_count, done.deleted_count), (1, 1));
    }
}

pub(super) async fn validation_can_be_bypassed<R: Runtime>(t: &Fixture<'_, R>) {
    t.database.create_collection("things").validator(doc! { "y": { "$exists": true } }).await.unwrap();
    let things = t.things();
    let error = failure(things.bulk_write([insert(1), insert(2)]).ordered(false).await);
    assert_eq!(error.write_errors().len(), 2);
    assert_eq!(error.code(), Some(121), "DocumentValidationFailure");
    assert_eq!(error.write_errors()[1].details.is_some(), t.server().version >= (5, 0), "{error:?}");
    things.bulk_write([insert(1), set(1, 5), delete(1)]).bypass_document_validation(true).await.unwrap();
}

pub(super) async fn more_than_fits_into_one_command<R: Runtime>(t: &Fixture<'_, R>) {
    const BATCH: i32 = 100_000;
    let things = t.things();
    let models = (0..=BATCH).map(insert).chain([set(BATCH, -1), insert(BATCH), insert(BATCH + 1)]);
    let error = failure(things.bulk_write(models).await);
    assert_eq!(error.write_errors()[0].index, BATCH as usize + 2);
    let done = &bulk(&error).partial_result;
    assert_eq!((done.inserted_count, done.inserted_ids.len(), done.modified_count), (100_001, 100_001, 1));
    assert_eq!(things.estimated_document_count().await.unwrap(), 100_001);
}

pub(super) async fn a_lost_connection_leaves_the_partial_result<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName in fail points: it would befall others.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things = point.client.database(t.database.name()).collection::<Document>("things");
    things.insert_one(doc! { "_id": 9 }).await.unwrap();
    // A deletion of many is not retried, nor is anything on a standalone.
    let models = || [insert(1), set(1, 5), DeleteManyModel::new(doc! {}).into(), insert(2)];
    point.set(1, "delete", doc! { "closeConnection": true }).await;
    let error = failure(things.bulk_write(models()).await);
    assert!(error.is_network() && error.is_retryable() && error.maybe_executed(), "{error:?}");
    let failed = bulk(&error);
    assert!(failed.error.as_ref().is_some_and(Error::is_network) && failed.write_errors.is_empty(), "{error:?}");
    let done = &failed.partial_result;
    assert_eq!((done.inserted_count, done.modified_count), (1, 1));
    assert!(done.inserted_ids.iter().eq([(0, Bson::from(1))]));
    assert!(std::error::Error::source(&error).is_some());

    things.delete_many(doc! { "_id": { "$ne": 9 } }).await.unwrap();
    point.set(1, "update", doc! { "errorCode": 13 }).await;
    let error = failure(things.bulk_write([insert(9)].into_iter().chain(models())).ordered(false).await);
    assert!(error.is_duplicate_key() && !error.is_network(), "{error:?}");
    assert_eq!(error.code(), Some(13), "that of the whole counts: {error:?}");
    let failed = bulk(&error);
    assert_eq!((failed.write_errors.len(), failed.write_errors[0].index), (1, 0));
    assert!(failed.partial_result.inserted_ids.iter().eq([(1, Bson::from(1)), (4, Bson::from(2))]));

    // With nothing done before, it is an error like any other.
    point.set(1, "insert", doc! { "errorCode": 13 }).await;
    let error = failure(things.bulk_write(models()).await);
    assert!(matches!(error.kind(), ErrorKind::Command(_)) && error.code() == Some(13), "{error:?}");
    point.off().await;
}

pub(super) async fn write_concern_errors_of_all_commands<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName in fail points: it would befall others.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things = point.client.database(t.database.name()).collection::<Document>("things");
    let refusal = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "too late" };
    point.set(2, "insert", doc! { "writeConcernError": refusal }).await;
    let error = failure(things.bulk_write([insert(1), set(1, 5), insert(2), delete(2)]).await);
    assert_eq!(error.code(), Some(64));
    let failed = bulk(&error);
    let codes: Vec<_> = failed.write_concern_errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [64, 64], "it does not end an ordered write");
    let done = &failed.partial_result;
    assert_eq!((done.inserted_count, done.modified_count, done.deleted_count), (2, 1, 1));
    point.off().await;
}

pub(super) async fn the_command_of_8_0_is_not_sent_to_older_servers<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    if t.server().version < (8, 0) {
        let error = failure(t.client.bulk_write([insert(1).on(&things)]).await);
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
        assert!(error.to_string().contains("8.0"), "{error}");
    }
}
