//! bulkWrite, which servers have from 8.0 on.

use bson::{Bson, Document, doc};

use super::cursors::End;
use super::error::{COMMAND_NOT_FOUND, FAILED_TO_PARSE, Failed, INVALID_NAMESPACE, UNAUTHORIZED};
use super::value::{integer, truthy};
use super::writes::{WriteError, change_of};
use super::{Engine, document_field, length};
use crate::server::request::Request;

/// The wire version of MongoDB 8.0.
const WIRE_VERSION_8_0: i32 = 25;

/// What the reply counts.
#[derive(Default)]
struct Counts {
    errors: i32,
    inserted: i32,
    upserted: i32,
    matched: i32,
    modified: i32,
    deleted: i32,
}

impl Engine {
    pub(super) fn bulk_write(&mut self, request: &Request) -> Result<Document, Failed> {
        if self.config.max_wire_version < WIRE_VERSION_8_0 {
            return Err(Failed::new(COMMAND_NOT_FOUND, "no such command: 'bulkWrite'"));
        }
        if request.database() != "admin" {
            return Err(Failed::new(UNAUTHORIZED, "bulkWrite may only be run against the admin database."));
        }
        let namespaces = namespaces(request)?;
        let ordered = request.body.get("ordered").is_none_or(|ordered| truthy(Some(ordered)));
        let errors_only = truthy(request.body.get("errorsOnly"));
        let (mut counts, mut results) = (Counts::default(), Vec::new());
        for (index, op) in self.batch(request, "ops")?.into_iter().enumerate() {
            let index = i32::try_from(index).unwrap_or(i32::MAX);
            match self.bulk_op(op, &namespaces, &mut counts) {
                Ok(_) if errors_only => {}
                Ok(result) => results.push(doc! { "ok": 1.0, "idx": index }.into_iter().chain(result).collect()),
                Err(WriteError(error)) => {
                    let result = doc! { "ok": 0.0, "idx": index, "n": 0 };
                    results.push(result.into_iter().chain(error).collect());
                    counts.errors += 1;
                    if ordered {
                        break;
                    }
                }
            }
        }
        // The first batch is a document like any other.
        let limit = usize::try_from(self.config.max_bson_object_size).unwrap_or(0);
        let fits = |room: &mut usize, result: &Document| {
            *room = room.saturating_sub(length(result));
            Some(*room > 0)
        };
        let first = results.iter().scan(limit, fits).take_while(|fits| *fits).count();
        let mut reply = self.cursors.open("admin.$cmd.bulkWrite", results, first.max(1), End::Known);
        reply.extend(doc! {
            "nErrors": counts.errors, "nInserted": counts.inserted, "nUpserted": counts.upserted,
            "nMatched": counts.matched, "nModified": counts.modified, "nDeleted": counts.deleted,
        });
        Ok(reply)
    }

    /// Does one operation; what there is to tell of it.
    fn bulk_op(
        &mut self,
        op: &Document,
        namespaces: &[(String, String)],
        counts: &mut Counts,
    ) -> Result<Document, WriteError> {
        let (kind, number) = op.iter().next().ok_or_else(|| Failed::field("ops"))?;
        let number = integer(number).and_then(|number| usize::try_from(number).ok());
        let namespace = number.and_then(|number| namespaces.get(number));
        let namespace = namespace.ok_or_else(|| Failed::bad_value("an operation's namespace is not in nsInfo"))?;
        let multi = truthy(op.get("multi"));
        match kind.as_str() {
            "insert" => {
                let document = op.get_document("document").map_err(|_| Failed::field("document"))?;
                self.insert_one(namespace, document.clone())?;
                counts.inserted += 1;
                Ok(doc! { "n": 1 })
            }
            "update" => {
                let (filter, sort) = (document_field(op, "filter")?, document_field(op, "sort")?);
                let change = change_of(op, "updateMods")?;
                let done = self.update_some(namespace, &filter, &sort, &change, multi, truthy(op.get("upsert")))?;
                counts.matched += done.matched;
                counts.modified += done.modified;
                let Some(id) = done.upserted else { return Ok(doc! { "n": done.matched, "nModified": done.modified }) };
                counts.upserted += 1;
                Ok(doc! { "n": 1, "nModified": 0, "upserted": { "_id": id } })
            }
            "delete" => {
                let filter = document_field(op, "filter")?;
                let mut removed = 0;
                if let Some(collection) = self.collections.get_mut(namespace) {
                    for position in collection.select(&filter, &Document::new(), usize::from(!multi))? {
                        removed += i32::from(collection.remove(position).is_some());
                    }
                }
                counts.deleted += removed;
                Ok(doc! { "n": removed })
            }
            other => Err(Failed::new(FAILED_TO_PARSE, format!("unknown operation '{other}'")).into()),
        }
    }
}

/// The databases and collections of `nsInfo`, none of which stands there twice.
fn namespaces(request: &Request) -> Result<Vec<(String, String)>, Failed> {
    let mut namespaces: Vec<(String, String)> = Vec::new();
    for info in request.documents("nsInfo") {
        let full = info.get("ns").and_then(Bson::as_str).ok_or_else(|| Failed::field("nsInfo.ns"))?;
        let parts =
            full.split_once('.').filter(|(database, collection)| !database.is_empty() && !collection.is_empty());
        let (database, collection) =
            parts.ok_or_else(|| Failed::new(INVALID_NAMESPACE, format!("invalid namespace '{full}'")))?;
        let namespace = (database.to_owned(), collection.to_owned());
        if namespaces.contains(&namespace) {
            return Err(Failed::bad_value(format!("namespace '{full}' is duplicated in nsInfo")));
        }
        namespaces.push(namespace);
    }
    Ok(namespaces)
}
