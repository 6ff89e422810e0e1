//! What a server can answer instead of a result.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use stator_wire::bson::{BsonError, Doc, DocBuf, ValueBuf};

use super::{Empty, Sparse};
use crate::hello::TopologyVersion;
use crate::session::SessionError;

/// Why an operation failed after it had reached a server, or could not be made into a command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum OperationError {
    /// The command was refused: `ok` is not 1.
    Command(CommandError),
    /// Some writes failed; the rest may have been done.
    Write(Box<WriteFailure>),
    /// The reply lacks what it must have, or has it in another type.
    Reply(&'static str),
    /// The reply is not readable BSON.
    Bson(BsonError),
    /// A document is longer than the server stores.
    DocumentTooLarge {
        /// Which document, counted from 0.
        index: usize,
        /// Its length in bytes.
        length: usize,
        /// The server's `maxBsonObjectSize` in bytes.
        limit: usize,
    },
    /// The arguments cannot be made into a command; says what is wrong with which.
    InvalidArgument(&'static str),
    /// The session does not allow it.
    Session(SessionError),
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(error) => error.fmt(f),
            Self::Write(failure) => failure.fmt(f),
            Self::Reply(what) => write!(f, "the server's reply is incomplete: {what}"),
            Self::Bson(error) => write!(f, "the server's reply cannot be read: {error}"),
            Self::DocumentTooLarge { index, length, limit } => {
                write!(f, "document {index} has {length} bytes; the server stores at most {limit}")
            }
            Self::InvalidArgument(what) => write!(f, "invalid argument: {what}"),
            Self::Session(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OperationError {}

impl From<BsonError> for OperationError {
    fn from(error: BsonError) -> Self {
        Self::Bson(error)
    }
}

impl From<SessionError> for OperationError {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}

/// A reply whose `ok` is not 1.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandError {
    /// The error's number; 0 if the server gave none.
    pub code: i32,
    /// The error's name, such as `NamespaceNotFound`; empty if the server gave none.
    pub code_name: String,
    /// What the server says.
    pub message: String,
    /// `errorLabels`.
    pub labels: Vec<String>,
    /// The whole reply.
    pub reply: DocBuf,
}

impl CommandError {
    /// Reads a reply; `None` if its `ok` is 1.
    pub fn from_reply(reply: &crate::connection::Reply) -> Result<Option<Self>, OperationError> {
        if reply.is_success() {
            return Ok(None);
        }
        let body = reply.body();
        if body.get_truthy("ok")?.ok_or(OperationError::Reply("there is no `ok`"))? {
            return Ok(None);
        }
        let text = |key| body.get_str(key).ok().flatten().map(String::from).unwrap_or_default();
        Ok(Some(Self {
            code: code(body)?,
            code_name: text("codeName"),
            message: text("errmsg"),
            labels: labels(body),
            reply: reply.to_doc_buf(),
        }))
    }
}

impl CommandError {
    /// `topologyVersion`, by which SDAM tells whether the error is news.
    pub fn topology_version(&self) -> Option<TopologyVersion> {
        TopologyVersion::parse(self.reply.as_doc().get_doc("topologyVersion").ok()??).ok()?
    }

    /// Where the server has refused a write for its number: says what to do, in the words of *Retryable Writes*.
    pub(super) fn explain_refused_number(&mut self) {
        if self.code == ILLEGAL_OPERATION && self.message.starts_with("Transaction numbers") {
            self.message = NO_RETRYABLE_WRITES.into();
        }
    }
}

const ILLEGAL_OPERATION: i32 = 20;
const NO_RETRYABLE_WRITES: &str = "This MongoDB deployment does not support retryable writes. Please add \
                                   retryWrites=false to your connection string.";

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {}", self.message, self.code)?;
        if !self.code_name.is_empty() {
            write!(f, ", {}", self.code_name)?;
        }
        f.write_str(")")
    }
}

/// One write that a server refused.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteError {
    /// Which write of the operation, counted from 0 over all batches.
    pub index: usize,
    /// The error's number.
    pub code: i32,
    /// What the server says.
    pub message: String,
    /// `errInfo`, such as why validation failed.
    pub details: Option<DocBuf>,
}

impl WriteError {
    /// Reads what a reply says of the write `index`.
    pub(super) fn parse(error: Doc<'_>, index: usize) -> Result<Self, OperationError> {
        Ok(Self {
            index,
            code: code(error)?,
            message: error.get_str("errmsg")?.map(String::from).unwrap_or_default(),
            details: details(error)?,
        })
    }
}

/// A write that was done but not confirmed as the write concern demands.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteConcernError {
    /// The error's number.
    pub code: i32,
    /// The error's name; empty if the server gave none.
    pub code_name: String,
    /// What the server says.
    pub message: String,
    /// `errInfo`.
    pub details: Option<DocBuf>,
}

/// What went wrong in a write command whose `ok` is 1, over all of its batches.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteFailure {
    /// The refused writes, in order.
    pub write_errors: Vec<WriteError>,
    /// The last write concern error; the only one, if the write was one command.
    pub write_concern_error: Option<WriteConcernError>,
    /// The write concern errors of all commands, in order.
    pub write_concern_errors: Vec<WriteConcernError>,
    /// `errorLabels` of all replies.
    pub labels: Vec<String>,
    /// How many documents were inserted, matched or deleted nevertheless.
    pub done: u64,
    /// How many documents updates have changed nevertheless.
    pub modified: u64,
    /// What updates have inserted nevertheless: the statement's index and the `_id`.
    pub upserted: Vec<(usize, ValueBuf)>,
}

impl Empty for WriteFailure {
    fn empty() -> &'static Self {
        static EMPTY: WriteFailure = WriteFailure {
            write_errors: Vec::new(),
            write_concern_error: None,
            write_concern_errors: Vec::new(),
            labels: Vec::new(),
            done: 0,
            modified: 0,
            upserted: Vec::new(),
        };
        &EMPTY
    }
}

impl WriteFailure {
    /// Whether nothing went wrong.
    pub const fn is_empty(&self) -> bool {
        self.write_errors.is_empty() && self.write_concern_error.is_none()
    }

    /// Reads the only reply of a write that is one command (specification *Read and Write Concern*); `done` tells what
    /// was done nevertheless.
    pub(crate) fn check(reply: Doc<'_>, done: u64) -> Result<(), OperationError> {
        let mut failure = Self { done, ..Self::default() };
        failure.add(reply, 0)?;
        if failure.is_empty() { Ok(()) } else { Err(OperationError::Write(Box::new(failure))) }
    }

    /// As [`add`](Self::add), and makes no room where there is nothing to add.
    pub(crate) fn note(place: &mut Sparse<Self>, reply: Doc<'_>, offset: usize) -> Result<(), OperationError> {
        if reply.get("writeErrors")?.is_some() || reply.get("writeConcernError")?.is_some() {
            place.add(reply, offset)?;
        }
        Ok(())
    }

    /// Adds what `reply` reports; `offset` is the index of the batch's first write.
    pub fn add(&mut self, reply: Doc<'_>, offset: usize) -> Result<(), OperationError> {
        if let Some(errors) = reply.get_array("writeErrors")? {
            for error in errors.iter() {
                let error = error?.value().as_doc()?;
                let index = error.get_number_i64("index")?.and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
                self.write_errors.push(WriteError::parse(error, offset.saturating_add(index))?);
            }
        }
        if let Some(error) = reply.get_doc("writeConcernError")? {
            let error = WriteConcernError {
                code: code(error)?,
                code_name: error.get_str("codeName")?.map(String::from).unwrap_or_default(),
                message: error.get_str("errmsg")?.map(String::from).unwrap_or_default(),
                details: details(error)?,
            };
            self.write_concern_errors.push(error.clone());
            self.write_concern_error = Some(error);
        }
        if !self.is_empty() {
            self.labels.extend(labels(reply));
        }
        Ok(())
    }
}

impl fmt::Display for WriteFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(first) = self.write_errors.first() {
            write!(f, "write {} failed: {} (code {})", first.index, first.message, first.code)?;
            if self.write_errors.len() > 1 {
                write!(f, ", and {} more", self.write_errors.len() - 1)?;
            }
        }
        if let Some(error) = &self.write_concern_error {
            if !self.write_errors.is_empty() {
                f.write_str("; ")?;
            }
            write!(f, "the write concern was not met: {} (code {})", error.message, error.code)?;
        }
        Ok(())
    }
}

fn code(document: Doc<'_>) -> Result<i32, OperationError> {
    Ok(document.get_number_i64("code")?.and_then(|code| i32::try_from(code).ok()).unwrap_or(0))
}

fn details(document: Doc<'_>) -> Result<Option<DocBuf>, OperationError> {
    let Some(details) = document.get_doc("errInfo")? else { return Ok(None) };
    Ok(Some(DocBuf::new(details.as_bytes().to_vec())?))
}

fn labels(reply: Doc<'_>) -> Vec<String> {
    let Ok(Some(labels)) = reply.get_array("errorLabels") else { return Vec::new() };
    labels.iter().filter_map(|label| Some(String::from(label.ok()?.value().as_str().ok()?))).collect()
}
