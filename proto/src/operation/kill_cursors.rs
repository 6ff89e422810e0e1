//! `killCursors`.

use alloc::vec::Vec;

use stator_wire::bson::DocWriter;

use super::{Namespace, Operation, OperationError, Progress, SessionUse, Traits};
use crate::connection::Reply;

/// Makes a server forget cursors of one collection.
#[derive(Clone, Debug)]
pub struct KillCursors {
    /// The cursors' namespace.
    pub namespace: Namespace,
    /// Their ids.
    pub ids: Vec<i64>,
}

impl KillCursors {
    /// Forgets one cursor.
    pub fn new(namespace: Namespace, id: i64) -> Self {
        Self { namespace, ids: [id].into() }
    }
}

impl Operation for KillCursors {
    type Output = ();

    fn name(&self) -> &str {
        "killCursors"
    }

    fn database(&self) -> &str {
        self.namespace.database()
    }

    fn traits(&self) -> Traits {
        Traits { session: SessionUse::Given, ..Traits::PLAIN }
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.str("killCursors", self.namespace.collection());
        let mut cursors = body.array_of("cursors");
        for &id in &self.ids {
            cursors.i64(id);
        }
    }

    fn handle_reply(&mut self, _reply: Reply) -> Result<Progress<()>, OperationError> {
        Ok(Progress::Done(()))
    }
}
