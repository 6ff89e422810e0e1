//! Stator, on whatever runtime.

use std::hint::black_box;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, doc};
use stator_client::event::{Listener, PoolEventKind};
use stator_client::options::{DeleteOneModel, InsertOneModel, ReplaceOneModel, WriteModel};
use stator_client::{Client, ClientOptions, Collection, Database, Runtime, extjson};

use super::Failure;
use crate::Data;
use crate::data::Tweet;
use crate::driver::{CORPUS, DATABASE, Driver, INSERTS, LINES, Settings};
use crate::gauge::Gauge;
use crate::ldjson::{self, Lines};
use crate::task::{As, Size};

/// A client of Stator.
#[derive(Clone, Debug)]
pub struct Stator<R: Runtime>(pub(super) Arc<Handles<R>>);

/// The handles of all tasks.
#[derive(Debug)]
pub(super) struct Handles<R: Runtime> {
    pub(super) client: Client<R>,
    pub(super) database: Database<R>,
    pub(super) documents: Collection<R, Document>,
    pub(super) structs: Collection<R, Tweet>,
    pub(super) raw: Collection<R, RawDocumentBuf>,
    pub(super) inserts: Collection<R, Document>,
    pub(super) lines: Collection<R, Document>,
    pub(super) data: Arc<Data>,
}

impl<R: Runtime> Handles<R> {
    /// The document that inserts of this size insert.
    pub(super) fn document(&self, size: Size) -> &Document {
        self.data.document(size)
    }

    /// So many insert models.
    pub(super) fn inserts_of(&self, size: Size, copies: usize) -> impl Iterator<Item = InsertOneModel> {
        (0..copies).map(move |_| InsertOneModel::new(self.document(size)))
    }

    /// So many times an insert, a replace and a delete.
    pub(super) fn mixed(&self, copies: usize) -> impl Iterator<Item = WriteModel> {
        let small = &self.data.small;
        let three = move |_| -> [WriteModel; 3] {
            [
                InsertOneModel::new(small).into(),
                ReplaceOneModel::new(doc! {}, small).into(),
                DeleteOneModel::new(doc! {}).into(),
            ]
        };
        (0..copies).flat_map(three)
    }
}

impl<R: Runtime + Default> Driver for Stator<R> {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let mut options = ClientOptions::parse(&settings.uri())?;
        options.listeners.extend(settings.gauge.clone().map(listener));
        let client = Client::<R>::with_options(options)?;
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
        self.0.client.close().await;
    }

    async fn run_command(&self, into: As) -> Result<(), Failure> {
        let action = self.0.database.run_command(doc! { "hello": true });
        match into {
            As::Raw => drop(black_box(action.raw().await?)),
            As::Document | As::Struct => drop(black_box(action.await?)),
        }
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
                while let Some(document) = cursor.try_next().await? {
                    black_box(document);
                    found += 1;
                }
            }
            As::Struct => {
                let mut cursor = self.0.structs.find(doc! {}).await?;
                while let Some(tweet) = cursor.try_next().await? {
                    black_box(tweet);
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
        let copies = std::iter::repeat_n(self.0.document(size), copies);
        black_box(self.0.inserts.insert_many(copies).await?);
        Ok(())
    }

    async fn bulk_write(&self, size: Size, copies: usize) -> Result<(), Failure> {
        black_box(self.0.inserts.bulk_write(self.0.inserts_of(size, copies)).await?);
        Ok(())
    }

    async fn bulk_mixed(&self, copies: usize) -> Result<(), Failure> {
        black_box(self.0.inserts.bulk_write(self.0.mixed(copies)).await?);
        Ok(())
    }

    async fn import(&self, from: PathBuf, into: As) -> Result<u64, Failure> {
        let inserts = &self.0.inserts;
        let inserted = match into {
            As::Raw => {
                let documents = ldjson::read_with(&from, |line| Ok(extjson::parse_raw(line)?))?;
                inserts.with_type::<RawDocumentBuf>().insert_many(&documents).ordered(false).await?
            }
            As::Document | As::Struct => {
                let documents = ldjson::read_with(&from, |line| Ok(extjson::parse(line)?))?;
                inserts.insert_many(&documents).ordered(false).await?
            }
        };
        Ok(inserted.inserted_ids.len() as u64)
    }

    async fn export(&self, ids: Range<i32>, to: PathBuf, into: As) -> Result<u64, Failure> {
        let mut lines = Lines::create(&to)?;
        let filter = doc! { "_id": { "$gte": ids.start, "$lt": ids.end } };
        match into {
            As::Raw => {
                let mut cursor = self.0.lines.with_type::<RawDocumentBuf>().find(filter).await?;
                while cursor.advance().await? {
                    let Some(document) = cursor.current() else { break };
                    lines.write_text(&extjson::raw_to_relaxed(document)?)?;
                }
            }
            As::Document | As::Struct => {
                let mut cursor = self.0.lines.find(filter).await?;
                while let Some(document) = cursor.try_next().await? {
                    lines.write_text(&extjson::to_relaxed(&document))?;
                }
            }
        }
        lines.finish()
    }
}

fn listener(gauge: Arc<Gauge>) -> Listener {
    Listener::pools(move |event| match &event.kind {
        PoolEventKind::ConnectionCreated { connection_id } => gauge.created(*connection_id),
        PoolEventKind::ConnectionReady { connection_id, .. } => gauge.ready(*connection_id),
        PoolEventKind::ConnectionClosed { connection_id, .. } => gauge.closed(*connection_id),
        _ => {}
    })
}
