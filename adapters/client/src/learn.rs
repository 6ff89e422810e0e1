//! What errors teach about servers: the host's half of SDAM's error handling.

use stator_proto::connection::Reply;
use stator_proto::operation::CommandError;
use stator_proto::retry::Labels;
use stator_proto::topology::{ApplicationError, ErrorKind as Lesson, ErrorPhase, StateChange};

use crate::error::{Error, ErrorKind, Phase};
use crate::hub::{After, Seat, lock};
use crate::inner::Core;
use crate::link::Link;
use crate::runtime::Runtime;

/// The labels of what may be overload: a client that tries again at once makes it worse (specification *CMAP*).
fn overloaded() -> Labels {
    Labels::SYSTEM_OVERLOADED | Labels::RETRYABLE
}

/// Labels a dial's error if the server may be overloaded: the network failed before hello was answered.
pub(crate) fn label_dial(error: Error) -> Error {
    if is_overload(&error) { error.with_labels(overloaded()) } else { error }
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
        _ if is_overload(error) || error.has_label("SystemOverloadedError") => Lesson::Overloaded,
        ErrorKind::Timeout => Lesson::Timeout,
        _ if error.is_network() => Lesson::Network,
        _ => Lesson::Other,
    };
    let when = if error.phase() == Phase::Auth { ErrorPhase::Authenticating } else { ErrorPhase::Establishing };
    Some(ApplicationError { error: error.clone(), stale: false, when, kind, service_id: None })
}

impl<R: Runtime> Core<R> {
    /// Tells the cluster what a failed exchange says about the server of its connection.
    pub(crate) fn learn_from(&self, link: &Link<R>, error: &Error) {
        // A timeout may mean a slow operation rather than a server that is gone.
        if !error.is_timeout() && error.is_network() {
            self.teach(link, error.clone(), Lesson::Network);
        }
    }

    /// Tells the cluster what a reply says about the server: that it is not, or no more, what it was thought to be.
    pub(crate) fn learn_from_reply(&self, link: &Link<R>, reply: &Reply) {
        if let Some((error, kind)) = state_change(reply) {
            let error = Error::at(Phase::Reply, &link.address, ErrorKind::Command(error));
            self.teach(link, error, kind);
        }
    }

    fn teach(&self, link: &Link<R>, error: Error, kind: Lesson) {
        let now = self.runtime.now();
        let mut after = After::default();
        let mut hub = lock(&self.hub);
        let Seat { server, connection } = link.seat;
        let stale = hub.cluster.is_stale(server, connection);
        let service_id = link.machine.hello().service_id;
        let lesson = ApplicationError { error, stale, when: ErrorPhase::Established, kind, service_id };
        hub.cluster.handle_application_error(now, server, lesson);
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
    }
}

/// An error in a reply, or its write concern error, that is news about the server itself.
fn state_change(reply: &Reply) -> Option<(CommandError, Lesson)> {
    if reply.is_success() && !reply.has_write_concern_error() {
        return None;
    }
    let body = reply.body();
    let mut concern = None;
    let mut ok = false;
    for element in body.iter() {
        let element = element.ok()?;
        match element.key_bytes() {
            b"ok" => ok = element.value().as_truthy().unwrap_or(false),
            b"writeConcernError" => concern = element.value().as_doc().ok(),
            _ => {}
        }
    }
    let error = if ok { concern? } else { body };
    let code = error.get_number_i64("code").ok().flatten().and_then(|code| i32::try_from(code).ok()).unwrap_or(0);
    let message = error.get_str("errmsg").ok().flatten().unwrap_or_default();
    StateChange::of(code, message)?;
    let text = |key| error.get_str(key).ok().flatten().unwrap_or_default().to_owned();
    let command = CommandError {
        code,
        code_name: text("codeName"),
        message: message.to_owned(),
        labels: Vec::new(),
        reply: reply.to_doc_buf(),
    };
    let topology_version = command.topology_version();
    Some((command, Lesson::Command { code, message: message.to_owned(), topology_version }))
}
