//! Why an authentication failed, and whose fault it is.

use alloc::string::String;
use core::fmt;

/// Who can mend an [`AuthError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The user: the credentials or the options are wrong.
    User,
    /// The server, or somebody between it and us: it broke the protocol or could not prove who it is.
    Server,
    /// The program that drives the machine: it mixed up conversations.
    Host,
}

/// Why an authentication conversation ended without success. None of these ever contains a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthError {
    /// The user name is empty, though the mechanism needs one.
    EmptyUsername,
    /// The user name contains a NUL, which neither SCRAM (RFC 5802) nor PLAIN (RFC 4616) can carry.
    NulInUsername,
    /// The password contains a NUL, which PLAIN (RFC 4616) cannot carry.
    NulInPassword,
    /// The keys were derived for another password, salt, iteration count or hash than this conversation's.
    KeysMismatch,
    /// The server's message breaks the mechanism's grammar; the text names the part that does.
    Malformed(&'static str),
    /// The server's nonce is not the client's nonce with something added: a replay, or another conversation.
    NonceMismatch,
    /// The iteration count is below [`MIN_ITERATIONS`](super::scram::MIN_ITERATIONS): perhaps a downgrade attack.
    TooFewIterations(u32),
    /// The iteration count is above [`MAX_ITERATIONS`](super::scram::MAX_ITERATIONS); a count that does not fit is
    /// reported as `u32::MAX`.
    TooManyIterations(u32),
    /// The server ended the conversation with an `e=` attribute of this value (RFC 5802 section 7), cut after
    /// 128 characters.
    Refused(String),
    /// The server's signature is wrong: it does not know the user's keys, so it is not the server that we wanted.
    BadServerSignature,
    /// The server said `done: true` before it proved that it knows the user's keys.
    DoneTooEarly,
    /// The server said `done: false` when nothing was left to say.
    NotDone,
    /// The STS host that the server names for MONGODB-AWS is no host name.
    BadStsHost,
    /// The AWS credentials are incomplete, or have characters that cannot stand in a header.
    BadAwsCredentials,
    /// The callback has returned an empty access token.
    EmptyToken,
}

impl AuthError {
    /// Who can mend this.
    pub fn fault(&self) -> Fault {
        match self {
            Self::EmptyUsername
            | Self::NulInUsername
            | Self::NulInPassword
            | Self::BadAwsCredentials
            | Self::EmptyToken => Fault::User,
            Self::Refused(value) if matches!(value.as_str(), "invalid-proof" | "unknown-user") => Fault::User,
            Self::KeysMismatch => Fault::Host,
            Self::Malformed(_)
            | Self::NonceMismatch
            | Self::TooFewIterations(_)
            | Self::TooManyIterations(_)
            | Self::Refused(_)
            | Self::BadServerSignature
            | Self::DoneTooEarly
            | Self::NotDone
            | Self::BadStsHost => Fault::Server,
        }
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::scram::{MAX_ITERATIONS, MIN_ITERATIONS};
        match self {
            Self::EmptyUsername => f.write_str("the user name is empty"),
            Self::NulInUsername => f.write_str("the user name contains a NUL character"),
            Self::NulInPassword => f.write_str("the password contains a NUL character"),
            Self::KeysMismatch => f.write_str("the SCRAM keys belong to another conversation"),
            Self::Malformed(what) => write!(f, "the server sent a malformed message: {what}"),
            Self::NonceMismatch => f.write_str("the server's nonce does not extend the client's"),
            Self::TooFewIterations(count) => {
                write!(f, "the server asks for {count} iterations, fewer than the minimum of {MIN_ITERATIONS}")
            }
            Self::TooManyIterations(count) => {
                write!(f, "the server asks for {count} iterations, more than the maximum of {MAX_ITERATIONS}")
            }
            // The value is the server's: quoting escapes whatever a terminal would act upon.
            Self::Refused(value) => write!(f, "the server refused the authentication: {value:?}"),
            Self::BadServerSignature => f.write_str("the server could not prove that it knows the user's keys"),
            Self::DoneTooEarly => f.write_str("the server ended the conversation before proving its identity"),
            Self::NotDone => f.write_str("the server did not end a finished conversation"),
            Self::BadStsHost => f.write_str("the STS host that the server names is no host name"),
            Self::BadAwsCredentials => {
                f.write_str("the AWS credentials are incomplete, or have characters that cannot stand in a header")
            }
            Self::EmptyToken => f.write_str("the callback has returned an empty access token"),
        }
    }
}

impl core::error::Error for AuthError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_refusal_of_credentials_is_the_users_and_any_other_the_servers() {
        assert_eq!(AuthError::Refused("invalid-proof".into()).fault(), Fault::User);
        assert_eq!(AuthError::Refused("unknown-user".into()).fault(), Fault::User);
        assert_eq!(AuthError::Refused("no-resources".into()).fault(), Fault::Server);
    }

    #[test]
    fn the_servers_words_are_escaped() {
        let shown = AuthError::Refused("\u{1b}[2J\n".into()).to_string();
        assert_eq!(shown, "the server refused the authentication: \"\\u{1b}[2J\\n\"");
    }
}
