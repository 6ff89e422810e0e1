//! The official Rust driver, with bson 3.

use std::future::poll_fn;
use std::hint::black_box;
use std::ops::Range;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, doc};
use futures_core::Stream;
use mongodb::event::EventHandler;
use mongodb::event::cmap::CmapEvent;
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Cursor, Database};

use super::driven::Driven;
use super::roster::of_official;
use super::{Contender, Failure, Runner};
use crate::Data;
use crate::data::Tweet;
use crate::driver::{CORPUS, DATABASE, Driver, INSERTS, LINES, Settings};
use crate::gauge::Gauge;
use crate::host::OnTokio;
use crate::ldjson::{self, Lines};
use crate::task::{As, Size};

/// The official driver on both of tokio's runtimes.
pub(super) fn contenders() -> Vec<Contender> {
    vec![
        Contender {
            name: "official-mt",
            peer: "official-mt",
            floor: "floor-tokio",
            can: of_official,
            make: multi_thread,
        },
        Contender {
            name: "official-ct",
            peer: "official-ct",
            floor: "floor-tokio",
            can: of_official,
            make: current_thread,
        },
    ]
}

fn multi_thread(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Official, _>::new("official-mt", OnTokio::multi_thread()?, settings).spawning()))
}

fn current_thread(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Official, _>::new("official-ct", OnTokio::current_thread()?, settings)))
}

/// A client of the official driver.
#[derive(Clone, Debug)]
struct Official(Arc<Handles>);

#[derive(Debug)]
struct Handles {
    client: Client,
    database: Database,
    documents: Collection<Document>,
    structs: Collection<Tweet>,
    raw: Collection<RawDocumentBuf>,
    inserts: Collection<Document>,
    lines: Collection<Document>,
    data: Arc<Data>,
}

impl Handles {
    fn document(&self, size: Size) -> &Document {
        match size {
            Size::Small => &self.data.small,
            Size::Large => &self.data.large,
        }
    }
}

impl Driver for Official {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let mut options = ClientOptions::parse(settings.uri()).await?;
        options.cmap_event_handler = settings.gauge.clone().map(listener);
        let client = Client::with_options(options)?;
        let database = client.database(DATABASE);
        Ok(Self(Arc::new(Handles {
            documents: database.collection(CORPUS),
            structs: database.collection(CORPUS),
            raw: database.collection(CORPUS),
            inserts: database.collection(INSERTS),
            lines: database.collection(LINES),
            database,
            client,
            data: Arc::clone(&settings.data),
        })))
    }

    async fn close(&self) {
        self.0.client.clone().shutdown().immediate(true).await;
    }

    async fn run_command(&self, _: As) -> Result<(), Failure> {
        black_box(self.0.database.run_command(doc! { "hello": true }).await?);
        Ok(())
    }

    async fn find_one(&self, id: i32, into: As) -> Result<(), Failure> {
        let filter = doc! { "_id": id };
        match into {
            As::Document => drop(black_box(self.0.documents.find_one(filter).await?.ok_or("not found")?)),
            As::Struct => drop(black_box(self.0.structs.find_one(filter).await?.ok_or("not found")?)),
            As::Raw => drop(black_box(self.0.raw.find_one(filter).await?.ok_or("not found")?)),
        }
        Ok(())
    }

    async fn find_many(&self, into: As) -> Result<u64, Failure> {
        let mut found = 0;
        match into {
            As::Document => {
                let mut cursor = self.0.documents.find(doc! {}).await?;
                while let Some(document) = next(&mut cursor).await {
                    black_box(document?);
                    found += 1;
                }
            }
            As::Struct => {
                let mut cursor = self.0.structs.find(doc! {}).await?;
                while let Some(tweet) = next(&mut cursor).await {
                    black_box(tweet?);
                    found += 1;
                }
            }
            As::Raw => {
                let mut cursor = self.0.raw.find(doc! {}).await?;
                while cursor.advance().await? {
                    black_box(cursor.current());
                    found += 1;
                }
            }
        }
        Ok(found)
    }

    async fn insert_one(&self, size: Size) -> Result<(), Failure> {
        black_box(self.0.inserts.insert_one(self.0.document(size)).await?);
        Ok(())
    }

    async fn insert_many(&self, size: Size, copies: usize) -> Result<(), Failure> {
        black_box(self.0.inserts.insert_many(std::iter::repeat_n(self.0.document(size), copies)).await?);
        Ok(())
    }

    async fn import(&self, from: PathBuf, into: As) -> Result<u64, Failure> {
        let inserts = &self.0.inserts;
        let inserted = match into {
            As::Raw => {
                let documents: Vec<RawDocumentBuf> = ldjson::read(&from)?;
                inserts.clone_with_type::<RawDocumentBuf>().insert_many(&documents).ordered(false).await?
            }
            As::Document | As::Struct => {
                let documents: Vec<Document> = ldjson::read(&from)?;
                inserts.insert_many(&documents).ordered(false).await?
            }
        };
        Ok(inserted.inserted_ids.len() as u64)
    }

    /// Straight into the file: `into_relaxed_extjson` would make a tree of it first.
    async fn export(&self, ids: Range<i32>, to: PathBuf, into: As) -> Result<u64, Failure> {
        let mut lines = Lines::create(&to)?;
        let filter = doc! { "_id": { "$gte": ids.start, "$lt": ids.end } };
        match into {
            As::Raw => {
                let mut cursor = self.0.lines.clone_with_type::<RawDocumentBuf>().find(filter).await?;
                while cursor.advance().await? {
                    lines.write(&cursor.current())?;
                }
            }
            As::Document | As::Struct => {
                let mut cursor = self.0.lines.find(filter).await?;
                while let Some(document) = next(&mut cursor).await {
                    lines.write(&document?)?;
                }
            }
        }
        lines.finish()
    }
}

async fn next<T>(cursor: &mut Cursor<T>) -> Option<mongodb::error::Result<T>>
where
    Cursor<T>: Stream<Item = mongodb::error::Result<T>> + Unpin,
{
    poll_fn(|cx| Pin::new(&mut *cursor).poll_next(cx)).await
}

fn listener(gauge: Arc<Gauge>) -> EventHandler<CmapEvent> {
    EventHandler::callback(move |event| match event {
        CmapEvent::ConnectionCreated(event) => gauge.created(event.connection_id.into()),
        CmapEvent::ConnectionReady(event) => gauge.ready(event.connection_id.into()),
        CmapEvent::ConnectionClosed(event) => gauge.closed(event.connection_id.into()),
        _ => {}
    })
}
