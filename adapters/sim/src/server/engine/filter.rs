//! Filters: which documents match.

use core::cmp::Ordering;

use bson::{Bson, Document};

use super::error::Failed;
use super::value::{compare, integer, lookup, truthy, type_order};

/// Whether `document` matches `filter`.
pub(super) fn matches(document: &Document, filter: &Document) -> Result<bool, Failed> {
    for (key, condition) in filter {
        let matched = match (key.as_str(), condition) {
            ("$and", Bson::Array(all)) => every(document, all)?,
            ("$or", Bson::Array(any)) => some(document, any)?,
            ("$nor", Bson::Array(none)) => !some(document, none)?,
            ("$comment", _) => true,
            (operator, _) if operator.starts_with('$') => {
                return Err(Failed::bad_value(format!("unknown top level operator: {operator}")));
            }
            (path, condition) => {
                let mut values = Vec::new();
                lookup(document, path, &mut values);
                meets(&values, condition)?
            }
        };
        if !matched {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether every operator is known, even if there is no document to ask: servers parse a filter before they look.
pub(super) fn check(filter: &Document) -> Result<(), Failed> {
    for (key, condition) in filter {
        let alone = Document::from_iter([(key.clone(), condition.clone())]);
        matches(&Document::new(), &alone)?;
    }
    Ok(())
}

/// The operators of a condition such as `{$gt: 1}`; `None` if it is a value to be equal to.
pub(super) fn operators(condition: &Bson) -> Option<&Document> {
    condition.as_document().filter(|inner| inner.keys().next().is_some_and(|key| key.starts_with('$')))
}

fn every(document: &Document, filters: &[Bson]) -> Result<bool, Failed> {
    for filter in filters {
        if !matches(document, clause(filter)?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn some(document: &Document, filters: &[Bson]) -> Result<bool, Failed> {
    for filter in filters {
        if matches(document, clause(filter)?)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn clause(filter: &Bson) -> Result<&Document, Failed> {
    filter.as_document().ok_or_else(|| Failed::bad_value("$or/$and/$nor entries need to be full objects"))
}

fn meets(values: &[&Bson], condition: &Bson) -> Result<bool, Failed> {
    let Some(operators) = operators(condition) else { return Ok(equals(values, condition)) };
    for (operator, operand) in operators {
        let met = match operator.as_str() {
            "$eq" => equals(values, operand),
            "$ne" => !equals(values, operand),
            "$gt" => ordered(values, operand, Ordering::is_gt),
            "$gte" => ordered(values, operand, Ordering::is_ge),
            "$lt" => ordered(values, operand, Ordering::is_lt),
            "$lte" => ordered(values, operand, Ordering::is_le),
            "$in" => list(operator, operand)?.iter().any(|one| equals(values, one)),
            "$nin" => !list(operator, operand)?.iter().any(|one| equals(values, one)),
            "$all" => list(operator, operand)?.iter().all(|one| equals(values, one)),
            "$exists" => truthy(Some(operand)) != values.is_empty(),
            "$size" => {
                let size = integer(operand).and_then(|size| usize::try_from(size).ok());
                values.iter().any(|value| value.as_array().is_some_and(|items| Some(items.len()) == size))
            }
            "$not" => !meets(values, operand)?,
            _ => return Err(Failed::bad_value(format!("unknown operator: {operator}"))),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

fn list<'a>(operator: &str, operand: &'a Bson) -> Result<&'a Vec<Bson>, Failed> {
    operand.as_array().ok_or_else(|| Failed::bad_value(format!("{operator} needs an array")))
}

/// Null is equal to a missing field, and an array to each of its elements.
fn equals(values: &[&Bson], wanted: &Bson) -> bool {
    (values.is_empty() && matches!(wanted, Bson::Null))
        || candidates(values).any(|value| compare(value, wanted).is_eq())
}

/// Values are compared only with values of their own type.
fn ordered(values: &[&Bson], bound: &Bson, holds: fn(Ordering) -> bool) -> bool {
    candidates(values).any(|value| type_order(value) == type_order(bound) && holds(compare(value, bound)))
}

fn candidates<'a>(values: &'a [&'a Bson]) -> impl Iterator<Item = &'a Bson> {
    values.iter().flat_map(|value| {
        let items = value.as_array().map(|items| items.iter());
        core::iter::once(*value).chain(items.into_iter().flatten())
    })
}
