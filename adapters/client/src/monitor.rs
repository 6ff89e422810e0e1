//! Monitors: one background task for each server, and one more for its round trip times while the first one streams.
//!
//! The task owns the stream and the machine; the hub has a desk for it, where it finds its orders. It does not keep the client
//! alive: it holds a weak pointer, and its stream's closer lies on the desk.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use std::sync::{Arc, Weak};

use bson::oid::ObjectId;
use stator_proto::cluster::ServerId;
use stator_proto::handshake::HandshakeError;
use stator_proto::hello::Limits;
use stator_proto::monitor::{CheckError, HeartbeatEvent, Monitor, MonitorOptions, Report, RttMonitor, Step};
use stator_proto::{Instant, SendBuf, ServerAddress};
use stator_wire::Deframer;

use crate::dialer::Dialer;
use crate::error::{Error, ErrorKind, Phase};
use crate::event::{Category, Heartbeats};
use crate::hub::{After, Hub, MonitorDesk, Orders, Site, lock};
use crate::inner::Core;
use crate::link::Io;
use crate::runtime::{Runtime, SpawnError, Stream};

/// Starts the monitors of these servers.
///
/// # Errors
///
/// The runtime takes no tasks; the monitors that did not start are missed by whoever comes next.
pub(crate) fn start_all<R: Runtime>(core: &Core<R>, servers: &[ServerId]) -> Result<(), SpawnError> {
    servers.iter().try_for_each(|&server| start(core, server, Role::Heartbeat))
}

/// Which of a server's two monitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Heartbeat,
    RoundTripTime,
}

fn desk<R: Runtime>(site: &mut Site<R>, role: Role) -> &mut MonitorDesk {
    match role {
        Role::Heartbeat => &mut site.monitor,
        Role::RoundTripTime => &mut site.rtt_monitor,
    }
}

fn start<R: Runtime>(core: &Core<R>, server: ServerId, role: Role) -> Result<(), SpawnError> {
    let address = {
        let mut hub = lock(&core.hub);
        let Some(site) = hub.site(server) else { return Ok(()) };
        let address = Arc::clone(&site.address);
        let desk = desk(site, role);
        if !desk.wanted || core::mem::replace(&mut desk.alive, true) {
            return Ok(());
        }
        desk.orders = Orders::default();
        address
    };
    let post = Post { core: core.this.clone(), server, role, topology_id: core.topology_id };
    let dialer = Dialer::new(core, &address);
    let options = options(core);
    match role {
        Role::Heartbeat => core.runtime.spawn("stator-monitor", async move {
            let post = post;
            let now = dialer.runtime.now();
            watch(&post, &dialer, Monitor::new(now, options)).await;
        }),
        Role::RoundTripTime => core.runtime.spawn("stator-rtt", async move {
            let post = post;
            let now = dialer.runtime.now();
            watch(&post, &dialer, RttMonitor::new(now, options)).await;
        }),
    }
}

/// Where a monitor stands. When its task ends, above all when a dying runtime drops it, the next operation starts another.
struct Post<R: Runtime> {
    core: Weak<Core<R>>,
    server: ServerId,
    role: Role,
    topology_id: ObjectId,
}

impl<R: Runtime> Post<R> {
    /// Does something with the desk; `None` once the client or the server is gone.
    fn at_desk<T>(&self, act: impl FnOnce(&mut MonitorDesk) -> T) -> Option<T> {
        let core = self.core.upgrade()?;
        let mut hub = lock(&core.hub);
        hub.site(self.server).map(|site| act(desk(site, self.role)))
    }

    /// Takes the orders off the desk; `stop` once there is nobody to give any.
    fn orders(&self) -> Orders {
        let gone = Orders { stop: true, ..Orders::default() };
        self.at_desk(|desk| core::mem::take(&mut desk.orders)).unwrap_or(gone)
    }
}

impl<R: Runtime> Drop for Post<R> {
    fn drop(&mut self) {
        let Some(core) = self.core.upgrade() else { return };
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        let Some(site) = hub.site(self.server) else { return };
        let desk = desk(site, self.role);
        desk.alive = false;
        desk.closer = None;
        after.wake.extend(desk.waker.take());
        if site.monitor.is_missing() {
            hub.monitors_missing = true;
            hub.wake_watchers(&mut after);
        }
        drop(hub);
        core.finish(after);
    }
}

/// The two machines, as their run loop sees them.
trait Machine: Send {
    fn step(&self) -> Step;
    fn transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool;
    fn sent(&mut self, now: Instant, out: &mut SendBuf, count: usize);
    fn recv(&mut self, now: Instant, input: &mut Deframer);
    fn connected(&mut self, now: Instant);
    fn failed(&mut self, now: Instant, error: Error, timed_out: bool);
    fn closed(&mut self, now: Instant, input: &Deframer);
    fn disconnected(&mut self, now: Instant);
    fn timeout(&mut self, now: Instant);
    fn ordered(&mut self, now: Instant, orders: Orders);
    /// Hands over what it has seen; called with the hub locked.
    fn report<R: Runtime>(&mut self, now: Instant, server: ServerId, address: &ServerAddress, hub: &mut Hub<R>);
    /// The next heartbeat to tell.
    fn heartbeat(&mut self) -> Option<HeartbeatEvent<Error>>;
    fn wants_rtt_monitor(&self) -> bool;
}

/// The run loop of a monitor.
async fn watch<R: Runtime>(post: &Post<R>, dialer: &Dialer<R>, mut machine: impl Machine) {
    let mut io: Option<Io<R>> = None;
    let mut heartbeats = Heartbeats::new(post.topology_id, Arc::clone(&dialer.address));
    loop {
        let now = dialer.runtime.now();
        machine.ordered(now, post.orders());
        if !post.report(now, &dialer.address, &mut machine, &mut heartbeats) {
            return;
        }
        match machine.step() {
            Step::Connect { deadline } => {
                let outcome = connect(post, dialer, deadline).await;
                let now = dialer.runtime.now();
                match outcome {
                    Ok(connected) => {
                        io = Some(connected);
                        machine.connected(now);
                    }
                    Err(error) => {
                        let timed_out = error.is_timeout();
                        machine.ordered(now, post.orders());
                        machine.failed(now, error, timed_out);
                    }
                }
            }
            Step::Exchange { deadline } => match &mut io {
                Some(io) => exchange(post, dialer, &mut machine, io, deadline).await,
                None => machine.closed(now, &Deframer::new(0)),
            },
            Step::Close => {
                io = None;
                post.at_desk(|desk| desk.closer = None);
                machine.disconnected(now);
            }
            Step::Wait { until } => {
                wait(post, dialer, until).await;
                machine.timeout(dialer.runtime.now());
            }
            Step::Ended => return,
        }
    }
}

async fn connect<R: Runtime>(post: &Post<R>, dialer: &Dialer<R>, deadline: Instant) -> Result<Io<R>, Error> {
    let channel = dialer.connect(deadline).await?;
    let closer = channel.closer();
    // What was ordered while there was no closer yet.
    let given_up = post.at_desk(|desk| {
        desk.closer = Some(closer);
        desk.orders.stop || desk.orders.cancel
    });
    if given_up != Some(false) {
        return Err(Error::at(Phase::Connect, &dialer.address, ErrorKind::Closed));
    }
    let channel = dialer.secure(channel, deadline).await?;
    Ok(Io::new(channel, Limits::MAX_FRAME))
}

/// Writes what is to be written and reads what has come, once.
async fn exchange<R: Runtime>(
    post: &Post<R>,
    dialer: &Dialer<R>,
    machine: &mut impl Machine,
    io: &mut Io<R>,
    deadline: Instant,
) {
    let now = dialer.runtime.now();
    if machine.transmit(now, &mut io.output) {
        let written = io.write(deadline, |output, count| machine.sent(now, output, count)).await;
        if let Err(error) = written {
            let timed_out = error.kind() == std::io::ErrorKind::TimedOut;
            let error = Error::io(Phase::Send, &dialer.address, error);
            let now = dialer.runtime.now();
            machine.ordered(now, post.orders());
            return machine.failed(now, error, timed_out);
        }
        return;
    }
    let outcome = io.read(deadline).await;
    let now = dialer.runtime.now();
    // A stream that was closed by order has not failed.
    machine.ordered(now, post.orders());
    match outcome {
        Ok(true) => machine.recv(now, &mut io.input),
        Ok(false) => machine.closed(now, &io.input),
        Err(error) => {
            let timed_out = error.kind() == std::io::ErrorKind::TimedOut;
            machine.failed(now, Error::io(Phase::Receive, &dialer.address, error), timed_out);
        }
    }
}

/// Waits until then, or for an order.
async fn wait<R: Runtime>(post: &Post<R>, dialer: &Dialer<R>, until: Instant) {
    let mut timer = pin!(dialer.runtime.sleep_until(until));
    poll_fn(|cx| {
        // The former waker, dropped after the lock.
        let mut _waker = None;
        let ordered = post.at_desk(|desk| {
            _waker = desk.waker.replace(cx.waker().clone());
            desk.orders.any()
        });
        if ordered == Some(false) { timer.as_mut().poll(cx) } else { Poll::Ready(()) }
    })
    .await;
}

impl<R: Runtime> Post<R> {
    /// Hands over what the machine has seen; `false` once nobody wants to know.
    fn report(
        &self,
        now: Instant,
        address: &ServerAddress,
        machine: &mut impl Machine,
        heartbeats: &mut Heartbeats,
    ) -> bool {
        let Some(core) = self.core.upgrade() else { return false };
        let mut after = After::default();
        let mut hub = lock(&core.hub);
        let Some(site) = hub.site(self.server) else { return false };
        let wants_rtt = self.role == Role::Heartbeat && machine.wants_rtt_monitor();
        site.rtt_monitor.wanted = wants_rtt && site.monitor.wanted;
        let starts_rtt = site.rtt_monitor.is_missing();
        while let Some(event) = machine.heartbeat() {
            let event = heartbeats.event(event);
            if let Some(teller) = &hub.teller {
                teller.heartbeat(event);
                after.told = true;
            }
        }
        machine.report(now, self.server, address, &mut hub);
        hub.drain(&mut after);
        drop(hub);
        core.finish(after);
        if starts_rtt {
            // Without it the round trip times of this server stay what they are.
            let _ = start(&core, self.server, Role::RoundTripTime);
        }
        true
    }
}

fn options<R: Runtime>(core: &Core<R>) -> MonitorOptions {
    let config = core.config();
    let metadata = lock(&core.metadata);
    MonitorOptions {
        heartbeat_frequency: config.heartbeat_frequency(),
        connect_timeout: config.connect_timeout(),
        mode: config.server_monitoring_mode(),
        faas: metadata.env.name.is_some(),
        metadata: metadata.to_doc(),
        server_api: config.server_api.clone(),
        events: core.deliveries.listeners().may_want(Category::Topology),
        ..MonitorOptions::default()
    }
}

/// The half of [`Machine`] in which both machines are alike.
macro_rules! passed_on {
    () => {
        fn step(&self) -> Step {
            self.poll_step()
        }

        fn transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
            self.poll_transmit(now, out)
        }

        fn sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
            self.handle_sent(now, out, count);
        }

        fn recv(&mut self, now: Instant, input: &mut Deframer) {
            self.handle_recv(now, input);
        }

        fn connected(&mut self, now: Instant) {
            self.handle_connected(now);
        }

        fn failed(&mut self, now: Instant, error: Error, timed_out: bool) {
            self.handle_failed(now, error, timed_out);
        }

        fn closed(&mut self, now: Instant, input: &Deframer) {
            self.handle_closed(now, input);
        }

        fn disconnected(&mut self, now: Instant) {
            self.handle_disconnected(now);
        }

        fn timeout(&mut self, now: Instant) {
            self.handle_timeout(now);
        }
    };
}

impl Machine for Monitor<Error> {
    passed_on!();

    fn ordered(&mut self, now: Instant, orders: Orders) {
        if orders.stop {
            self.handle_stop(now);
        }
        if orders.cancel {
            self.handle_cancel(now);
        }
        if orders.check {
            self.handle_check_request(now);
        }
    }

    fn report<R: Runtime>(&mut self, now: Instant, server: ServerId, address: &ServerAddress, hub: &mut Hub<R>) {
        while let Some(report) = self.poll_report() {
            match report {
                Report::Seen { hello, rtt } => hub.cluster.handle_checked(now, server, hello, rtt),
                Report::Failed { error, failure } => {
                    hub.cluster.handle_check_failed(now, server, check_error(address, error), failure);
                }
            }
        }
    }

    fn heartbeat(&mut self) -> Option<HeartbeatEvent<Error>> {
        self.poll_event()
    }

    fn wants_rtt_monitor(&self) -> bool {
        Self::wants_rtt_monitor(self)
    }
}

impl Machine for RttMonitor<Error> {
    passed_on!();

    fn ordered(&mut self, now: Instant, orders: Orders) {
        if orders.stop {
            self.handle_stop(now);
        }
    }

    fn report<R: Runtime>(&mut self, _now: Instant, server: ServerId, _address: &ServerAddress, hub: &mut Hub<R>) {
        while let Some(sample) = self.poll_sample() {
            hub.cluster.handle_rtt(server, sample);
        }
    }

    fn heartbeat(&mut self) -> Option<HeartbeatEvent<Error>> {
        None
    }

    fn wants_rtt_monitor(&self) -> bool {
        false
    }
}

/// A failed check's error as users see it.
pub(crate) fn check_error(address: &ServerAddress, error: CheckError<Error>) -> Error {
    let kind = match error {
        CheckError::Host(error) => return error,
        CheckError::Connection(error) => HandshakeError::Connection(error),
        CheckError::Hello(error) => HandshakeError::Hello(error),
        CheckError::Cancelled => return Error::at(Phase::Hello, address, ErrorKind::Abandoned),
    };
    Error::at(Phase::Hello, address, ErrorKind::Handshake(kind))
}
