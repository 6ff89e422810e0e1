//! Authentication mechanisms as small machines that turn payloads into payloads.
//!
//! Nothing here knows of `saslStart`, `saslContinue` or `authenticate`: the handshake wraps these payloads in
//! commands and unwraps the replies. Nothing here has a clock or a random source either: nonces are arguments, and
//! the costly step of SCRAM, deriving keys, is a separate call that the caller may move to another thread or
//! skip with a cache.
//!
//! | mechanism | conversation |
//! |---|---|
//! | `SCRAM-SHA-1`, `SCRAM-SHA-256` | [`scram`]: client-first, server-first, client-final, server-final |
//! | `PLAIN` | [`plain_payload`]: one message |
//! | `MONGODB-X509` | [`X509`]: no payload, only an optional user name |
//! | `MONGODB-AWS` | [`aws`]: nonces, then a signature |
//! | `MONGODB-OIDC` | [`oidc`]: a token, or the identity provider first and then a token |
//!
//! Sources: MongoDB's Authentication specification, RFC 5802, RFC 7677 (SCRAM), RFC 4616 (PLAIN).

pub mod aws;
mod error;
mod mechanism;
pub mod oidc;
mod plain;
pub mod scram;
mod x509;

pub use error::{AuthError, Fault};
pub use mechanism::Mechanism;
pub use plain::plain_payload;
pub use x509::X509;
