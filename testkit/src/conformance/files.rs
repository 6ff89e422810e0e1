//! The JSON files of an area, and their cases.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Report;

/// The reason for which the cases of an area without a runner are skipped.
pub const NO_RUNNER: &str = "this area has no runner yet";

/// Every `.json` file below `dir`, sorted by path. No folder is no file.
///
/// # Errors
/// A folder that cannot be read.
pub fn json_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Calls `run` for each file below `area/folder`, with its name relative to `area` and its text.
///
/// A file that cannot be read counts as one failed case.
pub fn for_each_file(area: &Path, folder: &str, report: &mut Report, mut run: impl FnMut(&mut Report, &str, &str)) {
    let files = match json_files(&area.join(folder)) {
        Ok(files) => files,
        Err(error) => return report.record(folder, "", Err(format!("cannot list the files: {error}"))),
    };
    for path in files {
        let name = path.strip_prefix(area).unwrap_or(&path).display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => run(report, &name, &text),
            Err(error) => report.record(&name, "", Err(format!("cannot read the file: {error}"))),
        }
    }
}

/// Calls `run` for each case of each file below `area/folder`, with the file's name relative to `area`.
///
/// A case is an entry of the file's `tests`, or the whole file where there is none. A file that cannot be read or parsed
/// counts as one failed case.
pub fn for_each_case(area: &Path, folder: &str, report: &mut Report, mut run: impl FnMut(&mut Report, &str, &Value)) {
    for_each_file(area, folder, report, |report, name, text| match serde_json::from_str::<Value>(text) {
        Err(error) => report.record(name, "", Err(format!("cannot read the file: {error}"))),
        Ok(file) => match file.get("tests").and_then(Value::as_array) {
            Some(cases) => cases.iter().for_each(|case| run(report, name, case)),
            None => run(report, name, &file),
        },
    });
}

/// The `description` of a case.
pub fn description(case: &Value) -> &str {
    case.get("description").and_then(Value::as_str).unwrap_or_default()
}

/// Every case below `area/folder` as skipped for one reason.
pub fn skip_all(area: &Path, folder: &str, reason: &str, report: &mut Report) {
    for_each_case(area, folder, report, |report, file, case| report.skip(file, description(case), reason));
}
