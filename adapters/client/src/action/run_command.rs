//! `run_command`.

use core::future::Future;
use std::sync::Arc;

use bson::Document;
use serde::Serialize;
use stator_proto::operation::{self as op};
use stator_wire::bson::DocBuf;

use super::Doubt;
use crate::call::Call;
use crate::convert::{from_doc, to_raw};
use crate::database::Database;
use crate::error::Result;
use crate::inner::Core;
use crate::runtime::Runtime;

/// Runs any command; see [`Database::run_command`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct RunCommand<R: Runtime> {
    database: Database<R>,
    command: DocBuf,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> RunCommand<R> {
    pub(crate) fn new(database: &Database<R>, command: &(impl Serialize + ?Sized)) -> Self {
        let mut doubt = Doubt::default();
        let command = doubt.doc(command);
        // A command of the user's own takes nothing from the database but its timeout (specification *runCommand*): neither the read
        // preference nor, by its traits, the concerns.
        Self { database: database.clone(), command, call: database.call().on_primary(), doubt }
    }

    fn core(&self) -> &Arc<Core<R>> {
        self.database.client().core()
    }

    /// The reply as it came, without decoding it.
    pub async fn raw(self) -> Result<bson::RawDocumentBuf> {
        to_raw(self.reply().await?.as_doc()).map(bson::RawDocument::to_owned)
    }

    // Not `async fn`s: their futures would hold the action twice.
    fn reply(self) -> impl Future<Output = Result<DocBuf>> {
        self.read(Ok)
    }

    fn execute(self) -> impl Future<Output = Result<Document>> {
        self.read(|reply| from_doc(reply.as_doc()))
    }

    fn read<T>(self, give: fn(DocBuf) -> Result<T>) -> impl Future<Output = Result<T>> {
        let Self { database, command, call, doubt } = self;
        let command = doubt.check().and_then(|()| Ok(op::RunCommand::new(database.shared_name(), command)?));
        async move { give(database.client().core().execute(command?, call).await?) }
    }
}

setters! { RunCommand:
    /// Where to run it; default primary.
    read_preference read_preference => call.given.read_preference;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(RunCommand => Document);
