//! The small parts of test files.

use std::fmt;
use std::ops::Deref;

use bson::{Bson, Document};
use serde::{Deserialize, Deserializer};

/// A list with at least one entry.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<T>")]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Filled<T>(Vec<T>);

impl<T> TryFrom<Vec<T>> for Filled<T> {
    type Error = &'static str;

    fn try_from(entries: Vec<T>) -> Result<Self, Self::Error> {
        if entries.is_empty() { Err("an empty list where one entry at least is wanted") } else { Ok(Self(entries)) }
    }
}

impl<T> Deref for Filled<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// The version of a schema or a server; what follows the third number does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number, 0 where there is none.
    pub patch: u32,
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let invalid = || format!("{text:?} is no version such as 4.4 or 6.0.5");
        let numbers: Result<Vec<u32>, _> = text.split('.').map(str::parse).collect();
        match numbers.map_err(|_| invalid())?[..] {
            [major, minor] => Ok(Self { major, minor, patch: 0 }),
            [major, minor, patch] => Ok(Self { major, minor, patch }),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The shape of a deployment, as requirements name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// One server.
    Single,
    /// A replica set.
    #[serde(rename = "replicaset")]
    ReplicaSet,
    /// A sharded cluster.
    Sharded,
    /// A sharded cluster whose shards are replica sets.
    #[serde(rename = "sharded-replicaset")]
    ShardedReplicaSet,
    /// A sharded cluster behind a load balancer.
    LoadBalanced,
}

/// Whether a serverless deployment is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Serverless {
    /// Only there.
    Require,
    /// Never there.
    Forbid,
    /// There or elsewhere.
    Allow,
}

/// Whether in-use encryption is wanted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Csfle {
    /// Whether it must be there.
    Wanted(bool),
    /// It must be there, in some version.
    Version(CsfleVersion),
}

/// The library's version that is wanted.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CsfleVersion {
    /// The least version of the library.
    pub min_libmongocrypt_version: Version,
}

/// Where something can run.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawRequirement")]
pub struct Requirement {
    /// The oldest server.
    pub min_server_version: Option<Version>,
    /// The newest server.
    pub max_server_version: Option<Version>,
    /// The deployment's shapes.
    pub topologies: Option<Filled<Topology>>,
    /// Whether a serverless deployment is wanted.
    pub serverless: Option<Serverless>,
    /// Parameters that the server must have, with their values.
    pub server_parameters: Option<Document>,
    /// Whether access control must be on, or off.
    pub auth: Option<bool>,
    /// A mechanism that the server must offer.
    pub auth_mechanism: Option<String>,
    /// Whether in-use encryption is wanted.
    pub csfle: Option<Csfle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawRequirement {
    min_server_version: Option<Version>,
    max_server_version: Option<Version>,
    topologies: Option<Filled<Topology>>,
    serverless: Option<Serverless>,
    server_parameters: Option<Document>,
    auth: Option<bool>,
    auth_mechanism: Option<String>,
    csfle: Option<Csfle>,
}

impl TryFrom<RawRequirement> for Requirement {
    type Error = &'static str;

    fn try_from(raw: RawRequirement) -> Result<Self, Self::Error> {
        if raw.server_parameters.as_ref().is_some_and(Document::is_empty) {
            return Err("serverParameters is empty");
        }
        let requirement = Self {
            min_server_version: raw.min_server_version,
            max_server_version: raw.max_server_version,
            topologies: raw.topologies,
            serverless: raw.serverless,
            server_parameters: raw.server_parameters,
            auth: raw.auth,
            auth_mechanism: raw.auth_mechanism,
            csfle: raw.csfle,
        };
        if requirement.is_empty() { Err("a requirement that requires nothing") } else { Ok(requirement) }
    }
}

impl Requirement {
    fn is_empty(&self) -> bool {
        self.min_server_version.is_none()
            && self.max_server_version.is_none()
            && self.topologies.is_none()
            && self.serverless.is_none()
            && self.server_parameters.is_none()
            && self.auth.is_none()
            && self.auth_mechanism.is_none()
            && self.csfle.is_none()
    }
}

/// What a collection contains, before or after a case.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawCollectionData")]
pub struct CollectionData {
    /// The collection.
    pub collection_name: String,
    /// Its database.
    pub database_name: String,
    /// Options of `create`.
    pub create_options: Option<Document>,
    /// All documents.
    pub documents: Vec<Document>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct RawCollectionData {
    collection_name: String,
    database_name: String,
    create_options: Option<Document>,
    documents: Vec<Document>,
}

impl TryFrom<RawCollectionData> for CollectionData {
    type Error = &'static str;

    fn try_from(raw: RawCollectionData) -> Result<Self, Self::Error> {
        if raw.create_options.as_ref().is_some_and(|options| options.contains_key("writeConcern")) {
            return Err("createOptions must not contain a writeConcern");
        }
        Ok(Self {
            collection_name: raw.collection_name,
            database_name: raw.database_name,
            create_options: raw.create_options,
            documents: raw.documents,
        })
    }
}

/// A value that is there even if it is null.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bson>, D::Error> {
    Bson::deserialize(deserializer).map(Some)
}
