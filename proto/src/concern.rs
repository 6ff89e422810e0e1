//! Read and write concern as values (specification "Read and Write Concern").
//!
//! Neither type touches bytes: [`ReadConcern::fields`] and [`WriteConcern::fields`] say which fields a command carries, in
//! order, and whoever builds the command writes them.

use alloc::string::String;
use core::fmt;
use core::time::Duration;

/// What a read may observe. The default, without a level, is the server's own default and is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ReadConcern {
    /// The level; `None` is the server's default.
    pub level: Option<ReadConcernLevel>,
}

/// A read concern level. Levels that this driver does not know are passed on: the server judges them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReadConcernLevel {
    /// `local`: the most recent data of the node asked.
    Local,
    /// `majority`: data acknowledged by a majority.
    Majority,
    /// `linearizable`: reflects every majority-acknowledged write that finished before the read began.
    Linearizable,
    /// `available`: like `local`, without filtering orphans of sharded clusters.
    Available,
    /// `snapshot`: majority-committed data of one point in time.
    Snapshot,
    /// A level by another name.
    Custom(String),
}

impl ReadConcern {
    /// A read concern of this level.
    pub const fn new(level: ReadConcernLevel) -> Self {
        Self { level: Some(level) }
    }

    /// Whether this is the server's default, which commands leave out.
    pub const fn is_server_default(&self) -> bool {
        self.level.is_none()
    }

    /// The fields of the `readConcern` document, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, ConcernValue<'_>)> {
        self.level.iter().map(|level| ("level", ConcernValue::Text(level.as_str())))
    }
}

impl ReadConcernLevel {
    /// The level's name on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Local => "local",
            Self::Majority => "majority",
            Self::Linearizable => "linearizable",
            Self::Available => "available",
            Self::Snapshot => "snapshot",
            Self::Custom(name) => name,
        }
    }
}

impl From<&str> for ReadConcernLevel {
    fn from(name: &str) -> Self {
        match name {
            "local" => Self::Local,
            "majority" => Self::Majority,
            "linearizable" => Self::Linearizable,
            "available" => Self::Available,
            "snapshot" => Self::Snapshot,
            other => Self::Custom(other.into()),
        }
    }
}

/// How far a write must get before the server acknowledges it. The default sets nothing and is not sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WriteConcern {
    /// Which nodes must acknowledge; `None` is the server's default.
    pub w: Option<Acknowledgment>,
    /// Whether the write must be in the on-disk journal; `None` is not sent.
    pub journal: Option<bool>,
    /// How long the server waits for `w`, sent in whole milliseconds; zero is no limit, `None` is not sent.
    /// Deprecated by the specification in favour of `timeoutMS`.
    pub w_timeout: Option<Duration>,
}

/// The `w` of a [`WriteConcern`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Acknowledgment {
    /// This many nodes, at most `i32::MAX`; 0 asks for no acknowledgment.
    Nodes(u32),
    /// A majority of the voting nodes.
    Majority,
    /// A tag-based mode of the replica set's configuration.
    Custom(String),
}

impl WriteConcern {
    /// The name of the field [`w_timeout`](Self::w_timeout).
    pub(crate) const W_TIMEOUT: &str = "wtimeout";

    /// A write concern with only `w`.
    pub const fn new(w: Acknowledgment) -> Self {
        Self { w: Some(w), journal: None, w_timeout: None }
    }

    /// `w: "majority"`.
    pub const fn majority() -> Self {
        Self::new(Acknowledgment::Majority)
    }

    /// `w: 0`: the server does not answer.
    pub const fn unacknowledged() -> Self {
        Self::new(Acknowledgment::Nodes(0))
    }

    /// Whether this is the server's default, which commands leave out.
    pub const fn is_server_default(&self) -> bool {
        self.w.is_none() && self.journal.is_none() && self.w_timeout.is_none()
    }

    /// Whether the server answers a write under this concern: all but `w: 0` without a journal.
    pub fn is_acknowledged(&self) -> bool {
        self.w != Some(Acknowledgment::Nodes(0)) || self.journal == Some(true)
    }

    /// Whether [`validate`](Self::validate) finds nothing wrong.
    pub fn is_valid(&self) -> bool {
        self.validate().is_ok()
    }

    /// Finds what the specification calls inconsistent, and numbers that the wire cannot carry.
    pub fn validate(&self) -> Result<(), WriteConcernError> {
        match self.w {
            Some(Acknowledgment::Nodes(0)) if self.journal == Some(true) => {
                return Err(WriteConcernError::JournalWithoutAcknowledgment);
            }
            Some(Acknowledgment::Nodes(nodes)) if i32::try_from(nodes).is_err() => {
                return Err(WriteConcernError::NodesOutOfRange);
            }
            _ => {}
        }
        match self.w_timeout {
            Some(limit) if i64::try_from(limit.as_millis()).is_err() => Err(WriteConcernError::TimeoutOutOfRange),
            _ => Ok(()),
        }
    }

    /// The fields of the `writeConcern` document, in order. Numbers beyond the wire's range are capped; see
    /// [`validate`](Self::validate).
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, ConcernValue<'_>)> {
        let w = self.w.as_ref().map(|w| {
            let value = match w {
                Acknowledgment::Nodes(nodes) => ConcernValue::Int32(i32::try_from(*nodes).unwrap_or(i32::MAX)),
                Acknowledgment::Majority => ConcernValue::Text("majority"),
                Acknowledgment::Custom(mode) => ConcernValue::Text(mode),
            };
            ("w", value)
        });
        let journal = self.journal.map(|journal| ("j", ConcernValue::Bool(journal)));
        let timeout = self
            .w_timeout
            .map(|limit| (Self::W_TIMEOUT, ConcernValue::Int64(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX))));
        w.into_iter().chain(journal).chain(timeout)
    }
}

impl From<&str> for Acknowledgment {
    fn from(mode: &str) -> Self {
        match mode {
            "majority" => Self::Majority,
            other => Self::Custom(other.into()),
        }
    }
}

impl TryFrom<i64> for Acknowledgment {
    type Error = WriteConcernError;

    /// Accepts 0 to `i32::MAX`.
    fn try_from(nodes: i64) -> Result<Self, Self::Error> {
        match i32::try_from(nodes).map(u32::try_from) {
            Ok(Ok(nodes)) => Ok(Self::Nodes(nodes)),
            _ => Err(WriteConcernError::NodesOutOfRange),
        }
    }
}

/// The value of one field of a read or write concern document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConcernValue<'a> {
    /// A 32-bit integer.
    Int32(i32),
    /// A 64-bit integer.
    Int64(i64),
    /// A boolean.
    Bool(bool),
    /// A string.
    Text(&'a str),
}

/// Why a [`WriteConcern`] cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteConcernError {
    /// `w: 0` together with `journal: true`.
    JournalWithoutAcknowledgment,
    /// A number of nodes below 0 or above `i32::MAX`.
    NodesOutOfRange,
    /// A `wtimeout` above `i64::MAX` milliseconds.
    TimeoutOutOfRange,
}

impl fmt::Display for WriteConcernError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JournalWithoutAcknowledgment => {
                "write concern asks for a journaled write (journal) that nobody acknowledges (w: 0)"
            }
            Self::NodesOutOfRange => "write concern's w must be from 0 to 2147483647",
            Self::TimeoutOutOfRange => "write concern's wtimeout exceeds 64 bits of milliseconds",
        })
    }
}

impl core::error::Error for WriteConcernError {}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn fields_come_in_order_and_only_when_set() {
        assert_eq!(WriteConcern::default().fields().count(), 0);
        let all = WriteConcern {
            w: Some(Acknowledgment::Custom("mode".into())),
            journal: Some(false),
            w_timeout: Some(Duration::from_millis(7)),
        };
        let expected =
            [("w", ConcernValue::Text("mode")), ("j", ConcernValue::Bool(false)), ("wtimeout", ConcernValue::Int64(7))];
        assert_eq!(all.fields().collect::<Vec<_>>(), expected);
        let level = ReadConcern::new(ReadConcernLevel::from("later"));
        assert_eq!(level.fields().collect::<Vec<_>>(), [("level", ConcernValue::Text("later"))]);
    }

    #[test]
    fn numbers_beyond_the_wire_are_invalid() {
        let nodes = WriteConcern::new(Acknowledgment::Nodes(1 << 31));
        assert_eq!(nodes.validate(), Err(WriteConcernError::NodesOutOfRange));
        let timeout = WriteConcern { w_timeout: Some(Duration::MAX), ..WriteConcern::default() };
        assert_eq!(timeout.validate(), Err(WriteConcernError::TimeoutOutOfRange));
        assert_eq!(Acknowledgment::try_from(-1), Err(WriteConcernError::NodesOutOfRange));
        assert_eq!(Acknowledgment::try_from(1 << 31), Err(WriteConcernError::NodesOutOfRange));
        assert_eq!(Acknowledgment::try_from(0), Ok(Acknowledgment::Nodes(0)));
    }

    #[test]
    fn only_w_0_without_a_journal_is_unacknowledged() {
        assert!(!WriteConcern::unacknowledged().is_acknowledged());
        assert!(WriteConcern { journal: Some(true), ..WriteConcern::unacknowledged() }.is_acknowledged());
        assert!(WriteConcern::default().is_acknowledged() && WriteConcern::majority().is_acknowledged());
    }
}
