//! Connects, lookups and datagrams: calls that take their time and then are done.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use stator_client::runtime::Endpoint;
use stator_proto::Instant;

use super::stream::Attempt;
use super::{Answerer, Connection, ConnectionId, End, Handler, Link, Pipe, Route, SYN_AGAIN, Side, SimStream, after};
use crate::world::{Kind, State, TimerId, World};

/// A call of `work` whose first try says how long it takes.
struct Call {
    world: Arc<World>,
    deadline: Instant,
    timer: Option<TimerId>,
    done_at: Option<Instant>,
}

impl Call {
    fn new(world: Arc<World>, deadline: Instant) -> Self {
        Self { world, deadline, timer: None, done_at: None }
    }

    fn poll<T>(
        &mut self,
        cx: &Context<'_>,
        duration: impl Fn(&mut State) -> Duration,
        work: impl Fn(&mut State) -> Attempt<T>,
    ) -> Poll<io::Result<T>> {
        let done_at = &mut self.done_at;
        let attempt = |state: &mut State| {
            if state.is_dead() {
                return Attempt::Done(Err(io::Error::other("the simulated world has ended")));
            }
            let at = match *done_at {
                Some(at) => at,
                None => {
                    let time = duration(state);
                    *done_at.insert(after(state, time))
                }
            };
            if state.now < at {
                return Attempt::Wait(Some(at));
            }
            let result = work(state);
            if let Attempt::Wait(Some(again)) = result {
                *done_at = Some(again);
            }
            result
        };
        self.world.poll_io(cx, &mut self.timer, self.deadline, attempt, |_, _| None)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.take() {
            drop(self.world.with(|state| state.timers.disarm(timer)));
        }
    }
}

/// The future of `Runtime::connect`.
pub(crate) struct Connect {
    call: Call,
    to: Endpoint,
}

impl Connect {
    pub(crate) fn new(world: Arc<World>, to: Endpoint, deadline: Instant) -> Self {
        Self { call: Call::new(world, deadline), to }
    }
}

impl Future for Connect {
    type Output = io::Result<SimStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let to = &this.to;
        let round_trip = |state: &mut State| {
            let link = state.link(to);
            state.latency(&link, Side::Client) + state.latency(&link, Side::Server)
        };
        let accepted = core::task::ready!(this.call.poll(cx, round_trip, |state| state.accept(to)));
        let world = &this.call.world;
        Poll::Ready(accepted.and_then(|(id, handler)| {
            let client = SimStream::new(world.clone(), id, Side::Client);
            let server = SimStream::new(world.clone(), id, Side::Server);
            let name = format!("server {to} {id}");
            world.start(&name, Kind::Server, Box::pin(async move { handler(server).await }))?;
            Ok(client)
        }))
    }
}

impl State {
    fn link(&mut self, at: &Endpoint) -> Link {
        let own = self.net.listener(at).and_then(|listener| listener.link.clone());
        own.unwrap_or_else(|| self.net.link.clone())
    }

    /// A client's question for a connection has come back.
    fn accept(&mut self, to: &Endpoint) -> Attempt<(ConnectionId, Handler)> {
        let now = self.now;
        let link = self.link(to);
        let handler = match self.net.listener(to) {
            Some(listener) if listener.route == Route::Open => listener.handler.clone(),
            Some(listener) if listener.route == Route::BlackHole => return Attempt::Wait(Some(now + SYN_AGAIN)),
            _ => return Attempt::Done(Err(io::ErrorKind::ConnectionRefused.into())),
        };
        self.net.next_connection += 1;
        let id = ConnectionId(self.net.next_connection);
        let end = |path| End { out: Pipe::new(path, now), dropped: false, closed: false };
        let connection = Connection { at: to.clone(), client: end(link.up), server: end(link.down), reset: false };
        self.net.connections.insert(id, connection);
        Attempt::Done(Ok((id, handler)))
    }

    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let host = host.to_ascii_lowercase();
        if let Some((_, addresses)) = self.net.hosts.iter().find(|(name, _)| *name == host) {
            return Ok(addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        }
        if host == "localhost" {
            return Ok(vec![SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port)]);
        }
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no host is named {host}")))
    }

    fn answerer(&self, to: SocketAddr) -> Option<Answerer> {
        self.net.answerers.iter().find(|(at, _)| *at == to).map(|(_, answer)| answer.clone())
    }
}

/// The future of `Runtime::lookup`.
pub(crate) struct Lookup {
    call: Call,
    host: String,
    port: u16,
}

impl Lookup {
    pub(crate) fn new(world: Arc<World>, host: &str, port: u16, deadline: Instant) -> Self {
        Self { call: Call::new(world, deadline), host: host.to_owned(), port }
    }
}

impl Future for Lookup {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Ok(literal) = this.host.parse::<IpAddr>() {
            return Poll::Ready(Ok(vec![SocketAddr::new(literal, this.port)]));
        }
        let (host, port) = (&this.host, this.port);
        this.call.poll(cx, |state| state.net.lookup_time, |state| Attempt::Done(state.resolve(host, port)))
    }
}

/// The future of `Runtime::exchange_datagram`.
pub(crate) struct Exchange {
    call: Call,
    to: SocketAddr,
    question: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(world: Arc<World>, to: SocketAddr, question: &[u8], deadline: Instant) -> Self {
        Self { call: Call::new(world, deadline), to, question: question.to_vec() }
    }
}

impl Future for Exchange {
    type Output = io::Result<Vec<u8>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            // The answerer is the test's code and runs without the lock, when the question arrives.
            let to = this.to;
            let round_trip = |state: &mut State| {
                let link = state.net.link.clone();
                state.latency(&link, Side::Client) + state.latency(&link, Side::Server)
            };
            let found = this.call.poll(cx, round_trip, |state| match state.answerer(to) {
                Some(answer) => Attempt::Done(Ok(answer)),
                None => Attempt::Wait(Some(Instant::FAR_FUTURE)),
            });
            let answer = match core::task::ready!(found) {
                Ok(answer) => answer,
                Err(error) => return Poll::Ready(Err(error)),
            };
            if let Some(answer) = answer(&this.question) {
                return Poll::Ready(Ok(answer));
            }
            this.call.done_at = Some(Instant::FAR_FUTURE);
        }
    }
}

macro_rules! opaque_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("deadline", &self.call.deadline).finish_non_exhaustive()
            }
        }
    )*};
}
opaque_debug!(Connect, Lookup, Exchange);
