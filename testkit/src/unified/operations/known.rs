//! The operations that test files may ask for and that the client does not have, with what is needed.

use bson::Bson;

use crate::unified::schema::{Operation, read};
use crate::unified::stop::{Outcome, Stop};

const NEEDED: &[(&str, &str)] = &[
    ("count", "`count` (deprecated)"),
    ("createChangeStream", "change streams"),
    ("createCommandCursor", "runCursorCommand"),
    ("createIndex", "index management"),
    ("createSearchIndex", "search indexes"),
    ("createSearchIndexes", "search indexes"),
    ("dropIndex", "index management"),
    ("dropIndexes", "index management"),
    ("dropSearchIndex", "search indexes"),
    ("listCollectionObjects", "`listCollectionObjects` (optional)"),
    ("listDatabaseObjects", "`listDatabaseObjects` (optional)"),
    ("listIndexNames", "index management"),
    ("listIndexes", "index management"),
    ("listSearchIndexes", "search indexes"),
    ("loop", "`loop` (deprecated)"),
    ("mapReduce", "`mapReduce` (deprecated)"),
    ("modifyCollection", "modifyCollection"),
    ("rename", "rename"),
    ("runCursorCommand", "runCursorCommand"),
    ("updateSearchIndex", "search indexes"),
];

/// Stops a case before it begins if it would meet an operation that the client does not have.
pub(in crate::unified) fn check_known(operations: &[Operation]) -> Outcome {
    for operation in operations {
        check(operation)?;
        if let Some(inner) = operation.arguments.get("operation") {
            check(&read("operation", inner.clone())?)?;
        }
        for entity in operation.arguments.get("entities").and_then(Bson::as_array).into_iter().flatten() {
            let kind = entity.as_document().and_then(|entity| entity.keys().next());
            match kind.map(String::as_str) {
                Some("bucket") => return Err(Stop::needs("GridFS")),
                Some("clientEncryption") => return Err(Stop::needs("in-use encryption")),
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
    match NEEDED.iter().find(|(name, _)| *name == operation.name) {
        Some((_, what)) => Err(Stop::needs(what)),
        None => Ok(()),
    }
}
