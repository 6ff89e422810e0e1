//! The entities that a file asks for.

use bson::Document;
use serde::Deserialize;

use super::event::EventKind;
use super::expect::Severity;
use super::parts::Filled;

/// One entity to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Entity {
    /// A client.
    Client(Box<ClientEntity>),
    /// A client for explicit encryption.
    ClientEncryption(ClientEncryptionEntity),
    /// A database.
    Database(DatabaseEntity),
    /// A collection.
    Collection(CollectionEntity),
    /// A session.
    Session(SessionEntity),
    /// A GridFS bucket.
    Bucket(BucketEntity),
    /// A thread.
    Thread(ThreadEntity),
}

/// A client to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClientEntity {
    /// Its name.
    pub id: String,
    /// Options of the connection string.
    pub uri_options: Option<Document>,
    /// Whether it connects to several routers of a sharded cluster.
    pub use_multiple_mongoses: Option<bool>,
    /// The events that are recorded.
    pub observe_events: Option<Filled<EventKind>>,
    /// The commands whose events are not recorded.
    pub ignore_command_monitoring_events: Option<Filled<String>>,
    /// Events to keep as entities; deprecated.
    pub store_events_as_entities: Option<Filled<StoreEvents>>,
    /// The log messages that are recorded.
    pub observe_log_messages: Option<LogFilter>,
    /// The spans that are recorded.
    pub observe_tracing_messages: Option<TracingFilter>,
    /// The Stable API.
    pub server_api: Option<ServerApiEntity>,
    /// Whether the events of sensitive commands are recorded too.
    pub observe_sensitive_commands: Option<bool>,
    /// In-use encryption.
    pub auto_encrypt_opts: Option<AutoEncryption>,
    /// How long to wait for `minPoolSize` connections, in ms.
    #[serde(rename = "awaitMinPoolSizeMS")]
    pub await_min_pool_size_ms: Option<u32>,
}

/// The Stable API of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServerApiEntity {
    /// The version.
    pub version: String,
    /// Whether the server refuses what is not in it.
    pub strict: Option<bool>,
    /// Whether the server refuses what is deprecated in it.
    pub deprecation_errors: Option<bool>,
}

/// The least severity of recorded log messages by component.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(try_from = "RawLogFilter")]
pub struct LogFilter {
    /// Of commands.
    pub command: Option<Severity>,
    /// Of the topology.
    pub topology: Option<Severity>,
    /// Of server selection.
    pub server_selection: Option<Severity>,
    /// Of connections and pools.
    pub connection: Option<Severity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawLogFilter {
    command: Option<Severity>,
    topology: Option<Severity>,
    server_selection: Option<Severity>,
    connection: Option<Severity>,
}

impl TryFrom<RawLogFilter> for LogFilter {
    type Error = &'static str;

    fn try_from(raw: RawLogFilter) -> Result<Self, Self::Error> {
        let RawLogFilter { command, topology, server_selection, connection } = raw;
        if [command, topology, server_selection, connection].iter().all(Option::is_none) {
            return Err("observeLogMessages names no component");
        }
        Ok(Self { command, topology, server_selection, connection })
    }
}

/// What is recorded of spans.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "spans are not there yet; the schema is checked")]
pub struct TracingFilter {
    enable_command_payload: Option<bool>,
}

/// Events to keep as an entity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "deprecated; the schema is checked")]
pub struct StoreEvents {
    id: String,
    events: Filled<String>,
}

/// A database to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DatabaseEntity {
    /// Its name among the entities.
    pub id: String,
    /// Its client.
    pub client: String,
    /// Its name on the server.
    pub database_name: String,
    /// What it does not inherit.
    pub database_options: Option<OverridesEntity>,
}

/// A collection to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CollectionEntity {
    /// Its name among the entities.
    pub id: String,
    /// Its database among the entities.
    pub database: String,
    /// Its name on the server.
    pub collection_name: String,
    /// What it does not inherit.
    pub collection_options: Option<OverridesEntity>,
}

/// What a database or collection does not inherit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OverridesEntity {
    /// The read concern.
    pub read_concern: Option<Document>,
    /// The read preference.
    pub read_preference: Option<Document>,
    /// The write concern.
    pub write_concern: Option<Document>,
    /// `timeoutMS`.
    #[serde(rename = "timeoutMS")]
    pub timeout_ms: Option<i64>,
}

/// A session to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SessionEntity {
    /// Its name.
    pub id: String,
    /// Its client.
    pub client: String,
    /// Options of `startSession`.
    pub session_options: Option<Document>,
}

/// A bucket to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BucketEntity {
    /// Its name.
    pub id: String,
    /// Its database.
    pub database: String,
    /// Its options.
    pub bucket_options: Option<Document>,
}

/// A thread to create.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreadEntity {
    /// Its name.
    pub id: String,
}

/// A client for explicit encryption.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClientEncryptionEntity {
    /// Its name.
    pub id: String,
    /// Its options.
    #[allow(dead_code, reason = "encryption is not there yet; the schema is checked")]
    client_encryption_opts: ClientEncryptionOptions,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "encryption is not there yet; the schema is checked")]
struct ClientEncryptionOptions {
    key_vault_client: String,
    key_vault_namespace: String,
    kms_providers: KmsProviders,
    #[serde(rename = "keyExpirationMS")]
    key_expiration_ms: Option<i64>,
}

/// In-use encryption of a client.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[allow(dead_code, reason = "encryption is not there yet; the schema is checked")]
pub struct AutoEncryption {
    key_vault_namespace: String,
    bypass_auto_encryption: Option<bool>,
    kms_providers: KmsProviders,
    schema_map: Option<Document>,
    extra_options: Option<Document>,
    encrypted_fields_map: Option<Document>,
    bypass_query_analysis: Option<bool>,
    #[serde(rename = "keyExpirationMS")]
    key_expiration_ms: Option<i64>,
}

/// Key management services by name, each with the fields that it may have.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Document")]
struct KmsProviders;

const KMS_FIELDS: &[(&str, &[&str])] = &[
    ("aws", &["accessKeyId", "secretAccessKey", "sessionToken"]),
    ("azure", &["tenantId", "clientId", "clientSecret", "identityPlatformEndpoint"]),
    ("azure", &["accessToken"]),
    ("gcp", &["email", "privateKey", "endpoint"]),
    ("gcp", &["accessToken"]),
    ("kmip", &["endpoint"]),
    ("local", &["key"]),
];

impl TryFrom<Document> for KmsProviders {
    type Error = String;

    fn try_from(providers: Document) -> Result<Self, String> {
        for (name, fields) in &providers {
            let fields = fields.as_document().ok_or_else(|| format!("kmsProviders.{name} is no document"))?;
            let kind = name.split_once(':').map_or(name.as_str(), |(kind, _)| kind);
            let fits = |known: &[&str]| fields.keys().all(|field| known.contains(&field.as_str()));
            if !KMS_FIELDS.iter().any(|(known, names)| *known == kind && fits(names)) {
                return Err(format!("kmsProviders.{name} is unknown, or one of its fields is"));
            }
            for (field, value) in fields {
                let placeholder = value.as_document().is_some_and(|value| value.keys().eq(["$$placeholder"]));
                if value.as_str().is_none() && !placeholder {
                    return Err(format!("kmsProviders.{name}.{field} is neither text nor a placeholder"));
                }
            }
        }
        Ok(Self)
    }
}
