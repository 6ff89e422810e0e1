//! From the options to a configuration of rustls.

use core::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, InconsistentKeys, RootCertStore};
use stator_proto::uri::TlsOptions;

use super::TlsError;
use super::classify::Identity;
use super::files::PemFile;
use super::verify::{AnyCertificate, AnyName, ClientCertificate};

/// A TLS configuration of your own, made with the re-exported [`rustls`]: it takes the place of all `tls*` options but `tls`.
///
/// ```
/// use std::sync::Arc;
/// use stator_client::{ClientOptions, rustls};
///
/// let provider = Arc::new(rustls::crypto::ring::default_provider());
/// let config = rustls::ClientConfig::builder_with_provider(provider)
///     .with_protocol_versions(&[&rustls::version::TLS13])?
///     .with_root_certificates(rustls::RootCertStore::empty())
///     .with_no_client_auth();
/// let mut options = ClientOptions::parse("mongodb://db.example.com/")?;
/// options.tls_config = Some(Arc::new(config).into());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TlsConfig(Arc<ClientConfig>);

impl From<Arc<ClientConfig>> for TlsConfig {
    fn from(config: Arc<ClientConfig>) -> Self {
        Self(config)
    }
}

impl From<ClientConfig> for TlsConfig {
    fn from(config: ClientConfig) -> Self {
        Self(Arc::new(config))
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConfig")
    }
}

/// What all connections of a client share: certificates, and the sessions to resume.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) config: Arc<ClientConfig>,
    /// Unknown where the configuration is the user's own.
    certificate: Option<Arc<ClientCertificate>>,
}

impl Settings {
    pub(super) fn custom(TlsConfig(config): TlsConfig) -> Self {
        Self { config, certificate: None }
    }

    /// Reads the files that the options name; blocks for as long as that takes.
    pub(super) fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let certificate = Arc::new(ClientCertificate::new(own_certificate(options, &provider)?));
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(protocol)?
            .dangerous()
            .with_custom_certificate_verifier(verifier(options, provider)?)
            .with_client_cert_resolver(certificate.clone());
        Ok(Self { config: Arc::new(config), certificate: Some(certificate) })
    }

    pub(super) fn identity(&self) -> Identity {
        self.certificate.as_ref().map(|certificate| certificate.identity()).unwrap_or_default()
    }
}

fn verifier(options: &TlsOptions, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    let is = |option: Option<bool>| option.unwrap_or(false);
    // Read even where it is not used: a file that is not there is a mistake.
    let authorities = options.ca_file.as_deref().map(|path| PemFile::read("tlsCAFile", path)?.authorities());
    let authorities = authorities.transpose()?;
    if is(options.insecure) || is(options.allow_invalid_certificates) {
        return Ok(Arc::new(AnyCertificate(provider.signature_verification_algorithms)));
    }
    let authorities = authorities.map_or_else(system_authorities, Ok)?;
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider);
    if let Some(path) = &options.crl_file
        && !is(options.disable_certificate_revocation_check)
    {
        let file = PemFile::read("tlsCRLFile", path)?;
        builder = builder.with_crls(file.revocation_lists()?).only_check_end_entity_revocation();
    }
    let verifier = builder.build().map_err(protocol)?;
    if is(options.allow_invalid_hostnames) { Ok(Arc::new(AnyName(verifier))) } else { Ok(verifier) }
}

fn system_authorities() -> Result<RootCertStore, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Systems keep some that rustls does not understand; they vouch for nobody.
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let reason = found.errors.first().map_or_else(|| "nothing was found".into(), ToString::to_string);
        return Err(TlsError::NoTrustStore { reason });
    }
    Ok(roots)
}

fn own_certificate(options: &TlsOptions, provider: &CryptoProvider) -> Result<Option<CertifiedKey>, TlsError> {
    let Some(path) = &options.certificate_key_file else { return Ok(None) };
    let file = PemFile::read("tlsCertificateKeyFile", path)?;
    file.refuse_old_encryption()?;
    let chain = file.certificates()?;
    let key = file.private_key(options.certificate_key_file_password.as_ref().map(|password| password.expose()))?;
    let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::KeyMismatch { path: file.path().into() }
        }
        error => file.malformed(error),
    })?;
    Ok(Some(certified))
}

fn protocol(error: impl ToString) -> TlsError {
    TlsError::Protocol { reason: error.to_string() }
}
