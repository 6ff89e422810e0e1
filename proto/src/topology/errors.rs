//! What errors mean for the deployment (specification *SDAM*, "Error handling").

use alloc::string::String;

use super::machine::is_older;
use super::{ServerDescription, StateChange, Topology, TopologyAction, TopologyKind};
use crate::hello::TopologyVersion;
use crate::pool::ServiceId;
use crate::{Instant, ServerAddress};

/// How a monitor's check failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CheckFailure {
    /// The network, or what came through it.
    Network,
    /// The answer did not come in time: connections in use are interrupted, too.
    Timeout,
    /// The server has refused hello.
    Command,
}

/// An error that an operation, or the dial for it, has met.
#[derive(Clone, Debug)]
pub struct ApplicationError<C> {
    /// The host's error.
    pub error: C,
    /// The connection is of a generation that its pool has left behind: it says nothing about the server of today.
    pub stale: bool,
    /// How far the connection had come.
    pub when: ErrorPhase,
    /// What kind of error.
    pub kind: ErrorKind,
    /// Whom the connection leads to, behind a load balancer.
    pub service_id: Option<ServiceId>,
}

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorPhase {
    /// It was being made, hello included.
    Establishing,
    /// Its user was being authenticated.
    Authenticating,
    /// It served operations.
    Established,
}

/// What an error is to SDAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The network failed.
    Network,
    /// A wait was too long.
    Timeout,
    /// Something failed that a server under too much load may cause: the error carries `SystemOverloadedError`.
    Overloaded,
    /// The server said no, or no writes were confirmed (`writeConcernError`).
    Command {
        /// The error's number; 0 if there is none.
        code: i32,
        /// What the server says.
        message: String,
        /// `topologyVersion`
        topology_version: Option<TopologyVersion>,
    },
    /// Anything else: certificates, host names, credentials.
    Other,
}

/// What an error means for the pool of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorVerdict {
    /// Nothing.
    Keep,
    /// It is to be cleared. For an established connection the action says so too; a failed dial is told to the pool as one.
    Clear,
}

impl<C: Clone + PartialEq> Topology<C> {
    /// A monitor's check has failed: the server is unknown, and its pool cleared.
    pub fn handle_check_failed(&mut self, now: Instant, address: &ServerAddress, error: C, failure: CheckFailure) {
        if !self.is_monitored() || self.description().server(address).is_none() {
            return;
        }
        self.lose(now, address, error.clone(), None);
        let interrupt_in_use = failure == CheckFailure::Timeout;
        let address = address.clone();
        self.actions.push_back(TopologyAction::ClearPool { address, error, interrupt_in_use, service_id: None });
        self.actions.push_back(TopologyAction::Changed);
    }

    /// An operation, or the dial for one, has met an error.
    pub fn handle_application_error(
        &mut self,
        now: Instant,
        address: &ServerAddress,
        error: ApplicationError<C>,
    ) -> ErrorVerdict {
        let Some(server) = self.description().server(address) else { return ErrorVerdict::Keep };
        if error.stale || !self.is_open() {
            return ErrorVerdict::Keep;
        }
        let known_version = server.topology_version;
        let balanced = self.description().kind == TopologyKind::LoadBalanced;
        // Before hello has named the service, nothing is learnt behind a load balancer; nor is anybody there to be checked.
        if balanced && (error.service_id.is_none() || error.when == ErrorPhase::Establishing) {
            return ErrorVerdict::Keep;
        }
        if let ErrorKind::Command { code, message, topology_version } = &error.kind
            && let Some(change) = StateChange::of(*code, message)
        {
            if is_known(*topology_version, known_version) {
                return ErrorVerdict::Keep;
            }
            if !balanced {
                self.lose(now, address, error.error.clone(), *topology_version);
            }
            let verdict = if change.clears_pool() { self.clear(address, error) } else { ErrorVerdict::Keep };
            if !balanced {
                self.actions.push_back(TopologyAction::CheckNow { address: address.clone() });
                self.actions.push_back(TopologyAction::Changed);
            }
            return verdict;
        }
        let counts = match (&error.kind, error.when) {
            (ErrorKind::Overloaded, _) => false,
            // A slow operation, or an answer to it.
            (ErrorKind::Timeout | ErrorKind::Command { .. } | ErrorKind::Other, ErrorPhase::Established) => false,
            // What may be overload says nothing before hello is answered.
            (ErrorKind::Network | ErrorKind::Timeout, ErrorPhase::Establishing) => false,
            _ => true,
        };
        if !counts {
            return ErrorVerdict::Keep;
        }
        if !balanced {
            self.lose(now, address, error.error.clone(), None);
        }
        let verdict = self.clear(address, error);
        if !balanced {
            self.actions.push_back(TopologyAction::CancelCheck { address: address.clone() });
            self.actions.push_back(TopologyAction::Changed);
        }
        verdict
    }

    /// The pool is cleared: by an action, or, for a dial, by whoever tells the pool of its failure.
    fn clear(&mut self, address: &ServerAddress, error: ApplicationError<C>) -> ErrorVerdict {
        if error.when == ErrorPhase::Established {
            let ApplicationError { error, service_id, .. } = error;
            let address = address.clone();
            self.actions.push_back(TopologyAction::ClearPool { address, error, interrupt_in_use: false, service_id });
        }
        ErrorVerdict::Clear
    }

    fn lose(&mut self, now: Instant, address: &ServerAddress, error: C, version: Option<TopologyVersion>) {
        let unknown = ServerDescription::unknown(now, address.clone());
        self.update(now, ServerDescription { error: Some(error), topology_version: version, ..unknown });
    }
}

/// Whether what an error tells is no news: the server's state at that version, or a later one, is known.
fn is_known(told: Option<TopologyVersion>, known: Option<TopologyVersion>) -> bool {
    told.is_some() && (told == known || is_older(told, known))
}
