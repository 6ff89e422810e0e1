//! What test files ask about errors, read off the client's.

use bson::{Bson, Document};
use stator_client::{Error, ErrorKind, WriteFailure};

use crate::unified::matching::ErrorFacts;

/// The facts of an error of an operation.
pub(super) fn facts(operation: &str, error: &Error) -> ErrorFacts {
    let mut facts = ErrorFacts {
        message: error.to_string(),
        timeout: error.is_timeout(),
        code: error.code(),
        labels: error.labels().map(str::to_owned).collect(),
        from_server: error.code().is_some(),
        ..ErrorFacts::default()
    };
    match error.kind() {
        ErrorKind::Command(command) => {
            facts.from_server = true;
            facts.more_messages.push(command.message.clone());
            facts.code_names.push(command.code_name.clone());
            facts.response = document(command.reply.as_doc().as_bytes());
        }
        ErrorKind::Write(failure) => {
            of_writes(failure, &mut facts);
            if operation == "insertMany" {
                facts.result = Some(inserted(failure));
            }
        }
        _ => {}
    }
    facts
}

/// What was inserted nevertheless, as the result of a bulk write.
fn inserted(failure: &WriteFailure) -> Bson {
    bson::bson!({
        "insertedCount": failure.done as i64,
        "deletedCount": 0, "matchedCount": 0, "modifiedCount": 0, "upsertedCount": 0, "upsertedIds": {},
    })
}

fn of_writes(failure: &WriteFailure, facts: &mut ErrorFacts) {
    facts.from_server = true;
    let mut response = Document::new();
    let mut errors = Vec::new();
    for error in &failure.write_errors {
        facts.more_messages.push(error.message.clone());
        let details = error.details.as_ref().and_then(|details| document(details.as_doc().as_bytes()));
        let mut shown = bson::doc! { "index": error.index as i64, "code": error.code, "errmsg": &error.message };
        shown.extend(details.clone().map(|details| ("errInfo".to_owned(), Bson::Document(details))));
        errors.push(Bson::Document(shown));
        let mut shown = bson::doc! { "code": error.code, "message": &error.message };
        shown.extend(details.map(|details| ("details".to_owned(), Bson::Document(details))));
        facts.write_errors.insert(error.index.to_string(), shown);
    }
    if !errors.is_empty() {
        response.insert("writeErrors", errors);
    }
    if let Some(error) = &failure.write_concern_error {
        facts.more_messages.push(error.message.clone());
        facts.code_names.push(error.code_name.clone());
        let mut shown = bson::doc! { "code": error.code, "codeName": &error.code_name, "errmsg": &error.message };
        if let Some(details) = error.details.as_ref().and_then(|details| document(details.as_doc().as_bytes())) {
            shown.insert("errInfo", details.clone());
            facts
                .write_concern_errors
                .push(bson::doc! { "code": error.code, "message": &error.message, "details": details });
        } else {
            facts.write_concern_errors.push(bson::doc! { "code": error.code, "message": &error.message });
        }
        response.insert("writeConcernError", shown);
    }
    facts.response = Some(response);
}

fn document(bytes: &[u8]) -> Option<Document> {
    Document::from_reader(bytes).ok()
}
