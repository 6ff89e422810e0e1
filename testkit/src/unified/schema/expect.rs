//! Errors, log messages and spans, as test files expect them.

use bson::{Bson, Document};
use serde::Deserialize;

use super::parts::{Filled, present};

/// How an operation must fail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "RawError")]
pub struct ExpectedError {
    /// Whether the error must come from the client, or must not.
    pub is_client_error: Option<bool>,
    /// Whether the error must say that time ran out, or must not.
    pub is_timeout_error: Option<bool>,
    /// A part of the message, in any case.
    pub error_contains: Option<String>,
    /// The server's number.
    pub error_code: Option<i32>,
    /// The server's name, in any case.
    pub error_code_name: Option<String>,
    /// Labels that must be there.
    pub error_labels_contain: Option<Filled<String>>,
    /// Labels that must not be there.
    pub error_labels_omit: Option<Filled<String>>,
    /// The failed writes of a bulk write, by index.
    pub write_errors: Option<Document>,
    /// The failed write concerns of a bulk write.
    pub write_concern_errors: Option<Vec<Document>>,
    /// The server's reply, as a root document.
    pub error_response: Option<Document>,
    /// The result that comes with the error.
    pub expect_result: Option<Bson>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawError {
    is_error: Option<bool>,
    is_client_error: Option<bool>,
    is_timeout_error: Option<bool>,
    error_contains: Option<String>,
    error_code: Option<i32>,
    error_code_name: Option<String>,
    error_labels_contain: Option<Filled<String>>,
    error_labels_omit: Option<Filled<String>>,
    write_errors: Option<Document>,
    write_concern_errors: Option<Vec<Document>>,
    error_response: Option<Document>,
    #[serde(default, deserialize_with = "present")]
    expect_result: Option<Bson>,
}

impl TryFrom<RawError> for ExpectedError {
    type Error = &'static str;

    fn try_from(raw: RawError) -> Result<Self, Self::Error> {
        if raw.is_error == Some(false) {
            return Err("isError must be true");
        }
        let anything = raw.is_error.is_some()
            || raw.is_client_error.is_some()
            || raw.is_timeout_error.is_some()
            || raw.error_contains.is_some()
            || raw.error_code.is_some()
            || raw.error_code_name.is_some()
            || raw.error_labels_contain.is_some()
            || raw.error_labels_omit.is_some()
            || raw.write_errors.is_some()
            || raw.write_concern_errors.is_some()
            || raw.error_response.is_some()
            || raw.expect_result.is_some();
        if !anything {
            return Err("expectError expects nothing");
        }
        Ok(Self {
            is_client_error: raw.is_client_error,
            is_timeout_error: raw.is_timeout_error,
            error_contains: raw.error_contains,
            error_code: raw.error_code,
            error_code_name: raw.error_code_name,
            error_labels_contain: raw.error_labels_contain,
            error_labels_omit: raw.error_labels_omit,
            write_errors: raw.write_errors,
            write_concern_errors: raw.write_concern_errors,
            error_response: raw.error_response,
            expect_result: raw.expect_result,
        })
    }
}

/// How much a log message matters; the least comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Severity {
    Emergency,
    Alert,
    Critical,
    Error,
    Warning,
    Notice,
    Info,
    Debug,
    Trace,
}

/// What a log message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the names are the specification's")]
pub enum Component {
    Command,
    Topology,
    ServerSelection,
    Connection,
}

/// The log messages that are expected of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedLogs {
    /// The client.
    pub client: String,
    /// All messages, in order.
    pub messages: Vec<ExpectedLog>,
    /// Whether more may follow.
    #[serde(default)]
    pub ignore_extra_messages: bool,
    /// Messages that do not count.
    #[serde(default)]
    pub ignore_messages: Vec<ExpectedLog>,
}

/// One expected log message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExpectedLog {
    /// How much it matters.
    pub level: Severity,
    /// What it is about.
    pub component: Component,
    /// What it says, as a root document.
    pub data: Document,
    /// Whether it contains a failure that is redacted, or one that is not.
    pub failure_is_redacted: Option<bool>,
}

/// The spans that are expected of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "spans are not there yet; the schema is checked")]
pub struct ExpectedSpans {
    client: String,
    ignore_extra_spans: Option<bool>,
    spans: Filled<Span>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "spans are not there yet; the schema is checked")]
struct Span {
    name: String,
    attributes: Document,
    nested: Option<Filled<Self>>,
}
