//! The specification's archives.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use bson::{Bson, Document};
use flate2::read::GzDecoder;

use crate::Failure;

/// The documents of these names (`name.json`), or `None` if there is no archive.
///
/// # Errors
///
/// An archive without one of them, or what is not Extended JSON.
pub(super) fn read<const N: usize>(path: &Path, names: &[&str; N]) -> Result<Option<[Document; N]>, Failure> {
    if !path.is_file() {
        return Ok(None);
    }
    let mut found = [const { None }; N];
    let mut archive = tar::Archive::new(GzDecoder::new(File::open(path)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.file_name().and_then(|name| name.to_str()).map(str::to_owned).unwrap_or_default();
        let wanted = |wanted: &&str| name.strip_suffix(".json") == Some(*wanted);
        let Some(place) = names.iter().position(wanted) else { continue };
        let mut text = String::new();
        entry.read_to_string(&mut text)?;
        match Bson::try_from(serde_json::from_str::<serde_json::Value>(&text)?)? {
            Bson::Document(document) => found[place] = Some(document),
            other => return Err(format!("{name} holds {other:?}").into()),
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    if let Some(missing) = found.iter().position(Option::is_none) {
        return Err(format!("{} lacks {}.json", path.display(), names[missing]).into());
    }
    Ok(Some(found.map(Option::unwrap_or_default)))
}
