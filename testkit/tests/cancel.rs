//! Any future may be dropped at any point, on real sockets and slow servers: nobody gets another's reply, and the pool
//! serves on.
#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use stator_async_std::AsyncStd;
use stator_client::options::CursorType;
use stator_client::{Client, ClientOptions, Collection, Document, Runtime, action, doc};
use stator_smol::Smol;
use stator_testkit::server::{Mongod, MongodOptions, unique_db};
use stator_tokio::Tokio;

/// At how many points each operation is dropped.
const POINTS: i32 = 50;
/// How long the server takes for what is dropped, in milliseconds: a part of the points lies behind it.
const SLOW: i32 = 20;
/// Between two polls where time is to pass.
const STEP: Duration = Duration::from_millis(1);
/// How long something may take that is only a matter of time.
const PATIENCE: Duration = Duration::from_secs(20);

struct Subject<R: Runtime> {
    runtime: R,
    app: String,
    pool: u32,
    things: Collection<R>,
}

impl<R: Runtime> Subject<R> {
    fn new(runtime: R, mongod: &Mongod, pool: u32) -> Self {
        let app = unique_db("cancel");
        let uri = format!("{}?appName={app}&maxPoolSize={pool}", mongod.uri());
        let client = Client::with_runtime(runtime.clone(), ClientOptions::parse(&uri).unwrap()).unwrap();
        let things = client.database(&app).collection("things");
        Self { runtime, app, pool, things }
    }

    async fn fill(&self) {
        self.things.insert_many((0..200).map(|i| doc! { "_id": i, "x": -i })).await.unwrap();
    }

    async fn ask(&self, i: i32) {
        let found = self.things.find_one(doc! { "_id": i }).await.unwrap();
        assert_eq!(found, Some(doc! { "_id": i, "x": -i }), "somebody else's answer");
    }

    /// As many questions at once as the pool has connections.
    async fn ask_all(&self, from: i32) {
        let mut questions: Vec<_> = (0..self.pool as i32).map(|i| Box::pin(self.ask(from + i))).collect();
        poll_fn(|cx| {
            questions.retain_mut(|question| question.as_mut().poll(cx).is_pending());
            if questions.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Polls a future `polls` times, `STEP` apart or at once, and gives it up then.
    async fn give_up_after<T>(&self, future: impl IntoFuture<Output = T>, polls: i32, slowly: bool) -> Option<T> {
        let mut future = pin!(future.into_future());
        for _ in 0..polls {
            if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
                return Some(output);
            }
            if slowly {
                self.runtime.sleep_until(self.runtime.now() + STEP).await;
            } else {
                yield_now().await;
            }
        }
        None
    }

    /// The pool is as quiet as it was, the server has no connection that the pool has not, and all works.
    async fn check(&self, mongod: &Mongod) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stats = self.things.database().client().pool_stats();
            assert!(stats.total() <= self.pool, "{stats:?}");
            let open = mongod.admin().unwrap().connections_of(&self.app).unwrap();
            // The others are those of the monitors: one that checks, and one that measures while the first one streams.
            let of_monitors = open.saturating_sub(stats.idle as usize);
            let quiet = (stats.in_use, stats.owing, stats.waiting, stats.pending) == (0, 0, 0, 0);
            if quiet && (1..=2).contains(&of_monitors) {
                break;
            }
            assert!(Instant::now() < deadline, "{stats:?}, and the server has {open} connections");
            self.runtime.sleep_until(self.runtime.now() + STEP).await;
        }
        self.ask_all(7).await;
        let id = self.things.insert_one(doc! { "y": 1 }).await.unwrap().inserted_id;
        assert_eq!(self.things.delete_one(doc! { "_id": id }).await.unwrap().deleted_count, 1);
        assert_eq!(self.things.find(doc! {}).batch_size(50).await.unwrap().to_list(100).await.unwrap().len(), 100);
    }
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if core::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Slow without a fail point, so that servers can be shared. The filter is another each time.
fn slow(i: i32) -> Document {
    doc! { "_id": i, "$where": format!("sleep({SLOW}) || true") }
}

async fn find_one_at_every_poll<R: Runtime>(runtime: R) {
    let mongod = Mongod::shared().unwrap();
    for (pool, slowly) in [(1, false), (1, true), (3, false), (3, true)] {
        let subject = Subject::new(runtime.clone(), mongod, pool);
        subject.fill().await;
        let mut dropped = 0;
        for polls in 1..=POINTS {
            match subject.give_up_after(subject.things.find_one(slow(polls)), polls, slowly).await {
                Some(found) => assert_eq!(found.unwrap(), Some(doc! { "_id": polls, "x": -polls })),
                None => dropped += 1,
            }
            subject.ask_all(100 + polls).await;
        }
        assert!(dropped >= 3, "only {dropped} of {POINTS} were dropped");
        assert!(!slowly || dropped < POINTS, "none came to its end");
        subject.check(mongod).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn find_one_on_tokio_multi_thread() {
    tokio::spawn(find_one_at_every_poll(Tokio)).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn find_one_on_tokio_current_thread() {
    find_one_at_every_poll(Tokio).await;
}

#[test]
fn find_one_on_smol() {
    smol::block_on(find_one_at_every_poll(Smol));
}

#[test]
fn find_one_on_async_std() {
    async_std::task::block_on(find_one_at_every_poll(AsyncStd));
}

/// A plain thread cannot drop what it is in, but its time can be up.
#[test]
fn find_one_on_plain_threads() {
    let mongod = Mongod::shared().unwrap();
    for pool in [1, 3] {
        let subject = Subject::new(stator_blocking::Blocking, mongod, pool);
        stator_blocking::BlockOn::block_on(&subject.runtime, subject.fill());
        thread::scope(|scope| {
            for first in 1..=3 {
                let things = &subject.things;
                scope.spawn(move || {
                    let mut late = 0;
                    for i in (first..=POINTS).step_by(3) {
                        let own = |i: i32| Some(doc! { "_id": i, "x": -i });
                        match things.find_one(slow(i)).timeout(Duration::from_micros(i as u64 * 700)).run() {
                            Ok(found) => assert_eq!(found, own(i)),
                            Err(error) if error.is_timeout() => late += 1,
                            Err(error) => panic!("{error:?}"),
                        }
                        assert_eq!(things.find_one(doc! { "_id": 100 + i }).run().unwrap(), own(100 + i));
                    }
                    assert!(late >= 3, "only {late} were late");
                });
            }
        });
        stator_blocking::BlockOn::block_on(&subject.runtime, subject.check(mongod));
    }
}

/// What a fail point slows down, on a server of its own.
async fn writes_and_cursors<R: Runtime>(runtime: R) {
    let mongod = MongodOptions::new().start().unwrap();
    for pool in [1, 3] {
        let subject = Subject::new(runtime.clone(), &mongod, pool);
        subject.fill().await;
        let names = ["insert", "aggregate", "getMore", "killCursors"];
        let data = doc! { "failCommands": names.to_vec(), "blockConnection": true, "blockTimeMS": SLOW, "appName": &subject.app };
        let slow_down = doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data };
        mongod.admin().unwrap().run("admin", slow_down).unwrap();
        insert_many(&subject).await;
        aggregate(&subject).await;
        get_more(&subject).await;
        exhaust(&subject).await;
        mongod.admin().unwrap().clear_fail_command().unwrap();
        subject.check(&mongod).await;
        no_cursor_is_left(&runtime, &mongod).await;
    }
}

async fn insert_many<R: Runtime>(subject: &Subject<R>) {
    let things = subject.things.sub("inserted");
    for polls in 1..=POINTS {
        let documents = [0, 1].map(|i| doc! { "batch": polls, "i": i });
        let inserted = subject.give_up_after(things.insert_many(documents), polls, true).await;
        subject.ask_all(100).await;
        if let Some(inserted) = inserted {
            assert_eq!(inserted.unwrap().inserted_ids.len(), 2);
            assert_eq!(things.count_documents(doc! { "batch": polls }).await.unwrap(), 2);
        }
    }
    // A dropped command was written whole, or it was not: its batch is there, or it is not.
    for polls in 1..=POINTS {
        let count = things.count_documents(doc! { "batch": polls }).await.unwrap();
        assert!(count == 0 || count == 2, "{count} of batch {polls}");
    }
}

async fn aggregate<R: Runtime>(subject: &Subject<R>) {
    for polls in 1..=POINTS {
        let aggregate = subject.things.aggregate([doc! { "$match": { "_id": { "$gte": polls } } }]).batch_size(2);
        if let Some(cursor) = subject.give_up_after(aggregate, polls, true).await {
            assert_eq!(cursor.unwrap().try_next().await.unwrap().unwrap().get_i32("_id").unwrap(), polls);
        }
        subject.ask(100 + polls).await;
    }
}

/// The cursor outlives its dropped steps, and reads every document once.
async fn get_more<R: Runtime>(subject: &Subject<R>) {
    let find = subject.things.find(doc! { "_id": { "$lt": 100 } }).sort(doc! { "_id": 1 }).batch_size(5);
    let mut cursor = find.await.unwrap();
    let (mut seen, mut polls, mut dropped) = (0, 0, 0);
    loop {
        polls = polls % POINTS + 1;
        match subject.give_up_after(cursor.try_next(), polls, true).await {
            Some(Ok(Some(document))) => {
                assert_eq!(document, doc! { "_id": seen, "x": -seen });
                seen += 1;
            }
            Some(Ok(None)) => break,
            Some(Err(error)) => panic!("{error:?}"),
            None => dropped += 1,
        }
    }
    assert_eq!(seen, 100);
    assert!(dropped >= 5, "{dropped}");
    subject.ask_all(100).await;

    for polls in 1..=POINTS {
        let mut cursor = subject.things.find(doc! {}).batch_size(2).await.unwrap();
        assert_eq!(cursor.to_list(2).await.unwrap().len(), 2);
        let third = subject.give_up_after(cursor.advance(), polls, true).await;
        assert!(third.is_none_or(|third| third.unwrap()));
        // In the middle of its getMore, or behind it.
        drop(cursor);
        subject.ask(100 + polls).await;
    }
}

async fn exhaust<R: Runtime>(subject: &Subject<R>) {
    for polls in 1..=POINTS {
        let find = subject.things.find(doc! {}).cursor_type(CursorType::Exhaust).batch_size(2);
        let mut cursor = find.await.unwrap();
        subject.give_up_after(cursor.to_list(9), polls, true).await;
        drop(cursor);
        subject.ask(100 + polls).await;
    }
}

/// The background needs the executor for it, so this waits as a task does.
async fn no_cursor_is_left<R: Runtime>(runtime: &R, mongod: &Mongod) {
    let deadline = Instant::now() + PATIENCE;
    let mut admin = mongod.admin().unwrap();
    loop {
        let status = admin.run("admin", doc! { "serverStatus": 1 }).unwrap();
        let open = status.get_document("metrics").and_then(|metrics| metrics.get_document("cursor")).unwrap();
        let total = open.get_document("open").unwrap().get_i64("total").unwrap();
        if total == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "the server still has {total} cursors");
        runtime.sleep_until(runtime.now() + STEP).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn writes_and_cursors_on_tokio() {
    writes_and_cursors(Tokio).await;
}

#[test]
fn writes_and_cursors_on_smol() {
    smol::block_on(writes_and_cursors(Smol));
}

/// A check-out that is dropped in the queue leaves it, and a grant that nobody fetches goes to the next.
#[test]
fn waiters_come_and_go() {
    let mongod = Mongod::shared().unwrap();
    smol::block_on(async {
        let subject = Subject::new(Smol, mongod, 1);
        subject.fill().await;
        for round in 0..POINTS {
            let busy: action::BoxFuture<_> = subject.things.find_one(slow(round)).into_future();
            let mut busy = pin!(busy);
            assert!(poll_fn(|cx| Poll::Ready(busy.as_mut().poll(cx))).await.is_pending());
            let mut waiting: Vec<_> =
                (0..8).map(|i| subject.things.find_one(doc! { "_id": i }).into_future()).collect();
            for waiter in &mut waiting {
                assert!(poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx))).await.is_pending());
            }
            assert_eq!(subject.things.database().client().pool_stats().waiting, 8);
            // Every other one goes; then the connection comes free, and goes to one that is never polled again.
            let mut index = 0;
            waiting.retain(|_| {
                index += 1;
                index % 2 == 0
            });
            assert_eq!(busy.await.unwrap(), Some(doc! { "_id": round, "x": -round }));
            drop(waiting.remove(0));
            for (waiter, i) in waiting.into_iter().zip([3, 5, 7]) {
                assert_eq!(waiter.await.unwrap(), Some(doc! { "_id": i, "x": -i }));
            }
        }
        subject.check(mongod).await;
    });
}
