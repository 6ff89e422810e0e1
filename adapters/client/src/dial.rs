//! Dials: one spawned task for each connection being established, under connectTimeoutMS.
//!
//! The task does not keep the client alive: it takes along what it needs, and ends by the closer of its stream when the pool gives
//! it up or the last handle is dropped.

use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Weak};

use stator_proto::auth::scram::{Challenge, Nonce, ScramKeys};
use stator_proto::connection::Compression;
use stator_proto::handshake::{Handshake, HandshakeOptions};
use stator_proto::hello::Limits;
use stator_proto::pool::{ConnectionId, OnFailure};
use stator_proto::{Instant, ServerAddress};

use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{After, lock};
use crate::inner::Core;
use crate::link::{Io, Link};
use crate::runtime::{Endpoint, Runtime, SpawnError, Stream};
use crate::tls::Connector;
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
    // Told by the task: here, one failure would start the next dial, and so on for all who wait.
    let dial = Dial::new(core, id);
    core.runtime.spawn("stator-dial", async move {
        let pending = pending;
        let outcome = match dial {
            Ok(dial) => dial.establish(&pending.core).await,
            Err(error) => Err(error),
        };
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
/// Tells the pool; what is left to do is the caller's.
fn report<R: Runtime>(core: &Core<R>, id: ConnectionId, outcome: Result<Link<R>>) -> After<R> {
    let now = core.runtime.now();
    let mut after = After::default();
    let mut hub = lock(&core.hub);
    match outcome {
        // The keeper died with its runtime, and what was connected there is of no use elsewhere.
        Ok(link) if !hub.keeper.alive => {
            after.close.push(Box::new(link));
            let error =
                Error::at(Phase::Connect, &core.server, ErrorKind::Runtime(SpawnError::new("the runtime has ended")));
            hub.forget(id);
            let _ = hub.pool.handle_dial_failed(now, id, error, OnFailure::Keep);
        }
        Ok(link) => match hub.pool.handle_established(now, id, link.machine.hello().service_id) {
            Ok(()) => hub.stow(Box::new(link)),
            // The pool was cleared or closed meanwhile; the slot may have another tenant already.
            Err(_) => after.close.push(Box::new(link)),
        },
        // The pool may have given the dial up meanwhile; then nobody asks.
        Err(error) => {
            hub.forget(id);
            let _ = hub.pool.handle_dial_failed(now, id, error, OnFailure::Keep);
        }
    }
    hub.drain(&mut after);
    after
}

/// What a dial takes along.
struct Dial<R: Runtime> {
    id: ConnectionId,
    runtime: R,
    server: ServerAddress,
    tls: Option<Connector>,
    options: HandshakeOptions,
    nonce: Nonce,
}

impl<R: Runtime> Dial<R> {
    fn new(core: &Core<R>, id: ConnectionId) -> Result<Self> {
        let start = core.runtime.now();
        let mut random = [0; Nonce::RANDOM_LEN];
        core.runtime.fill_random(&mut random);
        let codecs = compress::codecs(&core.config);
        let options = HandshakeOptions {
            metadata: lock(&core.metadata).to_doc(),
            login: login::prepare(&core.config)?,
            compressors: compress::wanted(&core.config, &codecs),
            compression: Compression { codecs, requests: None },
            load_balanced: core.config.load_balanced(),
            server_api: core.config.server_api.clone(),
            deadline: core.config.connect_timeout().map_or(Instant::FAR_FUTURE, |timeout| start + timeout),
        };
        let (runtime, server, tls) = (core.runtime.clone(), core.server.clone(), core.tls.clone());
        Ok(Self { id, runtime, server, tls, options, nonce: Nonce::from_random(&random) })
    }

    async fn establish(self, core: &Weak<Core<R>>) -> Result<Link<R>> {
        let stream = self.connect().await?;
        self.remember_closer(core, &stream)?;
        let channel = match &self.tls {
            Some(tls) => tls.secure(Channel::Plain(stream), &self.server, self.options.deadline).await?,
            None => Channel::Plain(stream),
        };
        self.shake_hands(core, Io::new(channel, Limits::MAX_FRAME)).await
    }

    /// From here on the dial can be ended from elsewhere; an error if it was given up already.
    fn remember_closer(&self, core: &Weak<Core<R>>, stream: &R::Stream) -> Result<()> {
        let given_up = || Error::at(Phase::Connect, &self.server, ErrorKind::Closed);
        let core = core.upgrade().ok_or_else(given_up)?;
        let mut hub = lock(&core.hub);
        if !hub.pool.is_pending(self.id) {
            return Err(given_up());
        }
        hub.remember_closer(self.id, stream.closer());
        Ok(())
    }

    /// Resolves the host and tries its addresses in turn, each with an equal share of the time that is left, so that one
    /// that is silent does not take it all.
    async fn connect(&self) -> Result<R::Stream> {
        let Self { runtime, server, options: HandshakeOptions { deadline, .. }, .. } = self;
        let endpoints = match server {
            ServerAddress::Unix { path } => vec![Endpoint::Unix(path.into())],
            ServerAddress::Tcp { host, port } => {
                let found = runtime.lookup(host, *port, *deadline).await;
                let found = found.map_err(|error| Error::io(Phase::Dns, server, error))?;
                found.into_iter().map(Endpoint::Tcp).collect()
            }
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for (endpoint, left) in endpoints.iter().zip((1..=endpoints.len() as u32).rev()) {
            let now = runtime.now();
            let share = match left {
                2.. if !deadline.is_far_future() => (*deadline).min(now + ((*deadline - now) / left).max(LEAST_SHARE)),
                _ => *deadline,
            };
            match runtime.connect(endpoint, share).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(Error::io(Phase::Connect, server, last))
    }

    async fn shake_hands(self, core: &Weak<Core<R>>, mut io: Io<R>) -> Result<Link<R>> {
        let Self { id, runtime, server, options, nonce, .. } = self;
        let deadline = options.deadline;
        let mut handshake = Handshake::new(options, nonce);
        let failed = |error| Error::at(Phase::Auth, &server, ErrorKind::Handshake(error));
        while !handshake.is_done() {
            let now = runtime.now();
            if let Some(challenge) = handshake.poll_keys() {
                let keys = keys(core, challenge);
                handshake.handle_keys(keys).map_err(failed)?;
            }
            if handshake.poll_transmit(now, &mut io.output) {
                let sent = io.write(deadline, |output, count| handshake.handle_sent(now, output, count)).await;
                sent.map_err(|error| Error::io(Phase::Auth, &server, error))?;
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
                    Err(error) => return Err(Error::io(Phase::Auth, &server, error)),
                }
            }
        }
        let Some((machine, keys)) = handshake.finish() else {
            return Err(Error::at(Phase::Auth, &server, ErrorKind::Closed));
        };
        if let (Some(keys), Some(core)) = (keys, core.upgrade()) {
            lock(&core.hub).keys.insert(keys);
        }
        io.input.set_limit(machine.hello().limits.max_message_size.max(FRAME_FLOOR));
        Ok(Link { id, io, machine, owing_until: None, last_used: runtime.now(), exhaust: false, orphan: None })
    }
}

/// Known keys, or new ones; deriving them takes milliseconds, without the lock.
fn keys<R: Runtime>(core: &Weak<Core<R>>, challenge: &Challenge) -> ScramKeys {
    let cached = core.upgrade().and_then(|core| lock(&core.hub).keys.get(challenge.cache_key()));
    cached.unwrap_or_else(|| challenge.derive_keys())
}

/// What an address gets at least of the time that is left: a SYN that was lost is sent again after 1 s.
const LEAST_SHARE: Duration = Duration::from_secs(2);

/// Replies may be a little longer than what `maxMessageSizeBytes` allows for requests; never refuse below this.
const FRAME_FLOOR: usize = 48_000_000;
