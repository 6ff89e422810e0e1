//! Error numbers after which something may be tried again.

/// What a number allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) code: i32,
    /// Its name, for whoever reads the table.
    #[cfg_attr(not(test), allow(dead_code, reason = "read by people and tests"))]
    pub(super) name: &'static str,
    /// A write that it ends is labelled `RetryableWriteError`, if the server is too old to say so itself.
    pub(super) write: bool,
}

const fn row(code: i32, name: &'static str) -> Row {
    Row { code, name, write: true }
}

/// Specifications *Retryable Reads*, "Retryable Error", and *Retryable Writes*, "RetryableWriteError Labels".
pub(super) const TABLE: [Row; 13] = [
    row(6, "HostUnreachable"),
    row(7, "HostNotFound"),
    row(89, "NetworkTimeout"),
    row(91, "ShutdownInProgress"),
    Row { code: 134, name: "ReadConcernMajorityNotAvailableYet", write: false },
    row(189, "PrimarySteppedDown"),
    row(262, "ExceededTimeLimit"),
    row(9001, "SocketException"),
    row(10107, "NotWritablePrimary"),
    row(11600, "InterruptedAtShutdown"),
    row(11602, "InterruptedDueToReplStateChange"),
    row(13435, "NotPrimaryNoSecondaryOk"),
    row(13436, "NotPrimaryOrSecondary"),
];

/// The server's own time limit has passed.
pub(super) const MAX_TIME_MS_EXPIRED: i32 = 50;
/// The write concern was not met in time.
pub(super) const WRITE_CONCERN_TIMEOUT: i32 = 64;
/// The write concern has a mode that the replica set does not know: trying again is useless.
pub(super) const UNKNOWN_REPL_WRITE_CONCERN: i32 = 79;
/// The write concern asks for more members than there are: trying again is useless.
pub(super) const UNSATISFIABLE_WRITE_CONCERN: i32 = 100;

pub(super) fn is_retryable_read(code: i32) -> bool {
    TABLE.iter().any(|row| row.code == code)
}

pub(super) fn is_retryable_write(code: i32) -> bool {
    TABLE.iter().any(|row| row.code == code && row.write)
}
