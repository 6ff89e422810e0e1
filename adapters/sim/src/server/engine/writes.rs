//! insert, update, delete, findAndModify.

use bson::{Bson, Document, doc};

use super::error::{DOCUMENT_TOO_LARGE, DUPLICATE_KEY, FAILED_TO_PARSE, Failed, INVALID_LENGTH};
use super::project::project;
use super::store::Collection;
use super::update::{apply, seed};
use super::value::{integer, truthy};
use super::{Engine, document_field, length};
use crate::server::request::Request;

type Namespace = (String, String);

/// A failed write of a batch: the write error without its index.
pub(super) struct WriteError(pub(super) Document);

impl From<Failed> for WriteError {
    fn from(failed: Failed) -> Self {
        Self(doc! { "code": failed.code, "errmsg": failed.message })
    }
}

/// What one update did.
#[derive(Default)]
pub(super) struct Updated {
    pub(super) matched: i32,
    pub(super) modified: i32,
    pub(super) upserted: Option<Bson>,
    before: Option<Document>,
    after: Option<Document>,
}

impl Engine {
    pub(super) fn insert(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        let documents = self.batch(request, "documents")?;
        let mut inserted = 0;
        let errors = run_batch(request, documents, |document| {
            self.insert_one(&namespace, document.clone())?;
            inserted += 1;
            Ok(())
        });
        Ok(with_errors(doc! { "n": inserted }, errors))
    }

    pub(super) fn update(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        let updates = self.batch(request, "updates")?;
        let (mut matched, mut modified, mut upserted, mut index) = (0, 0, Vec::new(), 0);
        let errors = run_batch(request, updates, |update| {
            let at = index;
            index += 1;
            let filter = document_field(update, "q")?;
            let change = change_of(update, "u")?;
            let (multi, upsert) = (truthy(update.get("multi")), truthy(update.get("upsert")));
            let done = self.update_some(&namespace, &filter, &Document::new(), &change, multi, upsert)?;
            matched += done.matched;
            modified += done.modified;
            upserted.extend(done.upserted.map(|id| Bson::Document(doc! { "index": at, "_id": id })));
            Ok(())
        });
        let mut reply = doc! { "n": matched + upserted.len() as i32, "nModified": modified };
        if !upserted.is_empty() {
            reply.insert("upserted", upserted);
        }
        Ok(with_errors(reply, errors))
    }

    pub(super) fn delete(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        let deletes = self.batch(request, "deletes")?;
        let mut removed = 0;
        let errors = run_batch(request, deletes, |delete| {
            let filter = document_field(delete, "q")?;
            let limit = match delete.get("limit").and_then(integer) {
                Some(0) => 0,
                Some(1) => 1,
                _ => {
                    return Err(Failed::new(FAILED_TO_PARSE, "The limit field in delete objects must be 0 or 1").into());
                }
            };
            let Some(collection) = self.collections.get_mut(&namespace) else { return Ok(()) };
            for position in collection.select(&filter, &Document::new(), limit)? {
                removed += i32::from(collection.remove(position).is_some());
            }
            Ok(())
        });
        Ok(with_errors(doc! { "n": removed }, errors))
    }

    pub(super) fn find_and_modify(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        let body = &request.body;
        let (filter, sort) = (document_field(body, "query")?, document_field(body, "sort")?);
        let fields = document_field(body, "fields")?;
        let shown = |document: Option<Document>| -> Result<Bson, Failed> {
            document.map_or(Ok(Bson::Null), |document| {
                let document = if fields.is_empty() { document } else { project(&document, &fields)? };
                Ok(Bson::Document(document))
            })
        };
        if truthy(body.get("remove")) {
            let removed = match self.collections.get_mut(&namespace) {
                Some(collection) => {
                    let position = collection.select(&filter, &sort, 1)?.first().copied();
                    position.and_then(|position| collection.remove(position))
                }
                None => None,
            };
            let count = i32::from(removed.is_some());
            return Ok(doc! { "lastErrorObject": { "n": count }, "value": shown(removed)?, "ok": 1.0 });
        }
        let change = change_of(body, "update")?;
        let upsert = truthy(body.get("upsert"));
        let done = self.update_some(&namespace, &filter, &sort, &change, false, upsert).map_err(|error| {
            let WriteError(error) = error;
            let code = error.get_i32("code").unwrap_or(1);
            Failed::new(code, error.get_str("errmsg").unwrap_or_default())
        })?;
        let mut last = doc! {
            "n": done.matched + i32::from(done.upserted.is_some()), "updatedExisting": done.matched > 0,
        };
        if let Some(id) = done.upserted {
            last.insert("upserted", id);
        }
        let value = if truthy(body.get("new")) { done.after } else { done.before };
        Ok(doc! { "lastErrorObject": last, "value": shown(value)?, "ok": 1.0 })
    }

    /// The statements of a write command, whose number is limited.
    pub(super) fn batch<'a>(&self, request: &'a Request, field: &str) -> Result<Vec<&'a Document>, Failed> {
        let statements = request.documents(field);
        let most = usize::try_from(self.config.max_write_batch_size).unwrap_or(0);
        if statements.is_empty() || statements.len() > most {
            let got = statements.len();
            let why = format!("Write batch sizes must be between 1 and {most}. Got {got} operations.");
            return Err(Failed::new(INVALID_LENGTH, why));
        }
        Ok(statements)
    }

    pub(super) fn insert_one(&mut self, namespace: &Namespace, mut document: Document) -> Result<Bson, WriteError> {
        let id = match document.get("_id") {
            Some(Bson::Array(_)) => {
                return Err(Failed::bad_value("The '_id' value cannot be of type array").into());
            }
            Some(id) => id.clone(),
            None => {
                let id = self.generate_id();
                document = core::iter::once(("_id".to_owned(), id.clone())).chain(document).collect();
                id
            }
        };
        self.check_length(&document)?;
        let collection = self.collections.entry(namespace.clone()).or_default();
        collection.insert(document).map_err(|id| duplicate(namespace, &id))?;
        Ok(id)
    }

    fn check_length(&self, document: &Document) -> Result<(), Failed> {
        let (length, limit) = (length(document), self.config.max_bson_object_size);
        if i32::try_from(length).is_ok_and(|length| length <= limit) {
            return Ok(());
        }
        Err(Failed::new(
            DOCUMENT_TOO_LARGE,
            format!("object to insert too large. size in bytes: {length}, max size: {limit}"),
        ))
    }

    pub(super) fn update_some(
        &mut self,
        namespace: &Namespace,
        filter: &Document,
        sort: &Document,
        change: &Document,
        multi: bool,
        upsert: bool,
    ) -> Result<Updated, WriteError> {
        if multi && !change.keys().next().is_some_and(|key| key.starts_with('$')) {
            return Err(
                Failed::new(FAILED_TO_PARSE, "multi update is not supported for replacement-style update").into()
            );
        }
        let mut done = Updated::default();
        let limit = usize::from(!multi);
        let positions = match self.collections.get(namespace) {
            Some(collection) => collection.select(filter, sort, limit)?,
            None => Vec::new(),
        };
        if positions.is_empty() && upsert {
            let mut document = apply(&seed(filter), change, true)?;
            if let Some(id) = document.remove("_id") {
                document = core::iter::once(("_id".to_owned(), id)).chain(document).collect();
            }
            done.upserted = Some(self.insert_one(namespace, document)?);
            let id = done.upserted.clone();
            done.after = self.collections.get(namespace).and_then(|collection| by_id(collection, id));
            return Ok(done);
        }
        for position in positions {
            let before = self.collections.get(namespace).and_then(|collection| collection.get(position)).cloned();
            let Some(before) = before else { continue };
            let after = apply(&before, change, false)?;
            self.check_length(&after)?;
            done.matched += 1;
            if after != before {
                done.modified += 1;
                self.collections.entry(namespace.clone()).or_default().replace(position, after.clone());
            }
            (done.before, done.after) = (Some(before), Some(after));
        }
        Ok(done)
    }
}

fn by_id(collection: &Collection, id: Option<Bson>) -> Option<Document> {
    let position = *collection.select(&doc! { "_id": id? }, &Document::new(), 1).ok()?.first()?;
    collection.get(position).cloned()
}

fn duplicate((database, collection): &Namespace, id: &Bson) -> WriteError {
    let message =
        format!("E11000 duplicate key error collection: {database}.{collection} index: _id_ dup key: {{ _id: {id} }}");
    WriteError(doc! {
        "code": DUPLICATE_KEY, "keyPattern": { "_id": 1 }, "keyValue": { "_id": id.clone() }, "errmsg": message,
    })
}

/// An update document; pipelines are not simulated.
pub(super) fn change_of(body: &Document, field: &str) -> Result<Document, Failed> {
    body.get_document(field)
        .cloned()
        .map_err(|_| Failed::new(FAILED_TO_PARSE, format!("'{field}' must be a document; pipelines are not simulated")))
}

/// Runs the statements in order; an ordered batch ends with its first error.
fn run_batch(
    request: &Request,
    statements: Vec<&Document>,
    mut statement: impl FnMut(&Document) -> Result<(), WriteError>,
) -> Vec<Bson> {
    let ordered = request.body.get("ordered").is_none_or(|ordered| truthy(Some(ordered)));
    let mut errors = Vec::new();
    for (index, one) in statements.into_iter().enumerate() {
        if let Err(WriteError(error)) = statement(one) {
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            let with_index = core::iter::once(("index".to_owned(), Bson::Int32(index))).chain(error);
            errors.push(Bson::Document(with_index.collect()));
            if ordered {
                break;
            }
        }
    }
    errors
}

fn with_errors(mut reply: Document, errors: Vec<Bson>) -> Document {
    if !errors.is_empty() {
        reply.insert("writeErrors", errors);
    }
    reply.insert("ok", 1.0);
    reply
}
