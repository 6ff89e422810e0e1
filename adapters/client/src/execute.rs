//! One operation, from its first check-out to its result.

use std::sync::Arc;

use stator_proto::operation::{Exec, Operation, SessionSlot, Settings, Step};
use stator_proto::session::ServerSession;
use stator_proto::{Instant, ServerAddress};

use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::{ConnectionInfo, Watch};
use crate::hub::lock;
use crate::inner::Core;
use crate::lease::{Lease, OwnedLease};
use crate::link::Link;
use crate::runtime::Runtime;

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

/// The implicit session of an operation.
#[derive(Debug)]
pub(crate) enum Implicit {
    /// Taken from the pool and given back.
    Own,
    /// Taken from the pool and kept, for a cursor that may come of it.
    Keep,
    /// That of the cursor which the operation is about; kept.
    Of(Option<ServerSession>),
}

impl<R: Runtime> Core<R> {
    /// Runs one operation to its end.
    pub(crate) async fn execute<O: Operation>(&self, operation: O, settings: Settings) -> Result<O::Output> {
        Ok(self.execute_on(Route::Any, operation, settings, Implicit::Own).await?.output)
    }

    /// As [`execute`](Self::execute), somewhere, and says where.
    pub(crate) async fn execute_on<O: Operation>(
        &self,
        mut route: Route<'_, R>,
        operation: O,
        settings: Settings,
        implicit: Implicit,
    ) -> Result<Served<'_, R, O::Output>> {
        // The clock is read again only where time may have passed.
        let mut now = self.runtime.now();
        let id = self.next_operation_id();
        let keeps_session = !matches!(implicit, Implicit::Own);
        let mut exec: Exec<O, Error> = Exec::new(now, operation, settings, self.config().server_api.clone())
            .with_retries(self.retries, self.random())
            .with_operation_id(id);
        if let Implicit::Of(Some(session)) = implicit {
            exec = exec.with_implicit_session(session);
        }
        let mut lease = None;
        loop {
            match exec.poll_step() {
                Step::CheckOut => {
                    // That of the last attempt.
                    drop(lease.take());
                    let outcome = match &mut route {
                        Route::Connection(pinned) => Ok(pinned.reached()),
                        Route::Any | Route::Server(_) => {
                            let ask = self.ask(now, &exec, &route, id);
                            self.check_out(now, &ask).await.map(|granted| lease.insert(granted).reached())
                        }
                    };
                    now = self.runtime.now();
                    match outcome {
                        Ok(reached) => {
                            exec.handle_checked_out(now, reached);
                            if exec.wants_session() {
                                let link = connection(&mut route, &mut lease);
                                let spare = link.and_then(|link| link.session.take());
                                let session = spare.unwrap_or_else(|| self.new_session(now));
                                // There was none, so none comes back.
                                let _ = exec.handle_session(session);
                            }
                        }
                        Err(error) => exec.handle_failed(now, error),
                    }
                }
                Step::Exchange => {
                    let Some(link) = connection(&mut route, &mut lease) else { break };
                    if exec.deadline() <= now {
                        exec.handle_failed(now, Error::at(Phase::Queue, &link.address, ErrorKind::Timeout));
                        continue;
                    }
                    self.exchange(now, id, &mut exec, link).await;
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
                    let Some(link) = connection(&mut route, &mut lease) else { break };
                    let outcome = self.reauthenticate(link, self.io_deadline(now, &exec)).await;
                    now = self.runtime.now();
                    match outcome {
                        Ok(()) => exec.handle_reauthenticated(now),
                        Err(error) => exec.handle_failed(now, error.of_operation(&link.address, exec.is_partly_done())),
                    }
                }
                Step::Sleep(until) => {
                    drop(lease.take());
                    self.runtime.sleep_until(until).await;
                    now = self.runtime.now();
                    exec.handle_timeout(now);
                }
                Step::Expired => {
                    let cause = exec.take_cause();
                    let link = connection(&mut route, &mut lease);
                    let error = Error::expired(link.map(|link| &*link.address), cause);
                    exec.handle_failed(now, error);
                }
                Step::Done => break,
            }
        }
        self.conclude(now, exec, route, lease, keeps_session)
    }

    /// Gives back what the operation had, and takes its result.
    fn conclude<'c, O: Operation>(
        &'c self,
        now: Instant,
        mut exec: Exec<O, Error>,
        mut route: Route<'_, R>,
        mut lease: Option<Lease<R, &'c Self>>,
        keeps_session: bool,
    ) -> Result<Served<'c, R, O::Output>> {
        let mut session = match exec.take_session() {
            SessionSlot::Implicit(session) => Some(session),
            SessionSlot::None | SessionSlot::Explicit(_) => None,
        };
        let learnt = exec.take_cluster_time();
        let partly_done = exec.is_partly_done();
        let result = exec.finish();
        let Some(link) = connection(&mut route, &mut lease) else {
            if let Some(session) = session {
                lock(&self.hub).cluster.give_back_session(now, session);
            }
            return match result {
                Some(Err(error)) => Err(error),
                _ => Err(Error::new(Phase::Prepare, ErrorKind::Closed)),
            };
        };
        // They go to the pool with the connection, under the same lock.
        if learnt.is_some() {
            link.learnt = learnt;
        }
        if !keeps_session || !matches!(result, Some(Ok(_))) {
            link.session = session.take();
        }
        match result {
            Some(Ok(output)) => {
                let server = Arc::clone(&link.address);
                Ok(Served { output, server, lease, session })
            }
            Some(Err(error)) => Err(error.of_operation(&link.address, partly_done)),
            None => Err(Error::new(Phase::Prepare, ErrorKind::Closed)),
        }
    }

    fn new_session(&self, now: Instant) -> ServerSession {
        let mut random = [0; 16];
        self.runtime.fill_random(&mut random);
        ServerSession::new(now, random)
    }

    async fn exchange<O: Operation>(&self, now: Instant, id: i64, exec: &mut Exec<O, Error>, link: &mut Link<R>) {
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
) -> Option<&'l mut Link<R>> {
    match (route, lease) {
        (Route::Connection(pinned), _) => Some(pinned.link()),
        (_, lease) => lease.as_mut().map(Lease::link),
    }
}
