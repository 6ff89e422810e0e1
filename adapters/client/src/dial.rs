//! Dials: one spawned task for each connection being established, under connectTimeoutMS.
//!
//! The task does not keep the client alive: it takes along what it needs, and ends by the closer of its stream when the pool gives
//! it up or the last handle is dropped.

use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use stator_proto::auth::scram::Nonce;
use stator_proto::connection::Compression;
use stator_proto::handshake::{Handshake, HandshakeOptions};
use stator_proto::hello::Limits;
use stator_proto::operation::Reached;
use stator_proto::{Instant, ServerAddress};

use crate::credentials::{Conversation, Store, converse};
use crate::dialer::Dialer;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::{self, After, Seat, lock};
use crate::inner::Core;
use crate::learn;
use crate::link::{Io, Link};
use crate::runtime::{Runtime, SpawnError, Stream};
use crate::{compress, login};

/// Starts the dials that the pools have asked for.
///
/// A runtime that is shutting down refuses them all, and each refusal makes the pool ask for the next: hence a loop,
/// where a call for each would go as deep as the queue is long.
pub(crate) fn start_all<R: Runtime>(core: &Core<R>, dials: Vec<hub::Dial>) {
    let mut dials = VecDeque::from(dials);
    while let Some(hub::Dial { seat, populates }) = dials.pop_front() {
        let Some(address) = address_of(core, seat) else { continue };
        if let Err(error) = start(core, seat, populates, &address) {
            let error = Error::at(Phase::Connect, &address, ErrorKind::Runtime(error));
            let mut after = report(core, seat, Err(error));
            dials.extend(after.rest().dial.drain(..));
            core.finish(after);
        }
    }
}

fn address_of<R: Runtime>(core: &Core<R>, seat: Seat) -> Option<Arc<ServerAddress>> {
    lock(&core.hub).site(seat.server).map(|site| Arc::clone(&site.address))
}

fn start<R: Runtime>(
    core: &Core<R>,
    seat: Seat,
    populates: bool,
    address: &Arc<ServerAddress>,
) -> Result<(), SpawnError> {
    let stage = Arc::new(AtomicU8::new(STARTING));
    let pending = Pending { core: core.this.clone(), seat, address: Arc::clone(address), stage: Arc::clone(&stage) };
    // Told by the task: here, one failure would start the next dial, and so on for all who wait.
    let dial = Dial::new(core, seat, populates, address);
    core.runtime.spawn("stator-dial", async move {
        let pending = pending;
        let outcome = match dial {
            Ok(dial) => dial.establish(&pending.core).await,
            Err(error) => Err(error),
        };
        pending.stage.store(OVER, Ordering::Release);
        if let Some(core) = pending.core.upgrade() {
            core.finish(report(&core, seat, outcome));
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
    seat: Seat,
    address: Arc<ServerAddress>,
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
            let error = Error::at(Phase::Connect, &self.address, ErrorKind::Runtime(error));
            core.finish(report(&core, self.seat, Err(error)));
        }
    }
}

/// Tells the cluster how a dial has ended; what follows from it is for the caller to [`finish`](Core::finish).
fn report<R: Runtime>(core: &Core<R>, seat: Seat, outcome: Result<Link<R>>) -> After<R> {
    let Seat { server, connection } = seat;
    let now = core.runtime.now();
    let mut after = After::default();
    let mut hub = lock(&core.hub);
    let outcome = match outcome {
        // The keeper died with its runtime, and what was connected there is of no use elsewhere.
        Ok(link) if !hub.keeper.alive => {
            let error = ErrorKind::Runtime(SpawnError::new("the runtime has ended"));
            let error = Error::at(Phase::Connect, &link.address, error);
            after.rest().close.push(Box::new(link));
            Err(error)
        }
        outcome => outcome,
    };
    match outcome {
        Ok(link) => {
            let service_id = link.machine.hello().service_id;
            match hub.cluster.handle_established(now, server, connection, service_id) {
                Ok(()) => hub.stow(Box::new(link), &mut after),
                // The pool was cleared or closed meanwhile; the slot may have another tenant already.
                Err(_) => after.rest().close.push(Box::new(link)),
            }
        }
        // The pool may have given the dial up meanwhile; then nobody asks.
        Err(error) => {
            if let Some(site) = hub.site(server) {
                site.forget(connection);
            }
            let error = learn::label_dial(error);
            let lesson = learn::from_dial(&error);
            let _ = hub.cluster.handle_dial_failed(now, server, connection, error, lesson);
        }
    }
    hub.drain(&mut after);
    after
}

/// What a dial takes along.
struct Dial<R: Runtime> {
    seat: Seat,
    dialer: Dialer<R>,
    options: HandshakeOptions,
    /// The time for each command after hello, within `connectTimeoutMS`.
    command_timeout: Option<Duration>,
    nonce: Nonce,
    credentials: Arc<Store>,
}

impl<R: Runtime> Dial<R> {
    fn new(core: &Core<R>, seat: Seat, populates: bool, address: &Arc<ServerAddress>) -> Result<Self> {
        let start = core.runtime.now();
        let config = core.config();
        let mut random = [0; Nonce::RANDOM_LEN];
        core.runtime.fill_random(&mut random);
        let codecs = compress::codecs(config);
        let options = HandshakeOptions {
            metadata: lock(&core.metadata).to_doc(),
            login: login::prepare(config, &core.credentials, address)?,
            compressors: compress::wanted(config, &codecs),
            compression: Compression { codecs, requests: None },
            load_balanced: config.load_balanced(),
            server_api: config.server_api.clone(),
            deadline: config.connect_timeout().map_or(Instant::FAR_FUTURE, |timeout| start + timeout),
        };
        let credentials = Arc::clone(&core.credentials);
        // An operation waits under its own deadline, and the next one may use what it would not wait for. (Specification
        // *Client Side Operations Timeout*, "Background Connection Pooling", whose data expect pools to be filled though hello
        // takes longer than timeoutMS.)
        let command_timeout = match config.timeout {
            Some(_) => config.timeout().filter(|_| populates),
            None => config.socket_timeout(),
        };
        let (dialer, nonce) = (Dialer::new(core, address), Nonce::from_random(&random));
        Ok(Self { seat, dialer, options, command_timeout, nonce, credentials })
    }

    async fn establish(self, core: &Weak<Core<R>>) -> Result<Link<R>> {
        let channel = self.dialer.connect(self.options.deadline).await?;
        self.remember_closer(core, channel.closer())?;
        let channel = self.dialer.secure(channel, self.options.deadline).await?;
        self.shake_hands(core, Io::new(channel, Limits::MAX_FRAME)).await
    }

    /// From here on the dial can be ended from elsewhere; an error if it was given up already.
    fn remember_closer(&self, core: &Weak<Core<R>>, closer: crate::runtime::Closer) -> Result<()> {
        let given_up = || Error::at(Phase::Connect, &self.dialer.address, ErrorKind::Closed);
        let core = core.upgrade().ok_or_else(given_up)?;
        let mut hub = lock(&core.hub);
        let Seat { server, connection } = self.seat;
        if !hub.cluster.is_pending(server, connection) {
            return Err(given_up());
        }
        if let Some(site) = hub.site(server) {
            site.remember_closer(connection, closer);
        }
        Ok(())
    }

    async fn shake_hands(self, core: &Weak<Core<R>>, mut io: Io<R>) -> Result<Link<R>> {
        let Self { seat, dialer: Dialer { runtime, address, .. }, options, command_timeout, nonce, credentials } = self;
        let mut handshake = Handshake::new(options, nonce);
        let link = Conversation { address: &address, io: &mut io, command_timeout };
        converse(core, &credentials, &runtime, link, &mut handshake).await?;
        let token = handshake.token().cloned();
        let Some((machine, keys)) = handshake.finish() else {
            return Err(Error::at(Phase::Auth, &address, ErrorKind::Closed));
        };
        if let (Some(keys), Some(core)) = (keys, core.upgrade()) {
            lock(&core.hub).keys.insert(keys);
        }
        // Of a hundred connections that a pool keeps ready most wait: without the buffer of the handshake.
        io.input.shrink();
        io.input.set_limit(machine.hello().limits.max_message_size.max(FRAME_FLOOR));
        Ok(Link {
            seat,
            address,
            io,
            machine,
            token,
            reached: Reached::default(),
            session: None,
            learnt: None,
            owing_until: None,
            last_used: runtime.now(),
            exhaust: false,
            orphan: None,
        })
    }
}

/// Replies may be a little longer than what `maxMessageSizeBytes` allows for requests; never refuse below this.
const FRAME_FLOOR: usize = 48_000_000;
