//! What errors teach about servers: the host's half of SDAM's error handling.

use stator_proto::topology::{ApplicationError, ErrorKind as Lesson, ErrorPhase};

use crate::error::{Error, ErrorKind, Phase};
use crate::hub::{After, Seat, lock};
use crate::inner::Core;
use crate::link::Link;
use crate::runtime::Runtime;

/// The labels of what may be overload: a client that tries again at once makes it worse (specification *CMAP*).
const OVERLOADED: &[&str] = &["SystemOverloadedError", "RetryableError"];

/// Labels a dial's error if the server may be overloaded: the network failed before hello was answered.
pub(crate) fn label_dial(error: Error) -> Error {
    if is_overload(&error) { error.with_labels(OVERLOADED) } else { error }
}

fn is_overload(error: &Error) -> bool {
    let proxy = matches!(error.kind(), ErrorKind::Socks5(_));
    matches!(error.phase(), Phase::Connect | Phase::Tls | Phase::Hello) && error.is_network() && !proxy
}

/// What a failed dial says about its server; `None` if it says nothing.
pub(crate) fn from_dial(error: &Error) -> Option<ApplicationError<Error>> {
    let kind = match error.kind() {
        ErrorKind::Runtime(_) | ErrorKind::Closed | ErrorKind::Unsupported(_) | ErrorKind::InvalidArgument(_) => {
            return None;
        }
        _ if is_overload(error) => Lesson::Overloaded,
        ErrorKind::Timeout => Lesson::Timeout,
        _ if error.is_network() => Lesson::Network,
        _ => Lesson::Other,
    };
    let when = if error.phase() == Phase::Auth { ErrorPhase::Authenticating } else { ErrorPhase::Establishing };
    Some(ApplicationError { error: error.clone(), stale: false, when, kind, service_id: None })
}

impl<R: Runtime> Core<R> {
    /// Tells the cluster what an operation's error says about the server of its connection.
    pub(crate) fn learn_from(&self, link: &Link<R>, error: &Error) {
        let kind = match error.kind() {
            // A timeout may mean a slow operation rather than a server that is gone.
            ErrorKind::Timeout => return,
            _ if error.is_network() => Lesson::Network,
            ErrorKind::Command(command) => Lesson::Command {
                code: command.code,
                message: command.message.clone(),
                topology_version: command.topology_version(),
            },
            _ => return,
        };
        let now = self.runtime.now();
        let mut after = After::default();
        let mut hub = lock(&self.hub);
        let Seat { server, connection } = link.seat;
        let stale = hub.cluster.is_stale(server, connection);
        let service_id = link.machine.hello().service_id;
        let lesson = ApplicationError { error: error.clone(), stale, when: ErrorPhase::Established, kind, service_id };
        hub.cluster.handle_application_error(now, server, lesson);
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
    }
}
