//! What all handles of one client share.

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use stator_proto::connection::Cancelled;
use stator_proto::handshake::ClientMetadata;
use stator_proto::operation::{Exec, Operation, Settings, Step};
use stator_proto::pool::{Pool, PoolOptions};
use stator_proto::{Config, Instant, ServerAddress};

use crate::checkout::Lease;
use crate::dial;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, Hub, lock};
use crate::keeper;
use crate::link::Link;
use crate::options::ClientOptions;
use crate::runtime::Runtime;
use crate::tls::Connector;

/// The shared part of a client: configuration, the hub, and who we are.
#[derive(Debug)]
pub(crate) struct Core<R: Runtime> {
    pub(crate) runtime: R,
    pub(crate) config: Arc<Config>,
    pub(crate) server: ServerAddress,
    /// What cannot be done with this configuration; said by the first operation.
    unusable: Option<Error>,
    pub(crate) metadata: Mutex<ClientMetadata>,
    pub(crate) hub: Mutex<Hub<R>>,
    pub(crate) settings: Settings,
    /// `None` without TLS.
    pub(crate) tls: Option<Connector>,
    object_ids: ObjectIds,
    pub(crate) this: Weak<Self>,
}

impl<R: Runtime> Core<R> {
    /// Does no I/O, starts no task and needs no executor.
    pub(crate) fn new(runtime: R, options: ClientOptions) -> Arc<Self> {
        let ClientOptions { config, keep_owing_connections, tls_config, .. } = options;
        let server = config
            .hosts
            .first()
            .cloned()
            .unwrap_or(ServerAddress::Tcp { host: "localhost".into(), port: ServerAddress::DEFAULT_PORT });
        let mut pool = Pool::new(PoolOptions { owing: keep_owing_connections, ..pool_options(&config) });
        // Until servers are monitored, the pool is as ready as it will ever be; nothing is dialled before the first check-out.
        pool.ready(runtime.now());
        let settings = Settings {
            read_concern: Some(config.read_concern.clone()).filter(|concern| !concern.is_server_default()),
            write_concern: Some(config.write_concern.clone()).filter(|concern| !concern.is_server_default()),
            read_preference: Some(config.read_preference.clone()),
            // Zero is a timeout too: it switches the deprecated ones off.
            timeout: config.timeout,
        };
        Arc::new_cyclic(|this| Self {
            unusable: unusable(&config),
            tls: Connector::new(&config, tls_config),
            metadata: Mutex::new(crate::metadata::of(&config)),
            object_ids: ObjectIds::new(&runtime),
            hub: Mutex::new(Hub::new(pool)),
            this: this.clone(),
            server,
            settings,
            runtime,
            config: Arc::new(config),
        })
    }

    /// Runs one operation to its end.
    pub(crate) async fn execute<O: Operation>(&self, operation: O, settings: Settings) -> Result<O::Output> {
        self.execute_on(operation, settings).await.map(|(output, _)| output)
    }

    /// As [`execute`](Self::execute), and returns the connection that served it, on which more replies may come.
    pub(crate) async fn execute_on<O: Operation>(
        &self,
        operation: O,
        settings: Settings,
    ) -> Result<(O::Output, Option<Lease<R, &Self>>)> {
        if let Some(error) = &self.unusable {
            return Err(error.clone());
        }
        // The clock is read again only where time may have passed.
        let mut now = self.runtime.now();
        let server_api = self.config.server_api.clone();
        let mut exec: Exec<O, Error> = Exec::new(now, operation, settings, server_api);
        let mut lease = None;
        loop {
            match exec.poll_step() {
                Step::CheckOut => {
                    let outcome = self.check_out(now, self.queue_deadline(now, &exec)).await;
                    now = self.runtime.now();
                    match outcome {
                        Ok(granted) => {
                            lease = Some(granted);
                            exec.handle_checked_out(now);
                        }
                        Err(error) => exec.handle_failed(now, error),
                    }
                }
                Step::Exchange => {
                    let Some(lease) = lease.as_mut() else { break };
                    if exec.deadline() <= now {
                        exec.handle_failed(now, Error::at(Phase::Queue, &self.server, ErrorKind::Timeout));
                        continue;
                    }
                    self.exchange(now, &mut exec, lease).await;
                    if exec.poll_step() == Step::Done {
                        break;
                    }
                    now = self.runtime.now();
                }
                Step::Sleep(until) => {
                    self.runtime.sleep_until(until).await;
                    now = self.runtime.now();
                }
                Step::Done => break,
            }
        }
        let partly_done = exec.is_partly_done();
        match exec.finish() {
            Some(Ok(output)) => Ok((output, lease)),
            Some(Err(error)) => Err(error.of_operation(&self.server, partly_done)),
            None => Err(Error::new(Phase::Prepare, ErrorKind::Closed)),
        }
    }

    async fn exchange<O: Operation>(&self, now: Instant, exec: &mut Exec<O, Error>, lease: &mut Lease<R, &Self>) {
        let deadline = self.io_deadline(now, exec);
        let link = lease.link();
        exec.send(now, &mut link.machine, &mut link.io.output);
        if exec.poll_step() == Step::Done {
            return;
        }
        if let Err(error) = link.flush(now, deadline, &self.server).await {
            return exec.handle_failed(self.runtime.now(), error);
        }
        if !exec.wants_reply() {
            return exec.handle_sent_unacknowledged(now);
        }
        match link.receive(now, deadline, &self.server).await {
            Ok(reply) => exec.handle_reply(now, reply),
            Err(error) => exec.handle_failed(self.runtime.now(), error),
        }
    }

    /// The deadline of one read or write: the operation's, or `socketTimeoutMS` where no `timeoutMS` is in force.
    fn io_deadline<O: Operation>(&self, now: Instant, exec: &Exec<O, Error>) -> Instant {
        self.socket_deadline(now, exec.has_timeout(), exec.deadline())
    }

    /// As [`io_deadline`](Self::io_deadline), for reads outside of an operation's own exchange.
    pub(crate) fn socket_deadline(&self, now: Instant, has_timeout: bool, deadline: Instant) -> Instant {
        match self.config.socket_timeout() {
            Some(timeout) if !has_timeout => now + timeout,
            _ => deadline,
        }
    }

    /// Until when to wait for a connection: the operation's deadline, or where no `timeoutMS` is in force
    /// `waitQueueTimeoutMS`, else `serverSelectionTimeoutMS`.
    fn queue_deadline<O: Operation>(&self, now: Instant, exec: &Exec<O, Error>) -> Instant {
        if exec.has_timeout() {
            return exec.deadline();
        }
        let timeout = self.config.wait_queue_timeout().unwrap_or_else(|| self.config.server_selection_timeout());
        now + timeout
    }

    /// Does what was put off until the lock was released.
    pub(crate) fn finish(&self, mut after: After<R>) {
        loop {
            let After { wake, close, interrupt, dial, overdue } = after;
            for waker in wake {
                waker.wake();
            }
            for closer in interrupt {
                closer.close();
            }
            drop(close);
            dial::start_all(self, dial);
            if overdue.is_empty() {
                return;
            }
            after = After::default();
            for link in overdue {
                self.drain_overdue(link, &mut after);
            }
        }
    }

    /// A reply is owed and its time is up: a last look that does not wait decides.
    fn drain_overdue(&self, mut link: Box<Link<R>>, after: &mut After<R>) {
        let now = self.runtime.now();
        let state = if link.settle_now(now) { Cancelled::Idle } else { Cancelled::Broken };
        let mut hub = lock(&self.hub);
        hub.give_back(now, link, state, after);
        hub.drain(after);
    }

    /// Locks the hub of a client whose keeper runs: starts one if there is none, the only case that locks twice. A closed
    /// client needs none; its pool refuses whoever asks.
    pub(crate) fn lock_with_keeper(&self) -> Result<MutexGuard<'_, Hub<R>>> {
        let mut hub = lock(&self.hub);
        if hub.keeper.alive || hub.closed {
            return Ok(hub);
        }
        hub.keeper.alive = true;
        drop(hub);
        let started = keeper::start(self);
        let mut hub = lock(&self.hub);
        match started {
            Ok(()) => Ok(hub),
            Err(error) => {
                hub.keeper.alive = false;
                drop(hub);
                Err(Error::new(Phase::Prepare, ErrorKind::Runtime(error)))
            }
        }
    }

    /// A new ObjectId from the runtime's clock and entropy.
    pub(crate) fn new_object_id(&self) -> bson::oid::ObjectId {
        self.object_ids.next(&self.runtime)
    }
}

impl<R: Runtime> Drop for Core<R> {
    fn drop(&mut self) {
        let hub = self.hub.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // The keeper finds its weak pointer dead and ends.
        if let Some(waker) = hub.keeper.ring() {
            waker.wake();
        }
        hub.interrupt_all();
    }
}

fn pool_options(config: &Config) -> PoolOptions {
    PoolOptions {
        max_pool_size: config.max_pool_size().unwrap_or(0),
        min_pool_size: config.min_pool_size(),
        max_idle_time: config.max_idle_time(),
        max_connecting: config.max_connecting(),
        ..PoolOptions::default()
    }
}

/// What this version cannot do with a configuration. Said plainly rather than done half.
fn unusable(config: &Config) -> Option<Error> {
    let what = if config.srv.is_some() {
        "mongodb+srv is not implemented yet: name the hosts"
    } else if config.hosts.len() > 1 {
        "only one host is used yet: name one, with directConnection=true for a member of a replica set"
    } else if config.replica_set.is_some() && !config.direct_connection() {
        "replica sets are not discovered yet: name one member and directConnection=true"
    } else if config.load_balanced() {
        "load balancers are not supported yet"
    } else if config.proxy.host.is_some() {
        "SOCKS5 is not implemented yet"
    } else {
        return None;
    };
    Some(Error::new(Phase::Prepare, ErrorKind::Unsupported(what.into())))
}

/// ObjectIds: seconds since the epoch, five random bytes of this client, a counter that begins anywhere.
#[derive(Debug)]
struct ObjectIds {
    random: [u8; 5],
    counter: AtomicU32,
}

impl ObjectIds {
    fn new<R: Runtime>(runtime: &R) -> Self {
        let mut bytes = [0; 9];
        runtime.fill_random(&mut bytes);
        let [a, b, c, d, e, counter @ ..] = bytes;
        Self { random: [a, b, c, d, e], counter: AtomicU32::new(u32::from_le_bytes(counter)) }
    }

    fn next<R: Runtime>(&self, runtime: &R) -> bson::oid::ObjectId {
        let seconds = runtime.unix_time().as_secs() as u32;
        let count = self.counter.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        bytes[4..9].copy_from_slice(&self.random);
        bytes[9..].copy_from_slice(&count[1..]);
        bson::oid::ObjectId::from_bytes(bytes)
    }
}
