//! Errors: what is known of one, and whether it is what was expected.

use bson::{Bson, Document};

use super::{Lookup, Place, at, match_root, matches};
use crate::unified::schema::ExpectedError;

/// An error, reduced to what test files ask about.
#[derive(Clone, Debug, Default)]
pub struct ErrorFacts {
    /// The error in words.
    pub message: String,
    /// What else it says: the messages of single writes.
    pub more_messages: Vec<String>,
    /// Whether it comes from a server's reply.
    pub from_server: bool,
    /// Whether time ran out.
    pub timeout: bool,
    /// The server's number.
    pub code: Option<i32>,
    /// The server's names: of the command, or of what failed in it.
    pub code_names: Vec<String>,
    /// The labels.
    pub labels: Vec<String>,
    /// The server's reply.
    pub response: Option<Document>,
    /// The failed writes of a bulk write, by index.
    pub write_errors: Document,
    /// The failed write concerns of a bulk write.
    pub write_concern_errors: Vec<Document>,
    /// The result that came with it.
    pub result: Option<Bson>,
}

/// Compares.
pub fn match_error(expected: &ExpectedError, actual: &ErrorFacts, lookup: &dyn Lookup) -> Result<(), String> {
    let all = check(expected, actual, lookup);
    all.map_err(|reason| format!("the error is not the expected one: {reason}; it is: {}", actual.message))
}

fn check(expected: &ExpectedError, actual: &ErrorFacts, lookup: &dyn Lookup) -> Result<(), String> {
    if let Some(client) = expected.is_client_error
        && client == actual.from_server
    {
        return Err(format!("isClientError should be {client}"));
    }
    if let Some(timeout) = expected.is_timeout_error
        && timeout != actual.timeout
    {
        return Err(format!("isTimeoutError should be {timeout}"));
    }
    if let Some(part) = &expected.error_contains {
        let part = part.to_lowercase();
        let mut texts = actual.more_messages.iter().chain([&actual.message]);
        if !texts.any(|text| text.to_lowercase().contains(&part)) {
            return Err(format!("the message should contain {part:?}"));
        }
    }
    if let Some(code) = expected.error_code
        && actual.code != Some(code)
    {
        return Err(format!("the code should be {code}, is {:?}", actual.code));
    }
    if let Some(name) = &expected.error_code_name
        && !actual.code_names.iter().any(|known| known.eq_ignore_ascii_case(name))
    {
        return Err(format!("the code's name should be {name}, is {:?}", actual.code_names));
    }
    let labelled = |label: &&String| actual.labels.contains(label);
    if let Some(missing) = expected.error_labels_contain.as_deref().into_iter().flatten().find(|label| !labelled(label))
    {
        return Err(format!("the label {missing} is missing among {:?}", actual.labels));
    }
    if let Some(label) = expected.error_labels_omit.as_deref().into_iter().flatten().find(labelled) {
        return Err(format!("the label {label} must not be there"));
    }
    check_documents(expected, actual, lookup)
}

fn check_documents(expected: &ExpectedError, actual: &ErrorFacts, lookup: &dyn Lookup) -> Result<(), String> {
    if let Some(response) = &expected.error_response {
        let actual = actual.response.as_ref().ok_or("there is no server's response")?;
        match_root(response, actual, lookup).map_err(|reason| at("errorResponse", &reason))?;
    }
    if let Some(errors) = &expected.write_errors {
        if let Some(index) = actual.write_errors.keys().find(|index| !errors.contains_key(index.as_str())) {
            return Err(at("writeErrors", &at(index, "was not expected")));
        }
        for (index, error) in errors {
            matches(error, actual.write_errors.get(index), Place::Root, lookup)
                .map_err(|reason| at("writeErrors", &at(index, &reason)))?;
        }
    }
    if let Some(errors) = &expected.write_concern_errors {
        let list = |errors: &[Document]| Bson::Array(errors.iter().cloned().map(Bson::Document).collect());
        matches(&list(errors), Some(&list(&actual.write_concern_errors)), Place::Roots, lookup)
            .map_err(|reason| at("writeConcernErrors", &reason))?;
    }
    if let Some(result) = &expected.expect_result {
        matches(result, actual.result.as_ref(), Place::Root, lookup).map_err(|reason| at("expectResult", &reason))?;
    }
    Ok(())
}
