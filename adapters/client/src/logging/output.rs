//! Lines of text, for programs without a subscriber.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};

use super::{LogOutput, Record};

/// Where lines go.
#[derive(Debug)]
pub(super) enum Output {
    Stdout,
    Stderr,
    /// Every line is one write to the end of the file, so lines of several threads do not mix.
    File(File),
}

impl Output {
    /// Opens what is to be written to; standard error if that fails, as the specification says.
    pub(super) fn open(output: Option<&LogOutput>) -> Self {
        match output {
            Some(LogOutput::Stdout) => Self::Stdout,
            Some(LogOutput::Stderr) | None => Self::Stderr,
            Some(LogOutput::File(path)) => match OpenOptions::new().create(true).append(true).open(path) {
                Ok(file) => Self::File(file),
                Err(_) => Self::Stderr,
            },
        }
    }

    /// Writes one line. What cannot be written is lost: a log must not stop what it tells of.
    pub(super) fn write(&self, record: &Record) {
        let level = record.level.as_str();
        let line = format!("[{level}] {}: {}\n", record.component.as_str(), record.text());
        let _ = match self {
            Self::Stdout => io::stdout().lock().write_all(line.as_bytes()),
            Self::Stderr => io::stderr().lock().write_all(line.as_bytes()),
            Self::File(file) => (&*file).write_all(line.as_bytes()),
        };
    }
}
