//! The commands that end transactions and sessions.

use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::DocWriter;

use super::SessionId;
use crate::connection::Reply;
use crate::operation::{MaxTime, Operation, OperationError, Progress, SessionUse, Traits, WriteFailure};

/// `commitTransaction`, made by [`Session::commit_transaction`](super::Session::commit_transaction) and to be run with
/// that session, from which write concern and recovery token are taken for each attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitTransaction {
    /// `maxCommitTimeMS`.
    pub max_time: Option<Duration>,
}

/// `abortTransaction`, made by [`Session::abort_transaction`](super::Session::abort_transaction) and to be run with that
/// session. Its errors are of no use to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortTransaction;

/// `endSessions`: tells a server that it may forget sessions. To be sent with read preference `primaryPreferred`; its
/// errors are to be ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndSessions {
    /// Which ones, at most [`ServerSessions::END_BATCH`](super::ServerSessions::END_BATCH).
    pub ids: Vec<SessionId>,
}

impl Operation for CommitTransaction {
    type Output = ();

    fn name(&self) -> &str {
        "commitTransaction"
    }

    fn database(&self) -> &str {
        "admin"
    }

    fn traits(&self) -> Traits {
        Traits { session: SessionUse::Commit, ..Traits::PLAIN }
    }

    fn max_time(&self) -> MaxTime {
        MaxTime::Deadline(self.max_time)
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i32("commitTransaction", 1);
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }
}

impl Operation for AbortTransaction {
    type Output = ();

    fn name(&self) -> &str {
        "abortTransaction"
    }

    fn database(&self) -> &str {
        "admin"
    }

    fn traits(&self) -> Traits {
        Traits { session: SessionUse::Abort, ..Traits::PLAIN }
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        body.i32("abortTransaction", 1);
    }

    fn handle_reply(&mut self, reply: Reply) -> Result<Progress<()>, OperationError> {
        WriteFailure::check(reply.body(), 0).map(Progress::Done)
    }
}

impl Operation for EndSessions {
    type Output = ();

    fn name(&self) -> &str {
        "endSessions"
    }

    fn database(&self) -> &str {
        "admin"
    }

    fn traits(&self) -> Traits {
        Traits { read_preference: true, session: SessionUse::Never, ..Traits::PLAIN }
    }

    fn write(&self, body: &mut DocWriter<'_>) {
        let mut ids = body.array_of("endSessions");
        for id in &self.ids {
            id.write_fields(&mut ids.document());
        }
    }

    fn handle_reply(&mut self, _reply: Reply) -> Result<Progress<()>, OperationError> {
        Ok(Progress::Done(()))
    }
}
