//! What test files ask about errors, read off the client's.

use bson::{Bson, Document};
use stator_client::{Error, ErrorKind, WriteConcernError, WriteError};

use super::bulk;
use crate::unified::matching::ErrorFacts;

/// The facts of an error of an operation.
pub(super) fn facts(operation: &str, error: &Error) -> ErrorFacts {
    let mut facts = of_error(error);
    // An error of the whole that comes alone says that nothing was done before.
    if facts.result.is_none() && matches!(operation, "bulkWrite" | "insertMany") {
        facts.result = Some(Bson::Document(bulk::written(&bulk::nothing())));
    }
    facts
}

fn of_error(error: &Error) -> ErrorFacts {
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
        ErrorKind::Write(failure) => of_writes(&failure.write_errors, &failure.write_concern_errors, &mut facts),
        ErrorKind::BulkWrite(failure) => {
            of_whole(failure.error.as_ref(), &mut facts);
            of_writes(&failure.write_errors, &failure.write_concern_errors, &mut facts);
            facts.result = Some(Bson::Document(bulk::written(&failure.partial_result)));
        }
        ErrorKind::ClientBulkWrite(failure) => {
            // What single writes have said is asked by `writeErrors` and `writeConcernErrors` only.
            facts.code = failure.error.as_ref().and_then(Error::code);
            of_whole(failure.error.as_ref(), &mut facts);
            of_writes(&failure.write_errors, &failure.write_concern_errors, &mut facts);
            facts.result = failure.partial_result.as_ref().map(|done| Bson::Document(bulk::client_written(done)));
        }
        _ => {}
    }
    facts
}

/// What has ended a bulk write before its end.
fn of_whole(error: Option<&Error>, to: &mut ErrorFacts) {
    let Some(error) = error else { return };
    let whole = of_error(error);
    to.more_messages.push(whole.message);
    to.more_messages.extend(whole.more_messages);
    to.code_names.extend(whole.code_names);
    to.response = whole.response;
}

fn of_writes(errors: &[WriteError], concerns: &[WriteConcernError], facts: &mut ErrorFacts) {
    if errors.is_empty() && concerns.is_empty() {
        return;
    }
    facts.from_server = true;
    let mut response = Document::new();
    let mut list = Vec::new();
    for error in errors {
        facts.more_messages.push(error.message.clone());
        let details = error.details.as_ref().and_then(|details| document(details.as_doc().as_bytes()));
        let mut shown = bson::doc! { "index": error.index as i64, "code": error.code, "errmsg": &error.message };
        shown.extend(details.clone().map(|details| ("errInfo".to_owned(), Bson::Document(details))));
        list.push(Bson::Document(shown));
        let mut shown = bson::doc! { "code": error.code, "message": &error.message };
        shown.extend(details.map(|details| ("details".to_owned(), Bson::Document(details))));
        facts.write_errors.insert(error.index.to_string(), shown);
    }
    if !list.is_empty() {
        response.insert("writeErrors", list);
    }
    for error in concerns {
        facts.more_messages.push(error.message.clone());
        facts.code_names.push(error.code_name.clone());
        let details = error.details.as_ref().and_then(|details| document(details.as_doc().as_bytes()));
        let mut shown = bson::doc! { "code": error.code, "codeName": &error.code_name, "errmsg": &error.message };
        shown.extend(details.clone().map(|details| ("errInfo".to_owned(), Bson::Document(details))));
        response.insert("writeConcernError", shown);
        let mut shown = bson::doc! { "code": error.code, "message": &error.message };
        shown.extend(details.map(|details| ("details".to_owned(), Bson::Document(details))));
        facts.write_concern_errors.push(shown);
    }
    facts.response.get_or_insert(response);
}

fn document(bytes: &[u8]) -> Option<Document> {
    Document::from_reader(bytes).ok()
}
