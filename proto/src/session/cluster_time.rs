//! `$clusterTime`, which clients carry from server to server.

use alloc::sync::Arc;
use core::fmt;

use stator_wire::bson::{Doc, Timestamp};

/// A cluster time as a server has signed it (specification *Driver Sessions*, "Gossiping the cluster time"). Cheap to
/// clone.
///
/// It is sent as it came. Two are compared by their timestamps alone.
#[derive(Clone)]
pub struct ClusterTime {
    time: Timestamp,
    document: Arc<[u8]>,
}

impl ClusterTime {
    /// Reads and copies the value of `$clusterTime`; `None` if it has no timestamp `clusterTime`.
    pub fn parse(document: Doc<'_>) -> Option<Self> {
        Self::later(document, None)
    }

    /// As [`parse`](Self::parse), but nothing is copied unless it is later than `known`; `None` if it is not.
    pub(crate) fn later(document: Doc<'_>, known: Option<&Self>) -> Option<Self> {
        let time = document.get_timestamp("clusterTime").ok()??;
        let is_later = known.is_none_or(|known| known.time < time);
        is_later.then(|| Self { time, document: Arc::from(document.as_bytes()) })
    }

    /// Its `clusterTime`.
    pub const fn timestamp(&self) -> Timestamp {
        self.time
    }

    /// The document.
    pub fn as_doc(&self) -> Doc<'_> {
        // It was copied from a document.
        Doc::new(&self.document).unwrap_or(Doc::EMPTY)
    }

    /// Puts `other` in the place of `known` if it is later. Whether it was.
    pub fn advance(known: &mut Option<Self>, other: &Self) -> bool {
        let is_later = known.as_ref().is_none_or(|known| known.time < other.time);
        if is_later {
            *known = Some(other.clone());
        }
        is_later
    }

    /// The later one of two.
    pub fn max<'a>(one: Option<&'a Self>, other: Option<&'a Self>) -> Option<&'a Self> {
        match (one, other) {
            (Some(one), Some(other)) if other.time > one.time => Some(other),
            (one, other) => one.or(other),
        }
    }
}

impl fmt::Debug for ClusterTime {
    /// The signature is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClusterTime").field(&self.time).finish()
    }
}
