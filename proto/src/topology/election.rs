//! Which of two primaries was elected last (specification *SDAM*, "Using electionId and setVersion to detect stale primaries").

use core::fmt;

/// The wire version of MongoDB 6.0, whose primaries are ordered by election id first.
const WIRE_VERSION_6_0: i32 = 17;

/// By what a primary's term is known. What is missing is less than anything, and the election id counts first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Election {
    /// `electionId`
    pub election_id: Option<[u8; 12]>,
    /// `setVersion`
    pub set_version: Option<i64>,
}

impl Election {
    /// What is the newest once a primary has reported `self`, where `newest` was known; `None` if that primary is stale.
    ///
    /// Servers before MongoDB 6.0 (`max_wire_version` below 17) are compared by `setVersion` first, and only if nothing is
    /// missing.
    pub fn succeed(self, newest: Self, max_wire_version: i32) -> Option<Self> {
        if max_wire_version >= WIRE_VERSION_6_0 {
            return (self >= newest).then_some(self);
        }
        let mut election_id = newest.election_id;
        if let (Some(id), Some(version)) = (self.election_id, self.set_version) {
            let known = newest.set_version.zip(newest.election_id);
            if known.is_some_and(|known| known > (version, id)) {
                return None;
            }
            election_id = Some(id);
        }
        Some(Self { election_id, set_version: newest.set_version.max(self.set_version) })
    }
}

/// Such as `(electionId 000000000000000000000002, setVersion 1)`.
impl fmt::Display for Election {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(electionId ")?;
        match self.election_id {
            Some(id) => id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?,
            None => f.write_str("null")?,
        }
        match self.set_version {
            Some(version) => write!(f, ", setVersion {version})"),
            None => f.write_str(", setVersion null)"),
        }
    }
}
