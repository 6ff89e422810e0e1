//! Cases whose failure is no news: what they need is known to be missing, but no operation or entity of theirs shows it.
//!
//! They are run all the same: one that passes counts as passed. An entry goes when the client has what it names.

use super::stop::Stop;

const SESSIONS: &str = "sessions";

/// What a case's file and description contain, and what it needs.
const PENDING: &[(&str, &str, &str)] = &[
    // The client says endSessions when it is closed.
    ("connection-logging", "and close the client", SESSIONS),
];

/// What a case that failed needs, if that is known.
pub(super) fn needs(file: &str, case: &str) -> Option<Stop> {
    let found = PENDING.iter().find(|(name, part, _)| file.contains(name) && case.contains(part));
    found.map(|(_, _, what)| Stop::needs(what))
}
