//! The session of an operation, and what replies teach it.

use alloc::boxed::Box;

use stator_wire::bson::RawValue;

use super::{Exec, Operation, OperationError, Pin, State};
use crate::connection::{ConnectionError, Reply};
use crate::operation::SessionUse;
use crate::retry::{Failure, Labels};
use crate::session::{ClusterTime, ServerSession, Session, Transaction};

/// The session of an operation, if it has one.
#[derive(Debug, Default)]
pub enum SessionSlot {
    /// It has none.
    #[default]
    None,
    /// The driver's own, for this operation and its cursor. Dirty after a network error.
    Implicit(ServerSession),
    /// The user's.
    Explicit(Box<Session>),
}

impl SessionSlot {
    pub(super) fn server(&self) -> Option<&ServerSession> {
        match self {
            Self::None => None,
            Self::Implicit(server) => Some(server),
            Self::Explicit(session) => session.server(),
        }
    }

    pub(super) fn server_mut(&mut self) -> Option<&mut ServerSession> {
        match self {
            Self::None => None,
            Self::Implicit(server) => Some(server),
            Self::Explicit(session) => session.server_mut(),
        }
    }

    pub(super) fn explicit(&self) -> Option<&Session> {
        match self {
            Self::Explicit(session) => Some(session),
            _ => None,
        }
    }

    pub(super) fn explicit_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Explicit(session) => Some(session),
            _ => None,
        }
    }

    pub(super) fn handle_dropped(&mut self) {
        match self {
            Self::None => {}
            Self::Implicit(server) => server.mark_dirty(),
            Self::Explicit(session) => session.handle_dropped(),
        }
    }
}

impl<O: Operation, E: From<OperationError> + From<ConnectionError> + Failure> Exec<O, E> {
    /// Whether the connection is to be the one that the host keeps beside the session for its transaction
    /// ([`Pin::Connection`]).
    pub fn uses_pinned_connection(&self) -> bool {
        matches!(self.pin(), Some(Pin::Connection))
    }

    /// Whether a server session is wanted. Before check-out: if the server turns out to have sessions.
    pub fn wants_session(&self) -> bool {
        let possible = match self.state {
            State::CheckOut => true,
            State::Exchange => self.reached.sessions,
            _ => false,
        };
        possible
            && matches!(self.session, SessionSlot::None)
            && self.traits.session == SessionUse::Always
            && self.wants_reply()
    }

    /// The implicit session. If one is there already, the new one comes back.
    pub fn handle_session(&mut self, session: ServerSession) -> Option<ServerSession> {
        if !matches!(self.session, SessionSlot::None) {
            return Some(session);
        }
        self.session = SessionSlot::Implicit(session);
        None
    }

    /// Takes out the session: an implicit one is to be given back to the pool, unless a cursor goes on with it.
    pub fn take_session(&mut self) -> SessionSlot {
        core::mem::take(&mut self.session)
    }

    /// The cluster time that the replies have brought, if it is later than the one that the client had.
    pub const fn take_cluster_time(&mut self) -> Option<ClusterTime> {
        self.learnt.take()
    }

    /// Whether the operation is part of a transaction. Its end is not.
    pub(super) fn in_transaction(&self) -> bool {
        self.session.explicit().is_some_and(Session::in_transaction)
    }

    /// The transaction that the operation is part of, or that it ends.
    pub(super) fn transaction(&self) -> Option<&Transaction> {
        let is_end = self.traits.session.transaction_end().is_some();
        self.session.explicit().map(Session::transaction).filter(|transaction| is_end || transaction.is_active())
    }

    pub(super) fn transaction_mut(&mut self) -> Option<&mut Transaction> {
        let is_end = self.traits.session.transaction_end().is_some();
        let transaction = self.session.explicit_mut()?.transaction_mut();
        (is_end || transaction.is_active()).then_some(transaction)
    }

    pub(super) fn pin(&self) -> Option<&Pin> {
        self.transaction()?.pin()
    }

    pub(super) fn wants_pin(&self) -> bool {
        self.in_transaction() && self.pin().is_none()
    }

    pub(super) fn pin_to(&mut self, pin: Pin) {
        if let Some(transaction) = self.transaction_mut() {
            transaction.handle_selected(pin);
        }
    }

    /// Notes what every reply may tell, in one pass; returns the labels that the reply carries.
    pub(super) fn learn(&mut self, reply: &Reply) -> Labels {
        let mut labels = Labels::NONE;
        if !reply.has_news() && self.session.explicit().is_none() {
            return labels;
        }
        for element in reply.body().iter() {
            // What is wrong with it the operation will say.
            let Ok(element) = element else { break };
            let value = element.value();
            match element.key_bytes() {
                b"$clusterTime" => {
                    let Ok(time) = value.as_doc() else { continue };
                    let known = ClusterTime::max(self.reached.cluster_time.as_ref(), self.learnt.as_ref());
                    if let Some(later) = ClusterTime::later(time, known) {
                        if let Some(session) = self.session.explicit_mut() {
                            session.advance_cluster_time(&later);
                        }
                        self.learnt = Some(later);
                    } else if let Some(session) = self.session.explicit_mut() {
                        session.handle_cluster_time(time);
                    }
                }
                b"errorLabels" => {
                    let Ok(names) = value.as_array() else { continue };
                    for name in names.iter().filter_map(Result::ok) {
                        labels = labels | name.value().as_str().map_or(Labels::NONE, Labels::of_name);
                    }
                }
                key => self.learn_for_session(key, value),
            }
        }
        labels
    }

    fn learn_for_session(&mut self, key: &[u8], value: RawValue<'_>) {
        let SessionSlot::Explicit(session) = &mut self.session else { return };
        match key {
            b"operationTime" => {
                if let Ok(time) = value.as_timestamp() {
                    session.handle_operation_time(time);
                }
            }
            b"recoveryToken" => {
                if let Ok(token) = value.as_doc() {
                    session.transaction_mut().handle_recovery_token(token);
                }
            }
            b"atClusterTime" => {
                if let Ok(time) = value.as_timestamp() {
                    session.handle_snapshot_time(time);
                }
            }
            b"cursor" if session.options().snapshot => {
                let time = value.as_doc().and_then(|cursor| cursor.get_timestamp("atClusterTime"));
                if let Ok(Some(time)) = time {
                    session.handle_snapshot_time(time);
                }
            }
            _ => {}
        }
    }
}
