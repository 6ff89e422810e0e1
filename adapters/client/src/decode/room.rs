//! Documents that have room for their elements before they come.
//!
//! `Document` has no constructor for that, and grows step by step: four times for twenty elements, each time moving all of them. But
//! a document that was emptied keeps the room of its hash table, its copies have it, too, and make room for their elements to match.
//! Should that change, documents will grow as before.

use std::sync::LazyLock;

use bson::{Bson, Document};

/// An empty document in which `elements` have room, if they are no more than [`LARGEST`].
pub(super) fn document(elements: usize) -> Document {
    if elements <= SMALLEST {
        return Document::new();
    }
    let fits = ROOMS.partition_point(|room| *room < elements);
    EMPTY.get(fits.min(ROOMS.len() - 1)).cloned().unwrap_or_default()
}

/// How many elements a hash table holds at each of its sizes.
const ROOMS: [usize; 7] = [7, 14, 28, 56, 112, 224, LARGEST];

/// What a document makes room for with its first element.
const SMALLEST: usize = 3;

/// Growing step by step matters less and less.
const LARGEST: usize = 448;

/// An empty document of each size; they are never changed. Only their hash tables are kept, less than 5 kB together.
static EMPTY: LazyLock<[Document; ROOMS.len()]> = LazyLock::new(|| {
    ROOMS.map(|room| {
        let mut document: Document = (0..room).map(|i| (i.to_string(), Bson::Null)).collect();
        document.clear();
        document.clone()
    })
});
