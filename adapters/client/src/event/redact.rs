//! What listeners must not see (specification *Command Logging and Monitoring*, section "Security").

use stator_proto::operation::CommandError;
use stator_wire::bson::{Doc, DocBuf, DocWriter};

use crate::error::{Error, ErrorKind};

/// Commands that carry secrets, or whose replies do.
pub(super) const SENSITIVE: [&str; 9] = [
    "authenticate",
    "saslStart",
    "saslContinue",
    "getnonce",
    "createUser",
    "updateUser",
    "copydbgetnonce",
    "copydbsaslstart",
    "copydb",
];

/// Sensitive where they authenticate speculatively. Compared without regard to case: legacy hello has two spellings.
pub(super) const HELLO: [&str; 2] = ["hello", "isMaster"];

/// Whether a command, its reply and its errors must not be shown. What cannot be read is not shown either.
pub(super) fn is_sensitive(name: &str, command: Doc<'_>) -> bool {
    if HELLO.iter().any(|hello| hello.eq_ignore_ascii_case(name)) {
        return !matches!(command.get("speculativeAuthenticate"), Ok(None));
    }
    SENSITIVE.iter().any(|sensitive| sensitive.eq_ignore_ascii_case(name))
}

/// The failure of a sensitive command, with only `code`, `codeName` and `errorLabels` of what the server said. Errors of
/// the network stay as they are.
pub(super) fn failure(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Command(said) => {
            let kind = ErrorKind::Command(CommandError {
                code: said.code,
                code_name: said.code_name.clone(),
                message: REDACTED.into(),
                labels: said.labels.clone(),
                reply: reply(said),
            });
            match error.server() {
                Some(server) => Error::at(error.phase(), server, kind),
                None => Error::new(error.phase(), kind),
            }
        }
        _ => error.clone(),
    }
}

/// What stands in place of a server's message.
pub(super) const REDACTED: &str = "REDACTED";

fn reply(said: &CommandError) -> DocBuf {
    let mut bytes = Vec::new();
    let mut reply = DocWriter::new(&mut bytes);
    reply.f64("ok", 0.0);
    reply.i32("code", said.code);
    if !said.code_name.is_empty() {
        reply.str("codeName", &said.code_name);
    }
    if !said.labels.is_empty() {
        let mut labels = reply.array_of("errorLabels");
        for label in &said.labels {
            labels.str(label);
        }
    }
    // Only what is longer than a message can be fails to be written; such a reply is left empty.
    reply.finish().ok().and_then(|()| DocBuf::new(bytes).ok()).unwrap_or_default()
}
