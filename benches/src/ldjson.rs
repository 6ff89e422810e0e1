//! Files of a JSON document on each line: the specification's if they are there, else made of the tweet.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use bson::Bson;
use flate2::read::GzDecoder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::data::{Data, folder};

/// The `n`th file to import.
pub fn source(folder: &Path, n: usize) -> PathBuf {
    folder.join(format!("ldjson{n:03}.txt"))
}

/// The `n`th file to export to. The name keeps those apart who export at the same time.
pub fn target(folder: &Path, n: usize, name: &str) -> PathBuf {
    folder.join(format!("{name}{n:03}.txt"))
}

/// Writes the files to import, as many and as long as the scale says.
pub fn prepare(data: &Data, into: &Path) -> Result<(), Failure> {
    let archive = folder().join("parallel.tgz");
    if archive.is_file() {
        return extract(&archive, data, into);
    }
    let line = Bson::Document(data.tweet.clone()).into_relaxed_extjson().to_string();
    for n in 0..data.scale.files {
        let mut file = BufWriter::new(File::create(source(into, n))?);
        for _ in 0..data.scale.lines {
            writeln!(file, "{line}")?;
        }
        file.flush()?;
    }
    Ok(())
}

fn extract(archive: &Path, data: &Data, into: &Path) -> Result<(), Failure> {
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    let mut n = 0;
    for entry in archive.entries()? {
        let entry = entry?;
        if n == data.scale.files {
            return Ok(());
        }
        if !entry.path()?.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ldjson0")) {
            continue;
        }
        let mut file = BufWriter::new(File::create(source(into, n))?);
        for line in BufReader::new(entry).lines().take(data.scale.lines) {
            writeln!(file, "{}", line?)?;
        }
        file.flush()?;
        n += 1;
    }
    Ok(())
}

/// The lines of a file as documents, of whichever `bson`.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    read_with(path, |line| Ok(serde_json::from_str(line)?))
}

/// The lines of a file, each read as a driver reads it.
pub fn read_with<T>(path: &Path, parse: impl Fn(&str) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    let mut documents = Vec::new();
    for line in BufReader::new(File::open(path)?).lines() {
        documents.push(parse(&line?)?);
    }
    Ok(documents)
}

/// A file that documents are written to, one on each line.
#[derive(Debug)]
pub struct Lines {
    file: BufWriter<File>,
    count: u64,
}

impl Lines {
    /// Makes the file, or empties it.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        Ok(Self { file: BufWriter::with_capacity(1 << 16, File::create(path)?), count: 0 })
    }

    /// One more line.
    pub fn write(&mut self, document: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.file, document)?;
        self.end_line()
    }

    /// One more line, which is text already.
    pub fn write_text(&mut self, line: &str) -> Result<(), Failure> {
        self.file.write_all(line.as_bytes())?;
        self.end_line()
    }

    fn end_line(&mut self) -> Result<(), Failure> {
        self.file.write_all(b"\n")?;
        self.count += 1;
        Ok(())
    }

    /// Hands everything to the operating system, and says how many lines there are.
    pub fn finish(mut self) -> Result<u64, Failure> {
        self.file.flush()?;
        Ok(self.count)
    }
}
