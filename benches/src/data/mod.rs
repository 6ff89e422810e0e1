//! The documents: the specification's own where they are, else some of the same shape.
//!
//! `STATOR_BENCH_DATA` names the folder that holds the archives (in the repository of the specifications:
//! `source/benchmarking/data`); by default `../shared/spec/benchmarking/data` beside the workspace is tried.

use std::path::{Path, PathBuf};

use bson::{Document, RawDocumentBuf, doc};

use crate::Failure;
use crate::task::Size;

mod archive;
mod cache;
pub mod deep;
pub mod flat;
pub mod full;
mod generated;
mod scale;
mod shape;
#[cfg(test)]
mod tests;
pub mod tweet;

pub use deep::Deep;
pub use flat::Flat;
pub use full::Full;
pub use scale::Scale;
pub use tweet::Tweet;

/// The documents of a run.
#[derive(Clone, Debug)]
pub struct Data {
    /// A tweet, without `_id`.
    pub tweet: Document,
    /// The small document, without `_id`.
    pub small: Document,
    /// The large document, without `_id`.
    pub large: Document,
    /// What is in the three documents of the BSON tasks: see [`Flat`], [`Deep`] and [`Full`].
    pub flat: Document,
    /// See [`Deep`].
    pub deep: Document,
    /// See [`Full`].
    pub full: Document,
    /// How much of everything there is.
    pub scale: Scale,
    /// Where they come from, for the report.
    pub origin: String,
}

impl Data {
    /// The specification's documents, or generated ones for those that are not there.
    ///
    /// # Errors
    ///
    /// An archive that is there but broken, or a document that does not fit its type.
    pub fn load(scale: Scale) -> Result<Self, Failure> {
        let folder = folder();
        let mut data = Self::generated(scale);
        let single =
            archive::read(&folder.join("single_and_multi_document.tgz"), &["tweet", "small_doc", "large_doc"])?;
        let bson = archive::read(&folder.join("extended_bson.tgz"), &["flat_bson", "deep_bson", "full_bson"])?;
        data.origin = match (&single, &bson) {
            (Some(_), Some(_)) => "the specification's data",
            (None, None) => "generated data",
            _ => "in part the specification's data, in part generated",
        }
        .into();
        if let Some([tweet, small, large]) = single {
            (data.tweet, data.small, data.large) = (tweet, small, large);
        }
        if let Some([flat, deep, full]) = bson {
            (data.flat, data.deep, data.full) = (flat, deep, full);
        }
        data.fits()?;
        Ok(data)
    }

    /// Documents of the same shape and nearly the same size.
    pub fn generated(scale: Scale) -> Self {
        Self {
            tweet: generated::tweet(),
            small: generated::small(),
            large: generated::large(),
            flat: generated::pairs(Flat::FIELDS),
            deep: generated::deep(6),
            full: generated::pairs(Full::FIELDS),
            scale,
            origin: "generated data".into(),
        }
    }

    /// Each document becomes its type.
    fn fits(&self) -> Result<(), Failure> {
        let _tweet: Tweet = bson::deserialize_from_document(self.numbered_tweet(1))?;
        let _flat: Flat = bson::deserialize_from_document(self.flat.clone())?;
        let _deep: Deep = bson::deserialize_from_document(self.deep.clone())?;
        let _full: Full = bson::deserialize_from_document(self.full.clone())?;
        Ok(())
    }

    /// The tweet with an `_id` in front.
    pub fn numbered_tweet(&self, id: i32) -> Document {
        let mut document = doc! { "_id": id };
        document.extend(self.tweet.clone());
        document
    }

    /// The tweet with an `_id` in front, encoded.
    pub fn raw_tweet(&self, id: i32) -> Result<RawDocumentBuf, Failure> {
        Ok(RawDocumentBuf::try_from(&self.numbered_tweet(id))?)
    }

    /// The document that inserts of this size insert.
    pub const fn document(&self, size: Size) -> &Document {
        match size {
            Size::Small => &self.small,
            Size::Large => &self.large,
        }
    }

    /// How many documents are inserted at once.
    pub const fn batch(&self, size: Size) -> usize {
        match size {
            Size::Small => self.scale.small_batch,
            Size::Large => self.scale.large_batch,
        }
    }

    /// How many tweets there are.
    pub fn corpus(&self) -> u64 {
        u64::from(self.scale.corpus.unsigned_abs())
    }

    /// The `_id` that the `n`th find looks for.
    pub fn id(&self, n: u64) -> i32 {
        // The remainder is less than `corpus`, which is an i32.
        (n % self.corpus().max(1)) as i32 + 1
    }
}

/// Where the specification's archives are, if they are.
pub(crate) fn folder() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/benchmarking/data");
    std::env::var_os("STATOR_BENCH_DATA").map_or_else(beside, PathBuf::from)
}

/// A document's bytes, for who has another `bson`.
///
/// # Errors
///
/// What cannot be encoded.
pub fn to_bytes(document: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    Ok(bson::serialize_to_vec(document)?)
}
