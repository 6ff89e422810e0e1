//! hello, buildInfo, and commands on collections and databases.

use core::time::Duration;
use std::collections::BTreeSet;

use bson::oid::ObjectId;
use bson::{Bson, DateTime, Document, doc};
use stator_proto::Instant;

use super::auth::Peer;
use super::cursors::{End, FIRST_BATCH};
use super::error::{Failed, NAMESPACE_EXISTS, NAMESPACE_NOT_FOUND};
use super::filter::matches;
use super::value::truthy;
use super::{Engine, FailPoint, count_field, document_field, length};
use crate::server::request::Request;
use crate::world::UNIX_ORIGIN;

impl Engine {
    pub(super) fn hello(&mut self, now: Instant, peer: &mut Peer, request: &Request) -> Document {
        let config = &self.config;
        let primary = if request.name() == "hello" { "isWritablePrimary" } else { "ismaster" };
        let mut reply = doc! {
            "helloOk": true,
            primary: true,
            "topologyVersion": { "processId": ObjectId::from_bytes(*b"process-of-1"), "counter": self.topology_counter },
            "maxBsonObjectSize": config.max_bson_object_size,
            "maxMessageSizeBytes": config.max_message_size,
            "maxWriteBatchSize": config.max_write_batch_size,
            "localTime": DateTime::from_millis(unix_millis(now)),
            "logicalSessionTimeoutMinutes": 30,
            "connectionId": peer.connection_id(),
            "minWireVersion": config.min_wire_version,
            "maxWireVersion": config.max_wire_version,
            "readOnly": false,
        };
        if let Some(set_name) = &config.set_name {
            reply.extend(doc! {
                "setName": set_name.clone(), "setVersion": 1, "secondary": false, "me": config.me.clone(),
                "hosts": [config.me.clone()], "primary": config.me.clone(),
                "electionId": ObjectId::from_bytes(*b"election-001"),
            });
        }
        if let Ok(user) = request.body.get_str("saslSupportedMechs") {
            let names = self.users.mechanisms(user);
            if !names.is_empty() {
                reply.insert("saslSupportedMechs", names);
            }
        }
        reply.extend(config.hello.clone());
        if let Ok(speculative) = request.body.get_document("speculativeAuthenticate") {
            // What fails is left out; the client then authenticates aloud.
            if let Ok(mut first) = self.sasl_start(peer, speculative) {
                first.remove("ok");
                reply.insert("speculativeAuthenticate", first);
            }
        }
        reply.insert("ok", 1.0);
        reply
    }

    pub(super) fn build_info(&self) -> Document {
        doc! {
            "version": "6.0.0", "versionArray": [6, 0, 0, 0], "modules": Vec::<Bson>::new(),
            "maxBsonObjectSize": self.config.max_bson_object_size, "ok": 1.0,
        }
    }

    pub(super) fn create(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        if self.collections.contains_key(&namespace) {
            let why = format!("Collection {}.{} already exists.", namespace.0, namespace.1);
            return Err(Failed::new(NAMESPACE_EXISTS, why));
        }
        self.collections.insert(namespace, Default::default());
        Ok(doc! { "ok": 1.0 })
    }

    pub(super) fn drop_collection(&mut self, request: &Request) -> Result<Document, Failed> {
        let namespace = Self::namespace(request)?;
        self.collections.remove(&namespace).ok_or_else(|| Failed::new(NAMESPACE_NOT_FOUND, "ns not found"))?;
        Ok(doc! { "nIndexesWas": 1, "ns": format!("{}.{}", namespace.0, namespace.1), "ok": 1.0 })
    }

    pub(super) fn drop_database(&mut self, request: &Request) -> Document {
        let before = self.collections.len();
        self.collections.retain(|(database, _), _| database != request.database());
        if self.collections.len() == before {
            return doc! { "ok": 1.0 };
        }
        doc! { "dropped": request.database(), "ok": 1.0 }
    }

    pub(super) fn list_collections(&mut self, request: &Request) -> Result<Document, Failed> {
        let filter = document_field(&request.body, "filter")?;
        let names_only = truthy(request.body.get("nameOnly"));
        let mut found = Vec::new();
        for (_, collection) in self.collections.keys().filter(|(database, _)| database == request.database()) {
            let mut one = doc! { "name": collection.clone(), "type": "collection" };
            if !names_only {
                one.extend(doc! {
                    "options": {}, "info": { "readOnly": false },
                    "idIndex": { "v": 2, "key": { "_id": 1 }, "name": "_id_" },
                });
            }
            if matches(&one, &filter)? {
                found.push(one);
            }
        }
        let size = match document_field(&request.body, "cursor") {
            Ok(cursor) => count_field(&cursor, "batchSize")?.unwrap_or(FIRST_BATCH),
            Err(failed) => return Err(failed),
        };
        Ok(self.cursors.open(&format!("{}.$cmd.listCollections", request.database()), found, size, End::Known))
    }

    pub(super) fn list_databases(&self, request: &Request) -> Result<Document, Failed> {
        let filter = document_field(&request.body, "filter")?;
        let names: BTreeSet<_> = self.collections.keys().map(|(database, _)| database).collect();
        let (mut databases, mut total) = (Vec::new(), 0_i64);
        for name in names {
            let collections = self.collections.iter().filter(|((database, _), _)| database == name);
            let size = collections.flat_map(|(_, one)| one.documents()).map(length).sum::<usize>();
            let size = i64::try_from(size).unwrap_or(i64::MAX);
            let mut one = doc! { "name": name.clone() };
            if !truthy(request.body.get("nameOnly")) {
                one.extend(doc! { "sizeOnDisk": size, "empty": size == 0 });
            }
            if matches(&one, &filter)? {
                total = total.saturating_add(size);
                databases.push(Bson::Document(one));
            }
        }
        Ok(doc! { "databases": databases, "totalSize": total, "ok": 1.0 })
    }

    pub(super) fn configure_fail_point(&mut self, request: &Request) -> Result<Document, Failed> {
        let name = request.body.get_str("configureFailPoint").unwrap_or_default();
        if name != "failCommand" {
            return Err(Failed::bad_value(format!("fail point '{name}' is not simulated")));
        }
        self.fail_point = FailPoint::parse(&request.body)?;
        Ok(doc! { "ok": 1.0 })
    }
}

fn unix_millis(now: Instant) -> i64 {
    let since: Duration = UNIX_ORIGIN + now.duration_since(Instant::ORIGIN);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
