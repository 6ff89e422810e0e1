//! BSON values: the server's order, numbers, and dotted paths.

use core::cmp::Ordering;

use bson::{Bson, Document};

/// A value as a map key, ordered as the server orders values: 1, 1.0 and NumberLong(1) are one key.
#[derive(Clone, Debug)]
pub(super) struct Key(pub(super) Bson);

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

/// Compares two values in the server's order: by type first, numbers by their value.
pub(super) fn compare(a: &Bson, b: &Bson) -> Ordering {
    type_order(a).cmp(&type_order(b)).then_with(|| match (a, b) {
        (Bson::Int32(_) | Bson::Int64(_), Bson::Int32(_) | Bson::Int64(_)) => integer(a).cmp(&integer(b)),
        (Bson::String(a) | Bson::Symbol(a), Bson::String(b) | Bson::Symbol(b)) => a.cmp(b),
        (Bson::Document(a), Bson::Document(b)) => compare_documents(a, b),
        (Bson::Array(a), Bson::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Bson::Binary(a), Bson::Binary(b)) => {
            let by = |x: &bson::Binary| (x.bytes.len(), u8::from(x.subtype));
            by(a).cmp(&by(b)).then_with(|| a.bytes.cmp(&b.bytes))
        }
        (Bson::ObjectId(a), Bson::ObjectId(b)) => a.bytes().cmp(&b.bytes()),
        (Bson::Boolean(a), Bson::Boolean(b)) => a.cmp(b),
        (Bson::DateTime(a), Bson::DateTime(b)) => a.timestamp_millis().cmp(&b.timestamp_millis()),
        (Bson::Timestamp(a), Bson::Timestamp(b)) => (a.time, a.increment).cmp(&(b.time, b.increment)),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan())),
            _ => a.to_string().cmp(&b.to_string()),
        },
    })
}

fn compare_documents(a: &Document, b: &Document) -> Ordering {
    let differing = a.iter().zip(b).map(|((a_key, a), (b_key, b))| {
        type_order(a).cmp(&type_order(b)).then_with(|| a_key.cmp(b_key)).then_with(|| compare(a, b))
    });
    differing.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
}

/// The place of a value's type in the server's order.
pub(super) fn type_order(value: &Bson) -> u8 {
    match value {
        Bson::MinKey => 0,
        Bson::Undefined | Bson::Null => 1,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_) => 2,
        Bson::String(_) | Bson::Symbol(_) => 3,
        Bson::Document(_) => 4,
        Bson::Array(_) => 5,
        Bson::Binary(_) => 6,
        Bson::ObjectId(_) => 7,
        Bson::Boolean(_) => 8,
        Bson::DateTime(_) => 9,
        Bson::Timestamp(_) => 10,
        Bson::RegularExpression(_) => 11,
        Bson::DbPointer(_) => 12,
        Bson::JavaScriptCode(_) => 13,
        Bson::JavaScriptCodeWithScope(_) => 14,
        Bson::MaxKey => 15,
    }
}

/// The value of a number; decimals through their text.
pub(super) fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(n) => Some(f64::from(*n)),
        Bson::Int64(n) => Some(*n as f64),
        Bson::Double(n) => Some(*n),
        Bson::Decimal128(n) => n.to_string().parse().ok(),
        _ => None,
    }
}

/// The value of a number without a fraction.
pub(super) fn integer(value: &Bson) -> Option<i64> {
    match value {
        Bson::Int32(n) => Some(i64::from(*n)),
        Bson::Int64(n) => Some(*n),
        Bson::Double(n) if n.fract() == 0.0 && n.abs() < 9e15 => Some(*n as i64),
        _ => None,
    }
}

/// What the server takes for true in an option: `true` or a number other than 0.
pub(super) fn truthy(value: Option<&Bson>) -> bool {
    match value {
        Some(Bson::Boolean(value)) => *value,
        Some(value) => number(value).is_some_and(|number| number != 0.0),
        None => false,
    }
}

/// The sum of two numbers in the narrowest type that holds it.
pub(super) fn add(a: &Bson, b: &Bson) -> Option<Bson> {
    Some(match (a, b) {
        (Bson::Int32(x), Bson::Int32(y)) => match x.checked_add(*y) {
            Some(sum) => Bson::Int32(sum),
            None => Bson::Int64(i64::from(*x) + i64::from(*y)),
        },
        (Bson::Int32(_) | Bson::Int64(_), Bson::Int32(_) | Bson::Int64(_)) => {
            Bson::Int64(integer(a)?.checked_add(integer(b)?)?)
        }
        _ => Bson::Double(number(a)? + number(b)?),
    })
}

/// All values at a dotted path; arrays on the way are entered, by index and element by element.
pub(super) fn lookup<'a>(document: &'a Document, path: &str, found: &mut Vec<&'a Bson>) {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let Some(value) = document.get(head) else { return };
    let Some(rest) = rest else {
        found.push(value);
        return;
    };
    match value {
        Bson::Document(inner) => lookup(inner, rest, found),
        Bson::Array(items) => {
            let (index, deeper) = rest.split_once('.').map_or((rest, None), |(index, deeper)| (index, Some(deeper)));
            if let Some(item) = index.parse::<usize>().ok().and_then(|index| items.get(index)) {
                match (deeper, item) {
                    (None, item) => found.push(item),
                    (Some(deeper), Bson::Document(inner)) => lookup(inner, deeper, found),
                    _ => {}
                }
            }
            for item in items {
                if let Bson::Document(inner) = item {
                    lookup(inner, rest, found);
                }
            }
        }
        _ => {}
    }
}

/// The first value at a dotted path.
pub(super) fn first<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    let mut found = Vec::new();
    lookup(document, path, &mut found);
    found.first().copied()
}

/// The value at a dotted path, made (as null) if it is absent; `None` if a scalar is in the way.
pub(super) fn place<'a>(document: &'a mut Document, path: &str) -> Option<&'a mut Bson> {
    let Some((head, rest)) = path.split_once('.') else {
        return Some(document.entry(path.to_owned()).or_insert(Bson::Null));
    };
    match document.entry(head.to_owned()).or_insert_with(|| Bson::Document(Document::new())) {
        Bson::Document(inner) => place(inner, rest),
        Bson::Array(items) => {
            let (index, deeper) = rest.split_once('.').map_or((rest, None), |(index, deeper)| (index, Some(deeper)));
            let index = index.parse::<usize>().ok().filter(|index| *index <= MAX_INDEX)?;
            if index >= items.len() {
                items.resize(index + 1, Bson::Null);
            }
            match (deeper, &mut items[index]) {
                (None, item) => Some(item),
                (Some(deeper), Bson::Document(inner)) => place(inner, deeper),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Removes the value at a dotted path through documents.
pub(super) fn remove(document: &mut Document, path: &str) -> Option<Bson> {
    match path.split_once('.') {
        None => document.remove(path),
        Some((head, rest)) => match document.get_mut(head)? {
            Bson::Document(inner) => remove(inner, rest),
            _ => None,
        },
    }
}

/// Arrays do not grow further by `{$set: {"array.1000000": 1}}`.
const MAX_INDEX: usize = 1_500_000;
