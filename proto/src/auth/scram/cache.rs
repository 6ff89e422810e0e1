//! A small cache of derived keys (Authentication specification, "Caching credentials in SCRAM").

use super::keys::{KeyCacheKey, ScramKeys};
use alloc::vec::Vec;

/// The most recently used [`ScramKeys`], at most [`KeyCache::CAPACITY`] of them.
///
/// One client needs one entry per server that salted the password in its own way: one for a replica set, one per
/// shard if it goes to shards directly. Insert keys when the conversation has succeeded
/// ([`Verified`](super::Verified)), so that a server that cannot prove itself cannot push others out.
#[derive(Clone, Debug, Default)]
pub struct KeyCache {
    /// From the least to the most recently used.
    entries: Vec<ScramKeys>,
}

impl KeyCache {
    /// The most entries it holds.
    pub const CAPACITY: usize = 16;

    /// An empty cache, which owns no memory yet.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// A copy of the keys that were derived from what `key` names, which become the most recently used.
    pub fn get(&mut self, key: &KeyCacheKey) -> Option<ScramKeys> {
        let at = self.position(key)?;
        self.entries[at..].rotate_left(1);
        self.entries.last().cloned()
    }

    /// Keeps `keys` as the most recently used; if the cache is full, the least recently used go.
    pub fn insert(&mut self, keys: ScramKeys) {
        if let Some(at) = self.position(keys.cache_key()) {
            self.entries.remove(at);
        } else if self.entries.len() == Self::CAPACITY {
            self.entries.remove(0);
        }
        self.entries.push(keys);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many entries it holds, 0 to [`KeyCache::CAPACITY`].
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn position(&self, key: &KeyCacheKey) -> Option<usize> {
        self.entries.iter().position(|keys| keys.cache_key() == key)
    }
}
