//! Log messages: what a client logged, and whether it is what was expected.

use bson::Document;

use super::{Lookup, match_root};
use crate::unified::schema::{Component, ExpectedLog, ExpectedLogs, Severity};

/// A log message of a client.
#[derive(Clone, Debug)]
pub struct Logged {
    /// How much it matters.
    pub level: Severity,
    /// What it is about.
    pub component: Component,
    /// What it says.
    pub data: Document,
}

/// What the driver writes in place of a message that must not be shown.
const REDACTED: &str = "REDACTED";

/// Compares one message.
fn match_log(expected: &ExpectedLog, actual: &Logged, lookup: &dyn Lookup) -> Result<(), String> {
    if expected.level != actual.level || expected.component != actual.component {
        let found = format!("{:?} of {:?}: {}", actual.level, actual.component, actual.data);
        return Err(format!("expected {:?} of {:?}, found {found}", expected.level, expected.component));
    }
    if let Some(redacted) = expected.failure_is_redacted {
        let failure = actual.data.get("failure").ok_or("/failure: missing")?;
        if is_redacted(failure) != redacted {
            return Err(format!("/failure: redacted should be {redacted}: {failure}"));
        }
    }
    match_root(&expected.data, &actual.data, lookup)
}

/// The driver writes failures as text, with this word in place of what must not be shown.
fn is_redacted(failure: &bson::Bson) -> bool {
    failure.as_str().is_some_and(|text| text.contains(REDACTED))
}

/// Compares all messages of a client, in order.
pub fn match_logs(expected: &ExpectedLogs, actual: &[Logged], lookup: &dyn Lookup) -> Result<(), String> {
    let ignored =
        |message: &&Logged| expected.ignore_messages.iter().any(|ignore| match_log(ignore, message, lookup).is_ok());
    let actual: Vec<&Logged> = actual.iter().filter(|message| !ignored(message)).collect();
    let all = || {
        let lines =
            actual.iter().map(|message| format!("\n    {:?} {:?} {}", message.level, message.component, message.data));
        lines.collect::<String>()
    };
    for (index, message) in expected.messages.iter().enumerate() {
        let found = actual
            .get(index)
            .ok_or_else(|| format!("log message {index} is missing: {}; found:{}", message.data, all()))?;
        match_log(message, found, lookup)
            .map_err(|reason| format!("log message {index}: {reason}; found:{}", all()))?;
    }
    if actual.len() > expected.messages.len() && !expected.ignore_extra_messages {
        return Err(format!("only {} log messages were expected; found:{}", expected.messages.len(), all()));
    }
    Ok(())
}
