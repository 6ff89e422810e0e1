//! The documents: the specification's own where they are, else some of the same shape.
//!
//! `STATOR_BENCH_DATA` names the folder that holds `single_and_multi_document.tgz` (in the repository of the specifications:
//! `source/benchmarking/data`); by default `../shared/spec/benchmarking/data` beside the workspace is tried.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use bson::{Bson, Document, RawDocumentBuf, doc};
use flate2::read::GzDecoder;

use crate::Failure;
use crate::tweet::Tweet;

/// The documents of a run.
#[derive(Clone, Debug)]
pub struct Data {
    /// A tweet, without `_id`.
    pub tweet: Document,
    /// The small document, without `_id`.
    pub small: Document,
    /// How many tweets the collection for finds holds; their `_id`s count from 1.
    pub corpus: i32,
    /// Where they come from, for the report.
    pub origin: String,
    tweet_bytes: usize,
    small_bytes: usize,
}

impl Data {
    /// The specification's documents, or generated ones if they are not there.
    ///
    /// # Errors
    ///
    /// An archive that is there but broken.
    pub fn load(corpus: i32) -> Result<Self, Failure> {
        let folder = std::env::var_os("STATOR_BENCH_DATA").map_or_else(default_folder, PathBuf::from);
        let archive = folder.join("single_and_multi_document.tgz");
        if !archive.is_file() {
            return Ok(Self::generated(corpus));
        }
        let (tweet, small) = read_archive(&archive)?;
        Self::new(tweet, small, corpus, "the specification's data")
    }

    /// Documents of the same shape and nearly the same size.
    pub fn generated(corpus: i32) -> Self {
        // The literals below become documents and fit the struct, as a test sees.
        Self::new(generated_tweet(), generated_small(), corpus, "generated data").expect("the generated data is valid")
    }

    fn new(tweet: Document, small: Document, corpus: i32, origin: &str) -> Result<Self, Failure> {
        let tweet_bytes = bson::serialize_to_vec(&tweet)?.len();
        let small_bytes = bson::serialize_to_vec(&small)?.len();
        let data = Self { tweet, small, corpus, origin: origin.into(), tweet_bytes, small_bytes };
        let _fits: Tweet = bson::deserialize_from_document(data.numbered_tweet(1))?;
        Ok(data)
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

    /// The size of a tweet in BSON, without `_id`.
    pub const fn tweet_bytes(&self) -> usize {
        self.tweet_bytes
    }

    /// The size of the small document in BSON, without `_id`.
    pub const fn small_bytes(&self) -> usize {
        self.small_bytes
    }

    /// The `_id` that the `n`th find looks for.
    pub fn id(&self, n: u64) -> i32 {
        // The remainder is less than `corpus`, which is an i32.
        (n % u64::from(self.corpus.unsigned_abs().max(1))) as i32 + 1
    }
}

fn default_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/spec/benchmarking/data")
}

fn read_archive(path: &Path) -> Result<(Document, Document), Failure> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path)?));
    let (mut tweet, mut small) = (None, None);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.file_name().and_then(|name| name.to_str()).map(str::to_owned);
        let place = match name.as_deref() {
            Some("tweet.json") => &mut tweet,
            Some("small_doc.json") => &mut small,
            _ => continue,
        };
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        match Bson::try_from(serde_json::from_str::<serde_json::Value>(&text)?)? {
            Bson::Document(document) => *place = Some(document),
            other => return Err(format!("{name:?} holds {other:?}").into()),
        }
    }
    tweet.zip(small).ok_or_else(|| format!("{} lacks the two documents", path.display()).into())
}

fn generated_small() -> Document {
    let text = (0..7).map(|i| (format!("text{i:04}"), Bson::from(format!("value{i:03}"))));
    let numbers = (0..6).map(|i| (format!("numb{i:04}"), Bson::from(41_000_000 + i)));
    text.chain(numbers).collect()
}

fn generated_tweet() -> Document {
    doc! {
        "text": "@somebody a line of thirty-five char",
        "in_reply_to_status_id": 22_000_000_001_i64,
        "retweet_count": null,
        "contributors": null,
        "created_at": "Mon Jan 01 00:00:00 +0000 2024",
        "geo": null,
        "source": "web",
        "coordinates": null,
        "in_reply_to_screen_name": "somebody",
        "truncated": false,
        "entities": {
            "user_mentions": [{ "indices": [0, 9], "screen_name": "somebody", "name": "Some Body Somewhere", "id": 41_000_001 }],
            "urls": [],
            "hashtags": [],
        },
        "retweeted": false,
        "place": null,
        "user": generated_user(),
        "favorited": false,
        "in_reply_to_user_id": 41_000_001,
        "id": 22_000_000_002_i64,
    }
}

fn generated_user() -> Document {
    doc! {
        "friends_count": 179,
        "profile_sidebar_fill_color": "777777",
        "location": "A town, and another one too",
        "verified": false,
        "follow_request_sent": null,
        "favourites_count": 0,
        "profile_sidebar_border_color": "aaaaaa",
        "profile_image_url": "http://images.example.org/profile_images/0000000000/some_picture_of_somebody_at_10.00.00_AM_normal.png",
        "geo_enabled": false,
        "created_at": "Mon Jan 01 00:00:00 +0000 2024",
        "description": "somebody who likes to write lines of just the right length, here and there, now + then!!",
        "time_zone": "Mountain Time (US & Canada)",
        "url": "http://somebody.example.org/",
        "screen_name": "another",
        "notifications": null,
        "profile_background_color": "333333",
        "listed_count": 1,
        "lang": "en",
        "profile_background_image_url": "http://images.example.org/profile_background_images/000000000/Picture.png",
        "statuses_count": 1010,
        "following": null,
        "profile_text_color": "dddddd",
        "protected": false,
        "show_all_inline_media": false,
        "profile_background_tile": true,
        "name": "Another One",
        "contributors_enabled": false,
        "profile_link_color": "333333",
        "followers_count": 218,
        "id": 15_000_001,
        "profile_use_background_image": true,
        "utc_offset": -25_200,
    }
}

#[cfg(test)]
mod tests {
    use super::Data;

    #[test]
    fn generated_documents_have_the_specified_shape() {
        let data = Data::generated(10);
        assert_eq!(data.small.len(), 13);
        assert_eq!(data.tweet.len(), 17);
        assert!((240..=280).contains(&data.small_bytes()), "{}", data.small_bytes());
        assert!((1500..=1570).contains(&data.tweet_bytes()), "{}", data.tweet_bytes());
    }

    #[test]
    fn ids_stay_within_the_corpus() {
        let data = Data::generated(3);
        assert_eq!((0..5).map(|n| data.id(n)).collect::<Vec<_>>(), [1, 2, 3, 1, 2]);
    }
}
