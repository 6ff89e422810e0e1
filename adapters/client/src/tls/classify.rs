//! From what rustls says to what users can act upon.

use rustls::{AlertDescription, CertificateError, Error};

use super::TlsError;

/// What is known about the client's own certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// Some server has asked for it.
    pub(super) asked: bool,
    /// There is one.
    pub(super) given: bool,
}

impl Identity {
    /// Why a server closes the connection after the handshake without a word; `None` if nothing speaks for TLS.
    pub(super) fn silence(self) -> Option<TlsError> {
        match self {
            Self { asked: true, given: false } => Some(TlsError::ClientCertificateRequired),
            Self { asked: true, given: true } => {
                let reason = "it asked for it and then closed the connection; its log knows why".into();
                Some(TlsError::ClientCertificateRejected { reason })
            }
            Self { asked: false, .. } => None,
        }
    }
}

/// `host` is what was dialled; `begun` whether anything of the server's was TLS yet.
pub(super) fn classify(error: Error, host: &str, identity: Identity, begun: bool) -> TlsError {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, host),
        Error::AlertReceived(alert) => of_alert(alert, identity),
        Error::InvalidMessage(_) | Error::PeerSentOversizedRecord if !begun => TlsError::NotTls,
        error => TlsError::Protocol { reason: error.to_string() },
    }
}

fn of_certificate(error: CertificateError, host: &str) -> TlsError {
    use CertificateError as E;
    match error {
        // A bad signature: by an authority that has the name of a trusted one, but another key.
        E::UnknownIssuer | E::BadSignature => TlsError::UnknownIssuer,
        E::Expired | E::ExpiredContext { .. } => TlsError::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => TlsError::NotYetValid,
        E::Revoked => TlsError::Revoked,
        E::NotValidForName => TlsError::WrongHostName { expected: host.into(), presented: Vec::new() },
        E::NotValidForNameContext { presented, .. } => {
            let presented = presented.iter().map(|name| bare(name).to_owned()).collect();
            TlsError::WrongHostName { expected: host.into(), presented }
        }
        E::UnknownRevocationStatus => {
            let reason = "the file of `tlsCRLFile` has no list of its issuer";
            TlsError::InvalidCertificate(reason.into())
        }
        error => TlsError::InvalidCertificate(error.to_string()),
    }
}

/// The name in a text such as `DnsName("db.example.com")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn of_alert(alert: AlertDescription, identity: Identity) -> TlsError {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired => TlsError::ClientCertificateRequired,
        // Before TLS 1.3 there is no alert of its own for a missing certificate.
        A::HandshakeFailure | A::BadCertificate if identity.asked && !identity.given => {
            TlsError::ClientCertificateRequired
        }
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied
        | A::DecryptError
            if identity.given =>
        {
            TlsError::ClientCertificateRejected { reason: format!("{alert:?}") }
        }
        alert => TlsError::Refused { alert: format!("{alert:?}") },
    }
}
