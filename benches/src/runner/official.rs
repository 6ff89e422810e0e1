//! The official Rust driver.

use std::future::poll_fn;
use std::hint::black_box;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, doc};
use futures_core::Stream;
use mongodb::{Client, Collection, Cursor, Database};
use tokio::runtime::{Builder, Runtime};

use super::{CORPUS, DATABASE, Failure, INSERTS, Runner, expect, uri};
use crate::tweet::Tweet;
use crate::{Data, Task};

/// The official driver on both of tokio's runtimes.
pub fn runners(address: SocketAddr, data: &Data) -> Result<Vec<Box<dyn Runner>>, Failure> {
    let multi_thread = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let current_thread = Builder::new_current_thread().enable_all().build()?;
    Ok(vec![
        Box::new(Official::new("official-mt", multi_thread, true, address, data)?),
        Box::new(Official::new("official-ct", current_thread, false, address, data)?),
    ])
}

#[derive(Debug)]
struct Official {
    name: &'static str,
    runtime: Runtime,
    handles: Arc<Handles>,
    spawns: bool,
}

impl Official {
    fn new(
        name: &'static str,
        runtime: Runtime,
        spawns: bool,
        address: SocketAddr,
        data: &Data,
    ) -> Result<Self, Failure> {
        let handles = Arc::new(runtime.block_on(Handles::new(address, data))?);
        Ok(Self { name, runtime, handles, spawns })
    }
}

impl Runner for Official {
    fn name(&self) -> &'static str {
        self.name
    }

    fn peer(&self) -> &'static str {
        self.name
    }

    fn run(&mut self, task: Task, count: u64) -> Result<u64, Failure> {
        let work = Arc::clone(&self.handles).perform(task, count);
        if self.spawns {
            return self.runtime.block_on(self.runtime.spawn(work))?;
        }
        self.runtime.block_on(work)
    }
}

#[derive(Debug)]
struct Handles {
    database: Database,
    documents: Collection<Document>,
    structs: Collection<Tweet>,
    raw: Collection<RawDocumentBuf>,
    inserts: Collection<Document>,
    data: Data,
}

impl Handles {
    async fn new(address: SocketAddr, data: &Data) -> Result<Self, Failure> {
        let database = Client::with_uri_str(uri(address)).await?.database(DATABASE);
        Ok(Self {
            documents: database.collection(CORPUS),
            structs: database.collection(CORPUS),
            raw: database.collection(CORPUS),
            inserts: database.collection(INSERTS),
            database,
            data: data.clone(),
        })
    }

    async fn perform(self: Arc<Self>, task: Task, count: u64) -> Result<u64, Failure> {
        if task.finds_many() {
            return self.find_many(task, count).await;
        }
        for n in 0..count {
            let filter = || doc! { "_id": self.data.id(n) };
            match task {
                Task::RunCommand => drop(black_box(self.database.run_command(doc! { "hello": 1 }).await?)),
                Task::InsertOne => drop(black_box(self.inserts.insert_one(&self.data.small).await?)),
                Task::FindOneStruct => drop(black_box(self.structs.find_one(filter()).await?.ok_or("not found")?)),
                Task::FindOneRaw => drop(black_box(self.raw.find_one(filter()).await?.ok_or("not found")?)),
                _ => drop(black_box(self.documents.find_one(filter()).await?.ok_or("not found")?)),
            }
        }
        Ok(count)
    }

    async fn find_many(&self, task: Task, count: u64) -> Result<u64, Failure> {
        let corpus = u64::from(self.data.corpus.unsigned_abs());
        let (mut found, mut rounds) = (0, 0);
        while found < count {
            match task {
                Task::FindManyStruct => {
                    let mut cursor = self.structs.find(doc! {}).await?;
                    while let Some(tweet) = next(&mut cursor).await {
                        black_box(tweet?);
                        found += 1;
                    }
                }
                Task::FindManyRaw => {
                    let mut cursor = self.raw.find(doc! {}).await?;
                    while cursor.advance().await? {
                        black_box(cursor.current());
                        found += 1;
                    }
                }
                _ => {
                    let mut cursor = self.documents.find(doc! {}).await?;
                    while let Some(document) = next(&mut cursor).await {
                        black_box(document?);
                        found += 1;
                    }
                }
            }
            rounds += 1;
        }
        expect(found, rounds * corpus)
    }
}

async fn next<T>(cursor: &mut Cursor<T>) -> Option<mongodb::error::Result<T>>
where
    Cursor<T>: Stream<Item = mongodb::error::Result<T>> + Unpin,
{
    poll_fn(|cx| Pin::new(&mut *cursor).poll_next(cx)).await
}
