//! Projections: inclusion and exclusion.

use bson::{Bson, Document};

use super::error::Failed;
use super::value::{place, remove, truthy};

/// The fields of `document` that `projection` asks for.
pub(super) fn project(document: &Document, projection: &Document) -> Result<Document, Failed> {
    let fields: Vec<_> = projection.iter().filter(|(key, _)| *key != "_id").collect();
    let with_id = projection.get("_id").is_none_or(|id| truthy(Some(id)));
    let including = fields.iter().any(|(_, value)| truthy(Some(value)));
    if including && fields.iter().any(|(_, value)| !truthy(Some(value))) {
        return Err(Failed::new(31254, "Cannot do exclusion on a field in inclusion projection"));
    }
    if including || (fields.is_empty() && with_id && !projection.is_empty()) {
        let mut result = Document::new();
        if let Some(id) = document.get("_id").filter(|_| with_id) {
            result.insert("_id", id.clone());
        }
        // In the order of the document, as the server does.
        for (key, value) in document.iter().filter(|(key, _)| *key != "_id") {
            for (path, _) in &fields {
                include(&mut result, key, value, path);
            }
        }
        return Ok(result);
    }
    let mut result = document.clone();
    for (path, _) in fields {
        remove(&mut result, path);
    }
    if !with_id {
        result.remove("_id");
    }
    Ok(result)
}

fn include(result: &mut Document, key: &str, value: &Bson, path: &str) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    if head != key {
        return;
    }
    let Some(rest) = rest else {
        result.insert(key, value.clone());
        return;
    };
    match value {
        Bson::Document(inner) => {
            if let Some(slot) = place(result, key) {
                if !matches!(slot, Bson::Document(_)) {
                    *slot = Bson::Document(Document::new());
                }
                if let Bson::Document(target) = slot {
                    inner.iter().for_each(|(key, value)| include(target, key, value, rest));
                }
            }
        }
        Bson::Array(items) => {
            let inner = items.iter().filter_map(Bson::as_document).map(|item| {
                let mut target = Document::new();
                item.iter().for_each(|(key, value)| include(&mut target, key, value, rest));
                Bson::Document(target)
            });
            result.insert(key, inner.collect::<Vec<_>>());
        }
        _ => {}
    }
}
