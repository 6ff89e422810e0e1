//! The `bson-corpus` and `bson-binary-vector` areas.
//!
//! The protocol reads and writes BSON with `stator_wire::bson`; users see the types of the `bson` crate, which
//! also knows Extended JSON. So every case goes through both, and they must agree.

use std::path::Path;

use serde_json::Value as Json;

use super::Report;

mod corpus;
mod extjson;
mod native;
mod vector;

#[cfg(test)]
mod tests;

pub(super) fn corpus(dir: &Path) -> Report {
    each_file(dir, corpus::file)
}

pub(super) fn binary_vector(dir: &Path) -> Report {
    each_file(dir, vector::file)
}

/// Runs the JSON files of `dir/tests` in the order of their names. A file that cannot be read is a failed case.
fn each_file(dir: &Path, run: impl Fn(&mut Report, &str, &Json)) -> Report {
    let mut report = Report::default();
    let dir = dir.join("tests");
    let mut paths: Vec<_> = match std::fs::read_dir(&dir) {
        Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(error) => {
            report.record("tests", "list the files", Err(error.to_string()));
            return report;
        }
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    for path in paths {
        let name = format!("tests/{}", path.file_name().unwrap_or_default().to_string_lossy());
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string());
        match text.and_then(|text| serde_json::from_str(&text).map_err(|e| e.to_string())) {
            Ok(json) => run(&mut report, &name, &json),
            Err(reason) => report.record(&name, "read the file", Err(reason)),
        }
    }
    report
}

/// The cases under one key of a file; none if the file has no such key.
fn cases<'a>(file: &'a Json, key: &str) -> &'a [Json] {
    file[key].as_array().map_or(&[], Vec::as_slice)
}

/// The text at `key`.
fn text<'a>(case: &'a Json, key: &str) -> Result<&'a str, String> {
    case[key].as_str().ok_or_else(|| format!("the case has no {key:?}"))
}

/// The bytes that are written in hexadecimal digits of either case at `key`.
fn bytes(case: &Json, key: &str) -> Result<Vec<u8>, String> {
    let digits = text(case, key)?.as_bytes();
    let (pairs, []) = digits.as_chunks::<2>() else { return Err(format!("odd number of digits in {key:?}")) };
    let digit = |c: u8| char::from(c).to_digit(16).ok_or_else(|| format!("no hexadecimal digit in {key:?}"));
    pairs.iter().map(|[high, low]| Ok((digit(*high)? * 16 + digit(*low)?) as u8)).collect()
}

/// Says what differs.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected:02x?}, found {found:02x?}")) }
}
