//! Whether what happened is what was expected (the format's section "Evaluating Matches").

use bson::{Bson, Document};

mod error;
mod events;
mod logs;
mod number;
mod operators;
#[cfg(test)]
mod tests;
mod types;

pub use error::{ErrorFacts, match_error};
pub use events::{Observed, match_event, match_events};
pub use logs::{Logged, match_logs};

/// What expected values may refer to by name.
pub trait Lookup: Sync {
    /// A BSON value that was kept.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    fn bson(&self, name: &str) -> Result<Bson, String>;

    /// The logical session id of a session.
    ///
    /// # Errors
    ///
    /// There is none of that name.
    fn lsid(&self, name: &str) -> Result<Document, String>;
}

/// Where in a result a value stands: documents at the root may have more keys than are expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Inside of something.
    Nested,
    /// A root document.
    Root,
    /// A list of root documents, such as a cursor gives.
    Roots,
}

/// Compares; `Err` says where the first difference is, and what it is.
///
/// `actual` is `None` where there is nothing at all.
pub fn matches(expected: &Bson, actual: Option<&Bson>, place: Place, lookup: &dyn Lookup) -> Result<(), String> {
    if let Some((operator, argument)) = operators::operator(expected) {
        return operators::apply(operator, argument, actual, place, lookup);
    }
    let Some(actual) = actual else { return Err(format!("missing; expected {expected}")) };
    match (expected, actual) {
        (Bson::Document(expected), Bson::Document(actual)) => match_documents(expected, actual, place, lookup),
        (Bson::Array(expected), Bson::Array(actual)) => match_arrays(expected, actual, place, lookup),
        _ => match number::equal(expected, actual) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("expected {expected}, found {actual}")),
            None if same(expected, actual) => Ok(()),
            None => Err(format!("expected {expected}, found {actual}")),
        },
    }
}

/// As [`matches()`], of a root document.
pub fn match_root(expected: &Document, actual: &Document, lookup: &dyn Lookup) -> Result<(), String> {
    matches(&Bson::Document(expected.clone()), Some(&Bson::Document(actual.clone())), Place::Root, lookup)
}

fn match_documents(expected: &Document, actual: &Document, place: Place, lookup: &dyn Lookup) -> Result<(), String> {
    for (key, value) in expected {
        matches(value, actual.get(key), Place::Nested, lookup).map_err(|reason| at(key, &reason))?;
    }
    let more = actual.keys().find(|key| !expected.contains_key(key.as_str()));
    match more {
        Some(key) if place != Place::Root => Err(at(key, "was not expected")),
        _ => Ok(()),
    }
}

fn match_arrays(expected: &[Bson], actual: &[Bson], place: Place, lookup: &dyn Lookup) -> Result<(), String> {
    if expected.len() != actual.len() {
        let found = Bson::Array(actual.to_vec());
        return Err(format!("expected {} elements, found {}: {found}", expected.len(), actual.len()));
    }
    let place = if place == Place::Roots { Place::Root } else { Place::Nested };
    for (index, (expected, actual)) in expected.iter().zip(actual).enumerate() {
        matches(expected, Some(actual), place, lookup).map_err(|reason| at(&index.to_string(), &reason))?;
    }
    Ok(())
}

/// Prefixes a reason with where it is.
fn at(key: &str, reason: &str) -> String {
    match reason.split_once(": ") {
        Some((path, rest)) if path.starts_with('/') => format!("/{key}{path}: {rest}"),
        _ => format!("/{key}: {reason}"),
    }
}

/// Whether two values are the same but for the order of keys; types must be equal.
pub fn same(one: &Bson, other: &Bson) -> bool {
    match (one, other) {
        (Bson::Document(one), Bson::Document(other)) => same_documents(one, other),
        (Bson::Array(one), Bson::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Bson::JavaScriptCodeWithScope(one), Bson::JavaScriptCodeWithScope(other)) => {
            one.code == other.code && same_documents(&one.scope, &other.scope)
        }
        _ => one == other,
    }
}

/// As [`same`], of documents.
pub fn same_documents(one: &Document, other: &Document) -> bool {
    one.len() == other.len()
        && one.iter().all(|(key, value)| other.get(key).is_some_and(|counterpart| same(value, counterpart)))
}
