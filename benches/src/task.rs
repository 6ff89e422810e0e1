//! What is measured.

use crate::Data;

/// One operation of DriverBench. Finds are of the specification's tweet, inserts of its small document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// `{hello: 1}`, its reply decoded to a `Document`.
    RunCommand,
    /// Find one by `_id`, decoded to a `Document`.
    FindOneDocument,
    /// Find one by `_id`, decoded to a serde struct.
    FindOneStruct,
    /// Find one by `_id`, as a raw document.
    FindOneRaw,
    /// Insert one small document.
    InsertOne,
    /// Find many, each decoded to a `Document`; an operation is one document.
    FindManyDocument,
    /// Find many, each decoded to a serde struct; an operation is one document.
    FindManyStruct,
    /// Find many, walked with `advance` and `current`; an operation is one document.
    FindManyRaw,
}

impl Task {
    /// All tasks, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::RunCommand,
        Self::FindOneDocument,
        Self::FindOneStruct,
        Self::FindOneRaw,
        Self::InsertOne,
        Self::FindManyDocument,
        Self::FindManyStruct,
        Self::FindManyRaw,
    ];

    /// The name in reports and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RunCommand => "run-command",
            Self::FindOneDocument => "find-one-document",
            Self::FindOneStruct => "find-one-struct",
            Self::FindOneRaw => "find-one-raw",
            Self::InsertOne => "insert-one",
            Self::FindManyDocument => "find-many-document",
            Self::FindManyStruct => "find-many-struct",
            Self::FindManyRaw => "find-many-raw",
        }
    }

    /// The task of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|task| task.name() == name)
    }

    /// Whether one command finds many documents.
    pub const fn finds_many(self) -> bool {
        matches!(self, Self::FindManyDocument | Self::FindManyStruct | Self::FindManyRaw)
    }

    /// The document's bytes that one operation moves, as the specification counts them.
    pub fn bytes(self, data: &Data) -> usize {
        match self {
            Self::RunCommand => 13,
            Self::InsertOne => data.small_bytes(),
            _ => data.tweet_bytes(),
        }
    }
}
