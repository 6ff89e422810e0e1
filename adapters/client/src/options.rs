//! Options of clients and operations.

use core::str::FromStr;
use std::net::SocketAddr;

pub use crate::models::{
    ClientWriteModel, DeleteManyModel, DeleteOneModel, InsertOneModel, ReplaceOneModel, UpdateManyModel,
    UpdateOneModel, WriteModel,
};
use bson::{Bson, Document};
use serde::Serialize;
pub use stator_proto::concern::{Acknowledgment, ReadConcern, ReadConcernLevel, WriteConcern};
pub use stator_proto::operation::{CursorType, TimeoutMode};
pub use stator_proto::read_preference::{ReadPreference, ReadPreferenceMode, TagSet};
pub use stator_proto::uri::{
    Compressor, Config, Credential, DriverInfo, Mechanism, MechanismProperties, Secret, ServerApi, ServerApiVersion,
    ServerMonitoringMode, TlsOptions, UuidRepresentation, Warning,
};

pub use crate::connect::Connector;
use crate::credentials::{AwsCredentialProvider, OidcCallback};
use crate::dns;
use crate::error::{Error, Result};
use crate::event::Listener;
use crate::logging::LogOptions;
use crate::runtime::Runtime;
pub use crate::selector::ServerSelector;
use crate::tls::TlsConfig;

/// Everything that a client can be told.
///
/// ```
/// use stator_client::ClientOptions;
///
/// let mut options = ClientOptions::parse("mongodb://localhost/?appName=shop&colour=blue")?;
/// assert_eq!(options.config.app_name.as_deref(), Some("shop"));
/// assert_eq!(options.warnings.len(), 1, "`colour` is no option");
/// options.config.max_pool_size = Some(20);
/// # Ok::<(), stator_client::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// What a connection string can say, and the Stable API.
    pub config: Config,
    /// What in the connection string was not applied.
    pub warnings: Vec<Warning>,
    /// Whether a connection whose reply is still to come is kept (for up to 1 s) when its operation is dropped or times
    /// out. `false` closes it, as CMAP and Client Side Operations Timeout say today. Default true.
    pub keep_owing_connections: bool,
    /// Who is told of commands, connection pools, the topology and the selection of servers.
    pub listeners: Vec<Listener>,
    /// What is logged, in builds with the feature `tracing`. `None`, the default, asks the environment (`MONGODB_LOG_*`)
    /// when the client is made.
    pub log: Option<LogOptions>,
    /// Which of the servers that suit an operation may serve it. Default `None`: any of them.
    pub server_selector: Option<ServerSelector>,
    /// How to connect, instead of what the runtime does. Default `None`.
    pub connector: Option<Connector>,
    /// The name servers to ask for the records of a `mongodb+srv` host. Default `None`, or none: those of `/etc/resolv.conf`, and
    /// where there is no such file `127.0.0.1:53`.
    pub dns_servers: Option<Vec<SocketAddr>>,
    /// A TLS configuration in place of what the `tls*` options say; it switches TLS on unless `tls=false` is said.
    pub tls_config: Option<TlsConfig>,
    /// Supplies the credentials of MONGODB-AWS. Default `None`: the environment variables `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`, as they are when a connection logs in.
    pub aws_credentials: Option<AwsCredentialProvider>,
    /// Supplies the tokens of MONGODB-OIDC, in place of the property `ENVIRONMENT`; see
    /// [`parse_with_oidc`](Self::parse_with_oidc). Default `None`.
    pub oidc_callback: Option<OidcCallback>,
}

impl ClientOptions {
    /// Reads a connection string.
    pub fn parse(uri: &str) -> Result<Self> {
        let parsed = Config::parse(uri)?;
        Ok(Self { warnings: parsed.warnings, ..Self::from(parsed.config) })
    }

    /// Reads a connection string with `authMechanism=MONGODB-OIDC` and without `ENVIRONMENT`: `callback` supplies the tokens.
    pub fn parse_with_oidc(uri: &str, callback: OidcCallback) -> Result<Self> {
        let parsed = Config::parse_with_oidc_callback(uri)?;
        Ok(Self { warnings: parsed.warnings, oidc_callback: Some(callback), ..Self::from(parsed.config) })
    }

    /// Checks what the callbacks and the credential say together, and lets the latter know of the former.
    pub(crate) fn check_credential(&mut self) -> Result<()> {
        let has_callback = self.oidc_callback.is_some();
        match &mut self.config.credential {
            Some(credential) => {
                credential.has_callback = has_callback;
                if has_callback && credential.mechanism != Some(Mechanism::MongoDbOidc) {
                    return Err(Error::invalid(OIDC_ONLY));
                }
                Ok(credential.validate()?)
            }
            None if has_callback => Err(Error::invalid(OIDC_ONLY)),
            None => Ok(()),
        }
    }

    /// These options with what DNS says of a `mongodb+srv` host: its servers as `config.hosts`, and the options of its TXT record
    /// where nothing else was said (specification *Initial DNS Seedlist Discovery*). Options that name their servers are
    /// returned as they are.
    ///
    /// Clients do this themselves; here one can look at what they will find.
    ///
    /// ```
    /// # async fn show<R: stator_client::Runtime>(runtime: R) -> stator_client::Result<()> {
    /// let options = stator_client::ClientOptions::parse("mongodb+srv://cluster0.example.com")?;
    /// for host in &options.resolve(&runtime).await?.config.hosts {
    ///     println!("{host}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// In [`Phase::Dns`](crate::Phase::Dns): the name cannot be resolved within `serverSelectionTimeoutMS`, or its records are
    /// refused.
    pub async fn resolve<R: Runtime>(&self, runtime: &R) -> Result<Self> {
        let mut options = self.clone();
        if self.config.srv.is_some() {
            let deadline = runtime.now() + self.config.server_selection_timeout();
            let resolver = dns::ResolverConfig::new(self.dns_servers.as_deref());
            let resolved = dns::resolve(runtime, &self.config, &resolver, deadline).await?;
            options.config = resolved.config;
            options.warnings.extend(resolved.warnings);
        }
        Ok(options)
    }
}

const OIDC_ONLY: &str = "`oidc_callback` is for authMechanism=MONGODB-OIDC";

impl Default for ClientOptions {
    fn default() -> Self {
        Self::from(Config::default())
    }
}

impl From<Config> for ClientOptions {
    fn from(config: Config) -> Self {
        Self {
            config,
            warnings: Vec::new(),
            keep_owing_connections: true,
            listeners: Vec::new(),
            log: None,
            server_selector: None,
            connector: None,
            dns_servers: None,
            tls_config: None,
            aws_credentials: None,
            oidc_callback: None,
        }
    }
}

impl FromStr for ClientOptions {
    type Err = Error;

    fn from_str(uri: &str) -> Result<Self> {
        Self::parse(uri)
    }
}

/// An index to use: by its keys or by its name.
#[derive(Clone, Debug, PartialEq)]
pub enum Hint {
    /// The index's keys.
    Keys(Document),
    /// The index's name.
    Name(String),
}

impl From<Document> for Hint {
    fn from(keys: Document) -> Self {
        Self::Keys(keys)
    }
}

impl From<&str> for Hint {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}

impl From<String> for Hint {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<Hint> for Bson {
    fn from(hint: Hint) -> Self {
        match hint {
            Hint::Keys(keys) => Self::Document(keys),
            Hint::Name(name) => Self::String(name),
        }
    }
}

/// How to change a document: with update operators, or with an aggregation pipeline (4.2 and later).
#[derive(Clone, Debug, PartialEq)]
pub enum UpdateModifications {
    /// A document of update operators.
    Document(Document),
    /// A pipeline.
    Pipeline(Vec<Document>),
}

impl From<Document> for UpdateModifications {
    fn from(update: Document) -> Self {
        Self::Document(update)
    }
}

impl From<Vec<Document>> for UpdateModifications {
    fn from(pipeline: Vec<Document>) -> Self {
        Self::Pipeline(pipeline)
    }
}

/// Which version of a document `find_one_and_*` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReturnDocument {
    /// As it was.
    #[default]
    Before,
    /// As it is now.
    After,
}

/// Rules for comparing strings. `None` fields are left to the server; any other document works as well where a
/// collation is asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields are the server's own, documented by its manual")]
pub struct Collation {
    pub locale: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_level: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numeric_ordering: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backwards: Option<bool>,
}

/// Overrides of what a database or collection inherits. `None` inherits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// The read concern.
    pub read_concern: Option<ReadConcern>,
    /// The write concern.
    pub write_concern: Option<WriteConcern>,
    /// The read preference.
    pub read_preference: Option<ReadPreference>,
    /// `timeoutMS`: the time for a whole operation; zero is no limit.
    pub timeout: Option<core::time::Duration>,
}

impl Overrides {
    pub(crate) fn over(&self, parent: &stator_proto::operation::Settings) -> stator_proto::operation::Settings {
        let own = stator_proto::operation::Settings {
            read_concern: self.read_concern.clone(),
            write_concern: self.write_concern.clone(),
            read_preference: self.read_preference.clone(),
            timeout: self.timeout,
            ..stator_proto::operation::Settings::default()
        };
        own.or(parent)
    }
}
