//! How much of everything.

use std::fmt;
use std::str::FromStr;

use crate::Failure;

/// How much of everything there is to find, to insert, to import. The defaults are the specification's, but for the LDJSON files, of
/// which it has a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// Tweets in the collection that finds read; their `_id`s count from 1.
    pub corpus: i32,
    /// Small documents in one bulk insert.
    pub small_batch: usize,
    /// Large documents in one bulk insert.
    pub large_batch: usize,
    /// LDJSON files.
    pub files: usize,
    /// Documents in each of them.
    pub lines: usize,
}

impl Scale {
    /// As the specification has it, with fewer files.
    pub const FULL: Self = Self { corpus: 10_000, small_batch: 10_000, large_batch: 10, files: 8, lines: 5_000 };
    /// To see that everything runs.
    pub const QUICK: Self = Self { corpus: 500, small_batch: 500, large_batch: 2, files: 2, lines: 100 };
}

/// For the command line of other programs.
impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { corpus, small_batch, large_batch, files, lines } = self;
        write!(f, "{corpus},{small_batch},{large_batch},{files},{lines}")
    }
}

impl FromStr for Scale {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let numbers: Vec<&str> = text.split(',').collect();
        let [corpus, small_batch, large_batch, files, lines] = numbers[..] else {
            return Err(format!("{text} is no scale: five numbers").into());
        };
        Ok(Self {
            corpus: corpus.parse()?,
            small_batch: small_batch.parse()?,
            large_batch: large_batch.parse()?,
            files: files.parse()?,
            lines: lines.parse()?,
        })
    }
}
