//! The documents of a run for the other programs of the run: reading the archives takes a second each time.

use std::fs;
use std::path::Path;

use bson::{Document, doc};

use super::{Data, Scale};
use crate::Failure;

const NAME: &str = "data.bson";

impl Data {
    /// Leaves the documents in a folder.
    pub fn save(&self, folder: &Path) -> Result<(), Failure> {
        let Self { tweet, small, large, flat, deep, full, scale: _, origin } = self.clone();
        let all = doc! {
            "tweet": tweet, "small": small, "large": large, "flat": flat, "deep": deep, "full": full, "origin": origin
        };
        Ok(fs::write(folder.join(NAME), bson::serialize_to_vec(&all)?)?)
    }

    /// The documents of a folder that has them, or else those of [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// As for `load`; or a document is missing.
    pub fn of_folder(folder: &Path, scale: Scale) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        if !path.is_file() {
            return Self::load(scale);
        }
        let mut all: Document = bson::deserialize_from_slice(&fs::read(path)?)?;
        let mut take = |name: &str| match all.remove(name) {
            Some(bson::Bson::Document(document)) => Ok(document),
            _ => Err(format!("{NAME} lacks {name}")),
        };
        Ok(Self {
            tweet: take("tweet")?,
            small: take("small")?,
            large: take("large")?,
            flat: take("flat")?,
            deep: take("deep")?,
            full: take("full")?,
            scale,
            origin: all.get_str("origin")?.to_owned(),
        })
    }
}
