//! Pipelines: a handful of stages over documents in memory.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};

use super::error::{FAILED_TO_PARSE, Failed, UNKNOWN_STAGE};
use super::filter::matches;
use super::project::project;
use super::store::sort_by;
use super::value::{Key, add, compare, first, integer, number, place, truthy};

/// Runs the documents through the stages.
pub(super) fn run(mut documents: Vec<Document>, pipeline: &[Bson]) -> Result<Vec<Document>, Failed> {
    for stage in pipeline {
        let stage = stage.as_document().filter(|stage| stage.len() == 1);
        let (name, operand) = stage.and_then(|stage| stage.iter().next()).ok_or_else(|| {
            Failed::new(40323, "A pipeline stage specification object must contain exactly one field.")
        })?;
        let object = || operand.as_document().ok_or_else(|| wrong(name));
        let count = || integer(operand).and_then(|count| usize::try_from(count).ok()).ok_or_else(|| wrong(name));
        documents = match name.as_str() {
            "$match" => {
                let mut kept = Vec::new();
                for document in documents {
                    if matches(&document, object()?)? {
                        kept.push(document);
                    }
                }
                kept
            }
            "$sort" => {
                sort_by(&mut documents, |document| document, object()?);
                documents
            }
            "$limit" => {
                documents.truncate(count()?);
                documents
            }
            "$skip" => documents.split_off(count()?.min(documents.len())),
            "$project" => {
                let projection = object()?;
                documents.iter().map(|document| project(document, projection)).collect::<Result<_, _>>()?
            }
            "$count" => {
                let field = operand.as_str().filter(|field| !field.is_empty()).ok_or_else(|| wrong(name))?;
                let count = i32::try_from(documents.len()).unwrap_or(i32::MAX);
                if count == 0 { Vec::new() } else { vec![doc! { field: count }] }
            }
            "$unwind" => unwind(documents, operand).ok_or_else(|| wrong(name))?,
            "$group" => group(&documents, object()?)?,
            _ => return Err(Failed::new(UNKNOWN_STAGE, format!("Unrecognized pipeline stage name: '{name}'"))),
        };
    }
    Ok(documents)
}

fn wrong(stage: &str) -> Failed {
    Failed::new(FAILED_TO_PARSE, format!("the {stage} specification has the wrong type"))
}

fn unwind(documents: Vec<Document>, operand: &Bson) -> Option<Vec<Document>> {
    let (path, keep_empty) = match operand {
        Bson::String(path) => (path.as_str(), false),
        Bson::Document(options) => (options.get_str("path").ok()?, truthy(options.get("preserveNullAndEmptyArrays"))),
        _ => return None,
    };
    let path = path.strip_prefix('$')?;
    let mut result = Vec::new();
    for document in documents {
        match first(&document, path).cloned() {
            Some(Bson::Array(items)) if !items.is_empty() => {
                for item in items {
                    let mut one = document.clone();
                    if let Some(place) = place(&mut one, path) {
                        *place = item;
                    }
                    result.push(one);
                }
            }
            Some(Bson::Array(_) | Bson::Null) | None if !keep_empty => {}
            _ => result.push(document),
        }
    }
    Some(result)
}

/// The value of an expression: a path, a document of expressions, or itself.
fn evaluate(document: &Document, expression: &Bson) -> Bson {
    match expression {
        Bson::String(path) if path.starts_with('$') => {
            first(document, path.trim_start_matches('$')).cloned().unwrap_or(Bson::Null)
        }
        Bson::Document(fields) => match fields.get("$literal") {
            Some(literal) => literal.clone(),
            None => {
                Bson::Document(fields.iter().map(|(key, value)| (key.clone(), evaluate(document, value))).collect())
            }
        },
        other => other.clone(),
    }
}

fn group(documents: &[Document], specification: &Document) -> Result<Vec<Document>, Failed> {
    let id = specification.get("_id").ok_or_else(|| Failed::new(15955, "a group specification must include an _id"))?;
    let mut groups: BTreeMap<Key, (usize, Vec<&Document>)> = BTreeMap::new();
    for document in documents {
        let next = groups.len();
        groups.entry(Key(evaluate(document, id))).or_insert((next, Vec::new())).1.push(document);
    }
    // In the order in which the groups began: the server promises none, a test wants one.
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, (place, _))| *place);
    let mut result = Vec::new();
    for (key, (_, members)) in groups {
        let mut one = doc! { "_id": key.0 };
        for (field, accumulator) in specification.iter().filter(|(field, _)| *field != "_id") {
            let accumulator = accumulator.as_document().and_then(|accumulator| accumulator.iter().next());
            let (operator, expression) = accumulator
                .ok_or_else(|| Failed::new(40234, format!("The field '{field}' must be an accumulator object")))?;
            let values: Vec<Bson> = members.iter().map(|member| evaluate(member, expression)).collect();
            one.insert(field, accumulate(operator, values)?);
        }
        result.push(one);
    }
    Ok(result)
}

fn accumulate(operator: &str, values: Vec<Bson>) -> Result<Bson, Failed> {
    let numbers = || values.iter().filter(|value| number(value).is_some());
    let present = || values.iter().filter(|value| !matches!(value, Bson::Null));
    Ok(match operator {
        "$sum" => numbers().fold(Bson::Int32(0), |sum, value| {
            // Sums that overflow go on as doubles.
            add(&sum, value)
                .unwrap_or_else(|| Bson::Double(number(&sum).unwrap_or_default() + number(value).unwrap_or_default()))
        }),
        "$avg" => match numbers().count() {
            0 => Bson::Null,
            count => Bson::Double(numbers().filter_map(number).sum::<f64>() / count as f64),
        },
        "$min" => present().min_by(|a, b| compare(a, b)).cloned().unwrap_or(Bson::Null),
        "$max" => present().max_by(|a, b| compare(a, b)).cloned().unwrap_or(Bson::Null),
        "$first" => values.into_iter().next().unwrap_or(Bson::Null),
        "$last" => values.into_iter().next_back().unwrap_or(Bson::Null),
        "$push" => Bson::Array(values),
        _ => return Err(Failed::new(15952, format!("unknown group operator '{operator}'"))),
    })
}
