//! Stator on the calling thread: as its users write it, without futures of their own.

use std::hint::black_box;
use std::ops::Range;
use std::path::PathBuf;

use bson::{Document, doc};
use stator_blocking::{BlockOn, Blocking};

use super::{Failure, Stator};
use crate::driver::{Driver, Settings};
use crate::ldjson;
use crate::task::{As, Size};

/// A blocking client. Its futures are never pending: all is done in the calls.
#[derive(Clone, Debug)]
pub struct Direct(Stator<Blocking>);

impl Direct {
    /// Fills the collections that are read.
    pub fn fill(&self, settings: &Settings) -> Result<(), Failure> {
        let (handles, data) = (&self.0.0, &settings.data);
        handles.database.drop().run()?;
        let ids: Vec<i32> = (1..=data.scale.corpus).collect();
        for chunk in ids.chunks(1000) {
            handles.documents.insert_many(chunk.iter().map(|&id| data.numbered_tweet(id))).run()?;
        }
        Ok(())
    }

    /// Fills the collection that is exported, from the LDJSON files.
    pub fn fill_lines(&self, settings: &Settings) -> Result<(), Failure> {
        let lines = &self.0.0.lines;
        lines.drop().run()?;
        let mut ids = 0..;
        for n in 0..settings.data.scale.files {
            let documents: Vec<Document> = ldjson::read(&ldjson::source(&settings.folder, n))?;
            let numbered = documents.into_iter().zip(&mut ids).map(|(document, id)| {
                let mut numbered = doc! { "_id": id };
                numbered.extend(document);
                numbered
            });
            lines.insert_many(numbered).run()?;
        }
        Ok(())
    }

    /// Makes an empty collection for inserts.
    pub fn reset_inserts(&self) -> Result<(), Failure> {
        let handles = &self.0.0;
        handles.inserts.drop().run()?;
        handles.database.create_collection(handles.inserts.name()).run()?;
        Ok(())
    }

    /// As [`Driver::open`], without a future.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        Blocking.block_on(Self::open(settings))
    }
}

impl Driver for Direct {
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self(Stator::open(settings).await?))
    }

    async fn close(&self) {
        self.0.close().await;
    }

    async fn run_command(&self, into: As) -> Result<(), Failure> {
        let action = self.0.0.database.run_command(doc! { "hello": true });
        match into {
            As::Raw => drop(black_box(Blocking.block_on(action.raw())?)),
            As::Document | As::Struct => drop(black_box(action.run()?)),
        }
        Ok(())
    }

    async fn find_one(&self, id: i32, into: As) -> Result<(), Failure> {
        let (handles, filter) = (&self.0.0, doc! { "_id": id });
        match into {
            As::Document => drop(black_box(handles.documents.find_one(filter).run()?.ok_or("not found")?)),
            As::Struct => drop(black_box(handles.structs.find_one(filter).run()?.ok_or("not found")?)),
            As::Raw => drop(black_box(handles.raw.find_one(filter).run()?.ok_or("not found")?)),
        }
        Ok(())
    }

    async fn find_many(&self, into: As) -> Result<u64, Failure> {
        let (handles, mut found) = (&self.0.0, 0);
        match into {
            As::Document => {
                for document in handles.documents.find(doc! {}).run()? {
                    black_box(document?);
                    found += 1;
                }
            }
            As::Struct => {
                for tweet in handles.structs.find(doc! {}).run()? {
                    black_box(tweet?);
                    found += 1;
                }
            }
            As::Raw => {
                let mut cursor = handles.raw.find(doc! {}).run()?;
                while Blocking.block_on(cursor.advance())? {
                    black_box(cursor.current());
                    found += 1;
                }
            }
        }
        Ok(found)
    }

    async fn insert_one(&self, size: Size) -> Result<(), Failure> {
        let handles = &self.0.0;
        black_box(handles.inserts.insert_one(handles.document(size)).run()?);
        Ok(())
    }

    async fn insert_many(&self, size: Size, copies: usize) -> Result<(), Failure> {
        let handles = &self.0.0;
        black_box(handles.inserts.insert_many(std::iter::repeat_n(handles.document(size), copies)).run()?);
        Ok(())
    }

    async fn bulk_write(&self, size: Size, copies: usize) -> Result<(), Failure> {
        let handles = &self.0.0;
        black_box(handles.inserts.bulk_write(handles.inserts_of(size, copies)).run()?);
        Ok(())
    }

    async fn bulk_mixed(&self, copies: usize) -> Result<(), Failure> {
        let handles = &self.0.0;
        black_box(handles.inserts.bulk_write(handles.mixed(copies)).run()?);
        Ok(())
    }

    async fn import(&self, from: PathBuf, into: As) -> Result<u64, Failure> {
        self.0.import(from, into).await
    }

    async fn export(&self, ids: Range<i32>, to: PathBuf, into: As) -> Result<u64, Failure> {
        self.0.export(ids, to, into).await
    }
}
