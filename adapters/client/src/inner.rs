//! What all handles of one client share.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::task::Waker;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use stator_proto::cluster::{Cluster, ServerId};
use stator_proto::connection::Cancelled;
use stator_proto::handshake::ClientMetadata;
use stator_proto::operation::Settings;
use stator_proto::read_preference::ReadPreference;
use stator_proto::retry::RetryOptions;
use stator_proto::session::ServerSession;
use stator_proto::{Config, Instant};

use crate::connect::ConnectSettings;
use crate::credentials::Store;
use crate::deployment;
use crate::dns::ResolverConfig;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::{Deliveries, Listeners};
use crate::hub::{After, Hub, Rest, SrvState, Teller, lock};
use crate::link::Link;
use crate::options::ClientOptions;
use crate::runtime::Runtime;
use crate::selector::ServerSelector;
use crate::tls::Connector;
use crate::{dial, keeper, monitor, srv};

/// The shared part of a client: configuration, the hub, and who we are.
#[derive(Debug)]
pub(crate) struct Core<R: Runtime> {
    pub(crate) runtime: R,
    /// As the user gave it.
    given: Arc<Config>,
    /// With what DNS has added, once it has.
    resolved: OnceLock<Arc<Config>>,
    pub(crate) keep_owing_connections: bool,
    pub(crate) connect: ConnectSettings,
    pub(crate) resolver: ResolverConfig,
    /// `None` without TLS.
    pub(crate) tls: Option<Connector>,
    pub(crate) credentials: Arc<Store>,
    pub(crate) metadata: Mutex<ClientMetadata>,
    pub(crate) hub: Mutex<Hub<R>>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) retries: RetryOptions,
    pub(crate) selector: Option<ServerSelector>,
    /// Events on their way to the listeners.
    pub(crate) deliveries: Arc<Deliveries>,
    /// The topology's id in events.
    pub(crate) topology_id: bson::oid::ObjectId,
    /// How many operations were begun.
    operations: AtomicU64,
    object_ids: ObjectIds,
    /// The state of the generator for choices among equals; nothing secret depends on it.
    choices: AtomicU64,
    pub(crate) this: Weak<Self>,
}

impl<R: Runtime> Core<R> {
    /// Does no I/O, starts no task and needs no executor.
    pub(crate) fn new(runtime: R, options: ClientOptions) -> Arc<Self> {
        let ClientOptions {
            config,
            keep_owing_connections,
            connector,
            dns_servers,
            tls_config,
            listeners,
            log,
            aws_credentials,
            oidc_callback,
            server_selector,
            ..
        } = options;
        let listeners = Listeners::of(listeners, log);
        let object_ids = ObjectIds::new(&runtime);
        let cluster = Cluster::new(runtime.now(), deployment::options(&config, keep_owing_connections, &listeners));
        let srv = if config.srv.is_some() { SrvState::Needed(None) } else { SrvState::Known };
        let settings = Settings {
            read_concern: Some(config.read_concern.clone()).filter(|concern| !concern.is_server_default()),
            write_concern: Some(config.write_concern.clone()).filter(|concern| !concern.is_server_default()),
            read_preference: Some(config.read_preference.clone()).filter(|given| *given != ReadPreference::primary()),
            // Zero is a timeout too: it switches the deprecated ones off.
            timeout: config.timeout,
            ..Settings::default()
        };
        let mut seed = [0; 8];
        runtime.fill_random(&mut seed);
        let topology_id = object_ids.next(&runtime);
        let deliveries = Arc::new(Deliveries::new(listeners));
        let given = Arc::new(config);
        let config = &*given;
        let mut hub = Hub::new(cluster, srv);
        if !deliveries.listeners().is_empty() {
            hub.teller = Some(Teller::new(&deliveries, topology_id, &given));
        }
        Arc::new_cyclic(|this| Self {
            metadata: Mutex::new(crate::metadata::of(config)),
            deliveries,
            topology_id,
            operations: AtomicU64::new(0),
            object_ids,
            choices: AtomicU64::new(u64::from_le_bytes(seed)),
            hub: Mutex::new(hub),
            this: this.clone(),
            settings: Arc::new(settings),
            selector: server_selector,
            retries: RetryOptions {
                retry_reads: config.retry_reads(),
                retry_writes: config.retry_writes(),
                max_adaptive_retries: config.max_adaptive_retries(),
                overload_retargeting: config.enable_overload_retargeting(),
            },
            keep_owing_connections,
            connect: ConnectSettings::new(config, connector),
            tls: Connector::new(config, tls_config),
            credentials: Arc::new(Store::new(config, aws_credentials, oidc_callback)),
            resolver: ResolverConfig::new(dns_servers.as_deref()),
            runtime,
            resolved: OnceLock::new(),
            given: Arc::clone(&given),
        })
    }

    /// The configuration: with what DNS has added, once it has.
    pub(crate) fn config(&self) -> &Arc<Config> {
        self.resolved.get().unwrap_or(&self.given)
    }

    /// DNS has answered.
    pub(crate) fn resolved(&self, config: Config) {
        // A second answer says nothing new: only one question is under way at a time, and none after the first answer.
        let _ = self.resolved.set(Arc::new(config));
    }

    /// The number of an operation in its events.
    pub(crate) fn next_operation_id(&self) -> i64 {
        self.operations.fetch_add(1, Ordering::Relaxed).wrapping_add(1) as i64
    }

    /// Does what was put off until the lock was released.
    pub(crate) fn finish(&self, mut after: After<R>) {
        loop {
            if after.told {
                self.deliveries.deliver();
            }
            let Some(rest) = after.take_rest() else { return after.wake.into_iter().for_each(Waker::wake) };
            let Rest { close, interrupt, dial, overdue, monitors, resolve_srv } = *rest;
            interrupt.into_iter().for_each(|closer| closer.close());
            after.wake.into_iter().for_each(Waker::wake);
            drop(close);
            // One that cannot be started is missed by whoever comes next.
            let _ = monitor::start_all(self, &monitors);
            if resolve_srv {
                srv::start_polling(self);
            }
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

    /// Locks the hub of a client that is awake: its keeper and its monitors run, or are started now, the only case that locks
    /// more than once. A closed client needs none; it refuses whoever asks.
    pub(crate) fn lock_awake(&self, now: Instant) -> Result<MutexGuard<'_, Hub<R>>> {
        let hub = lock(&self.hub);
        if hub.closed || (hub.keeper.alive && !hub.monitors_missing && matches!(hub.srv, SrvState::Known)) {
            return Ok(hub);
        }
        self.wake_up(now, hub)
    }

    #[cold]
    fn wake_up<'c>(&'c self, now: Instant, mut hub: MutexGuard<'c, Hub<R>>) -> Result<MutexGuard<'c, Hub<R>>> {
        let mut after = After::default();
        if !hub.keeper.alive {
            hub.keeper.alive = true;
            drop(hub);
            let started = keeper::start(self);
            hub = lock(&self.hub);
            if let Err(error) = started {
                hub.keeper.alive = false;
                drop(hub);
                return Err(Error::new(Phase::Prepare, ErrorKind::Runtime(error)));
            }
        }
        match &hub.srv {
            SrvState::Known => hub.cluster.open(now),
            SrvState::Asking => {}
            SrvState::Needed(_) => {
                hub.srv = SrvState::Asking;
                drop(hub);
                srv::start_first(self)?;
                hub = lock(&self.hub);
            }
        }
        hub.drain(&mut after);
        if core::mem::take(&mut hub.monitors_missing) {
            let missing = |site: &mut crate::hub::Site<R>| site.monitor.is_missing().then_some(site.id);
            after.rest().monitors.extend(hub.sites().filter_map(missing).collect::<Vec<ServerId>>());
        }
        drop(hub);
        let monitors = core::mem::take(&mut after.rest().monitors);
        self.finish(after);
        monitor::start_all(self, &monitors).map_err(|error| Error::new(Phase::Prepare, ErrorKind::Runtime(error)))?;
        Ok(lock(&self.hub))
    }

    /// Unpredictable enough bits for a choice among equals.
    pub(crate) fn random(&self) -> u64 {
        // SplitMix64.
        let mut bits = self.choices.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A server session is free again.
    pub(crate) fn give_back_session(&self, session: ServerSession) {
        let now = self.runtime.now();
        lock(&self.hub).cluster.give_back_session(now, session);
    }

    /// A server session for an explicit one: out of the pool, or a new one.
    pub(crate) fn reuse_or_new_session(&self) -> ServerSession {
        let now = self.runtime.now();
        let known = lock(&self.hub).cluster.reuse_session(now);
        known.unwrap_or_else(|| self.new_session(now))
    }

    /// A server session that no server has heard of.
    pub(crate) fn new_session(&self, now: Instant) -> ServerSession {
        let mut random = [0; 16];
        self.runtime.fill_random(&mut random);
        ServerSession::new(now, random)
    }

    /// A new ObjectId from the runtime's clock and entropy.
    pub(crate) fn new_object_id(&self) -> bson::oid::ObjectId {
        self.object_ids.next(&self.runtime)
    }

    /// Ends the client for all of its handles.
    pub(crate) fn close(&self) {
        let now = self.runtime.now();
        let mut after = After::default();
        let mut hub = lock(&self.hub);
        hub.closed = true;
        hub.cluster.close(now);
        after.wake.extend(hub.keeper.waker.take());
        hub.drain(&mut after);
        drop(hub);
        self.finish(after);
    }
}

impl<R: Runtime> Drop for Core<R> {
    fn drop(&mut self) {
        let hub = self.hub.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut after = After::default();
        hub.cluster.close(self.runtime.now());
        hub.drain(&mut after);
        // The tasks find their weak pointers dead and end.
        after.wake.extend(hub.keeper.ring());
        hub.interrupt_all(&mut after);
        for closer in &after.rest().interrupt {
            closer.close();
        }
        for waker in after.wake {
            waker.wake();
        }
        self.deliveries.deliver();
    }
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
