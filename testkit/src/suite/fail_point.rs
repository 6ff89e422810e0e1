//! The server's fail point `failCommand`, which has one setting for the whole server.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use bson::{Document, doc};
use stator_client::{Client, Runtime};

use super::Fixture;

/// Whether some run of the suite in this process has the fail point.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The fail point, while nobody else in this process sets it; and the only client that it befalls.
pub(super) struct FailPoint<R: Runtime> {
    pub(super) client: Client<R>,
    admin: Client<R>,
    app_name: String,
}

impl<R: Runtime> FailPoint<R> {
    /// Waits for its turn. `options` are further options of the client's connection string.
    pub(super) async fn take(t: &Fixture<'_, R>, options: &str) -> Self {
        while TAKEN.swap(true, Ordering::AcqRel) {
            t.pause(Duration::from_millis(2)).await;
        }
        let app_name = t.database.name().to_owned();
        let client = t.client_with(&format!("appName={app_name}{options}"));
        Self { client, admin: t.client.clone(), app_name }
    }

    /// Lets `command` fail as `data` says, `times` times.
    pub(super) async fn set(&self, times: i32, command: &str, data: Document) {
        let mut whole = doc! { "failCommands": [command], "appName": &self.app_name };
        whole.extend(data);
        self.configure(doc! { "times": times }, Some(whole)).await;
    }

    pub(super) async fn off(&self) {
        self.configure("off", None).await;
    }

    async fn configure(&self, mode: impl Into<bson::Bson>, data: Option<Document>) {
        let mut command = doc! { "configureFailPoint": "failCommand", "mode": mode };
        command.extend(data.map(|data| doc! { "data": data }).into_iter().flatten());
        self.admin.database("admin").run_command(command).await.unwrap();
    }
}

impl<R: Runtime> Drop for FailPoint<R> {
    fn drop(&mut self) {
        TAKEN.store(false, Ordering::Release);
    }
}
