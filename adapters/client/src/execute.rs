//! One operation, from its first check-out to its result.

use core::future::Future;
use std::sync::Arc;

use stator_proto::operation::{Exec, Operation, SessionSlot, Settings, Step};
use stator_proto::session::ServerSession;
use stator_proto::{Instant, ServerAddress};

use crate::call::Call;
use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::{ConnectionInfo, Watch};
use crate::hub::lock;
use crate::inner::Core;
use crate::lease::{Lease, OwnedLease};
use crate::link::Link;
use crate::runtime::Runtime;
use crate::session::Held;

/// Where an operation may run.
#[derive(Debug)]
pub(crate) enum Route<'r, R: Runtime> {
    /// On any server that suits.
    Any,
    /// On this one: what it is about is there.
    Server(&'r ServerAddress),
    /// On this connection.
    Connection(&'r mut OwnedLease<R>),
}

/// An operation's output, and where it came from.
#[derive(Debug)]
pub(crate) struct Served<'c, R: Runtime, T> {
    pub(crate) output: T,
    pub(crate) server: Arc<ServerAddress>,
    /// The connection, still checked out; `None` if it came with the route.
    pub(crate) lease: Option<Lease<R, &'c Core<R>>>,
    /// The implicit session; only if it was to be kept.
    pub(crate) session: Option<ServerSession>,
}

/// The session that an operation runs in.
#[derive(Debug)]
pub(crate) enum Within<R: Runtime> {
    /// An implicit one, taken from the pool and given back.
    Own,
    /// An implicit one, taken from the pool and kept for a cursor that may come of it.
    Keep,
    /// The implicit one of the cursor which the operation is about; kept.
    Of(Option<ServerSession>),
    /// The user's.
    Session(Held<R>),
}

/// An operation under way. Dropped before its end, it puts its session right.
struct Running<'c, R: Runtime, O: Operation> {
    core: &'c Core<R>,
    exec: Option<Exec<O, Error>>,
    held: Option<Held<R>>,
    /// Why it cannot begin.
    refusal: Option<Error>,
}

/// When an operation begins, and its number.
#[derive(Clone, Copy)]
struct Start {
    now: Instant,
    id: i64,
}

impl<R: Runtime, O: Operation> Drop for Running<'_, R, O> {
    fn drop(&mut self) {
        let Some(mut exec) = self.exec.take() else { return };
        exec.handle_dropped();
        match (exec.take_session(), &mut self.held) {
            (SessionSlot::Implicit(session), _) => self.core.give_back_session(session),
            (SessionSlot::Explicit(session), Some(held)) => held.put(session),
            (SessionSlot::Explicit(_) | SessionSlot::None, _) => {}
        }
    }
}

impl<R: Runtime> Core<R> {
    /// Runs one operation to its end.
    ///
    /// Not an `async fn`, nor are those that it calls: their futures would hold each argument twice, and are moved.
    pub(crate) fn execute<O: Operation>(&self, operation: O, call: Call<R>) -> impl Future<Output = Result<O::Output>> {
        let start = self.start();
        let running = match call.begin(self) {
            Ok((settings, session)) => self.begin(start, operation, settings, session.unwrap_or(Within::Own)),
            Err(error) => Running { core: self, exec: None, held: None, refusal: Some(error) },
        };
        self.run(start, Route::Any, running, false, |served| served.output)
    }

    /// As [`execute`](Self::execute), somewhere, and says where.
    pub(crate) fn execute_on<'c, O: Operation>(
        &'c self,
        route: Route<'c, R>,
        operation: O,
        settings: Arc<Settings>,
        within: Within<R>,
    ) -> impl Future<Output = Result<Served<'c, R, O::Output>>> {
        let start = self.start();
        let keeps_session = matches!(within, Within::Keep | Within::Of(_));
        let running = self.begin(start, operation, settings, within);
        self.run(start, route, running, keeps_session, |served| served)
    }

    fn start(&self) -> Start {
        Start { now: self.runtime.now(), id: self.next_operation_id() }
    }

    fn begin<O: Operation>(
        &self,
        start: Start,
        operation: O,
        settings: Arc<Settings>,
        within: Within<R>,
    ) -> Running<'_, R, O> {
        let mut exec: Exec<O, Error> = Exec::new(start.now, operation, settings, self.config().server_api.clone())
            .with_retries(self.retries, self.random())
            .with_operation_id(start.id);
        let mut held = None;
        match within {
            Within::Of(Some(session)) => exec = exec.with_implicit_session(session),
            Within::Session(mut session) => {
                if let Some(machine) = session.take() {
                    exec = exec.with_session(machine);
                }
                held = Some(session);
            }
            Within::Own | Within::Keep | Within::Of(None) => {}
        }
        Running { core: self, exec: Some(exec), held, refusal: None }
    }

    #[expect(clippy::manual_async_fn, reason = "its arguments would be in its future twice")]
    fn run<'c, O: Operation, T>(
        &'c self,
        start: Start,
        mut route: Route<'c, R>,
        mut running: Running<'c, R, O>,
        keeps_session: bool,
        give: fn(Served<'c, R, O::Output>) -> T,
    ) -> impl Future<Output = Result<T>> {
        async move {
            // The clock is read again only where time may have passed.
            let Start { mut now, id } = start;
            let Running { exec: Some(exec), held, .. } = &mut running else {
                return Err(running.refusal.take().unwrap_or_else(|| Error::new(Phase::Prepare, ErrorKind::Closed)));
            };
            let mut lease = None;
            loop {
                match exec.poll_step() {
                    Step::CheckOut => {
                        // That of the last attempt.
                        drop(lease.take());
                        let pinned = held.as_mut().and_then(|held| held.pinned_if(exec.uses_pinned_connection()));
                        let outcome = match (&mut route, pinned) {
                            (Route::Connection(pinned), _) => Ok(pinned.reached()),
                            (_, Some(pinned)) => Ok(pinned.reached()),
                            (Route::Any | Route::Server(_), None) => {
                                let ask = self.ask(now, exec, &route, id);
                                let granted = self.check_out(&mut now, &ask).await;
                                granted.map(|granted| lease.insert(granted).reached())
                            }
                        };
                        match outcome {
                            Ok(reached) => {
                                exec.handle_checked_out(now, reached);
                                if exec.wants_session() {
                                    let link = connection(&mut route, &mut lease, held);
                                    let spare = link.and_then(|link| link.session.take());
                                    let session = spare.unwrap_or_else(|| self.new_session(now));
                                    // There was none, so none comes back.
                                    let _ = exec.handle_session(session);
                                }
                            }
                            Err(error) => {
                                now = self.runtime.now();
                                exec.handle_failed(now, error);
                            }
                        }
                    }
                    Step::Exchange => {
                        let Some(link) = connection(&mut route, &mut lease, held) else { break };
                        self.exchange(now, id, exec, link).await;
                        let partly_done = exec.is_partly_done();
                        if let Some(error) = exec.error_mut() {
                            error.add_origin(&link.address, partly_done);
                        }
                        if exec.wants_address() {
                            exec.handle_address(&link.address, link.reached.topology);
                        }
                        if exec.poll_step() == Step::Done {
                            break;
                        }
                        now = self.runtime.now();
                    }
                    Step::Reauthenticate => {
                        let Some(link) = connection(&mut route, &mut lease, held) else { break };
                        // Rare, and with a large future.
                        let outcome = Box::pin(self.reauthenticate(link, self.io_deadline(now, exec))).await;
                        now = self.runtime.now();
                        match outcome {
                            Ok(()) => exec.handle_reauthenticated(now),
                            Err(error) => {
                                exec.handle_failed(now, error.of_operation(&link.address, exec.is_partly_done()));
                            }
                        }
                    }
                    Step::Sleep(until) => {
                        drop(lease.take());
                        Box::pin(self.runtime.sleep_until(until)).await;
                        now = self.runtime.now();
                        exec.handle_timeout(now);
                    }
                    Step::Expired => {
                        let cause = exec.take_cause();
                        let link = connection(&mut route, &mut lease, held);
                        let error = Error::expired(link.map(|link| &*link.address), cause);
                        exec.handle_failed(now, error);
                    }
                    Step::Done => break,
                }
            }
            self.conclude(now, &mut running, route, lease, keeps_session).map(give)
        }
    }

    /// Gives back what the operation had, and takes its result.
    fn conclude<'c, O: Operation>(
        &'c self,
        now: Instant,
        running: &mut Running<'c, R, O>,
        mut route: Route<'_, R>,
        mut lease: Option<Lease<R, &'c Self>>,
        keeps_session: bool,
    ) -> Result<Served<'c, R, O::Output>> {
        let nothing = || Error::new(Phase::Prepare, ErrorKind::Closed);
        let Some(mut exec) = running.exec.take() else { return Err(nothing()) };
        let held = &mut running.held;
        let mut session = None;
        let pins = exec.uses_pinned_connection();
        match exec.take_session() {
            SessionSlot::Implicit(implicit) => session = Some(implicit),
            SessionSlot::Explicit(machine) => {
                if let Some(held) = held {
                    held.put(machine);
                }
            }
            SessionSlot::None => {}
        }
        let learnt = exec.take_cluster_time();
        let partly_done = exec.is_partly_done();
        let result = exec.finish();
        let Some(link) = connection(&mut route, &mut lease, held) else {
            if let Some(session) = session {
                lock(&self.hub).cluster.give_back_session(now, session);
            }
            return match result {
                Some(Err(error)) => Err(error),
                _ => Err(nothing()),
            };
        };
        // They go to the pool with the connection, under the same lock.
        if learnt.is_some() {
            link.learnt = learnt;
        }
        if !keeps_session || !matches!(result, Some(Ok(_))) {
            link.session = session.take();
        }
        let outcome = match result {
            Some(Ok(output)) => Ok((output, Arc::clone(&link.address))),
            Some(Err(error)) => Err(error.of_operation(&link.address, partly_done)),
            None => Err(nothing()),
        };
        if let Some(held) = held
            && pins
            && let Some(lease) = lease.take()
        {
            held.pinned = lease.into_owned();
        }
        let (output, server) = outcome?;
        Ok(Served { output, server, lease, session })
    }

    #[expect(clippy::manual_async_fn, reason = "its arguments would be in its future twice")]
    fn exchange<'a, O: Operation>(
        &'a self,
        now: Instant,
        id: i64,
        exec: &'a mut Exec<O, Error>,
        link: &'a mut Link<R>,
    ) -> impl Future<Output = ()> + use<'a, R, O> {
        async move {
            let deadline = self.io_deadline(now, exec);
            exec.send(now, &mut link.machine, &mut link.io.output);
            if exec.poll_step() != Step::Exchange {
                return;
            }
            let Link { seat, address, machine, io, .. } = &*link;
            let watch = Watch::start(&self.runtime, self.deliveries.listeners(), now, &io.output, id, || {
                ConnectionInfo::of(address, seat.connection, machine.hello())
            });
            if let Err(error) = link.flush(now, deadline).await {
                watch.failed(&error);
                self.learn_from(link, &error);
                return exec.handle_failed(self.runtime.now(), error);
            }
            if !exec.wants_reply() {
                watch.unacknowledged();
                return exec.handle_sent_unacknowledged(now);
            }
            match link.receive(now, deadline).await {
                Ok(reply) => {
                    watch.replied(&reply);
                    self.learn_from_reply(link, &reply);
                    exec.handle_reply(now, reply);
                }
                Err(error) => {
                    watch.failed(&error);
                    self.learn_from(link, &error);
                    exec.handle_failed(self.runtime.now(), error);
                }
            }
        }
    }

    /// What an operation asks of the cluster.
    fn ask<'a, O: Operation>(
        &self,
        now: Instant,
        exec: &'a Exec<O, Error>,
        route: &Route<'a, R>,
        operation_id: i64,
    ) -> Ask<'a> {
        let target = match route {
            Route::Server(address) => stator_proto::select::Target::Address(address),
            Route::Any | Route::Connection(_) => exec.target(),
        };
        let config = self.config();
        // With a timeout, this is for finding a server and a connection together.
        let select_by = exec.deadline().min(now + config.server_selection_timeout());
        let queue_timeout = match exec.has_timeout() {
            true => None,
            false => Some(config.wait_queue_timeout().unwrap_or_else(|| config.server_selection_timeout())),
        };
        Ask {
            target,
            avoid: exec.avoid(),
            select_by,
            deadline: exec.deadline(),
            queue_timeout,
            name: exec.name(),
            operation_id,
            wants_session: exec.wants_session(),
        }
    }

    /// The deadline of one read or write: the operation's, or `socketTimeoutMS` where no `timeoutMS` is in force.
    fn io_deadline<O: Operation>(&self, now: Instant, exec: &Exec<O, Error>) -> Instant {
        self.socket_deadline(now, exec.has_timeout(), exec.deadline())
    }

    /// As [`io_deadline`](Self::io_deadline), for reads outside of an operation's own exchange.
    pub(crate) fn socket_deadline(&self, now: Instant, has_timeout: bool, deadline: Instant) -> Instant {
        match self.config().socket_timeout() {
            Some(timeout) if !has_timeout => now + timeout,
            _ => deadline,
        }
    }
}

/// The connection that the operation is at.
fn connection<'l, R: Runtime>(
    route: &'l mut Route<'_, R>,
    lease: &'l mut Option<Lease<R, &Core<R>>>,
    held: &'l mut Option<Held<R>>,
) -> Option<&'l mut Link<R>> {
    match (route, lease, held) {
        (Route::Connection(pinned), ..) => Some(pinned.link()),
        (_, Some(lease), _) => Some(lease.link()),
        (_, None, held) => held.as_mut()?.pinned.as_mut().map(Lease::link),
    }
}
