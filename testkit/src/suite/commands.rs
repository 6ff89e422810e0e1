//! `run_command`.

use core::time::Duration;

use bson::doc;
use stator_client::options::{Overrides, ReadPreference, WriteConcern};
use stator_client::{ErrorKind, Runtime};

use super::Fixture;
use super::context::failure;

pub(super) async fn run_and_raw<R: Runtime>(t: &Fixture<'_, R>) {
    let pong = t.database.run_command(doc! { "ping": 1 }).await.unwrap();
    assert_eq!(pong.get_f64("ok").unwrap(), 1.0);
    let raw = t.database.run_command(doc! { "ping": 1 }).raw().await.unwrap();
    assert_eq!(raw.get_f64("ok").unwrap(), 1.0);
    let command = t.database.run_command(doc! { "ping": 1 });
    command.read_preference(ReadPreference::nearest()).timeout(Duration::from_secs(10)).await.unwrap();
}

pub(super) async fn a_command_takes_no_concerns<R: Runtime>(t: &Fixture<'_, R>) {
    // With w: 0 inherited, an insert would not be answered.
    let overrides = Overrides { write_concern: Some(WriteConcern::unacknowledged()), ..Overrides::default() };
    let reply = t.database.with(&overrides).run_command(doc! { "insert": "things", "documents": [{ "_id": 1 }] });
    assert_eq!(reply.await.unwrap().get_i32("n").unwrap(), 1);
}

pub(super) async fn a_command_that_is_none<R: Runtime>(t: &Fixture<'_, R>) {
    let error = failure(t.database.run_command(doc! {}).await);
    assert!(matches!(error.kind(), ErrorKind::InvalidArgument(_)), "{error:?}");
    let error = failure(t.database.run_command(doc! { "noSuchCommand": 1 }).await);
    assert_eq!(error.code(), Some(59), "CommandNotFound: {error}");
}
