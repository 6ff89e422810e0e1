//! Certificates for servers and clients, made on the spot.

use std::{
    fmt, fs,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pkcs8::{PrivateKeyInfoRef, pkcs5::pbes2};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};

use super::{ServerError, temp};

/// The organization in every server's subject. Clients have another: servers take those of their own for members.
const SERVERS: &str = "Stator Test Servers";

/// A certificate authority for tests. Its files live in a temporary folder for as long as it, or a certificate or server
/// of it, does; they go when the process ends, too.
///
/// ```no_run
/// use stator_testkit::server::{MongodOptions, ServerTls, TestCa};
///
/// # fn main() -> Result<(), stator_testkit::server::ServerError> {
/// let ca = TestCa::new("Test CA")?;
/// let mongod = MongodOptions::new().tls(ServerTls::new(&ca)?).start()?;
/// println!("{}", mongod.uri()); // with tls=true, tlsCAFile and tlsCertificateKeyFile
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TestCa(Arc<Inner>);

struct Inner {
    folder: temp::Guarded,
    name: String,
    file: PathBuf,
    /// What stands behind each certificate's own in its file: the intermediate authority, if this is one.
    chain: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, in one PEM file.
#[derive(Clone, Debug)]
pub struct Certificate {
    file: PathBuf,
    subject: String,
    /// Keeps the file.
    ca: TestCa,
}

impl TestCa {
    /// A new authority; no two have the same key.
    pub fn new(name: &str) -> Result<Self, ServerError> {
        let folder = temp::Guarded::new(&std::env::temp_dir(), "stator-ca")?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = subject(&[(DnType::CommonName, name)]);
        let key = KeyPair::generate().map_err(refused)?;
        let certificate = params.self_signed(&key).map_err(refused)?;
        let file = write(folder.path(), "ca.pem", &pem("CERTIFICATE", certificate.der()))?;
        let (name, issuer) = (name.to_owned(), Issuer::new(params, key));
        Ok(Self(Arc::new(Inner { folder, name, file, chain: String::new(), issuer })))
    }

    /// An authority under this one that expired in 2002: what it signs is found expired by everybody who looks at the whole
    /// chain. Servers do not, of their own certificate; they would not start with one that has expired itself.
    pub fn expired(&self) -> Result<Self, ServerError> {
        let folder = temp::Guarded::new(&std::env::temp_dir(), "stator-ca")?;
        let name = format!("{} of 2001", self.0.name);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = subject(&[(DnType::CommonName, &name)]);
        (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
        let key = KeyPair::generate().map_err(refused)?;
        let certificate = params.signed_by(&key, &self.0.issuer).map_err(refused)?;
        let (file, chain) = (self.0.file.clone(), pem("CERTIFICATE", certificate.der()));
        let file =
            write(folder.path(), "ca.pem", &fs::read_to_string(&file).map_err(ServerError::path("read", &file))?)?;
        Ok(Self(Arc::new(Inner { folder, name, file, chain, issuer: Issuer::new(params, key) })))
    }

    /// The file with the certificate of the root, for `tlsCAFile`.
    pub fn file(&self) -> &Path {
        &self.0.file
    }

    /// A server's certificate for `localhost`, `127.0.0.1`, `::1`, and `names`.
    pub fn server(&self, names: &[&str]) -> Result<Certificate, ServerError> {
        let names: Vec<_> = ["localhost", "127.0.0.1", "::1"].iter().chain(names).copied().collect();
        self.server_only(&names)
    }

    /// A server's certificate for nothing but `names`, which may be addresses.
    pub fn server_only(&self, names: &[&str]) -> Result<Certificate, ServerError> {
        let names: Vec<String> = names.iter().copied().map(Into::into).collect();
        let params = CertificateParams::new(names).map_err(refused)?;
        self.sign(params, &[(DnType::OrganizationName, SERVERS), (DnType::CommonName, "mongod")], None)
    }

    /// A client's certificate. The subject goes from the general to the particular; [`Certificate::subject`] is what
    /// servers make of it. It must not have the organization of the servers' own.
    pub fn client(&self, subject: &[(DnType, &str)]) -> Result<Certificate, ServerError> {
        self.sign(CertificateParams::default(), subject, None)
    }

    /// As [`client`](Self::client), with a private key that `password` opens: PKCS#8 with AES-256-CBC.
    pub fn client_with_password(&self, subject: &[(DnType, &str)], password: &str) -> Result<Certificate, ServerError> {
        self.sign(CertificateParams::default(), subject, Some(password))
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        names: &[(DnType, &str)],
        password: Option<&str>,
    ) -> Result<Certificate, ServerError> {
        params.distinguished_name = subject(names);
        // Members are each other's clients.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(refused)?;
        let certificate = params.signed_by(&key, &self.0.issuer).map_err(refused)?;
        let key = match password {
            None => pem("PRIVATE KEY", key.serialized_der()),
            Some(password) => pem("ENCRYPTED PRIVATE KEY", &encrypt(key.serialized_der(), password)?),
        };
        let text = pem("CERTIFICATE", certificate.der()) + &self.0.chain + &key;
        let file = write(self.0.folder.path(), &format!("{}.pem", random_name()?), &text)?;
        Ok(Certificate { file, subject: rfc_2253(names), ca: self.clone() })
    }
}

impl fmt::Debug for TestCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCa").field("name", &self.0.name).field("file", &self.0.file).finish_non_exhaustive()
    }
}

impl Certificate {
    /// The file, for `tlsCertificateKeyFile`.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The authority that has signed it.
    pub fn ca(&self) -> &TestCa {
        &self.ca
    }

    /// The subject as servers write it (RFC 2253): the name of its user in `$external`.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

/// How a server speaks TLS, and nothing else (`requireTLS`).
#[derive(Clone, Debug)]
pub struct ServerTls {
    pub(super) ca: TestCa,
    pub(super) certificate: Certificate,
    pub(super) client: Certificate,
    pub(super) without_client: bool,
}

impl ServerTls {
    /// Server and clients trust `ca`; clients must have a certificate.
    pub fn new(ca: &TestCa) -> Result<Self, ServerError> {
        let client = [(DnType::OrganizationName, "Stator Test Clients"), (DnType::CommonName, "admin")];
        Ok(Self { ca: ca.clone(), certificate: ca.server(&[])?, client: ca.client(&client)?, without_client: false })
    }

    /// Another certificate for the server.
    #[must_use]
    pub fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// Whether clients need no certificate.
    #[must_use]
    pub fn without_client_certificates(mut self, without: bool) -> Self {
        self.without_client = without;
        self
    }

    pub(super) fn args(&self) -> Vec<std::ffi::OsString> {
        let mut args: Vec<std::ffi::OsString> = vec!["--tlsMode".into(), "requireTLS".into()];
        args.extend(["--tlsCAFile".into(), self.ca.file().into()]);
        args.extend(["--tlsCertificateKeyFile".into(), self.certificate.file().into()]);
        // What is wrong with a member's certificate is for drivers to find.
        args.extend(["--tlsAllowInvalidHostnames".into()]);
        args.extend(self.without_client.then(|| "--tlsAllowConnectionsWithoutCertificates".into()));
        args
    }

    /// What a connection string says.
    pub(super) fn uri_options(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut options = vec![("tls", "true".to_owned()), ("tlsCAFile", text(self.ca.file()))];
        if !self.without_client {
            options.push(("tlsCertificateKeyFile", text(self.client.file())));
        }
        options
    }
}

fn subject(names: &[(DnType, &str)]) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    for (kind, value) in names {
        subject.push(kind.clone(), *value);
    }
    subject
}

/// The particular first; values here need no escapes.
fn rfc_2253(names: &[(DnType, &str)]) -> String {
    let part = |(kind, value): &(DnType, &str)| {
        let kind = match kind {
            DnType::CountryName => "C",
            DnType::OrganizationName => "O",
            DnType::OrganizationalUnitName => "OU",
            _ => "CN",
        };
        format!("{kind}={value}")
    };
    names.iter().rev().map(part).collect::<Vec<_>>().join(",")
}

fn encrypt(key: &[u8], password: &str) -> Result<Vec<u8>, ServerError> {
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).and_then(|()| getrandom::fill(&mut iv)).map_err(refused)?;
    let params = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(2048, &salt, iv).map_err(refused)?;
    let key = PrivateKeyInfoRef::try_from(key).map_err(refused)?;
    Ok(key.encrypt_with_params(params, password).map_err(refused)?.as_bytes().to_vec())
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..text.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, ServerError> {
    let path = folder.join(name);
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(ServerError::path("write", &path))?;
    Ok(path)
}

fn random_name() -> Result<String, ServerError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(refused)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refused(error: impl fmt::Display) -> ServerError {
    ServerError::Io { action: "make a certificate".into(), source: Arc::new(std::io::Error::other(error.to_string())) }
}
