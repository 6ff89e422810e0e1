//! Dials: one spawned task for each connection being established, under connectTimeoutMS.

use core::sync::atomic::{AtomicU8, Ordering};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Weak};

use stator_proto::auth::scram::Nonce;
use stator_proto::connection::Compression;
use stator_proto::handshake::{Handshake, HandshakeOptions};
use stator_proto::hello::Limits;
use stator_proto::pool::{ConnectionId, OnFailure};
use stator_proto::{Config, Instant, ServerAddress};
use stator_wire::bson::DocBuf;

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, lock};
use crate::inner::Core;
use crate::link::{Io, Link};
use crate::runtime::{Endpoint, Runtime, SpawnError, Stream};
use crate::{compress, login};

/// Starts the dials that the pool has asked for.
///
/// A runtime that is shutting down refuses them all, and each refusal makes the pool ask for the next: hence a loop,
/// where a call for each would go as deep as the queue is long.
pub(crate) fn start_all<R: Runtime>(core: &Core<R>, dials: Vec<ConnectionId>) {
    let mut dials = VecDeque::from(dials);
    while let Some(id) = dials.pop_front() {
        if let Err(error) = start(core, id) {
            let error = Error::at(Phase::Connect, &core.server, ErrorKind::Runtime(error));
            let mut after = report(core, id, Err(error));
            dials.extend(after.dial.drain(..));
            core.finish(after);
        }
    }
}

fn start<R: Runtime>(core: &Core<R>, id: ConnectionId) -> Result<(), SpawnError> {
    let stage = Arc::new(AtomicU8::new(STARTING));
    let pending = Pending { core: core.this.clone(), id, stage: Arc::clone(&stage) };
    let dial = Dial {
        id,
        core: core.this.clone(),
        runtime: core.runtime.clone(),
        config: Arc::clone(&core.config),
        server: core.server.clone(),
        metadata: lock(&core.metadata).to_doc(),
    };
    core.runtime.spawn("stator-dial", async move {
        let pending = pending;
        let outcome = dial.establish().await;
        pending.stage.store(OVER, Ordering::Release);
        if let Some(core) = pending.core.upgrade() {
            core.finish(report(&core, id, outcome));
        }
    })?;
    match stage.compare_exchange(STARTING, STARTED, Ordering::AcqRel, Ordering::Acquire) {
        Err(DROPPED) => Err(SpawnError::new("the runtime is shutting down")),
        _ => Ok(()),
    }
}

/// [`Runtime::spawn`] has not returned yet.
const STARTING: u8 = 0;
const STARTED: u8 = 1;
/// The task was dropped before `spawn` returned; whoever called that reports it.
const DROPPED: u8 = 2;
/// The pool has been told, or will be.
const OVER: u8 = 3;

/// A dial under way; if its task is dropped by a dying runtime, the pool is told.
struct Pending<R: Runtime> {
    core: Weak<Core<R>>,
    id: ConnectionId,
    stage: Arc<AtomicU8>,
}

impl<R: Runtime> Drop for Pending<R> {
    fn drop(&mut self) {
        let dropped = self.stage.compare_exchange(STARTING, DROPPED, Ordering::AcqRel, Ordering::Acquire);
        if dropped != Err(STARTED) {
            return;
        }
        if let Some(core) = self.core.upgrade() {
            let error = SpawnError::new("the runtime dropped the task that was connecting");
            let error = Error::at(Phase::Connect, &core.server, ErrorKind::Runtime(error));
            core.finish(report(&core, self.id, Err(error)));
        }
    }
}

/// Tells the pool how a dial has ended; what follows from it is for the caller to [`finish`](Core::finish).
fn report<R: Runtime>(core: &Core<R>, id: ConnectionId, outcome: Result<Link<R>>) -> After<R> {
    let now = core.runtime.now();
    let mut after = After::default();
    let mut hub = lock(&core.hub);
    match outcome {
        Ok(link) => {
            let link = Box::new(link);
            let closer = link.io.stream.closer();
            hub.stow(link);
            match hub.pool.handle_established(now, id) {
                Ok(()) => hub.remember_closer(id, closer),
                // The pool was cleared or closed meanwhile.
                Err(_) => after.close.extend(hub.take(id)),
            }
        }
        // The pool may have given the dial up meanwhile; then nobody asks.
        Err(error) => drop(hub.pool.handle_dial_failed(now, id, error, OnFailure::Keep)),
    }
    hub.drain(now, &mut after);
    after
}

/// What it takes to establish a connection. It does not keep its client alive: a server that does not answer must not.
struct Dial<R: Runtime> {
    id: ConnectionId,
    core: Weak<Core<R>>,
    runtime: R,
    config: Arc<Config>,
    server: ServerAddress,
    metadata: DocBuf,
}

impl<R: Runtime> Dial<R> {
    async fn establish(&self) -> Result<Link<R>> {
        let start = self.runtime.now();
        let deadline = self.config.connect_timeout().map_or(Instant::FAR_FUTURE, |timeout| start + timeout);
        let stream = self.connect(deadline).await?;
        self.shake_hands(Io::new(stream, Limits::MAX_FRAME), deadline).await
    }

    /// Resolves the host and tries its addresses in turn.
    async fn connect(&self, deadline: Instant) -> Result<R::Stream> {
        let server = &self.server;
        let endpoints = match server {
            ServerAddress::Unix { path } => vec![Endpoint::Unix(path.into())],
            ServerAddress::Tcp { host, port } => {
                let found = self.runtime.lookup(host, *port, deadline).await;
                let found = found.map_err(|error| Error::io(Phase::Dns, server, error))?;
                found.into_iter().map(Endpoint::Tcp).collect()
            }
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for endpoint in &endpoints {
            match self.runtime.connect(endpoint, deadline).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(Error::io(Phase::Connect, server, last))
    }

    async fn shake_hands(&self, mut io: Io<R>, deadline: Instant) -> Result<Link<R>> {
        let Self { runtime, server, config, .. } = self;
        let mut random = [0; Nonce::RANDOM_LEN];
        runtime.fill_random(&mut random);
        let codecs = compress::codecs(config);
        let options = HandshakeOptions {
            metadata: self.metadata.clone(),
            login: login::prepare(config)?,
            compressors: compress::wanted(config, &codecs),
            compression: Compression { codecs, requests: None },
            load_balanced: config.load_balanced(),
            server_api: config.server_api.clone(),
            deadline,
        };
        let mut handshake = Handshake::new(options, Nonce::from_random(&random));
        let failed = |error| Error::at(Phase::Auth, server, ErrorKind::Handshake(error));
        while !handshake.is_done() {
            let now = runtime.now();
            if let Some(challenge) = handshake.poll_keys() {
                let cached = self.core.upgrade().and_then(|core| lock(&core.hub).keys.get(challenge.cache_key()));
                let keys = cached.unwrap_or_else(|| challenge.derive_keys());
                handshake.handle_keys(keys).map_err(failed)?;
            }
            if handshake.poll_transmit(now, &mut io.output) {
                let sent = io.write(deadline, |output, count| handshake.handle_sent(now, output, count)).await;
                sent.map_err(|error| Error::io(Phase::Auth, server, error))?;
            }
            if let Some(error) = handshake.error() {
                return Err(failed(error.clone()));
            }
            handshake.handle_recv(now, &mut io.input).map_err(failed)?;
            let waits = !handshake.is_done() && handshake.poll_keys().is_none();
            if waits && !handshake.has_request() {
                match io.read(deadline).await {
                    Ok(true) => handshake.handle_recv(now, &mut io.input).map_err(failed)?,
                    Ok(false) => return Err(failed(handshake.handle_closed(now, &io.input))),
                    Err(error) => return Err(Error::io(Phase::Auth, server, error)),
                }
            }
        }
        let Some((machine, keys)) = handshake.finish() else {
            return Err(Error::at(Phase::Auth, server, ErrorKind::Closed));
        };
        if let (Some(keys), Some(core)) = (keys, self.core.upgrade()) {
            lock(&core.hub).keys.insert(keys);
        }
        io.input.set_limit(machine.hello().limits.max_message_size.max(FRAME_FLOOR));
        let id = self.id;
        Ok(Link { id, io, machine, owing_until: None, last_used: runtime.now(), exhaust: false, orphan: None })
    }
}

/// Replies may be a little longer than what `maxMessageSizeBytes` allows for requests; never refuse below this.
const FRAME_FLOOR: usize = 48_000_000;
