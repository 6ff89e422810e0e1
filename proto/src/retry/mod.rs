//! What is tried again, when and where (specifications *Retryable Reads*, *Retryable Writes*, *Client Backpressure* and
//! *Client Side Operations Timeout*).
//!
//! Everything follows from three values: the [`Class`] of the operation, the [`Fault`] that an attempt ended with, and
//! the [`Situation`] in which it happened. [`added_labels`] says which labels the driver adds to the error, and
//! [`is_retryable`] whether the operation may be sent once more; both read tables. [`Attempts`] counts, and says how
//! long to wait. [`Exec`](crate::operation::Exec) asks them; a host that has its own loop can do so too.
//!
//! | class | retried after a transient error | after a refusal by an overloaded server |
//! |---|---|---|
//! | [`Read`](Class::Read) | with `retryReads`, outside of transactions | with `retryReads` |
//! | [`Write`](Class::Write) | with `retryWrites`, outside of transactions, if it was numbered | with `retryWrites` |
//! | [`TransactionEnd`](Class::TransactionEnd) | always | always |
//! | [`OtherRead`](Class::OtherRead) | never | with `retryReads` |
//! | [`OtherWrite`](Class::OtherWrite) | never | with `retryWrites` |
//! | [`Command`](Class::Command) | never | with both |
//!
//! A transient error is retried once, or under `timeoutMS` until that has passed. Once a server has said that it is
//! overloaded, there are [`max_adaptive_retries`](RetryOptions::max_adaptive_retries) in all, after a backoff that
//! doubles.

mod attempts;
mod codes;
mod fault;
mod jitter;
mod labels;
mod rules;

#[cfg(test)]
mod tests;

pub use attempts::{Attempts, Decision};
pub use fault::{Failure, FailureClass, Fault};
pub(crate) use jitter::Jitter;
pub use labels::{Labels, label};
pub use rules::{Class, Situation, Stage, added_labels, is_retryable};

/// What a client allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryOptions {
    /// `retryReads`, by default true.
    pub retry_reads: bool,
    /// `retryWrites`, by default true.
    pub retry_writes: bool,
    /// `maxAdaptiveRetries`: how often an operation is sent again once a server was overloaded; by default 2.
    pub max_adaptive_retries: u32,
    /// `enableOverloadRetargeting`: whether an overloaded server is avoided; by default false.
    pub overload_retargeting: bool,
}

impl RetryOptions {
    /// The specification's defaults.
    pub const DEFAULT: Self =
        Self { retry_reads: true, retry_writes: true, max_adaptive_retries: 2, overload_retargeting: false };
    /// Nothing is tried twice, except the end of a transaction.
    pub const NONE: Self =
        Self { retry_reads: false, retry_writes: false, max_adaptive_retries: 2, overload_retargeting: false };
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}
