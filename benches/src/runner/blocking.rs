//! Stator on a plain thread.

use std::hint::black_box;
use std::net::SocketAddr;

use bson::{Document, RawDocumentBuf, doc};
use stator_blocking::{BlockOn, Client, Collection, Database};

use super::{CORPUS, DATABASE, Failure, INSERTS, Runner, expect, uri};
use crate::tweet::Tweet;
use crate::{Data, Task};

/// Stator on the calling thread.
#[derive(Debug)]
pub struct OnThread {
    database: Database,
    documents: Collection<Document>,
    structs: Collection<Tweet>,
    raw: Collection<RawDocumentBuf>,
    inserts: Collection<Document>,
    data: Data,
}

impl OnThread {
    /// A client that connects on first use.
    pub fn new(address: SocketAddr, data: &Data) -> Result<Self, Failure> {
        let database = Client::new(uri(address))?.database(DATABASE);
        Ok(Self {
            documents: database.collection(CORPUS),
            structs: database.collection(CORPUS),
            raw: database.collection(CORPUS),
            inserts: database.collection(INSERTS),
            database,
            data: data.clone(),
        })
    }

    /// Fills the corpus that the finds read.
    pub fn fill(&self) -> Result<(), Failure> {
        self.documents.drop().run()?;
        let ids: Vec<i32> = (1..=self.data.corpus).collect();
        for chunk in ids.chunks(1000) {
            self.documents.insert_many(chunk.iter().map(|&id| self.data.numbered_tweet(id))).run()?;
        }
        Ok(())
    }

    /// Makes an empty collection for inserts.
    pub fn reset_inserts(&self) -> Result<(), Failure> {
        self.inserts.drop().run()?;
        self.database.create_collection(INSERTS).run()?;
        Ok(())
    }

    fn find_many(&self, task: Task, count: u64) -> Result<u64, Failure> {
        let corpus = u64::from(self.data.corpus.unsigned_abs());
        let (mut found, mut rounds) = (0, 0);
        while found < count {
            match task {
                Task::FindManyStruct => {
                    for tweet in self.structs.find(doc! {}).run()? {
                        black_box(tweet?);
                        found += 1;
                    }
                }
                Task::FindManyRaw => {
                    let runtime = *self.database.client().runtime();
                    let mut cursor = self.raw.find(doc! {}).run()?;
                    while runtime.block_on(cursor.advance())? {
                        black_box(cursor.current());
                        found += 1;
                    }
                }
                _ => {
                    for document in self.documents.find(doc! {}).run()? {
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

impl Runner for OnThread {
    fn name(&self) -> &'static str {
        "stator-blocking"
    }

    fn peer(&self) -> &'static str {
        "official-ct"
    }

    fn run(&mut self, task: Task, count: u64) -> Result<u64, Failure> {
        if task.finds_many() {
            return self.find_many(task, count);
        }
        for n in 0..count {
            let filter = || doc! { "_id": self.data.id(n) };
            match task {
                Task::RunCommand => drop(black_box(self.database.run_command(doc! { "hello": 1 }).run()?)),
                Task::InsertOne => drop(black_box(self.inserts.insert_one(&self.data.small).run()?)),
                Task::FindOneStruct => drop(black_box(self.structs.find_one(filter()).run()?.ok_or("not found")?)),
                Task::FindOneRaw => drop(black_box(self.raw.find_one(filter()).run()?.ok_or("not found")?)),
                _ => drop(black_box(self.documents.find_one(filter()).run()?.ok_or("not found")?)),
            }
        }
        Ok(count)
    }
}
