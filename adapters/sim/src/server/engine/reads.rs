//! find, count, distinct, aggregate.

use std::collections::BTreeSet;

use bson::{Bson, Document, doc};

use super::cursors::{End, FIRST_BATCH};
use super::error::{FAILED_TO_PARSE, Failed, INVALID_NAMESPACE};
use super::filter::check;
use super::project::project;
use super::value::{Key, lookup, truthy};
use super::{Engine, aggregate, count_field, document_field};
use crate::server::request::Request;

impl Engine {
    pub(super) fn find(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        let body = &request.body;
        let limit = count_field(body, "limit")?.unwrap_or(0);
        let found = self.matching(&namespace, body, "filter", limit)?;
        let projection = document_field(body, "projection")?;
        let found = if projection.is_empty() {
            found
        } else {
            found.iter().map(|document| project(document, &projection)).collect::<Result<_, _>>()?
        };
        let end = match truthy(body.get("singleBatch")) {
            true => End::OneBatch,
            false if limit > 0 && found.len() == limit => End::Known,
            false => End::Unknown,
        };
        let size = count_field(body, "batchSize")?.unwrap_or(FIRST_BATCH);
        Ok(self.cursors.open(&format!("{}.{}", namespace.0, namespace.1), found, size, end))
    }

    pub(super) fn count(&self, request: &Request) -> Result<Document, Failed> {
        let limit = count_field(&request.body, "limit")?.unwrap_or(0);
        let found = self.matching(&Self::namespace(request)?, &request.body, "query", limit)?;
        Ok(doc! { "n": i32::try_from(found.len()).unwrap_or(i32::MAX), "ok": 1.0 })
    }

    pub(super) fn distinct(&self, request: &Request) -> Result<Document, Failed> {
        let key = request.body.get_str("key").map_err(|_| Failed::field("key"))?;
        let mut values = BTreeSet::new();
        for document in self.matching(&Self::namespace(request)?, &request.body, "query", 0)? {
            let mut found = Vec::new();
            lookup(&document, key, &mut found);
            for value in found {
                match value {
                    Bson::Array(items) => values.extend(items.iter().cloned().map(Key)),
                    value => values.extend([Key(value.clone())]),
                }
            }
        }
        Ok(doc! { "values": values.into_iter().map(|key| key.0).collect::<Vec<_>>(), "ok": 1.0 })
    }

    pub(super) fn aggregate(&mut self, request: &Request) -> Result<Document, Failed> {
        if !matches!(request.body.get("aggregate"), Some(Bson::String(_))) {
            return Err(Failed::new(INVALID_NAMESPACE, "aggregations of a whole database are not simulated"));
        }
        let namespace = Self::namespace(request)?;
        let pipeline = request.body.get_array("pipeline").map_err(|_| Failed::field("pipeline"))?;
        let cursor = request.body.get_document("cursor").map_err(|_| {
            Failed::new(
                FAILED_TO_PARSE,
                "The 'cursor' option is required, except for aggregate with the explain argument",
            )
        })?;
        let results = aggregate::run(self.documents(&namespace.0, &namespace.1), pipeline)?;
        let size = count_field(cursor, "batchSize")?.unwrap_or(FIRST_BATCH);
        Ok(self.cursors.open(&format!("{}.{}", namespace.0, namespace.1), results, size, End::Unknown))
    }

    /// What a command's filter, sort, skip and limit select.
    fn matching(
        &self,
        namespace: &(String, String),
        body: &Document,
        filter: &str,
        limit: usize,
    ) -> Result<Vec<Document>, Failed> {
        let (filter, sort) = (document_field(body, filter)?, document_field(body, "sort")?);
        check(&filter)?;
        let skip = count_field(body, "skip")?.unwrap_or(0);
        let Some(collection) = self.collections.get(namespace) else { return Ok(Vec::new()) };
        let reach = if limit == 0 { 0 } else { limit.saturating_add(skip) };
        let positions = collection.select(&filter, &sort, reach)?;
        Ok(positions.into_iter().skip(skip).filter_map(|position| collection.get(position)).cloned().collect())
    }
}
