//! The PEM files that the options name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use super::TlsError;
use super::decrypt::{self, Refusal};

/// A file's text and the option that names it.
pub(super) struct PemFile {
    option: &'static str,
    path: PathBuf,
    text: Vec<u8>,
}

impl PemFile {
    pub(super) fn read(option: &'static str, path: &str) -> Result<Self, TlsError> {
        let path = PathBuf::from(path);
        match std::fs::read(&path) {
            Ok(text) => Ok(Self { option, path, text }),
            Err(source) => Err(TlsError::Unreadable { option, path, source: Arc::new(source) }),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn malformed(&self, reason: impl ToString) -> TlsError {
        TlsError::Malformed { option: self.option, path: self.path.clone(), reason: reason.to_string() }
    }

    /// All certificates, of which there is at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let found: Vec<_> = CertificateDer::pem_slice_iter(&self.text)
            .collect::<Result<_, _>>()
            .map_err(|error| self.malformed(error))?;
        if found.is_empty() {
            return Err(TlsError::NoCertificate { option: self.option, path: self.path.clone() });
        }
        Ok(found)
    }

    /// All certificates as authorities to trust.
    pub(super) fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| self.malformed(error))?;
        }
        Ok(roots)
    }

    /// All lists of revoked certificates.
    pub(super) fn revocation_lists(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
        let found: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&self.text)
            .collect::<Result<_, _>>()
            .map_err(|error| self.malformed(error))?;
        if found.is_empty() {
            return Err(self.malformed("it needs a PEM section `X509 CRL`"));
        }
        Ok(found)
    }

    /// Private keys in OpenSSL's old encryption are no PEM as rustls knows it, so this is to be asked first.
    pub(super) fn refuse_old_encryption(&self) -> Result<(), TlsError> {
        if !contains(&self.text, b"Proc-Type: 4,ENCRYPTED") {
            return Ok(());
        }
        let what = "its encryption is OpenSSL's old one; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`";
        Err(TlsError::UnsupportedEncryption { path: self.path.clone(), what })
    }

    /// The private key; opened with the password if it is encrypted.
    pub(super) fn private_key(&self, password: Option<&str>) -> Result<PrivateKeyDer<'static>, TlsError> {
        let path = || self.path.clone();
        let unsupported = |what| TlsError::UnsupportedEncryption { path: path(), what };
        let encrypted = section(&self.text, "ENCRYPTED PRIVATE KEY");
        match (encrypted, password) {
            (None, _) => PrivateKeyDer::from_pem_slice(&self.text).map_err(|error| match error {
                pem::Error::NoItemsFound => TlsError::NoPrivateKey { path: path() },
                error => self.malformed(error),
            }),
            (Some(_), None) => Err(TlsError::PasswordRequired { path: path() }),
            (Some(base64), Some(password)) => decrypt::decrypt(&base64, password).map_err(|refusal| match refusal {
                Refusal::Malformed => self.malformed("the section `ENCRYPTED PRIVATE KEY` is damaged"),
                Refusal::WrongPassword => TlsError::WrongPassword { path: path() },
                Refusal::Unsupported(what) => unsupported(what),
            }),
        }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The first section of this label, which rustls does not know: its base64 without line ends.
fn section(text: &[u8], label: &str) -> Option<Vec<u8>> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let text = String::from_utf8_lossy(text);
    let (_, rest) = text.split_once(&begin)?;
    let (body, _) = rest.split_once(&end).unwrap_or((rest, ""));
    Some(body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect())
}
