//! Why a connection could not be secured, and what to do about it.

use core::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why TLS failed. Each message says what to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// No trusted authority has signed the server's certificate.
    UnknownIssuer,
    /// The server's certificate is for other names.
    WrongHostName {
        /// The host that was dialled.
        expected: String,
        /// The names in the certificate, as far as they are known.
        presented: Vec<String>,
    },
    /// The server's certificate is no longer valid.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate was revoked.
    Revoked,
    /// The server's certificate cannot be accepted for another reason.
    InvalidCertificate(String),
    /// The server wants a certificate of the client, and there is none.
    ClientCertificateRequired,
    /// The server does not accept the client's certificate.
    ClientCertificateRejected {
        /// The server's reason, as far as it gave one.
        reason: String,
    },
    /// A file cannot be read.
    Unreadable {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: Arc<io::Error>,
    },
    /// A file was read but makes no sense.
    Malformed {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file has no certificate in it.
    NoCertificate {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The client's file has no private key in it.
    NoPrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// The client's private key belongs to another certificate.
    KeyMismatch {
        /// The file.
        path: PathBuf,
    },
    /// The client's private key is encrypted, and there is no password.
    PasswordRequired {
        /// The file.
        path: PathBuf,
    },
    /// The password does not open the client's private key.
    WrongPassword {
        /// The file.
        path: PathBuf,
    },
    /// The client's private key is encrypted in a way that this build cannot undo.
    UnsupportedEncryption {
        /// The file.
        path: PathBuf,
        /// What cannot be undone.
        what: &'static str,
    },
    /// The operating system has no trusted authorities.
    NoTrustStore {
        /// Why, as far as it is known.
        reason: String,
    },
    /// The host cannot be named in TLS.
    HostName(String),
    /// The server's answer is not TLS.
    NotTls,
    /// The server closed the connection during the handshake.
    Closed,
    /// The server refused the handshake.
    Refused {
        /// The alert's name.
        alert: String,
    },
    /// The TLS protocol was broken, or the two sides have no version or cipher in common.
    Protocol {
        /// What went wrong.
        reason: String,
    },
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownIssuer => f.write_str(
                "no trusted authority has signed the server's certificate: name the one that has in `tlsCAFile`",
            ),
            Self::WrongHostName { expected, presented } => {
                write!(f, "the server's certificate is not for `{expected}`")?;
                for (index, name) in presented.iter().enumerate() {
                    write!(f, "{} {name}", if index == 0 { " but for" } else { "," })?;
                }
                f.write_str(": connect by a name in the certificate, or have one issued for this name")
            }
            Self::Expired => {
                f.write_str("the server's certificate has expired: renew it, and check this machine's clock")
            }
            Self::NotYetValid => f.write_str(
                "the server's certificate is not valid yet: check this machine's clock and the certificate's dates",
            ),
            Self::Revoked => f.write_str("the server's certificate was revoked: the server needs a new one"),
            Self::InvalidCertificate(reason) => write!(f, "the server's certificate is not acceptable: {reason}"),
            Self::ClientCertificateRequired => f.write_str(
                "the server demands a certificate of the client: name a file with certificate and key in \
                 `tlsCertificateKeyFile`",
            ),
            Self::ClientCertificateRejected { reason } => write!(
                f,
                "the server does not accept the certificate of `tlsCertificateKeyFile` ({reason}): it must be valid and \
                 signed by an authority that the server trusts",
            ),
            Self::Unreadable { option, path, source } => {
                write!(f, "the file of `{option}` cannot be read: {}: {source}", path.display())
            }
            Self::Malformed { option, path, reason } => {
                write!(f, "the file of `{option}` makes no sense: {}: {reason}", path.display())
            }
            Self::NoCertificate { option, path } => write!(
                f,
                "the file of `{option}` has no certificate in it: {}: it needs a PEM section `CERTIFICATE`",
                path.display(),
            ),
            Self::NoPrivateKey { path } => write!(
                f,
                "the file of `tlsCertificateKeyFile` has no private key in it: {}: append the key to the certificate",
                path.display(),
            ),
            Self::KeyMismatch { path } => write!(
                f,
                "the private key in the file of `tlsCertificateKeyFile` belongs to another certificate: {}: the first \
                 certificate must be the key's",
                path.display(),
            ),
            Self::PasswordRequired { path } => write!(
                f,
                "the private key in the file of `tlsCertificateKeyFile` is encrypted: {}: give its password in \
                 `tlsCertificateKeyFilePassword`",
                path.display(),
            ),
            Self::WrongPassword { path } => write!(
                f,
                "`tlsCertificateKeyFilePassword` does not open the private key in the file of `tlsCertificateKeyFile`: {}",
                path.display(),
            ),
            Self::UnsupportedEncryption { path, what } => write!(
                f,
                "the private key in the file of `tlsCertificateKeyFile` cannot be decrypted: {}: {what}",
                path.display(),
            ),
            Self::NoTrustStore { reason } => write!(
                f,
                "the operating system has no trusted authorities ({reason}): install its package of them, or name a file \
                 in `tlsCAFile`",
            ),
            Self::HostName(host) => write!(f, "`{host}` is neither a host name nor an address that TLS can check"),
            Self::NotTls => {
                f.write_str("the server does not speak TLS: check the port, or say `tls=false` if it really has none")
            }
            Self::Closed => f.write_str(
                "the server closed the connection during the TLS handshake: it may not speak TLS, or not accept ours; its \
                 log knows",
            ),
            Self::Refused { alert } => write!(f, "the server refused the TLS handshake with the alert {alert}"),
            Self::Protocol { reason } => write!(f, "the TLS protocol failed: {reason}"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
