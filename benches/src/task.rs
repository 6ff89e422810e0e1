//! What is measured.

use std::fmt;

use crate::Data;

/// One operation of DriverBench, or one of ours. Finds are of the specification's tweet.
///
/// The specification's GridFS tasks have their places behind [`Task::BulkMixed`] and [`Task::Export`], as soon as there is something to
/// measure; those of the client's bulkWrite behind [`Task::BulkMixed`], with a server of 8.0 or later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// One of the documents is encoded or decoded; no server is asked.
    Bson(Shape, Codec),
    /// `{hello: true}`, and its reply: decoded to a `Document`, or read and left as it came, which is what the specification asks for.
    RunCommand(As),
    /// Find one by `_id`.
    FindOne(As),
    /// Insert one.
    InsertOne(Size),
    /// Find many and empty the cursor; an operation is one document.
    FindMany(As),
    /// Insert a batch of the [scale](crate::data::Scale); an operation is one document.
    BulkInsert(Size),
    /// The collection's bulkWrite of as many insert models; an operation is one document.
    BulkWrite(Size),
    /// The collection's bulkWrite of an insert, a replace and a delete for each small document; an operation is the three of them.
    BulkMixed,
    /// Read the LDJSON files, parse their lines and insert all; an operation is one document. As a `Document` between text and command,
    /// or as raw bytes.
    Import(As),
    /// Find all and write them to as many files; an operation is one document, which comes between reply and text as it says.
    Export(As),
    /// So many tasks find one by `_id`, over and over, on a pool of this size.
    Concurrent {
        /// Tasks (or threads).
        tasks: u32,
        /// `maxPoolSize`
        pool: u32,
    },
    /// From making a client to its first answer.
    ColdStart,
    /// A thousand find one at once on a client without connections.
    ColdPool,
    /// From making a client with `minPoolSize=100` to a hundred connections that are ready.
    FillPool,
    /// What a client with a hundred idle connections holds.
    IdlePool,
    /// A program that pings, built from nothing: how long it takes, how large it is.
    Build,
}

/// Which document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the data")]
pub enum Shape {
    Flat,
    Deep,
    Full,
}

/// What is done with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// A `Document` becomes bytes.
    Encode,
    /// A serde struct becomes bytes.
    EncodeStruct,
    /// Bytes become a `Document`.
    Decode,
    /// Bytes become a serde struct.
    DecodeStruct,
    /// Every element's key and type are looked at; values are stepped over.
    Walk,
    /// Every key and value is checked and read.
    Validate,
}

/// What documents become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// A `Document`.
    Document,
    /// A serde struct.
    Struct,
    /// Nothing: raw bytes.
    Raw,
}

/// Which document is inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the data")]
pub enum Size {
    Small,
    Large,
}

impl Task {
    /// All tasks, in the order of the report.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for shape in [Shape::Flat, Shape::Deep, Shape::Full] {
            all.extend(Codec::ALL.map(|codec| Self::Bson(shape, codec)));
        }
        all.extend([As::Document, As::Raw].map(Self::RunCommand));
        all.extend(As::ALL.map(Self::FindOne));
        all.extend(Size::ALL.map(Self::InsertOne));
        all.extend(As::ALL.map(Self::FindMany));
        all.extend(Size::ALL.map(Self::BulkInsert));
        all.extend(Size::ALL.map(Self::BulkWrite));
        all.push(Self::BulkMixed);
        all.extend([As::Document, As::Raw].map(Self::Import));
        all.extend([As::Document, As::Raw].map(Self::Export));
        for pool in [1, 10, 100] {
            all.extend([1, 16, 64, 256].map(|tasks| Self::Concurrent { tasks, pool }));
        }
        all.extend([Self::ColdStart, Self::ColdPool, Self::FillPool, Self::IdlePool, Self::Build]);
        all
    }

    /// The task of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|task| task.to_string() == name)
    }

    /// Whether it is measured only if asked for: it takes minutes.
    pub const fn is_rare(self) -> bool {
        matches!(self, Self::Build)
    }

    /// Whether one operation is all there is to do in a slot, with a clock of its own.
    pub const fn is_once(self) -> bool {
        matches!(self, Self::ColdStart | Self::ColdPool | Self::FillPool | Self::IdlePool | Self::Build)
    }

    /// The most rounds that are worth their time: to fill a pool takes some drivers half a minute.
    pub const fn most_rounds(self) -> usize {
        match self {
            Self::FillPool => 3,
            Self::IdlePool => 2,
            _ => usize::MAX,
        }
    }

    /// Whether it begins with an empty collection for inserts.
    pub const fn inserts(self) -> bool {
        matches!(
            self,
            Self::InsertOne(_) | Self::BulkInsert(_) | Self::BulkWrite(_) | Self::BulkMixed | Self::Import(_)
        )
    }

    /// Whether it is about BSON alone.
    pub const fn is_bson(self) -> bool {
        matches!(self, Self::Bson(..))
    }

    /// Whether a server that always gives the same replies is enough: what instructions are counted of.
    pub const fn can_replay(self) -> bool {
        match self {
            Self::RunCommand(_) | Self::FindOne(_) | Self::FindMany(_) => true,
            Self::InsertOne(size) | Self::BulkInsert(size) => matches!(size, Size::Small),
            _ => false,
        }
    }

    /// The document's bytes that one operation moves, as BSON; zero where MB/s say nothing.
    pub fn bytes(self, data: &Data) -> usize {
        let document = match self {
            Self::RunCommand(_) => return 13,
            Self::Bson(Shape::Flat, _) => &data.flat,
            Self::Bson(Shape::Deep, _) => &data.deep,
            Self::Bson(Shape::Full, _) => &data.full,
            Self::InsertOne(size) | Self::BulkInsert(size) | Self::BulkWrite(size) => data.document(size),
            // It is inserted, and inserted again in its own place.
            Self::BulkMixed => return 2 * bson::serialize_to_vec(&data.small).map_or(0, |bytes| bytes.len()),
            Self::FindOne(_) | Self::FindMany(_) | Self::Import(_) | Self::Export(_) | Self::Concurrent { .. } => {
                &data.tweet
            }
            _ => return 0,
        };
        bson::serialize_to_vec(document).map_or(0, |bytes| bytes.len())
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bson(shape, codec) => write!(f, "bson-{}-{}", shape.name(), codec.name()),
            Self::RunCommand(As::Document) => f.write_str("run-command"),
            Self::RunCommand(into) => write!(f, "run-command-{}", into.name()),
            Self::FindOne(into) => write!(f, "find-one-{}", into.name()),
            Self::InsertOne(size) => write!(f, "insert-one-{}", size.name()),
            Self::FindMany(into) => write!(f, "find-many-{}", into.name()),
            Self::BulkInsert(size) => write!(f, "bulk-insert-{}", size.name()),
            Self::BulkWrite(size) => write!(f, "bulk-write-{}", size.name()),
            Self::BulkMixed => f.write_str("bulk-write-mixed"),
            Self::Import(into) => write!(f, "ldjson-import-{}", into.name()),
            Self::Export(into) => write!(f, "ldjson-export-{}", into.name()),
            Self::Concurrent { tasks, pool } => write!(f, "concurrent-{tasks}-on-{pool}"),
            Self::ColdStart => f.write_str("cold-start"),
            Self::ColdPool => f.write_str("cold-pool"),
            Self::FillPool => f.write_str("fill-pool"),
            Self::IdlePool => f.write_str("idle-pool"),
            Self::Build => f.write_str("build"),
        }
    }
}

impl Shape {
    const fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Deep => "deep",
            Self::Full => "full",
        }
    }
}

impl Codec {
    const ALL: [Self; 6] =
        [Self::Encode, Self::EncodeStruct, Self::Decode, Self::DecodeStruct, Self::Walk, Self::Validate];

    const fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::EncodeStruct => "encode-struct",
            Self::Decode => "decode",
            Self::DecodeStruct => "decode-struct",
            Self::Walk => "walk",
            Self::Validate => "validate",
        }
    }
}

impl As {
    const ALL: [Self; 3] = [Self::Document, Self::Struct, Self::Raw];

    const fn name(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Struct => "struct",
            Self::Raw => "raw",
        }
    }
}

impl Size {
    const ALL: [Self; 2] = [Self::Small, Self::Large];

    const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Task;

    #[test]
    fn every_task_is_found_by_its_name() {
        for task in Task::all() {
            assert_eq!(Task::named(&task.to_string()), Some(task));
        }
        assert_eq!(Task::named("find"), None);
    }
}
