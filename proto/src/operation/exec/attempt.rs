//! How attempts end, and what follows.

use alloc::boxed::Box;

use super::{Exec, Operation, OperationError, State};
use crate::Instant;
use crate::connection::{ConnectionError, Reply};
use crate::hello::{HelloReply, ServerKind};
use crate::operation::{Progress, WriteFailure};
use crate::retry::{
    Class, Decision, Failure, FailureClass, Fault, Labels, Situation, Stage, added_labels, is_retryable, label,
};
use crate::session::Retried;

/// The labels that tell what has become of a transaction.
const TRANSACTION_LABELS: [&str; 2] = [label::TRANSIENT_TRANSACTION, label::UNKNOWN_COMMIT_RESULT];

/// What is known of the current attempt, or of the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) stage: Stage,
    pub(super) server: ServerKind,
    pub(super) max_wire_version: i32,
    /// Its command carries the session's id.
    pub(super) has_session: bool,
    /// Its command has started the transaction.
    pub(super) is_first: bool,
    /// Its user has logged in again, for the current command.
    pub(super) reauthenticated: bool,
    pub(super) wants_pin: bool,
    pub(super) wants_avoid: bool,
    /// The next attempt is to avoid the server, whatever the deployment's shape.
    pub(super) retargets: bool,
    /// Its error is the one to be returned.
    pub(super) is_fresh: bool,
}

impl Default for Attempt {
    fn default() -> Self {
        Self {
            stage: Stage::CheckOut,
            server: ServerKind::Unknown,
            max_wire_version: 0,
            has_session: false,
            is_first: false,
            reauthenticated: false,
            wants_pin: false,
            wants_avoid: false,
            retargets: false,
            is_fresh: false,
        }
    }
}

impl Attempt {
    pub(super) const fn meet(&mut self, hello: &HelloReply) {
        self.server = hello.kind;
        self.max_wire_version = hello.max_wire_version;
        self.is_fresh = false;
    }
}

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    pub(super) fn class(&self) -> Class {
        Class::of(&self.traits)
    }

    fn situation(&self) -> Situation {
        Situation {
            class: self.class(),
            stage: self.attempt.stage,
            server: self.attempt.server,
            max_wire_version: self.attempt.max_wire_version,
            numbered: (self.attempt.stage == Stage::CheckOut || self.txn_number.is_some()) && self.wants_reply(),
            in_transaction: self.in_transaction(),
        }
    }

    /// The command has succeeded.
    pub(super) fn succeed(&mut self, progress: Progress<O::Output>) {
        self.attempt.stage = Stage::Prepare;
        self.attempt.reauthenticated = false;
        let end = self.traits.session.transaction_end();
        match (end, self.transaction_mut()) {
            (Some(end), Some(transaction)) => transaction.handle_ended(end),
            (None, Some(transaction)) => transaction.handle_answered(),
            (_, None) => {}
        }
        match progress {
            Progress::Done(output) => self.state = State::Done(Ok(output)),
            Progress::More => {
                // What follows is another command, with attempts of its own.
                self.partly_done = true;
                self.txn_number = None;
                self.is_transient_retry = false;
                self.previous = None;
                self.avoid.clear();
                self.attempts.restart();
            }
        }
    }

    /// Whether a reply whose `ok` is 1 asks for another attempt: the write was done but may be undone.
    pub(super) fn retries_instead(&mut self, now: Instant, reply: &Reply, labels: Labels) -> bool {
        // Only these two can make a difference, and both are rare.
        let body = reply.body();
        let has_concern_error = || matches!(body.get_doc("writeConcernError"), Ok(Some(_)));
        let class = self.class();
        if !matches!(class, Class::Write | Class::TransactionEnd(_)) || (labels.is_empty() && !has_concern_error()) {
            return false;
        }
        let mut failure = WriteFailure::default();
        if failure.add(body, 0).is_err() || failure.is_empty() {
            return false;
        }
        let mut error = OperationError::Write(Box::new(failure));
        let situation = self.situation();
        let mut fault = Fault::of(&error);
        let added = added_labels(&situation, &fault, &self.retry);
        fault.labels = fault.labels | added;
        if !is_retryable(&situation, &fault, &self.retry) {
            return false;
        }
        let decision = self.decide(now, &fault);
        if !matches!(decision, Decision::Retry | Decision::RetryAt(_)) {
            return false;
        }
        added.names().for_each(|label| error.add_label(label));
        self.note_failed(&situation, &fault, decision);
        self.conclude(now, error.into(), &situation, &fault, decision);
        true
    }

    /// The attempt has failed.
    pub(super) fn fail<F: Failure + Into<E>>(&mut self, now: Instant, mut error: F, may_retry: bool) {
        if self.tidying {
            return self.handle_tidied();
        }
        let situation = self.situation();
        let mut fault = Fault::of(&error);
        if fault.class == FailureClass::Timeout && !self.has_timeout && situation.stage != Stage::CheckOut {
            // It cannot have been the operation's deadline, so it was `socketTimeoutMS`.
            fault.class = FailureClass::Network;
        }
        let added = added_labels(&situation, &fault, &self.retry);
        fault.labels = fault.labels | added;
        let decision = if self.has_timeout && error.is_max_time_expired() {
            // The server was told how much time is left, so this is a timeout of the operation, and the error its cause.
            Decision::Expired
        } else if may_retry && is_retryable(&situation, &fault, &self.retry) {
            self.decide(now, &fault)
        } else {
            Decision::Enough
        };
        added.names().for_each(|label| error.add_label(label));
        self.note_failed(&situation, &fault, decision);
        self.conclude(now, error.into(), &situation, &fault, decision);
    }

    fn decide(&mut self, now: Instant, fault: &Fault) -> Decision {
        let deadline = self.has_timeout.then_some(self.deadline);
        self.attempts.decide(now, deadline, fault.labels, fault.base_backoff, &self.retry)
    }

    /// What a failure means for the session.
    fn note_failed(&mut self, situation: &Situation, fault: &Fault, decision: Decision) {
        let is_lost = matches!(fault.class, FailureClass::Network | FailureClass::Timeout);
        if situation.stage == Stage::Exchange
            && is_lost
            && self.attempt.has_session
            && let Some(server) = self.session.server_mut()
        {
            server.mark_dirty();
        }
        let is_local = fault.class == FailureClass::Other;
        let end = self.traits.session.transaction_end();
        let is_first = self.attempt.is_first;
        let Some(transaction) = self.transaction_mut().filter(|_| !is_local) else { return };
        let retries = matches!(decision, Decision::Retry | Decision::RetryAt(_));
        let retried = match (retries, is_first) {
            (false, _) => Retried::No,
            (true, false) => Retried::Again,
            (true, true) => Retried::FirstCommand,
        };
        if is_lost && situation.stage == Stage::Exchange {
            transaction.handle_lost();
        }
        transaction.handle_failed(end, fault.labels, retried);
    }

    fn conclude(&mut self, now: Instant, error: E, situation: &Situation, fault: &Fault, decision: Decision) {
        let is_write = !matches!(situation.class, Class::Read | Class::OtherRead);
        let was_attempted =
            situation.stage == Stage::Exchange && !(is_write && fault.labels.contains(Labels::NO_WRITES_PERFORMED));
        let is_fresh = was_attempted || self.previous.is_none();
        let is_retry = self.previous.is_some();
        match &mut self.previous {
            // What it means for the transaction is what the last attempt means.
            Some((previous, _)) if !is_fresh => {
                let labels = fault.labels.names().filter(|label| TRANSACTION_LABELS.contains(label));
                for label in labels {
                    if !previous.has_label(label) {
                        previous.add_label(label);
                    }
                }
            }
            previous => *previous = Some((error, was_attempted)),
        }
        self.attempt = Attempt { is_fresh, ..Attempt::default() };
        self.state = match decision {
            Decision::Retry => State::CheckOut,
            Decision::RetryAt(until) => State::Backoff(until),
            Decision::Expired => State::Expired,
            // The host waited in vain for another attempt.
            Decision::Enough if is_retry && !is_fresh && self.has_timeout && self.deadline <= now => State::Expired,
            Decision::Enough if self.tidies_up(situation, fault) => State::Exchange,
            Decision::Enough => match self.previous.take() {
                Some((error, _)) => State::Done(Err(error)),
                None => return,
            },
        };
        if matches!(decision, Decision::Retry | Decision::RetryAt(_)) {
            let is_overload = fault.labels.contains(Labels::SYSTEM_OVERLOADED);
            self.attempt.wants_avoid = true;
            self.attempt.retargets = is_overload && self.retry.overload_retargeting;
            self.is_transient_retry = !fault.labels.is_retryable_overload();
        }
    }

    /// Whether the operation uses the connection once more, now that it has failed.
    fn tidies_up(&mut self, situation: &Situation, fault: &Fault) -> bool {
        let is_answered = situation.stage == Stage::Exchange && fault.class == FailureClass::Server;
        self.tidying = is_answered && self.previous.is_some() && self.operation.tidies_up();
        self.tidying
    }

    /// What had failed before is what has failed.
    pub(super) fn handle_tidied(&mut self) {
        if let Some((error, _)) = self.previous.take() {
            self.state = State::Done(Err(error));
        }
    }
}
