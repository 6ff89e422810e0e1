//! The floor: sockets that send bytes built once and look no further than lengths. No driver can need less.

use std::hint::black_box;
use std::sync::Arc;

use self::requests::{Requests, cursor, walk};
use self::socket::{OverTokio, Plain, Socket};
use super::{Done, Failure, Runner};
use crate::driver::Settings;
use crate::host::{Host, OnThreads, OnTokio, Spawn};
use crate::tasks::slot::all;
use crate::{Data, Task};

mod requests;
mod socket;

/// What the floor does.
pub(super) const fn can(task: Task) -> bool {
    use Task::{BulkInsert, Concurrent, FindMany, FindOne, InsertOne, RunCommand};
    matches!(task, RunCommand(_) | FindOne(_) | InsertOne(_) | FindMany(_) | BulkInsert(_) | Concurrent { .. })
}

/// Where there is something to walk.
pub(super) const fn can_walk(task: Task) -> bool {
    matches!(task, Task::FindMany(_))
}

/// Blocking sockets.
pub(super) fn on_thread(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Floor::<Plain, _>::new(settings, OnThreads, false)?))
}

/// Blocking sockets; the documents of each batch are walked by their lengths.
pub(super) fn walking(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Floor::<Plain, _>::new(settings, OnThreads, true)?))
}

/// Sockets of tokio's current-thread runtime.
pub(super) fn on_tokio(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Floor::<OverTokio, _>::new(settings, OnTokio::current_thread()?, false)?))
}

/// Sockets and bytes.
#[derive(Debug)]
struct Floor<S, H> {
    host: H,
    settings: Settings,
    walks: bool,
    sockets: Vec<Line<S>>,
}

impl<S: Socket, H: Host> Floor<S, H> {
    fn new(settings: &Settings, host: H, walks: bool) -> Result<Self, Failure> {
        let first = host.block_on(Line::connect(settings, walks))?;
        Ok(Self { host, settings: settings.clone(), walks, sockets: vec![first] })
    }

    /// As many sockets as are useful, each with a task of its own: nobody waits for a connection.
    fn concurrent(&mut self, tasks: u32, pool: u32, count: u64) -> Result<u64, Failure> {
        let wanted = tasks.min(pool) as usize;
        while self.sockets.len() < wanted {
            self.sockets.push(self.host.block_on(Line::connect(&self.settings, self.walks))?);
        }
        let each = count.div_ceil(wanted as u64);
        let one = Task::FindOne(crate::task::As::Document);
        let (spawner, lines) = (self.host.spawner(), self.sockets.drain(..wanted));
        let lines = self.host.block_on(async {
            let spawn = |mut line: Line<S>| spawner.spawn(async move { line.run(one, each).await.map(|_| line) });
            let running: Vec<_> = lines.map(spawn).collect();
            let mut lines = Vec::new();
            for line in running {
                lines.push(line.await??);
            }
            Ok::<_, Failure>(lines)
        })?;
        self.sockets.splice(..0, lines);
        Ok(each * wanted as u64)
    }
}

impl<S: Socket, H: Host> Runner for Floor<S, H> {
    fn run(&mut self, task: Task, count: u64) -> Result<Done, Failure> {
        if let Task::Concurrent { tasks, pool } = task {
            return self.concurrent(tasks, pool, count).map(Done::of);
        }
        let line = self.sockets.first_mut().ok_or("the first socket is gone")?;
        self.host.block_on(line.run(task, count)).map(Done::of)
    }
}

/// One socket, and what is sent over it.
#[derive(Debug)]
struct Line<S> {
    socket: S,
    requests: Requests,
    /// The last reply, in a buffer that is never given back.
    reply: Vec<u8>,
    walks: bool,
    /// The insert of the task at hand, built when it began.
    insert: Option<(Task, Vec<u8>)>,
    /// The last task that was begun; the first reply of each is looked at.
    begun: Option<Task>,
    data: Arc<Data>,
}

impl<S: Socket> Line<S> {
    /// Connects; there is no handshake, the server does not insist.
    async fn connect(settings: &Settings, walks: bool) -> Result<Self, Failure> {
        Ok(Self {
            socket: S::connect(settings.address).await?,
            requests: Requests::new()?,
            reply: vec![0; 64 * 1024],
            walks,
            insert: None,
            begun: None,
            data: Arc::clone(&settings.data),
        })
    }

    /// The first time is one of those that find out how much fits into a slot; what is built and looked at then is not timed again.
    async fn run(&mut self, task: Task, count: u64) -> Result<u64, Failure> {
        let is_first = self.begun.replace(task) != Some(task);
        if let Task::InsertOne(size) | Task::BulkInsert(size) = task
            && is_first
        {
            self.insert = Some((task, Requests::insert(&self.data, size, self.batch(task))?));
        }
        let done = match task {
            Task::FindMany(_) => self.find_many(count).await?,
            Task::FindOne(_) => self.find_one(count).await?,
            Task::RunCommand(_) | Task::InsertOne(_) | Task::BulkInsert(_) => self.repeat(task, count).await?,
            other => return Err(format!("the floor has no {other}").into()),
        };
        if is_first {
            requests::check(&self.reply, task, self.batch(task))?;
        }
        Ok(done)
    }

    /// How many documents a message of this task has.
    fn batch(&self, task: Task) -> usize {
        if let Task::BulkInsert(size) = task { self.data.batch(size) } else { 1 }
    }

    async fn find_one(&mut self, count: u64) -> Result<u64, Failure> {
        let Self { socket, requests, reply, data, .. } = self;
        for n in 0..count {
            let length = socket.exchange(requests.find_one.set(data.id(n).to_le_bytes()), reply).await?;
            black_box(&reply[..length]);
        }
        Ok(count)
    }

    /// The same message, again and again.
    async fn repeat(&mut self, task: Task, count: u64) -> Result<u64, Failure> {
        let batch = self.batch(task) as u64;
        let Self { socket, requests, reply, insert, .. } = self;
        let request = match insert {
            Some((of, message)) if *of == task => &message[..],
            _ => &requests.hello,
        };
        let rounds = count.div_ceil(batch);
        for _ in 0..rounds {
            let length = socket.exchange(request, reply).await?;
            black_box(&reply[..length]);
        }
        Ok(rounds * batch)
    }

    async fn find_many(&mut self, count: u64) -> Result<u64, Failure> {
        let Self { socket, requests, reply, walks, data, .. } = self;
        let mut found = 0;
        while found < count {
            let mut walked = 0;
            let mut length = socket.exchange(&requests.find_many, reply).await?;
            loop {
                let cursor = cursor(&reply[..length])?;
                if *walks {
                    walked += walk(cursor)?;
                }
                match cursor.get_i64("id")? {
                    None | Some(0) => break,
                    Some(id) => length = socket.exchange(requests.get_more.set(id.to_le_bytes()), reply).await?,
                }
            }
            if *walks {
                all(walked, data.corpus())?;
            }
            found += data.corpus();
        }
        Ok(found)
    }
}
