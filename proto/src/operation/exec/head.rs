//! The head of a command: stamps, numbers and times of one attempt.

use core::time::Duration;

use super::{Exec, Operation, OperationError, SessionSlot};
use crate::Instant;
use crate::concern::WriteConcern;
use crate::connection::ConnectionError;
use crate::hello::{HelloReply, ServerKind};
use crate::operation::stamps::{PreferenceStamp, ReadConcernStamp, SessionStamp, Stamps};
use crate::operation::{MaxTime, SessionUse};
use crate::retry::{Class, Failure, Stage};
use crate::session::{ClusterTime, Session, SessionError, TransactionEnd};
use crate::topology::TopologyKind;

/// Servers from this wire version on (5.0) read snapshots outside of transactions.
const WIRE_VERSION_5_0: i32 = 13;
/// The wire version of server 8.2, the first that knows `rawData`.
const WIRE_VERSION_8_2: i32 = 27;

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    /// Whether the answer would come too late (specification *Client Side Operations Timeout*, "Command Execution").
    pub(super) fn is_too_late(&self, now: Instant) -> bool {
        !self.deadline.is_far_future() && self.deadline.duration_since(now) <= self.reached.min_round_trip_time
    }

    /// Decides whether the command has a session and a number.
    pub(super) fn prepare_session(&mut self, hello: &HelloReply) -> Result<(), OperationError> {
        let usage = self.traits.session;
        let supported = hello.logical_session_timeout.is_some() || self.reached.topology == TopologyKind::LoadBalanced;
        if let SessionSlot::Explicit(session) = &self.session {
            if !supported {
                return Err(SessionError::Unsupported.into());
            }
            if session.options().snapshot && hello.max_wire_version < WIRE_VERSION_5_0 {
                return Err(SessionError::SnapshotUnsupported.into());
            }
        } else if usage.transaction_end().is_some() {
            return Err(SessionError::NoTransaction.into());
        }
        self.attempt.has_session =
            supported && usage != SessionUse::Never && self.wants_reply() && self.session.server().is_some();
        self.number(hello.kind)
    }

    /// Gives a write its number, once for all attempts.
    fn number(&mut self, kind: ServerKind) -> Result<(), OperationError> {
        if self.class() != Class::Write || !self.retry.retry_writes || self.in_transaction() {
            self.txn_number = None;
            return Ok(());
        }
        let possible = self.attempt.has_session && kind != ServerKind::Standalone;
        match self.session.server_mut() {
            Some(server) if possible => {
                self.txn_number.get_or_insert_with(|| server.next_txn_number());
            }
            // The error before this one is the one that will be returned.
            _ if self.txn_number.is_some() || self.is_transient_retry => {
                let reason = "the server that was selected for the retry does not support retryable writes";
                return Err(OperationError::InvalidArgument(reason));
            }
            _ => {}
        }
        Ok(())
    }

    /// The command is on its way.
    pub(super) fn note_sent(&mut self, now: Instant) {
        self.attempt.stage = Stage::Exchange;
        if self.attempt.has_session
            && let Some(server) = self.session.server_mut()
        {
            server.touch(now);
        }
        if let Some(transaction) = self.transaction_mut() {
            let is_first = transaction.is_first();
            transaction.handle_sent();
            self.attempt.is_first = is_first;
        }
    }

    /// `writeConcern` of a commit that is repeated.
    pub(super) fn repeated_write_concern(&self) -> Option<WriteConcern> {
        match self.traits.session.transaction_end() {
            Some(TransactionEnd::Commit) => self.transaction()?.repeated_write_concern(),
            _ => None,
        }
    }

    pub(super) fn stamps<'a>(&'a self, now: Instant, repeated: Option<&'a WriteConcern>) -> Stamps<'a> {
        let traits = self.traits;
        let is_end = traits.session.transaction_end().is_some();
        let in_transaction = self.in_transaction();
        let write_concern = match self.transaction() {
            Some(transaction) if is_end => repeated.or_else(|| transaction.write_concern()),
            Some(_) => None,
            None => self.settings.write_concern.as_ref().filter(|_| traits.write_concern),
        };
        let preference = self.settings.read_preference.as_ref().filter(|_| traits.read_preference);
        Stamps {
            database: self.operation.database(),
            read_concern: self.read_concern(),
            write_concern,
            // `timeoutMS` replaces it.
            ignore_w_timeout: self.has_timeout,
            preference: if in_transaction || is_end {
                PreferenceStamp::None
            } else {
                PreferenceStamp::of(preference, self.attempt.server, self.reached.topology)
            },
            max_time_ms: self.max_time_ms(now),
            server_api: self.server_api.as_ref(),
            session: self.session_stamp(),
            raw_data: self
                .settings
                .raw_data
                .filter(|_| self.attempt.max_wire_version >= WIRE_VERSION_8_2 && !traits.session.is_given()),
        }
    }

    fn read_concern(&self) -> ReadConcernStamp<'_> {
        let traits = self.traits;
        let mut stamp = ReadConcernStamp::default();
        if traits.session != SessionUse::Always {
            return stamp;
        }
        let given = self.settings.read_concern.as_ref().filter(|_| traits.read_concern);
        let Some(session) = self.session.explicit().filter(|_| self.attempt.has_session) else {
            return ReadConcernStamp { concern: given, ..stamp };
        };
        let after = session
            .operation_time()
            .filter(|_| session.options().is_causally_consistent() && self.attempt.server != ServerKind::Standalone);
        if session.options().snapshot {
            stamp.snapshot = true;
            stamp.at = session.snapshot_time();
        } else if session.in_transaction() {
            if session.transaction().is_first() {
                stamp.concern = session.transaction().read_concern();
                stamp.after = after;
            }
        } else {
            stamp.concern = given;
            stamp.after = after.filter(|_| traits.read_concern || traits.write_concern);
        }
        stamp
    }

    fn session_stamp(&self) -> SessionStamp<'_> {
        let transaction = self.transaction();
        let server = self.session.server().filter(|_| self.attempt.has_session);
        let is_end = self.traits.session.transaction_end().is_some();
        let theirs = self.session.explicit().and_then(Session::cluster_time);
        let ours = ClusterTime::max(self.reached.cluster_time.as_ref(), self.learnt.as_ref());
        SessionStamp {
            id: server.map(|server| server.id()),
            txn_number: server.and_then(|server| match transaction {
                Some(_) => Some(server.txn_number()),
                None => self.txn_number,
            }),
            in_transaction: transaction.is_some(),
            starts_transaction: transaction.is_some_and(|transaction| transaction.is_first()),
            recovery_token: transaction.filter(|_| is_end).and_then(|transaction| transaction.recovery_token()),
            cluster_time: ClusterTime::max(ours, theirs),
        }
    }

    /// `maxTimeMS`, decided by what the operation is and what is left of `timeoutMS`.
    fn max_time_ms(&self, now: Instant) -> Option<i64> {
        let left = (!self.deadline.is_far_future())
            .then(|| self.deadline.duration_since(now).saturating_sub(self.reached.min_round_trip_time));
        match self.operation.max_time() {
            MaxTime::Deadline(given) | MaxTime::Unbounded(given) if !self.has_timeout => given.map(max_time_ms),
            MaxTime::Deadline(_) => left.map(|left| max_time_ms(left).clamp(1, MOST)),
            MaxTime::Unbounded(_) => None,
            MaxTime::Await(given) => given.map(|given| match left {
                Some(left) if left < given => max_time_ms(left).clamp(1, MOST),
                _ => max_time_ms(given),
            }),
        }
    }
}

/// Servers refuse a longer `maxTimeMS`.
const MOST: i64 = i32::MAX as i64;

/// In milliseconds. Zero means no limit, so less than one is one.
fn max_time_ms(time: Duration) -> i64 {
    let least = i64::from(!time.is_zero());
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(least)
}
