//! Updates: replacements and modifiers.

use bson::{Bson, Document};

use super::error::{FAILED_TO_PARSE, Failed, IMMUTABLE_FIELD, TYPE_MISMATCH};
use super::filter::operators;
use super::value::{add, compare, number, place, remove};

/// The document after the update. `inserting` is the insertion of an upsert, in which `$setOnInsert` applies.
pub(super) fn apply(before: &Document, update: &Document, inserting: bool) -> Result<Document, Failed> {
    let modifiers = update.keys().next().is_some_and(|key| key.starts_with('$'));
    let mut after = if modifiers { before.clone() } else { replaced(before, update) };
    if modifiers {
        for (operator, fields) in update {
            let fields = fields.as_document().ok_or_else(|| {
                Failed::new(
                    FAILED_TO_PARSE,
                    format!("Modifiers operate on fields but we found another type: {operator}"),
                )
            })?;
            for (path, operand) in fields {
                modify(&mut after, operator, path, operand, inserting)?;
            }
        }
    }
    match (before.get("_id"), after.get("_id")) {
        (Some(old), Some(new)) if compare(old, new).is_eq() => Ok(after),
        (Some(_), _) => Err(Failed::new(
            IMMUTABLE_FIELD,
            "Performing an update on the path '_id' would modify the immutable field '_id'",
        )),
        (None, _) => Ok(after),
    }
}

/// A replacement keeps the `_id`, which comes first.
fn replaced(before: &Document, replacement: &Document) -> Document {
    let id = replacement.get("_id").or_else(|| before.get("_id")).cloned();
    let mut after: Document = id.into_iter().map(|id| ("_id".to_owned(), id)).collect();
    after.extend(replacement.iter().filter(|(key, _)| *key != "_id").map(|(key, value)| (key.clone(), value.clone())));
    after
}

fn modify(document: &mut Document, operator: &str, path: &str, operand: &Bson, inserting: bool) -> Result<(), Failed> {
    let blocked = || Failed::new(28, format!("Cannot create field in element of path '{path}'"));
    match operator {
        "$set" => *place(document, path).ok_or_else(blocked)? = operand.clone(),
        "$setOnInsert" if inserting => *place(document, path).ok_or_else(blocked)? = operand.clone(),
        "$setOnInsert" => {}
        "$unset" => {
            remove(document, path);
        }
        "$inc" => {
            if number(operand).is_none() {
                return Err(Failed::new(TYPE_MISMATCH, format!("Cannot increment with non-numeric argument: {path}")));
            }
            let value = place(document, path).ok_or_else(blocked)?;
            *value = match &*value {
                Bson::Null => operand.clone(),
                old => add(old, operand).ok_or_else(|| {
                    Failed::new(TYPE_MISMATCH, format!("Cannot apply $inc to a value of non-numeric type at '{path}'"))
                })?,
            };
        }
        "$push" => {
            let value = place(document, path).ok_or_else(blocked)?;
            if matches!(value, Bson::Null) {
                *value = Bson::Array(Vec::new());
            }
            let Bson::Array(items) = value else {
                return Err(Failed::bad_value(format!("The field '{path}' must be an array but is of another type")));
            };
            match operand.as_document().and_then(|operand| operand.get("$each")) {
                Some(Bson::Array(each)) => items.extend(each.iter().cloned()),
                Some(_) => return Err(Failed::bad_value("The argument to $each in $push must be an array")),
                None => items.push(operand.clone()),
            }
        }
        _ => return Err(Failed::new(FAILED_TO_PARSE, format!("Unknown modifier: {operator}"))),
    }
    Ok(())
}

/// What an upsert starts from: the fields that the filter demands to be equal to something.
pub(super) fn seed(filter: &Document) -> Document {
    let mut document = Document::new();
    for (key, condition) in filter {
        let wanted = match (key.as_str(), operators(condition)) {
            ("$and", _) => {
                let clauses = condition.as_array().into_iter().flatten().filter_map(Bson::as_document);
                clauses.for_each(|clause| document.extend(seed(clause)));
                continue;
            }
            (key, _) if key.starts_with('$') => continue,
            (_, Some(operators)) => operators.get("$eq"),
            (_, None) => Some(condition),
        };
        if let (Some(wanted), Some(value)) = (wanted, place(&mut document, key)) {
            *value = wanted.clone();
        } else {
            remove(&mut document, key);
        }
    }
    document
}
