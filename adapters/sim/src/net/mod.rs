//! The simulated network: addresses, links, connections and their faults.

mod connect;
mod faults;
mod pipe;
mod stream;

use core::fmt;
use core::future::Future;
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use stator_client::runtime::Endpoint;
use stator_proto::Instant;

use crate::world::{BoxFuture, Sim, State};
pub(crate) use connect::{Connect, Exchange, Lookup};
use pipe::Pipe;
pub use stream::SimStream;

/// Names one connection; ascending in the order in which they were established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub(crate) u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that called `connect`.
    Client,
    /// The end that the listener's handler got.
    Server,
}

impl Side {
    /// The other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// How bytes travel in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// How long a piece travels; drawn for each piece. Pieces do not overtake each other.
    pub latency: RangeInclusive<Duration>,
    /// The longest piece, in bytes: each write takes and each read returns between 1 and this many. `None` never splits.
    pub piece: Option<usize>,
    /// How many bytes may be under way or unread before a write waits.
    pub capacity: usize,
}

impl Default for Path {
    /// 100 to 1000 µs, unsplit, 256 KiB.
    fn default() -> Self {
        Self { latency: Duration::from_micros(100)..=Duration::from_micros(1000), piece: None, capacity: 256 * 1024 }
    }
}

impl Path {
    /// The default path with a fixed latency.
    pub fn fixed(latency: Duration) -> Self {
        Self { latency: latency..=latency, ..Self::default() }
    }
}

/// How bytes travel between a client and a listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// From the client to the server.
    pub up: Path,
    /// From the server to the client.
    pub down: Path,
}

impl Link {
    /// A link with a fixed latency in both directions.
    pub fn fixed(latency: Duration) -> Self {
        Self { up: Path::fixed(latency), down: Path::fixed(latency) }
    }

    /// Splits what travels in both directions into pieces of at most `piece` bytes.
    #[must_use]
    pub fn in_pieces(mut self, piece: usize) -> Self {
        self.up.piece = Some(piece);
        self.down.piece = Some(piece);
        self
    }
}

/// What happens to those who connect to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Route {
    /// They get a connection.
    #[default]
    Open,
    /// They are refused, as if no process listened.
    Refused,
    /// They hear nothing until their deadline; asked again each second, as TCP does.
    BlackHole,
}

type Handler = Arc<dyn Fn(SimStream) -> BoxFuture + Send + Sync>;
type Answerer = Arc<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

struct Listener {
    at: Endpoint,
    handler: Handler,
    route: Route,
    link: Option<Link>,
}

/// Names one direction of a connection: the one in which this side writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipeId(ConnectionId, Side);

/// One side of a connection.
#[derive(Debug)]
struct End {
    /// What this side writes.
    out: Pipe,
    /// Its stream was dropped.
    dropped: bool,
    /// Its closer was used.
    closed: bool,
}

#[derive(Debug)]
struct Connection {
    at: Endpoint,
    client: End,
    server: End,
    reset: bool,
}

impl Connection {
    fn end(&mut self, side: Side) -> &mut End {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

#[derive(Default)]
pub(crate) struct Net {
    listeners: Vec<Listener>,
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: u64,
    hosts: Vec<(String, Vec<IpAddr>)>,
    answerers: Vec<(SocketAddr, Answerer)>,
    link: Link,
    lookup_time: Duration,
}

impl Net {
    fn listener(&mut self, at: &Endpoint) -> Option<&mut Listener> {
        self.listeners.iter_mut().find(|listener| listener.at == *at)
    }

    /// Handlers hold handles to the world; to be dropped without its lock.
    pub(crate) fn take_listeners(&mut self) -> impl Sized + use<> {
        (core::mem::take(&mut self.listeners), core::mem::take(&mut self.answerers))
    }
}

impl State {
    /// Something may have arrived at either end of a pipe.
    pub(crate) fn rouse_pipe(&mut self, PipeId(id, side): PipeId) {
        let Some(connection) = self.net.connections.get_mut(&id) else { return };
        for waiter in connection.end(side).out.take_waiters() {
            self.rouse(waiter);
        }
    }

    /// How long one piece travels from `side` to its peer.
    fn latency(&mut self, link: &Link, side: Side) -> Duration {
        let path = if side == Side::Client { &link.up } else { &link.down };
        self.chance.duration(&path.latency)
    }
}

impl Sim {
    /// Serves `at`: each connection to it becomes a task that runs `handler` with the server's end. Replaces the
    /// listener that was there.
    pub fn listen<H, F>(&self, at: SocketAddr, handler: H)
    where
        H: Fn(SimStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        self.listen_at(Endpoint::Tcp(at), handler);
    }

    /// As [`listen`](Self::listen), at any endpoint.
    pub fn listen_at<H, F>(&self, at: Endpoint, handler: H)
    where
        H: Fn(SimStream) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |stream| Box::pin(handler(stream)));
        let old = self.world.with(|state| match state.net.listener(&at) {
            Some(listener) => Some(core::mem::replace(&mut listener.handler, handler)),
            None => {
                state.net.listeners.push(Listener { at, handler, route: Route::Open, link: None });
                None
            }
        });
        drop(old);
    }

    /// Says what happens to those who connect to `at` from now on. Nothing to say of an address without a listener:
    /// it refuses.
    pub fn set_route(&self, at: SocketAddr, route: Route) {
        self.world.with(|state| {
            if let Some(listener) = state.net.listener(&Endpoint::Tcp(at)) {
                listener.route = route;
            }
        });
    }

    /// Sets the link of later connections to `at`, which must have a listener.
    pub fn set_link(&self, at: SocketAddr, link: Link) {
        self.world.with(|state| {
            if let Some(listener) = state.net.listener(&Endpoint::Tcp(at)) {
                listener.link = Some(link);
            }
        });
    }

    /// Sets the link of later connections to addresses without a link of their own, and of datagrams.
    pub fn set_default_link(&self, link: Link) {
        self.world.with(|state| state.net.link = link);
    }

    /// Adds a host name to the resolver's table. Names are compared without regard to case.
    pub fn host(&self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        let entry = (name.to_ascii_lowercase(), addresses.into_iter().collect());
        self.world.with(|state| {
            state.net.hosts.retain(|(known, _)| *known != entry.0);
            state.net.hosts.push(entry);
        });
    }

    /// Sets how long lookups of host names take (IP literals take no time). Zero at first.
    pub fn set_lookup_time(&self, time: Duration) {
        self.world.with(|state| state.net.lookup_time = time);
    }

    /// Answers datagrams that are sent to `at`; `None` is silence. An address that nobody answers for is silent.
    pub fn answer_datagrams(&self, at: SocketAddr, answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) {
        let old = self.world.with(|state| {
            let old = state.net.answerers.iter().position(|(known, _)| *known == at);
            let old = old.map(|at| state.net.answerers.remove(at));
            state.net.answerers.push((at, Arc::new(answer)));
            old
        });
        drop(old);
    }

    /// How many clients' ends of connections are open, i.e. not dropped.
    pub fn streams_open(&self) -> usize {
        self.world.with(|state| state.net.connections.values().filter(|connection| !connection.client.dropped).count())
    }

    /// How many connections were ever established.
    pub fn connections_made(&self) -> u64 {
        self.world.with(|state| state.net.next_connection)
    }

    /// The connections to `at` whose clients' ends are open, oldest first.
    pub fn connections_to(&self, at: SocketAddr) -> Vec<ConnectionId> {
        let at = Endpoint::Tcp(at);
        self.world.with(|state| {
            let connections = state.net.connections.iter();
            connections.filter(|(_, one)| one.at == at && !one.client.dropped).map(|(id, _)| *id).collect()
        })
    }
}

/// When a client asks again for a connection that a black hole has swallowed (the first retransmission of SYN).
const SYN_AGAIN: Duration = Duration::from_secs(1);

/// The instant at which something that takes `time` from now is done.
fn after(state: &State, time: Duration) -> Instant {
    state.now + time
}

#[cfg(test)]
mod tests;
