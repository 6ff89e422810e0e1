//! What an action brings along beside its command.

use stator_proto::operation::Settings;

use crate::error::Result;
use crate::execute::Within;
use crate::inner::Core;
use crate::runtime::Runtime;
use crate::session::{ClientSession, refused};

/// What an action brings along: the user's options for this one operation, what its handle has, and the session.
#[derive(Debug)]
pub(crate) struct Call<R: Runtime> {
    /// What the user has set for this operation.
    pub(crate) given: Settings,
    /// What it inherits.
    inherited: Settings,
    /// The explicit session, if it has one.
    pub(crate) session: Option<ClientSession<R>>,
}

impl<R: Runtime> Call<R> {
    pub(crate) fn new(inherited: Settings, session: Option<ClientSession<R>>) -> Self {
        Self { given: Settings::default(), inherited, session }
    }

    /// Without the read preference of the handle: for commands that go to the primary.
    pub(crate) fn on_primary(mut self) -> Self {
        self.inherited.read_preference = None;
        self
    }

    /// Without the concerns of the handle.
    pub(crate) fn without_concerns(mut self) -> Self {
        self.inherited.read_concern = None;
        self.inherited.write_concern = None;
        self
    }

    /// With nothing of the handle but its timeout.
    pub(crate) fn on_its_own(mut self) -> Self {
        self.inherited = Settings { timeout: self.inherited.timeout, ..Settings::default() };
        self
    }

    /// What is in force.
    pub(crate) fn settings(&self) -> Settings {
        self.given.or(&self.inherited)
    }

    /// What is in force, and the explicit session, held for one operation.
    ///
    /// # Errors
    ///
    /// The session is another client's, is in use or has ended, or does not allow an option.
    pub(crate) fn begin(&self, core: &Core<R>) -> Result<(Settings, Option<Within<R>>)> {
        let Some(session) = &self.session else { return Ok((self.settings(), None)) };
        let mut held = session.hold_for(core)?;
        held.session().check_options(&self.given).map_err(refused)?;
        let mut settings = self.settings();
        // `with_transaction` has one time for all that is done in it.
        settings.deadline = held.session().deadline();
        Ok((settings, Some(Within::Session(held))))
    }
}
