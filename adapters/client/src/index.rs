//! Definitions of indexes.

use core::time::Duration;

use bson::{Bson, Document, doc};
use serde::{Deserialize, Serialize};

/// An index: its keys and its options, as `createIndexes` takes and `listIndexes` gives them.
///
/// What has no setter of its own goes in with [`option`](Self::option).
///
/// ```
/// use stator_client::{IndexModel, doc};
///
/// let index = IndexModel::new(doc! { "name": 1, "born": -1 }).unique(true);
/// assert_eq!(index.name(), "name_1_born_-1");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IndexModel {
    definition: Document,
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty => $key:literal;)*) => {
        impl IndexModel {
            $($(#[$doc])*
            pub fn $name(self, $name: $type) -> Self {
                self.option($key, $name)
            })*
        }
    };
}

impl IndexModel {
    /// An index over `keys`: fields, each with 1, -1 or the name of a kind such as `text`.
    pub fn new(keys: Document) -> Self {
        Self { definition: doc! { "key": keys } }
    }

    /// Any option of `createIndexes`, by its name there.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<Bson>) -> Self {
        self.definition.insert(name, value);
        self
    }

    /// How long after the time in its field the server deletes a document; in whole seconds.
    pub fn expire_after(self, time: Duration) -> Self {
        self.option("expireAfterSeconds", i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    }

    /// The fields.
    pub fn keys(&self) -> Option<&Document> {
        self.definition.get_document("key").ok()
    }

    /// Its name: the one given, or the one made of its keys (`a_1_b_-1`).
    pub fn name(&self) -> String {
        match self.definition.get_str("name") {
            Ok(name) => name.to_owned(),
            Err(_) => self.keys().map(default_name).unwrap_or_default(),
        }
    }

    /// The whole definition.
    pub const fn as_document(&self) -> &Document {
        &self.definition
    }

    /// With its name, as it is sent.
    pub(crate) fn into_definition(mut self) -> Document {
        let name = self.name();
        self.definition.entry("name").or_insert(Bson::String(name));
        self.definition
    }
}

impl From<Document> for IndexModel {
    /// Takes keys, not a definition.
    fn from(keys: Document) -> Self {
        Self::new(keys)
    }
}

options! {
    /// Its name; default: made of the keys.
    named: &str => "name";
    /// Whether no two documents may have the same keys.
    unique: bool => "unique";
    /// Whether documents without the fields are left out.
    sparse: bool => "sparse";
    /// Whether the query planner must not use it (4.4 and later).
    hidden: bool => "hidden";
    /// No effect since 4.2; there for old code.
    background: bool => "background";
    /// The documents that are part of it.
    partial_filter_expression: Document => "partialFilterExpression";
    /// Rules for comparing strings.
    collation: Document => "collation";
    /// The fields of a wildcard index.
    wildcard_projection: Document => "wildcardProjection";
    /// How much each field of a text index counts.
    weights: Document => "weights";
    /// The language of a text index.
    default_language: &str => "default_language";
    /// The field that names a document's language.
    language_override: &str => "language_override";
    /// The version of a text index.
    text_index_version: i32 => "textIndexVersion";
    /// The version of a 2dsphere index.
    sphere_2d_index_version: i32 => "2dsphereIndexVersion";
    /// The precision of a 2d index.
    bits: i32 => "bits";
    /// The lower bound of a 2d index.
    min: f64 => "min";
    /// The upper bound of a 2d index.
    max: f64 => "max";
    /// Options of the storage engine.
    storage_engine: Document => "storageEngine";
    /// Whether it is the clustered index.
    clustered: bool => "clustered";
}

/// `a_1_b_-1`.
fn default_name(keys: &Document) -> String {
    let part = |(field, direction): (&String, &Bson)| match direction {
        Bson::String(kind) => format!("{field}_{kind}"),
        Bson::Double(number) => format!("{field}_{number}"),
        other => format!("{field}_{other}"),
    };
    keys.iter().map(part).collect::<Vec<_>>().join("_")
}

/// A search index (MongoDB Atlas): its definition, and a name and a type if they are not the defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchIndexModel {
    /// The definition.
    pub definition: Document,
    /// The name; the server's default is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type: `search` or `vectorSearch`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub index_type: Option<String>,
}

impl SearchIndexModel {
    /// A search index with this definition.
    pub const fn new(definition: Document) -> Self {
        Self { definition, name: None, index_type: None }
    }

    /// Its name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its type: `search` or `vectorSearch`.
    pub fn index_type(mut self, index_type: impl Into<String>) -> Self {
        self.index_type = Some(index_type.into());
        self
    }
}
