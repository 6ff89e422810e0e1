//! Futures of sessions and transactions, dropped at every poll on a real replica set: operations, bulk writes between two commands,
//! commits, aborts, whole transactions and cursors. Afterwards no document is locked, nothing is half done, server sessions are back
//! in their pool or gone as they should, and all works.
#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use stator_blocking::Blocking;
use stator_client::options::{DeleteManyModel, InsertOneModel, UpdateOneModel, WriteModel};
use stator_client::session::{ClientSession, SessionError, TransactionGuard, TransactionState};
use stator_client::{BlockOn, Client, ClientOptions, Collection, Document, Error, ErrorKind, Runtime, doc};
use stator_proto::operation::OperationError;
use stator_smol::Smol;
use stator_testkit::server::{MongodOptions, ReplicaSet, unique_db};
use stator_tokio::Tokio;

/// After how many polls each future is dropped: up to so many, and at each of so many at first.
const POINTS: (u32, u32) = (30, 12);
/// On a plain thread there are few.
const POINTS_WHERE_IO_BLOCKS: (u32, u32) = (6, 6);
/// Between two polls.
const STEP: Duration = Duration::from_millis(1);
/// How long the server takes for each command, so that there are points in the middle, in milliseconds.
const SLOW: i32 = 4;
/// How long a document may be locked when nobody wants its transaction any more: much longer than an abort takes, much shorter
/// than the minute after which the server loses patience.
const LOCKED: Duration = Duration::from_secs(5);
/// How long one runtime may take for everything.
const LIMIT: Duration = Duration::from_secs(200);

/// One client and its two documents, each with the same number, on a server of its own: there is one fail point to a server.
struct Subject<R: Runtime> {
    runtime: R,
    _set: ReplicaSet,
    client: Client<R>,
    things: Collection<R, Document>,
    /// How many futures were dropped.
    dropped: u32,
    /// What is being done, for whoever wonders why it does not end.
    step: Arc<Mutex<String>>,
}

/// Polls a future `polls` times, a little apart, and drops it then.
async fn give_up_after<R: Runtime, T>(runtime: &R, future: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        runtime.sleep_until(runtime.now() + STEP).await;
    }
    None
}

fn add(to: i32) -> (Document, Document) {
    (doc! { "_id": to }, doc! { "$inc": { "n": 1 } })
}

/// Adds one to both documents.
async fn add_to_both<R: Runtime>(things: &Collection<R, Document>) -> Result<(), Error> {
    for id in 0..2 {
        let (filter, update) = add(id);
        things.update_one(filter, update).await?;
    }
    Ok(())
}

/// The same, with three commands.
fn bulk<R: Runtime>(things: &Collection<R, Document>) -> impl Future<Output = Result<(), Error>> {
    let update = |id| {
        let (filter, update) = add(id);
        WriteModel::from(UpdateOneModel::new(filter, update))
    };
    let between = DeleteManyModel::new(doc! { "extra": 1 }).into();
    let models = [update(0), InsertOneModel::new(doc! { "extra": 1 }).into(), between, update(1)];
    let write = things.bulk_write(models);
    async move { write.await.map(drop) }
}

fn session_error(error: &Error) -> Option<SessionError> {
    match error.kind() {
        ErrorKind::Operation(OperationError::Session(error)) => Some(*error),
        _ => None,
    }
}

impl<R: Runtime> Subject<R> {
    async fn new(runtime: R) -> Self {
        let set = ReplicaSet::start(1, MongodOptions::new()).unwrap();
        let app = unique_db("cancelled");
        let uri = format!("{}&appName={app}&maxPoolSize=3&timeoutMS=10000", set.uri());
        let client = Client::with_runtime(runtime.clone(), ClientOptions::parse(&uri).unwrap()).unwrap();
        let things = client.database(&app).collection("things");
        things.insert_many((0..10).map(|id| doc! { "_id": id, "n": 0 })).await.unwrap();
        let commands = ["insert", "update", "delete", "find", "getMore", "commitTransaction", "abortTransaction"];
        let slow = doc! { "failCommands": &commands[..], "blockConnection": true, "blockTimeMS": SLOW, "appName": app };
        set.members()[0].admin().unwrap().fail_command(doc! { "times": 1_000_000_000 }, slow).unwrap();
        let step = Arc::default();
        watch(Arc::downgrade(&step));
        Self { runtime, _set: set, client, things, dropped: 0, step }
    }

    fn step(&self, what: &str) {
        what.clone_into(&mut self.step.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn session(&self) -> ClientSession<R> {
        self.client.start_session().await.unwrap()
    }

    /// A transaction that holds both documents.
    async fn open(&self, session: &ClientSession<R>) -> TransactionGuard<R> {
        let txn = session.begin().unwrap();
        add_to_both(&txn.bind(&self.things)).await.unwrap();
        txn
    }

    async fn give_up_after<T>(&mut self, future: impl Future<Output = T>, polls: u32) -> Option<T> {
        let output = give_up_after(&self.runtime, future, polls).await;
        self.dropped += u32::from(output.is_none());
        output
    }

    /// The number in both documents, which must be the same.
    async fn number(&self) -> i32 {
        let mut cursor = self.things.find(doc! { "_id": { "$lt": 2 } }).await.unwrap();
        let both = cursor.to_list(None).await.unwrap();
        let numbers: Vec<_> = both.iter().map(|thing| thing.get_i32("n").unwrap()).collect();
        assert_eq!(numbers[0], numbers[1], "a transaction was half done");
        assert_eq!(numbers.len(), 2);
        numbers[0]
    }

    /// Both documents can be written soon, the pool is quiet, and the server session is where it should be. Returns the number.
    async fn check(&self, what: &str, session: ClientSession<R>) -> i32 {
        let began = Instant::now();
        // A plain update waits as long as a transaction holds the document.
        add_to_both(&self.things).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(began.elapsed() < LOCKED, "{what}: the documents were locked for {:?}", began.elapsed());
        // The session goes on, in a new transaction and outside of it.
        let txn = session.begin().unwrap_or_else(|error| panic!("{what}: {error}"));
        add_to_both(&txn.bind(&self.things)).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        txn.commit().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        drop(txn);
        assert_eq!(session.transaction_state(), TransactionState::Committed, "{what}");
        let (id, dirty) = (session.id(), session.is_dirty());
        drop(session);
        self.returned(what, &id, !dirty).await;
        self.quiet(what).await;
        self.number().await - 2
    }

    /// Nobody has a connection, and nobody waits.
    async fn quiet(&self, what: &str) {
        let deadline = Instant::now() + LOCKED;
        loop {
            let stats = self.client.pool_stats();
            if (stats.in_use, stats.owing, stats.pending, stats.waiting) == (0, 0, 0, 0) {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: {stats:?}");
            self.runtime.sleep_until(self.runtime.now() + STEP).await;
        }
    }

    /// Whether the server session serves others, as it should or should not.
    async fn returned(&self, what: &str, id: &Document, wanted: bool) {
        let deadline = Instant::now() + LOCKED;
        loop {
            let mut others = Vec::new();
            for _ in 0..8 {
                others.push(self.session().await);
            }
            let found = others.iter().any(|other| other.id() == *id);
            assert!(wanted || !found, "{what}: a dirty session was given to another");
            if found == wanted {
                return;
            }
            assert!(Instant::now() < deadline, "{what}: the server session did not come back");
            drop(others);
            self.runtime.sleep_until(self.runtime.now() + STEP).await;
        }
    }

    /// An operation of a transaction: what was sent makes the session dirty, and the transaction can only be aborted then.
    async fn operation(&mut self, n: u32, many: bool) {
        let what = format!("{} at {n}", if many { "bulk write" } else { "update" });
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        let txn = session.begin().unwrap();
        let bound = txn.bind(&self.things);
        add_to_both(&bound).await.unwrap();
        let done = match many {
            true => self.give_up_after(bulk(&bound), n).await,
            false => self.give_up_after(add_to_both(&bound), n).await,
        };
        if let Some(done) = &done {
            done.as_ref().unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        let mut wanted = before;
        if session.is_dirty() {
            assert!(done.is_none(), "{what}");
            let refused = txn.commit().await.unwrap_err();
            assert_eq!(session_error(&refused), Some(SessionError::AbortOnly), "{what}");
            let refused = add_to_both(&bound).await.unwrap_err();
            assert_eq!(session_error(&refused), Some(SessionError::AbortOnly), "{what}");
        } else if done.is_some() {
            txn.commit().await.unwrap();
            wanted += 2;
        }
        drop((bound, txn));
        assert!(!session.in_transaction(), "{what}");
        assert_eq!(self.check(&what, session).await, wanted, "{what}");
    }

    async fn commit(&mut self, n: u32) {
        let what = format!("commit at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        let txn = self.open(&session).await;
        let committed = self.give_up_after(txn.commit().into_future(), n).await;
        let mut possible = vec![before, before + 1];
        if let Some(committed) = committed {
            committed.unwrap_or_else(|error| panic!("{what}: {error}"));
            possible.remove(0);
        } else if n % 3 == 1 && session.transaction_state() == TransactionState::Committed {
            // It may be repeated, and then it is certain.
            txn.commit().await.unwrap_or_else(|error| panic!("{what}: {error}"));
            possible.remove(0);
        }
        drop(txn);
        assert!(possible.contains(&self.check(&what, session).await), "{what}");
    }

    /// As the last handle of its session: nobody is there who could abort it.
    async fn commit_of_nobody(&mut self, n: u32) {
        let what = format!("commit of a session that is dropped too, at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        session.start_transaction().await.unwrap();
        add_to_both(&self.things.with_session(&session)).await.unwrap();
        let _ = self.give_up_after(session.commit_transaction().into_future(), n).await;
        drop(session);
        let session = self.session().await;
        assert!([before, before + 1].contains(&self.check(&what, session).await), "{what}");
    }

    async fn abort(&mut self, n: u32) {
        let what = format!("abort at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        session.start_transaction().await.unwrap();
        add_to_both(&self.things.with_session(&session)).await.unwrap();
        let aborted = self.give_up_after(session.abort_transaction().into_future(), n).await;
        if aborted.is_none() && session.in_transaction() {
            // It was not even begun.
            assert_eq!(n, 0, "{what}");
            session.abort_transaction().await.unwrap();
        }
        let refused = session.commit_transaction().await.unwrap_err();
        assert_eq!(session_error(&refused), Some(SessionError::CommitAfterAbort), "{what}");
        assert_eq!(self.check(&what, session).await, before, "{what}");
    }

    async fn end(&mut self, n: u32) {
        let what = format!("end of a session at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        session.start_transaction().await.unwrap();
        add_to_both(&self.things.with_session(&session)).await.unwrap();
        let _ = self.give_up_after(session.end().into_future(), n).await;
        drop(session);
        let session = self.session().await;
        assert_eq!(self.check(&what, session).await, before, "{what}");
    }

    async fn callback(&mut self, n: u32) {
        let what = format!("with_transaction at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        let things = self.things.clone();
        let whole = session.with_transaction(|txn| {
            let bound = txn.bind(&things);
            async move { add_to_both(&bound).await }
        });
        let done = self.give_up_after(whole.into_future(), n).await;
        let possible = match done {
            Some(done) => {
                done.unwrap_or_else(|error| panic!("{what}: {error}"));
                vec![before + 1]
            }
            None => vec![before, before + 1],
        };
        assert!(!session.in_transaction(), "{what}");
        assert!(possible.contains(&self.check(&what, session).await), "{what}");
    }

    async fn written_loop(&mut self, n: u32) {
        let what = format!("transaction loop at {n}");
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        let things = self.things.clone();
        let whole = async {
            let mut attempts = session.transaction_loop::<Error>();
            loop {
                let txn = attempts.begin()?;
                let outcome = add_to_both(&txn.bind(&things)).await;
                if let Some(done) = attempts.end(outcome).await {
                    return done;
                }
            }
        };
        let done = self.give_up_after(whole, n).await;
        // What is open then is the user's to abort, with time of its own.
        if session.in_transaction() {
            assert!(done.is_none(), "{what}");
            session.abort_transaction().timeout(LOCKED).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        // If it was dropped in its commit there is nothing to abort, and only who drops the session says so.
        let possible = if done.is_some() { vec![before + 1] } else { vec![before, before + 1] };
        let session = if session.transaction_state() == TransactionState::Committed && done.is_none() {
            drop(session);
            self.session().await
        } else {
            session
        };
        assert!(possible.contains(&self.check(&what, session).await), "{what}");
    }

    async fn get_more(&mut self, n: u32, in_transaction: bool) {
        let what = format!("getMore {} at {n}", if in_transaction { "in a transaction" } else { "in a session" });
        self.step(&what);
        let before = self.number().await;
        let session = self.session().await;
        let txn = if in_transaction { Some(self.open(&session).await) } else { None };
        let mut cursor = self.things.find(doc! {}).batch_size(3).session(&session).await.unwrap();
        for _ in 0..3 {
            assert!(cursor.advance().await.unwrap());
        }
        let more = self.give_up_after(cursor.advance(), n).await;
        assert!(more.is_none_or(|more| more.unwrap()), "{what}");
        drop(cursor);
        if let Some(txn) = txn {
            if session.is_dirty() {
                let refused = txn.commit().await.unwrap_err();
                assert_eq!(session_error(&refused), Some(SessionError::AbortOnly), "{what}");
            }
            drop(txn);
        }
        assert_eq!(self.check(&what, session).await, before, "{what}");
    }
}

/// Ends the program if something hangs.
fn watch(step: Weak<Mutex<String>>) {
    let limit = Instant::now() + LIMIT;
    thread::spawn(move || {
        while let Some(step) = step.upgrade() {
            if Instant::now() > limit {
                eprintln!("hangs: {}", step.lock().unwrap_or_else(PoisonError::into_inner));
                std::process::abort();
            }
            drop(step);
            thread::sleep(Duration::from_millis(500));
        }
    });
}

async fn dropped_everywhere<R: Runtime>(runtime: R, (last, each): (u32, u32)) {
    let began = Instant::now();
    let mut subject = Subject::new(runtime).await;
    for n in (0..each).chain((each..last).step_by(3)) {
        subject.operation(n, false).await;
        subject.operation(n, true).await;
        subject.commit(n).await;
        subject.commit_of_nobody(n).await;
        subject.abort(n).await;
        subject.end(n).await;
        subject.callback(n).await;
        subject.written_loop(n).await;
        subject.get_more(n, false).await;
        subject.get_more(n, true).await;
    }
    println!("{} futures were dropped in {:?}", subject.dropped, began.elapsed());
    // On a plain thread a poll blocks until its I/O is done, so few points lie before the end.
    assert!(subject.dropped >= 10, "only {} were dropped", subject.dropped);
}

#[test]
fn sessions_and_transactions_may_be_dropped_at_every_poll_on_tokio() {
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    tokio.block_on(dropped_everywhere(Tokio, POINTS));
}

#[test]
fn sessions_and_transactions_may_be_dropped_at_every_poll_on_smol() {
    smol::block_on(dropped_everywhere(Smol, POINTS));
}

#[test]
fn sessions_and_transactions_may_be_dropped_at_every_poll_on_plain_threads() {
    Blocking.block_on(dropped_everywhere(Blocking, POINTS_WHERE_IO_BLOCKS));
}
