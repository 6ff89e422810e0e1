//! The operators that expected values may contain, all of which begin with `$$`.

use bson::Bson;
use stator_client::extjson;

use super::{Lookup, Place, matches, number, types};

/// The operator and its argument, if `expected` is one: a document whose only key begins with `$$`.
pub(super) fn operator(expected: &Bson) -> Option<(&str, &Bson)> {
    let document = expected.as_document()?;
    let (key, argument) = document.iter().next()?;
    (document.len() == 1 && key.starts_with("$$")).then_some((key.as_str(), argument))
}

pub(super) fn apply(
    operator: &str,
    argument: &Bson,
    actual: Option<&Bson>,
    place: Place,
    lookup: &dyn Lookup,
) -> Result<(), String> {
    let present = || actual.ok_or_else(|| format!("missing; expected {operator} {argument}"));
    let differs = |found: &Bson| Err(format!("expected {operator} {argument}, found {found}"));
    match operator {
        "$$exists" => match (argument, actual) {
            (Bson::Boolean(true), None) => Err("missing".into()),
            (Bson::Boolean(false), Some(found)) => Err(format!("must not be there, but is {found}")),
            (Bson::Boolean(_), _) => Ok(()),
            _ => Err(malformed(operator, argument)),
        },
        "$$type" => {
            let names: Option<Vec<&str>> = match argument {
                Bson::String(name) => Some(vec![name]),
                Bson::Array(names) => names.iter().map(Bson::as_str).collect(),
                _ => None,
            };
            let names = names.ok_or_else(|| malformed(operator, argument))?;
            let actual = present()?;
            for name in names {
                if types::is_named(actual, name)? {
                    return Ok(());
                }
            }
            differs(actual)
        }
        "$$matchesEntity" => {
            let name = argument.as_str().ok_or_else(|| malformed(operator, argument))?;
            let entity = lookup.bson(name)?;
            matches(&entity, Some(present()?), place, lookup)
        }
        "$$matchesHexBytes" => {
            let expected = argument.as_str().and_then(hex).ok_or_else(|| malformed(operator, argument))?;
            match present()? {
                Bson::String(found) if found.as_bytes() == expected => Ok(()),
                // Contents that are no text come as binary data.
                Bson::Binary(found) if found.bytes == expected => Ok(()),
                found => differs(found),
            }
        }
        "$$unsetOrMatches" => match actual {
            None => Ok(()),
            actual => matches(argument, actual, place, lookup),
        },
        "$$sessionLsid" => {
            let name = argument.as_str().ok_or_else(|| malformed(operator, argument))?;
            let lsid = lookup.lsid(name)?;
            matches(&Bson::Document(lsid), Some(present()?), Place::Nested, lookup)
        }
        "$$lte" => {
            let actual = present()?;
            match number::at_most(actual, argument) {
                Some(true) => Ok(()),
                _ => differs(actual),
            }
        }
        "$$matchAsDocument" => {
            let text = present()?;
            let text = text.as_str().ok_or_else(|| format!("expected Extended JSON, found {text}"))?;
            let document = extjson::parse(text).map_err(|error| format!("{error}, in {text:?}"))?;
            matches(argument, Some(&Bson::Document(document)), Place::Nested, lookup)
        }
        "$$matchAsRoot" => match (argument, present()?) {
            (Bson::Document(_), actual @ Bson::Document(_)) => matches(argument, Some(actual), Place::Root, lookup),
            (Bson::Document(_), found) => differs(found),
            _ => Err(malformed(operator, argument)),
        },
        _ => Err(format!("unknown operator {operator}")),
    }
}

fn malformed(operator: &str, argument: &Bson) -> String {
    format!("{operator} cannot have the argument {argument}")
}

/// The bytes that an even number of hexadecimal digits stands for.
pub(in crate::unified) fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect()
}
