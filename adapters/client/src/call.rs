//! What an action brings along beside its command.

use std::sync::Arc;

use stator_proto::Instant;
use stator_proto::operation::{Settings, Sparse};

use crate::error::Result;
use crate::execute::Within;
use crate::inner::Core;
use crate::runtime::Runtime;
use crate::session::{ClientSession, refused};

/// What an action brings along: the user's options for this one operation, what its handle has, and the session.
#[derive(Debug)]
pub(crate) struct Call<R: Runtime> {
    /// What the user has set for this operation.
    pub(crate) given: Sparse<Settings>,
    /// What it inherits.
    inherited: Arc<Settings>,
    /// The explicit session, if it has one.
    pub(crate) session: Option<ClientSession<R>>,
}

impl<R: Runtime> Call<R> {
    pub(crate) fn new(inherited: Arc<Settings>, session: Option<ClientSession<R>>) -> Self {
        Self { given: Sparse::new(), inherited, session }
    }

    /// Without the read preference of the handle: for commands that go to the primary, unless they say otherwise themselves.
    pub(crate) fn on_primary(mut self) -> Self {
        if self.inherited.read_preference.is_some() {
            Arc::make_mut(&mut self.inherited).read_preference = None;
        }
        self
    }

    /// Without the concerns of the handle.
    pub(crate) fn without_concerns(mut self) -> Self {
        let Settings { read_concern, write_concern, .. } = Arc::make_mut(&mut self.inherited);
        (*read_concern, *write_concern) = (None, None);
        self
    }

    /// What is in force.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        match self.given.get() {
            Some(given) => Arc::new(given.or(&self.inherited)),
            None => Arc::clone(&self.inherited),
        }
    }

    /// What is in force, and the explicit session, held for one operation.
    ///
    /// # Errors
    ///
    /// The session is another client's, is in use or has ended, or does not allow an option.
    pub(crate) fn begin(&self, core: &Core<R>) -> Result<(Arc<Settings>, Option<Within<R>>)> {
        let Some(session) = &self.session else { return Ok((self.settings(), None)) };
        let mut held = session.hold_for(core)?;
        held.session().check_options(&self.given).map_err(refused)?;
        // `with_transaction` has one time for all that is done in it.
        let settings = due_by(self.settings(), held.session().deadline());
        Ok((settings, Some(Within::Session(held))))
    }
}

/// `settings` with this deadline instead of theirs.
pub(crate) fn due_by(mut settings: Arc<Settings>, deadline: Option<Instant>) -> Arc<Settings> {
    // Most have none, and nothing is copied.
    if settings.deadline != deadline {
        Arc::make_mut(&mut settings).deadline = deadline;
    }
    settings
}
