//! What comes out of a pool: actions to do, and events to tell.

use core::time::Duration;

use super::{CloseReason, ConnectionId, Generation, PoolError, PoolOptions, ServiceId, Ticket};
use crate::Instant;

/// The answer to a check-out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a granted connection must be checked in, and a ticket ends only by an action or a cancellation"]
pub enum CheckOut<C> {
    /// The connection is the caller's, now.
    Granted {
        /// Which one.
        connection: ConnectionId,
        /// As in [`Action::Grant`].
        owing: Option<Instant>,
    },
    /// The ticket is in the queue. [`Action::Grant`] or [`Action::Refuse`] ends it, or the caller does
    /// (`Pool::cancel`).
    Wait(Ticket),
    /// There is none to be had.
    Refused(PoolError<C>),
}

/// What the host shall do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<C> {
    /// Connect, shake hands and authenticate, then say `handle_established` or `handle_dial_failed`.
    Dial {
        /// The new connection.
        connection: ConnectionId,
        /// Its generation, by which SDAM tells errors of the present from those of the past. In load-balanced mode it
        /// gets another with its service: ask [`Pool::generation_of`](super::Pool::generation_of).
        generation: Generation,
        /// It is minPoolSize that asks for it; nobody waits.
        populates: bool,
    },
    /// Hand the connection to the waiter.
    Grant {
        /// The waiter. Its ticket has ended.
        ticket: Ticket,
        /// The connection.
        connection: ConnectionId,
        /// The connection still owes a reply to someone who left: read it first, until this instant at the latest.
        owing: Option<Instant>,
    },
    /// Fail the waiter.
    Refuse {
        /// The waiter. Its ticket has ended.
        ticket: Ticket,
        /// Why.
        error: PoolError<C>,
    },
    /// Close the socket, or abort the dial if it is still under way. Each dial ends either by this, once, or by a
    /// `handle_dial_failed`; a host that has dropped the socket already has nothing left to do.
    Close {
        /// The connection. Its id has ended.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
    },
    /// End the operation that uses the connection with a retryable error; its user discards the connection as after
    /// any failure.
    Interrupt {
        /// The connection.
        connection: ConnectionId,
    },
    /// The owed reply is overdue: read what is there without waiting, then `check_in` or `discard`.
    Drain {
        /// The connection.
        connection: ConnectionId,
    },
}

/// The events of CMAP. The address is the host's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolEvent<C> {
    /// PoolCreatedEvent.
    PoolCreated {
        /// The pool's options.
        options: PoolOptions,
    },
    /// PoolReadyEvent.
    PoolReady,
    /// PoolClearedEvent.
    PoolCleared {
        /// Whether connections in use were interrupted.
        interrupt_in_use: bool,
        /// In load-balanced mode: the service that it was cleared for.
        service_id: Option<ServiceId>,
    },
    /// PoolClosedEvent.
    PoolClosed,
    /// ConnectionCreatedEvent: a dial begins.
    ConnectionCreated {
        /// The connection.
        connection: ConnectionId,
    },
    /// ConnectionReadyEvent.
    ConnectionReady {
        /// The connection.
        connection: ConnectionId,
        /// The time since its ConnectionCreatedEvent.
        duration: Duration,
    },
    /// ConnectionClosedEvent.
    ConnectionClosed {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        reason: CloseReason,
        /// The error behind [`CloseReason::Error`], where there is one.
        error: Option<C>,
    },
    /// ConnectionCheckOutStartedEvent.
    CheckOutStarted,
    /// ConnectionCheckOutFailedEvent.
    CheckOutFailed {
        /// Why; [`PoolError::reason`] is CMAP's word for it.
        error: PoolError<C>,
        /// The time since its ConnectionCheckOutStartedEvent.
        duration: Duration,
    },
    /// ConnectionCheckedOutEvent.
    CheckedOut {
        /// The connection.
        connection: ConnectionId,
        /// The time since its ConnectionCheckOutStartedEvent.
        duration: Duration,
    },
    /// ConnectionCheckedInEvent. An owing connection counts as in use: its event comes when the owing ends.
    CheckedIn {
        /// The connection.
        connection: ConnectionId,
    },
}
