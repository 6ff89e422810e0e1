//! TLS by rustls, written once over any [`Stream`](crate::runtime::Stream).
//!
//! TLS is on when the configuration [says so](crate::options::Config::tls_enabled), and when the options bring a
//! [`TlsConfig`] that `tls=false` does not overrule. All connections of a client share one configuration, so that later ones
//! resume the sessions of earlier ones. The files are read when the first connection is made; if that fails, the next
//! connection tries anew.
//!
//! ```text
//!              connect            secure                       hello, auth, commands
//! Endpoint ------------> stream ----------> Channel::Tls( TlsStream { Session, stream } )
//!                                                             |          '-- the bytes' way, with deadlines
//!                                                             '-- rustls and the buffers; no I/O
//! ```
//!
//! What the options do:
//!
//! - `tlsCAFile` replaces the operating system's trust store, from which the authorities come otherwise.
//! - `tlsCertificateKeyFile` holds the client's certificate, any intermediate ones, and its key: PKCS#8, PKCS#1 or SEC1. A key
//!   that `tlsCertificateKeyFilePassword` opens must be in PKCS#8 and needs the feature `tls-encrypted-keys`.
//! - `tlsAllowInvalidHostnames` accepts a valid certificate of another host. `tlsAllowInvalidCertificates` accepts every
//!   certificate, whoever it names: the name in a certificate that nobody vouches for says nothing. `tlsInsecure` is both.
//! - `tlsCRLFile` lists revoked certificates; with it, the server's certificate must come from an issuer of one of the lists.
//! - No OCSP endpoint is ever asked, so `tlsDisableOCSPEndpointCheck` changes nothing. `tlsDisableCertificateRevocationCheck`
//!   switches the lists of `tlsCRLFile` off.
//!
//! Unix domain sockets do not leave the machine and have no host name to check: TLS over them is refused.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod classify;
#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls-encrypted-keys")]
#[path = "decrypt.rs"]
mod decrypt;
#[cfg(all(feature = "tls", not(feature = "tls-encrypted-keys")))]
#[path = "decrypt_absent.rs"]
mod decrypt;
mod error;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod settings;
#[cfg(feature = "tls")]
mod stream;
#[cfg(all(test, feature = "tls"))]
mod tests;
#[cfg(feature = "tls")]
mod verify;

#[cfg(not(feature = "tls"))]
pub use absent::TlsConfig;
#[cfg(not(feature = "tls"))]
pub(crate) use absent::{Connector, TlsStream};
#[cfg(feature = "tls")]
pub(crate) use connector::Connector;
pub use error::TlsError;
#[cfg(feature = "tls")]
pub use settings::TlsConfig;
#[cfg(feature = "tls")]
pub(crate) use stream::TlsStream;
