//! The small value types of a [`Config`](super::Config).

use alloc::string::String;

use super::Secret;

/// The host name of a `mongodb+srv` connection string, which DNS turns into the real hosts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SrvHost {
    /// The host name, lower case.
    pub host: String,
}

/// A compressor of OP_COMPRESSED (specification "Wire Compression in Drivers").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compressor {
    /// Snappy.
    Snappy,
    /// zlib, whose level is `zlibCompressionLevel`.
    Zlib,
    /// Zstandard.
    Zstd,
}

/// Which monitoring protocol is used (`serverMonitoringMode`, specification "Server Monitoring").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ServerMonitoringMode {
    /// Streaming where the server can, polling on function-as-a-service platforms.
    #[default]
    Auto,
    /// Streaming where the server can.
    Stream,
    /// Polling.
    Poll,
}

/// How UUIDs are stored in BSON (`uuidRepresentation`, specification "Handling of native UUID types").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum UuidRepresentation {
    /// Not said: native UUIDs are neither encoded nor decoded.
    #[default]
    Unspecified,
    /// Binary subtype 4.
    Standard,
    /// Binary subtype 3, in the byte order of old Python drivers.
    PythonLegacy,
    /// Binary subtype 3, in the byte order of old Java drivers.
    JavaLegacy,
    /// Binary subtype 3, in the byte order of old C# drivers.
    CSharpLegacy,
}

/// Implements `as_str` and `from_name` from one list of names.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The value's name in connection strings.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The value of this name, which is case-sensitive.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == name)
            }
        }
    };
}

named!(Compressor { Snappy = "snappy", Zlib = "zlib", Zstd = "zstd" });
named!(ServerMonitoringMode { Auto = "auto", Stream = "stream", Poll = "poll" });
named!(UuidRepresentation {
    Unspecified = "unspecified",
    Standard = "standard",
    PythonLegacy = "pythonLegacy",
    JavaLegacy = "javaLegacy",
    CSharpLegacy = "csharpLegacy",
});

/// The TLS options. Files are only names here: reading them is the host's business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// `tls`, alias `ssl`; see [`Config::tls_enabled`](super::Config::tls_enabled) for what `None` means.
    pub enabled: Option<bool>,
    /// `tlsInsecure`: relax everything.
    pub insecure: Option<bool>,
    /// `tlsAllowInvalidCertificates`
    pub allow_invalid_certificates: Option<bool>,
    /// `tlsAllowInvalidHostnames`
    pub allow_invalid_hostnames: Option<bool>,
    /// `tlsCAFile`: PEM of the trusted authorities.
    pub ca_file: Option<String>,
    /// `tlsCertificateKeyFile`: PEM of the client's certificate and key.
    pub certificate_key_file: Option<String>,
    /// `tlsCertificateKeyFilePassword`
    pub certificate_key_file_password: Option<Secret>,
    /// `tlsCRLFile`: PEM of revoked certificates.
    pub crl_file: Option<String>,
    /// `tlsDisableOCSPEndpointCheck`
    pub disable_ocsp_endpoint_check: Option<bool>,
    /// `tlsDisableCertificateRevocationCheck`
    pub disable_certificate_revocation_check: Option<bool>,
}

/// The SOCKS5 options (specification "SOCKS5 Support").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyOptions {
    /// `proxyHost`: host name or IP literal; `None` is no proxy.
    pub host: Option<String>,
    /// `proxyPort`, 1 to 65535; 1080 when absent.
    pub port: Option<u16>,
    /// `proxyUsername`
    pub username: Option<String>,
    /// `proxyPassword`
    pub password: Option<Secret>,
}

impl ProxyOptions {
    /// The port that a proxy without one gets.
    pub const DEFAULT_PORT: u16 = 1080;
}

/// The stable API to declare with every command (specification "Stable API"). Not a connection string option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerApi {
    /// The version.
    pub version: ServerApiVersion,
    /// `apiStrict`: whether the server refuses what is not part of the version.
    pub strict: Option<bool>,
    /// `apiDeprecationErrors`: whether the server refuses what is deprecated in the version.
    pub deprecation_errors: Option<bool>,
}

/// A version of the stable API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ServerApiVersion {
    /// Version "1".
    #[default]
    V1,
}

impl ServerApiVersion {
    /// The version as sent in `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1",
        }
    }
}

/// What a library built on the driver adds to the handshake's metadata (specification "MongoDB Handshake").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DriverInfo {
    /// The library's name.
    pub name: String,
    /// The library's version.
    pub version: Option<String>,
    /// The library's platform.
    pub platform: Option<String>,
}
