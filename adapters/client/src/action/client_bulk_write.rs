//! `bulk_write` of a client.

use core::time::Duration;
use std::sync::Arc;

use stator_proto::operation::{self as op, KillCursors, Namespace, WriteModel as Write};
use stator_wire::bson::{DocBuf, ValueBuf};

use super::Doubt;
use super::bulk_write::encode;
use crate::call::Call;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::hub::{Kill, lock};
use crate::inner::Core;
use crate::models::ClientWriteModel;
use crate::results::{ClientBulkWriteResult, ModelKind};
use crate::runtime::Runtime;

/// Writes of several kinds on several collections; see [`Client::bulk_write`].
#[derive(Debug)]
#[must_use = "an action does nothing until it is awaited"]
pub struct ClientBulkWrite<R: Runtime> {
    core: Arc<Core<R>>,
    writes: Vec<(Namespace, Write)>,
    kinds: Vec<ModelKind>,
    ordered: Option<bool>,
    verbose_results: Option<bool>,
    bypass_document_validation: Option<bool>,
    let_vars: Option<DocBuf>,
    comment: Option<ValueBuf>,
    call: Call<R>,
    doubt: Doubt,
}

impl<R: Runtime> ClientBulkWrite<R> {
    pub(crate) fn new(client: &Client<R>, models: impl IntoIterator<Item = impl Into<ClientWriteModel>>) -> Self {
        let (mut writes, mut kinds, mut doubt) = (Vec::new(), Vec::new(), Doubt::default());
        for model in models {
            let ClientWriteModel { namespace, model } = model.into();
            let (write, id) = encode(model, client.core(), &mut doubt);
            kinds.push(match (&write, id) {
                (Write::Delete(_), _) => ModelKind::Delete,
                (_, Some(id)) => ModelKind::Insert(id),
                (_, None) => ModelKind::Update,
            });
            writes.push((namespace, write));
        }
        Self {
            core: Arc::clone(client.core()),
            writes,
            kinds,
            ordered: None,
            verbose_results: None,
            bypass_document_validation: None,
            let_vars: None,
            comment: None,
            call: client.call(),
            doubt,
        }
    }

    const fn core(&self) -> &Arc<Core<R>> {
        &self.core
    }

    async fn execute(self) -> Result<ClientBulkWriteResult> {
        self.doubt.check()?;
        let mut op = op::ClientBulkWrite::new(self.writes)?;
        op.ordered = self.ordered;
        op.verbose_results = self.verbose_results;
        op.bypass_document_validation = self.bypass_document_validation;
        op.let_vars = self.let_vars;
        op.comment = self.comment;
        let kinds = Some(self.kinds.as_slice()).filter(|_| self.verbose_results == Some(true));
        let timeout = self.call.settings().timeout;
        match self.core.execute(&mut op, self.call).await {
            Ok(written) => ClientBulkWriteResult::new(&written, kinds),
            Err(error) => {
                forget(&self.core, &error, op.take_cursor(), timeout);
                let written = op.take_written();
                let partial = match written.succeeded {
                    true => Some(ClientBulkWriteResult::new(&written, kinds)?),
                    false => None,
                };
                Err(error.into_bulk(op.take_failure(), partial, !written.succeeded, ErrorKind::ClientBulkWrite))
            }
        }
    }
}

/// Leaves it to the keeper to kill the cursor with the results that could not be read, because the connection was lost.
fn forget<R: Runtime>(core: &Core<R>, error: &Error, cursor: Option<KillCursors>, timeout: Option<Duration>) {
    let (Some(command), Some(server)) = (cursor, error.server()) else { return };
    let kill = Kill { server: Arc::new(server.clone()), command, link: None, session: None, timeout };
    let mut hub = lock(&core.hub);
    if hub.closed {
        return;
    }
    hub.keeper.kill.push(kill);
    let waker = hub.keeper.ring();
    drop(hub);
    if let Some(waker) = waker {
        waker.wake();
    }
}

setters! { ClientBulkWrite:
    /// Whether to stop at the first write that fails; default true. An unacknowledged bulk write must be unordered.
    bool ordered => ordered;
    /// Whether to tell what each write has done; default false. Not for unacknowledged writes.
    bool verbose_results => verbose_results;
    /// Whether inserts, updates and replacements skip the collections' validation rules.
    bool bypass_document_validation => bypass_document_validation;
    /// Variables for expressions.
    doc let_vars => let_vars;
    /// Shown in the server's log and profile.
    value comment => comment;
    /// Instead of the client's write concern.
    write_concern write_concern => call.given.write_concern;
    /// The time for the whole operation; zero is no limit.
    duration timeout => call.given.timeout;
}

awaitable!(ClientBulkWrite => ClientBulkWriteResult);
