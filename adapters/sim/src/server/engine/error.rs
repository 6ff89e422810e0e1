//! Error documents with the server's numbers and names.

use bson::{Document, doc};

/// Why a command failed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failed {
    pub(super) code: i32,
    pub(super) message: String,
}

impl Failed {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(super) fn bad_value(message: impl Into<String>) -> Self {
        Self::new(BAD_VALUE, message)
    }

    /// A field of the command is missing or of another type.
    pub(super) fn field(name: &str) -> Self {
        Self::new(TYPE_MISMATCH, format!("BSON field '{name}' is missing or has the wrong type"))
    }

    /// The reply `{ok: 0, ...}`.
    pub(super) fn reply(&self) -> Document {
        error_reply(self.code, &self.message)
    }
}

/// The reply of a failed command: `{ok: 0, errmsg, code, codeName}`.
pub fn error_reply(code: i32, message: &str) -> Document {
    doc! { "ok": 0.0, "errmsg": message, "code": code, "codeName": code_name(code) }
}

/// The server's name for an error code; `Location<code>` for those that have none.
pub fn code_name(code: i32) -> String {
    let known = match code {
        1 => "InternalError",
        BAD_VALUE => "BadValue",
        6 => "HostUnreachable",
        7 => "HostNotFound",
        FAILED_TO_PARSE => "FailedToParse",
        UNAUTHORIZED => "Unauthorized",
        TYPE_MISMATCH => "TypeMismatch",
        INVALID_LENGTH => "InvalidLength",
        PROTOCOL_ERROR => "ProtocolError",
        AUTHENTICATION_FAILED => "AuthenticationFailed",
        ILLEGAL_OPERATION => "IllegalOperation",
        NAMESPACE_NOT_FOUND => "NamespaceNotFound",
        CURSOR_NOT_FOUND => "CursorNotFound",
        NAMESPACE_EXISTS => "NamespaceExists",
        50 => "MaxTimeMSExpired",
        COMMAND_NOT_FOUND => "CommandNotFound",
        64 => "WriteConcernFailed",
        IMMUTABLE_FIELD => "ImmutableField",
        INVALID_NAMESPACE => "InvalidNamespace",
        89 => "NetworkTimeout",
        91 => "ShutdownInProgress",
        112 => "WriteConflict",
        189 => "PrimarySteppedDown",
        251 => "NoSuchTransaction",
        262 => "ExceededTimeLimit",
        391 => "ReauthenticationRequired",
        10107 => "NotWritablePrimary",
        DOCUMENT_TOO_LARGE => "BSONObjectTooLarge",
        DUPLICATE_KEY => "DuplicateKey",
        11600 => "InterruptedAtShutdown",
        11602 => "InterruptedDueToReplStateChange",
        13435 => "NotPrimaryNoSecondaryOk",
        13436 => "NotPrimaryOrSecondary",
        _ => return format!("Location{code}"),
    };
    known.to_owned()
}

pub(super) const BAD_VALUE: i32 = 2;
pub(super) const FAILED_TO_PARSE: i32 = 9;
pub(super) const UNAUTHORIZED: i32 = 13;
pub(super) const TYPE_MISMATCH: i32 = 14;
pub(super) const INVALID_LENGTH: i32 = 16;
pub(super) const PROTOCOL_ERROR: i32 = 17;
pub(super) const AUTHENTICATION_FAILED: i32 = 18;
pub(super) const ILLEGAL_OPERATION: i32 = 20;
pub(super) const NAMESPACE_NOT_FOUND: i32 = 26;
pub(super) const CURSOR_NOT_FOUND: i32 = 43;
pub(super) const NAMESPACE_EXISTS: i32 = 48;
pub(super) const COMMAND_NOT_FOUND: i32 = 59;
pub(super) const IMMUTABLE_FIELD: i32 = 66;
pub(super) const INVALID_NAMESPACE: i32 = 73;
pub(super) const DOCUMENT_TOO_LARGE: i32 = 10334;
pub(super) const DUPLICATE_KEY: i32 = 11000;
pub(super) const UNKNOWN_STAGE: i32 = 40324;
