//! Stator on tokio, cold.

use std::hint::black_box;

use bson::doc;
use stator_client::event::{Listener, PoolEventKind};
use stator_tokio::{Client, ClientOptions, Collection};

use super::{Outcome, Plan, gauge, storm, threads};
use crate::Failure;
use crate::runner::{CORPUS, DATABASE};

/// All operations of the plan on a new client.
///
/// # Errors
///
/// Whatever an operation ends with, or a document that is not there.
pub fn run(plan: &Plan) -> Result<Outcome, Failure> {
    let (told, gauge) = gauge();
    let mut options = ClientOptions::parse(&plan.uri())?;
    options.listeners.push(Listener::pools(move |event| match &event.kind {
        PoolEventKind::ConnectionCreated { connection_id } => told.begins(*connection_id),
        PoolEventKind::ConnectionReady { connection_id, .. }
        | PoolEventKind::ConnectionClosed { connection_id, .. } => {
            told.ends(*connection_id);
        }
        _ => {}
    }));
    threads()?.block_on(async {
        let client = Client::with_options(options)?;
        let documents: Collection = client.database(DATABASE).collection(CORPUS);
        let find = |n| {
            let (documents, filter) = (documents.clone(), doc! { "_id": plan.data.id(n) });
            async move {
                black_box(documents.find_one(filter).await?.ok_or("not found")?);
                Ok(())
            }
        };
        let outcome = storm(plan, &gauge, find).await;
        client.close().await;
        outcome
    })
}
