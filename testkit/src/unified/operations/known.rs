//! The operations that test files may ask for and that the client does not have.

use bson::Bson;

use crate::unified::schema::{Operation, read};
use crate::unified::stop::{Outcome, Stop};

/// Those that are still to come, with what they belong to.
const NOT_YET: &[(&str, &str)] = &[("createChangeStream", "change streams")];

/// Those that are left out on purpose.
const NOT_OFFERED: &[(&str, &str)] = &[("loop", "`loop` (deprecated)"), ("mapReduce", "`mapReduce` (deprecated)")];

/// Stops a case before it begins if it would meet an operation that the client does not have.
pub(in crate::unified) fn check_known(operations: &[Operation]) -> Outcome {
    for operation in operations {
        check(operation)?;
        if let Some(inner) = operation.arguments.get("operation") {
            check(&read("operation", inner.clone())?)?;
        }
        if let Some(callback) = operation.arguments.get("callback") {
            check_known(&read::<Vec<Operation>>("callback", callback.clone())?)?;
        }
        for entity in operation.arguments.get("entities").and_then(Bson::as_array).into_iter().flatten() {
            let kind = entity.as_document().and_then(|entity| entity.keys().next());
            match kind.map(String::as_str) {
                Some("bucket") => return Err(Stop::not_yet("GridFS")),
                Some("clientEncryption") => return Err(Stop::not_yet("in-use encryption")),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether the operations set fail points.
pub(in crate::unified) fn set_fail_points(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| matches!(operation.name.as_str(), "failPoint" | "targetedFailPoint"))
}

/// Whether the operations start transactions.
pub(in crate::unified) fn start_transactions(operations: &[Operation]) -> bool {
    operations.iter().any(|operation| matches!(operation.name.as_str(), "startTransaction" | "withTransaction"))
}

fn check(operation: &Operation) -> Outcome {
    let among =
        |list: &[(&str, &'static str)]| list.iter().find(|(name, _)| *name == operation.name).map(|(_, what)| *what);
    match (among(NOT_YET), among(NOT_OFFERED)) {
        (Some(what), _) => Err(Stop::not_yet(what)),
        (None, Some(what)) => Err(Stop::not_offered(what)),
        (None, None) => Ok(()),
    }
}
