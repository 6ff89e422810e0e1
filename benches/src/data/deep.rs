//! The specification's `deep_bson.json` as a type: a binary tree with two strings in each leaf.

use serde::{Deserialize, Serialize};

/// A node of the tree: two nodes below it, or two values.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the fields of the data")]
pub struct Deep {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Box<Self>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right_value: Option<String>,
}
