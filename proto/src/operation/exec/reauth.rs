//! Error 391: the user of the connection is to log in again (specification *Authentication*, "Reauthentication").

use super::{CommandError, Exec, Operation, OperationError, State};
use crate::Instant;
use crate::connection::ConnectionError;
use crate::handshake::REAUTHENTICATION_REQUIRED;
use crate::retry::{Failure, Labels, Stage};
use crate::session::Retried;

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    /// Whether the error asks for a login: once for each command of an attempt, whether the operation may be retried or not.
    pub(super) fn reauthenticates_after(&mut self, error: &CommandError) -> bool {
        if error.code != REAUTHENTICATION_REQUIRED || core::mem::replace(&mut self.attempt.reauthenticated, true) {
            return false;
        }
        // The server has not even looked at the command.
        self.attempt.stage = Stage::Prepare;
        if self.attempt.is_first
            && let Some(transaction) = self.transaction_mut()
        {
            transaction.handle_failed(None, Labels::NONE, Retried::FirstCommand);
        }
        self.state = State::Reauthenticate;
        true
    }

    /// The connection's user has logged in again: the exchange is repeated.
    pub fn handle_reauthenticated(&mut self, _now: Instant) {
        if matches!(self.state, State::Reauthenticate) {
            self.state = State::Exchange;
        }
    }
}
