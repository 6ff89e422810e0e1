//! The official driver, cold.

use std::hint::black_box;

use bson::{Document, doc};
use mongodb::Client;
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::ClientOptions;

use super::{Driver, Outcome, Plan, gauge, storm, threads};
use crate::Failure;
use crate::runner::{CORPUS, DATABASE};

/// It is part of this build.
pub fn driver() -> Option<Driver> {
    Some(("official-mt", run))
}

fn run(plan: &Plan) -> Result<Outcome, Failure> {
    let (told, gauge) = gauge();
    threads()?.block_on(async {
        let mut options = ClientOptions::parse(plan.uri()).await?;
        options.cmap_event_handler = Some(EventHandler::callback(move |event| match event {
            CmapEvent::ConnectionCreated(event) => told.begins(event.connection_id.into()),
            CmapEvent::ConnectionReady(event) => told.ends(event.connection_id.into()),
            CmapEvent::ConnectionClosed(event) => told.ends(event.connection_id.into()),
            _ => {}
        }));
        let client = Client::with_options(options)?;
        let documents = client.database(DATABASE).collection::<Document>(CORPUS);
        let find = |n| {
            let (documents, filter) = (documents.clone(), doc! { "_id": plan.data.id(n) });
            async move {
                black_box(documents.find_one(filter).await?.ok_or("not found")?);
                Ok(())
            }
        };
        let outcome = storm(plan, &gauge, find).await;
        drop(documents);
        client.shutdown().await;
        outcome
    })
}
