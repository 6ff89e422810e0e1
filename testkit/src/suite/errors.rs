//! Errors and the questions that people ask them.

use bson::{Bson, doc};
use stator_client::options::UpdateModifications;
use stator_client::{ErrorKind, Phase, Runtime};

use super::Fixture;
use super::context::failure;
use super::fail_point::FailPoint;

pub(super) async fn duplicate_keys<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(1).await;
    let error = failure(things.insert_one(doc! { "_id": 0 }).await);
    assert!(error.is_duplicate_key() && !error.is_timeout() && !error.is_network() && !error.is_retryable());
    assert_eq!((error.code(), error.phase()), (Some(11000), Phase::Reply));
    assert!(error.server().is_some(), "an error names its server: {error:?}");
    assert!(error.to_string().contains("11000"), "{error}");
}

pub(super) async fn commands_have_codes<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(1).await;
    let error = failure(things.find_one(doc! { "x": { "$noSuchOperator": 1 } }).await);
    let ErrorKind::Command(command) = error.kind() else { panic!("{error:?}") };
    assert_eq!((command.code, command.code_name.as_str()), (2, "BadValue"));
    assert!(command.message.contains("$noSuchOperator"), "{command:?}");
    assert!(!error.is_retryable() && !error.is_network() && error.labels().next().is_none());
    assert_eq!(error.phase(), Phase::Reply);
}

pub(super) async fn invalid_changes_are_refused_before_they_are_sent<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.numbered(1).await;
    let invalid = |error: stator_client::Error| {
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
        assert_eq!(error.phase(), Phase::Prepare);
        assert!(!error.maybe_executed());
    };
    for update in [doc! { "x": 1 }, doc! {}] {
        invalid(failure(things.update_one(doc! {}, update.clone()).await));
        invalid(failure(things.update_many(doc! {}, update.clone()).await));
        invalid(failure(things.find_one_and_update(doc! {}, update).await));
    }
    invalid(failure(things.update_one(doc! {}, UpdateModifications::Pipeline(vec![])).await));
    let replacement = doc! { "$set": { "x": 2 } };
    invalid(failure(things.replace_one(doc! {}, &replacement).await));
    invalid(failure(things.find_one_and_replace(doc! {}, &replacement).await));
    assert_eq!(things.find_one(doc! {}).await.unwrap(), Some(doc! { "_id": 0, "x": 0 }));
}

pub(super) async fn values_that_are_no_documents<R: Runtime>(t: &Fixture<'_, R>) {
    let things = t.things();
    for error in [
        failure(things.find_one(7).await),
        failure(things.find(doc! {}).sort("text").await),
        failure(t.database.collection::<i32>("things").insert_one(7).await),
        failure(t.database.run_command(Bson::Null).await),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Encode(_)), "{error:?}");
        assert_eq!(error.phase(), Phase::Prepare);
    }
}

pub(super) async fn server_errors_carry_codes_and_labels<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName in fail points: it would befall others.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things = point.client.database(t.database.name()).collection::<bson::Document>("things");
    point.set(1, "insert", doc! { "errorCode": 91, "errorLabels": ["RetryableWriteError", "Odd"] }).await;
    let error = failure(things.insert_one(doc! {}).await);
    assert_eq!(error.code(), Some(91), "ShutdownInProgress: {error:?}");
    assert!(error.is_retryable() && error.has_label("RetryableWriteError") && error.has_label("Odd"), "{error:?}");
    point.set(1, "find", doc! { "errorCode": 13 }).await;
    let error = failure(things.find_one(doc! {}).await);
    assert_eq!(error.code(), Some(13), "Unauthorized: {error:?}");
    assert!(!error.is_retryable() && !error.has_label("Odd"));
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0);
}

pub(super) async fn a_closed_connection_is_a_network_error<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName in fail points: it would befall others.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things = point.client.database(t.database.name()).collection::<bson::Document>("things");
    things.insert_one(doc! { "_id": 1 }).await.unwrap();
    point.set(1, "insert", doc! { "closeConnection": true }).await;
    let error = failure(things.insert_one(doc! { "_id": 2 }).await);
    assert!(error.is_network() && error.is_retryable() && error.maybe_executed(), "{error:?}");
    assert!(!error.is_timeout() && error.code().is_none(), "{error:?}");
    assert_eq!(error.phase(), Phase::Receive);
    let stats = point.client.pool_stats();
    assert_eq!(stats.total(), 0, "a broken connection is gone: {stats:?}");
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 1, "and the client goes on");
}

pub(super) async fn write_concern_errors<R: Runtime>(t: &Fixture<'_, R>) {
    // 4.2 has no appName in fail points: it would befall others.
    if t.server().version < (4, 4) {
        return;
    }
    let point = FailPoint::take(t, "").await;
    let things = point.client.database(t.database.name()).collection::<bson::Document>("things");
    let refusal = doc! { "code": 64, "codeName": "WriteConcernFailed", "errmsg": "too late" };
    for command in ["insert", "update", "delete", "findAndModify"] {
        point.set(1, command, doc! { "writeConcernError": refusal.clone() }).await;
        let result = match command {
            "insert" => things.insert_one(doc! { "_id": 1 }).await.map(drop),
            "update" => things.update_one(doc! {}, doc! { "$set": { "x": 1 } }).await.map(drop),
            "delete" => things.delete_one(doc! { "_id": 9 }).await.map(drop),
            _ => things.find_one_and_delete(doc! { "x": 1 }).await.map(drop),
        };
        let error = failure(result);
        let ErrorKind::Write(failed) = error.kind() else { panic!("{command}: {error:?}") };
        assert_eq!(failed.write_concern_error.as_ref().unwrap().code_name, "WriteConcernFailed", "{command}");
        assert!(failed.write_errors.is_empty() && error.maybe_executed());
        assert_eq!(error.code(), Some(64));
    }
    point.off().await;
    assert_eq!(things.count_documents(doc! {}).await.unwrap(), 0, "it was all done nevertheless");
}
