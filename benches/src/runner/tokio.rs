//! Stator on tokio.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use bson::{Document, RawDocumentBuf, doc};
use stator_tokio::{Client, Collection, Database};
use tokio::runtime::{Builder, Runtime};

use super::{CORPUS, DATABASE, Failure, INSERTS, Runner, expect, uri};
use crate::tweet::Tweet;
use crate::{Data, Task};

/// Stator on one of tokio's runtimes.
#[derive(Debug)]
pub struct OnTokio {
    name: &'static str,
    peer: &'static str,
    runtime: Runtime,
    handles: Arc<Handles>,
    spawns: bool,
}

impl OnTokio {
    /// The task runs on a worker of the multi-thread runtime.
    pub fn multi_thread(address: SocketAddr, data: &Data) -> Result<Self, Failure> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let handles = Handles::new(address, data)?;
        Ok(Self { name: "stator-mt", peer: "official-mt", runtime, handles, spawns: true })
    }

    /// The task runs in `block_on` of the current-thread runtime.
    pub fn current_thread(address: SocketAddr, data: &Data) -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handles = Handles::new(address, data)?;
        Ok(Self { name: "stator-ct", peer: "official-ct", runtime, handles, spawns: false })
    }
}

impl Runner for OnTokio {
    fn name(&self) -> &'static str {
        self.name
    }

    fn peer(&self) -> &'static str {
        self.peer
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
    fn new(address: SocketAddr, data: &Data) -> Result<Arc<Self>, Failure> {
        let database = Client::new(uri(address))?.database(DATABASE);
        Ok(Arc::new(Self {
            documents: database.collection(CORPUS),
            structs: database.collection(CORPUS),
            raw: database.collection(CORPUS),
            inserts: database.collection(INSERTS),
            database,
            data: data.clone(),
        }))
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
                    while let Some(tweet) = cursor.try_next().await? {
                        black_box(tweet);
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
                    while let Some(document) = cursor.try_next().await? {
                        black_box(document);
                        found += 1;
                    }
                }
            }
            rounds += 1;
        }
        expect(found, rounds * corpus)
    }
}
