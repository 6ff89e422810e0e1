//! The errors of writes of many documents: what went wrong, and what was done nevertheless.

use core::fmt;
use std::sync::Arc;

use stator_proto::operation::{WriteConcernError, WriteError, WriteFailure};
use stator_proto::retry::Labels;

use super::{DUPLICATE_KEY, Error, ErrorKind, Inner, MAX_TIME_EXPIRED};
use crate::results::{BulkWriteResult, ClientBulkWriteResult};

/// Why a write of many documents failed, wholly or in part: [`Collection::bulk_write`](crate::Collection::bulk_write) and
/// [`Collection::insert_many`](crate::Collection::insert_many) (specifications *CRUD* and *Bulk Write*,
/// `BulkWriteException`).
///
/// An error before which nothing can have been done (an argument, no server, a refusal of the first command) is returned
/// itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BulkWriteError<P = BulkWriteResult> {
    /// What ended the whole before its end; `None` if only single writes or write concerns have failed.
    pub error: Option<Error>,
    /// The writes that were refused, by their index in the user's list, in rising order. One at most if the write was
    /// ordered.
    pub write_errors: Vec<WriteError>,
    /// The write concerns that were not met: one of each command at most.
    pub write_concern_errors: Vec<WriteConcernError>,
    /// What was done nevertheless, as far as is known.
    pub partial_result: P,
    labels: Vec<String>,
}

/// Why [`Client::bulk_write`](crate::Client::bulk_write) failed, wholly or in part. The partial result is `None` if it is not
/// certain that a write has succeeded.
pub type ClientBulkWriteError = BulkWriteError<Option<ClientBulkWriteResult>>;

impl<P> BulkWriteError<P> {
    /// What all errors of this kind answer alike.
    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            error: self.error.as_ref(),
            write_errors: &self.write_errors,
            write_concern_errors: &self.write_concern_errors,
            labels: &self.labels,
        }
    }
}

/// A bulk write's error without its result.
#[derive(Clone, Copy)]
pub(super) struct Facts<'e> {
    pub(super) error: Option<&'e Error>,
    pub(super) write_errors: &'e [WriteError],
    pub(super) write_concern_errors: &'e [WriteConcernError],
    pub(super) labels: &'e [String],
}

impl Facts<'_> {
    /// The number of what ended it, of the first refused write, or of the first write concern.
    pub(super) fn code(&self) -> Option<i32> {
        let whole = self.error.and_then(Error::code);
        let write = || self.write_errors.first().map(|error| error.code);
        whole.or_else(write).or_else(|| self.write_concern_errors.first().map(|error| error.code))
    }

    pub(super) fn is_duplicate_key(&self) -> bool {
        self.write_errors.iter().any(|error| DUPLICATE_KEY.contains(&error.code))
            || self.error.is_some_and(Error::is_duplicate_key)
    }

    pub(super) fn is_timeout(&self) -> bool {
        let writes = self.write_errors.iter().map(|error| error.code);
        let mut codes = writes.chain(self.write_concern_errors.iter().map(|error| error.code));
        codes.any(|code| code == MAX_TIME_EXPIRED) || self.error.is_some_and(Error::is_timeout)
    }
}

impl fmt::Display for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bulk write failed: ")?;
        let mut separator = "";
        if let Some(error) = self.error {
            error.fmt(f)?;
            separator = "; ";
        }
        if let Some(first) = self.write_errors.first() {
            write!(f, "{separator}write {}: {} (code {})", first.index, first.message, first.code)?;
            more(f, self.write_errors.len())?;
            separator = "; ";
        }
        if let Some(first) = self.write_concern_errors.first() {
            write!(f, "{separator}the write concern was not met: {} (code {})", first.message, first.code)?;
            more(f, self.write_concern_errors.len())?;
        }
        Ok(())
    }
}

fn more(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    if count > 1 { write!(f, ", and {} more", count - 1) } else { Ok(()) }
}

impl Error {
    /// The facts of a bulk write's error, if it is one.
    pub(super) fn bulk(&self) -> Option<Facts<'_>> {
        match self.kind() {
            ErrorKind::BulkWrite(error) => Some(error.facts()),
            ErrorKind::ClientBulkWrite(error) => Some(error.facts()),
            _ => None,
        }
    }

    /// The refused writes that it tells of itself, or else those that were `noted` before.
    pub(crate) fn refused_writes<'e>(&'e self, noted: &'e WriteFailure) -> &'e [WriteError] {
        self.failed_writes().map_or(&noted.write_errors, |failure| &failure.write_errors)
    }

    /// The failed writes that it is about. A timeout may be about some as well, if the server has stopped them for it.
    fn failed_writes(&self) -> Option<&WriteFailure> {
        match self.origin().kind() {
            ErrorKind::Write(failure) => Some(failure),
            _ => None,
        }
    }

    /// The same error as that of a bulk write: with `partial`, what was done, and `noted`, what had gone wrong before.
    /// `kind` makes it. If nothing can have been done (`is_nothing` is what `partial` is), an error of the whole stays what
    /// it is.
    pub(crate) fn into_bulk<P>(
        mut self,
        mut noted: WriteFailure,
        partial: P,
        is_nothing: bool,
        kind: fn(Box<BulkWriteError<P>>) -> ErrorKind,
    ) -> Self {
        if let ErrorKind::Write(failure) = self.kind() {
            let error = BulkWriteError::of(None, (**failure).clone(), partial);
            Arc::make_mut(&mut self.0).kind = Arc::new(kind(Box::new(error)));
            return self;
        }
        if let Some(failure) = self.failed_writes().filter(|_| noted.is_empty()) {
            noted = failure.clone();
        }
        if is_nothing && noted.is_empty() && !self.maybe_executed() {
            return self;
        }
        let Inner { phase, server, partly_done, .. } = &*self.0;
        let (phase, server, partly_done) = (*phase, server.clone(), *partly_done);
        let kind = Arc::new(kind(Box::new(BulkWriteError::of(Some(self), noted, partial))));
        Self(Arc::new(Inner { kind, phase, server, partly_done, added: Labels::NONE, attempt: None }))
    }
}

impl<P> BulkWriteError<P> {
    fn of(error: Option<Error>, failure: WriteFailure, partial_result: P) -> Self {
        let WriteFailure { write_errors, write_concern_errors, labels, .. } = failure;
        Self { error, write_errors, write_concern_errors, partial_result, labels }
    }
}
