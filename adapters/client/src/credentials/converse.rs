//! The loop of a handshake: what dials and logins that are repeated have in common.

use core::time::Duration;
use std::sync::Weak;

use stator_proto::auth::scram::{Challenge, ScramKeys};
use stator_proto::handshake::Handshake;
use stator_proto::{Instant, ServerAddress};

use super::{Store, fulfil};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::lock;
use crate::inner::Core;
use crate::link::Io;
use crate::runtime::Runtime;

/// What a handshake is held on.
#[derive(Debug)]
pub(crate) struct Conversation<'s, R: Runtime> {
    pub(crate) address: &'s ServerAddress,
    pub(crate) io: &'s mut Io<R>,
    /// The time for each command after hello, within the deadline of the whole.
    pub(crate) command_timeout: Option<Duration>,
}

/// Runs a handshake on a stream until it is done.
pub(crate) async fn converse<R: Runtime>(
    core: &Weak<Core<R>>,
    store: &Store,
    runtime: &R,
    conversation: Conversation<'_, R>,
    handshake: &mut Handshake,
) -> Result<()> {
    let outcome = run(core, store, runtime, conversation, handshake).await;
    if outcome.is_err()
        && let Some(login) = handshake.login()
    {
        store.handle_failed(login);
    }
    outcome
}

async fn run<R: Runtime>(
    core: &Weak<Core<R>>,
    store: &Store,
    runtime: &R,
    conversation: Conversation<'_, R>,
    handshake: &mut Handshake,
) -> Result<()> {
    let Conversation { address, io, command_timeout } = conversation;
    let mut due = Instant::FAR_FUTURE;
    let failed = |handshake: &Handshake, error| Error::at(phase(handshake), address, ErrorKind::Handshake(error));
    while !handshake.is_done() {
        if let Some(challenge) = handshake.poll_keys() {
            let keys = keys(core, challenge);
            handshake.handle_keys(keys).map_err(|error| failed(handshake, error))?;
        }
        if let Some(need) = handshake.poll_need() {
            fulfil(store, runtime, handshake, need).await.map_err(|error| error.of_operation(address, false))?;
        }
        let now = runtime.now();
        let sends = handshake.poll_transmit(now, &mut io.output);
        if sends {
            let timeout = command_timeout.filter(|_| handshake.is_authenticating());
            due = timeout.map_or(due, |timeout| now + timeout);
        }
        let deadline = due.min(handshake.deadline());
        if sends {
            let sent = io.write(deadline, |output, count| handshake.handle_sent(now, output, count)).await;
            sent.map_err(|error| failed_io(handshake, address, error))?;
        }
        if let Some(error) = handshake.error() {
            return Err(failed(handshake, error.clone()));
        }
        handshake.handle_recv(now, &mut io.input).map_err(|error| failed(handshake, error))?;
        let waits = !handshake.is_done() && handshake.poll_keys().is_none() && !handshake.has_need();
        if waits && !handshake.has_request() {
            match io.read(deadline).await {
                Ok(true) => {
                    let read = handshake.handle_recv(now, &mut io.input);
                    read.map_err(|error| failed(handshake, error))?;
                }
                Ok(false) => {
                    let error = handshake.handle_closed(now, &io.input);
                    return Err(failed(handshake, error));
                }
                Err(error) => return Err(failed_io(handshake, address, error)),
            }
        }
    }
    Ok(())
}

fn failed_io(handshake: &Handshake, address: &ServerAddress, error: std::io::Error) -> Error {
    Error::io(phase(handshake), address, error)
}

/// Until hello was answered, the connection is being made; from there on its user is being authenticated.
fn phase(handshake: &Handshake) -> Phase {
    if handshake.is_authenticating() { Phase::Auth } else { Phase::Hello }
}

/// Known keys, or new ones; deriving them takes milliseconds, without the lock.
fn keys<R: Runtime>(core: &Weak<Core<R>>, challenge: &Challenge) -> ScramKeys {
    let cached = core.upgrade().and_then(|core| lock(&core.hub).keys.get(challenge.cache_key()));
    cached.unwrap_or_else(|| challenge.derive_keys())
}
