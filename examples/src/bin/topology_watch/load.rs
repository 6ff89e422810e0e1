//! One writer and one reader, so that there is something to see.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stator_tokio::options::{Overrides, ReadPreference};
use stator_tokio::{Client, Collection, Result, doc};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Between two operations: a load to look at, not one to measure with.
const PAUSE: Duration = Duration::from_millis(2);
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);
const LIMIT: Duration = Duration::from_secs(10);

/// What one of the two has done so far.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    done: AtomicU64,
    errors: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// When the pace was last worked out, from how many operations, and the pace.
    pace: Mutex<(Instant, u64, f64)>,
}

impl Worker {
    fn new(name: &'static str) -> Arc<Self> {
        let pace = Mutex::new((Instant::now(), 0, 0.0));
        Arc::new(Self { name, done: 0.into(), errors: 0.into(), last_error: Mutex::default(), pace })
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(crate) fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Operations in a second, over the last second or so.
    pub(crate) fn per_second(&self) -> f64 {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, counted, _) = *pace;
        let (time, done) = (since.elapsed(), self.done());
        if time >= Duration::from_secs(1) {
            *pace = (Instant::now(), done, (done - counted) as f64 / time.as_secs_f64());
        }
        pace.2
    }

    async fn work<F: Future<Output = Result<()>>>(&self, stop: &AtomicBool, operation: impl Fn(i32) -> F) {
        let mut n = 0;
        while !stop.load(Ordering::Relaxed) {
            n = (n + 1) % 100;
            let pause = match operation(n).await {
                Ok(()) => {
                    self.done.fetch_add(1, Ordering::Relaxed);
                    PAUSE
                }
                Err(error) => {
                    self.errors.fetch_add(1, Ordering::Relaxed);
                    *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                    PAUSE_AFTER_ERROR
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// The running load.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) workers: [Arc<Worker>; 2],
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    /// Writes to the primary, reads from whichever member is near.
    pub(crate) fn start(handle: &Handle, client: &Client, database: &str) -> Self {
        let near = Overrides { read_preference: Some(ReadPreference::nearest()), ..Overrides::default() };
        let written: Collection = client.database(database).collection("counters");
        let read: Collection = client.database_with(database, &near).collection("counters");
        let stop = Arc::<AtomicBool>::default();
        let workers = [Worker::new("writer"), Worker::new("reader")];
        let (writer, reader) = (Arc::clone(&workers[0]), Arc::clone(&workers[1]));
        let (stop_writer, stop_reader) = (Arc::clone(&stop), Arc::clone(&stop));
        let tasks = vec![
            handle.spawn(async move {
                let write = async |n| {
                    let change = doc! { "$inc": { "count": 1 } };
                    written.update_one(doc! { "_id": n }, change).upsert(true).timeout(LIMIT).await.map(drop)
                };
                writer.work(&stop_writer, write).await;
            }),
            handle.spawn(async move {
                let find = async |n| read.find_one(doc! { "_id": n }).timeout(LIMIT).await.map(drop);
                reader.work(&stop_reader, find).await;
            }),
        ];
        Self { workers, stop, tasks }
    }

    /// Ends it; an operation that is under way is dropped.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
