//! One operation, from its first check-out to its result.

use std::sync::Arc;

use stator_proto::operation::{Exec, Operation, Settings, Step};
use stator_proto::{Instant, ServerAddress};

use crate::checkout::Ask;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::event::{ConnectionInfo, Watch};
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
}

impl<R: Runtime> Core<R> {
    /// Runs one operation to its end.
    pub(crate) async fn execute<O: Operation>(&self, operation: O, settings: Settings) -> Result<O::Output> {
        Ok(self.execute_on(Route::Any, operation, settings).await?.output)
    }

    /// As [`execute`](Self::execute), somewhere, and says where.
    pub(crate) async fn execute_on<O: Operation>(
        &self,
        mut route: Route<'_, R>,
        operation: O,
        settings: Settings,
    ) -> Result<Served<'_, R, O::Output>> {
        // The clock is read again only where time may have passed.
        let mut now = self.runtime.now();
        let mut exec: Exec<O, Error> = Exec::new(now, operation, settings, self.config().server_api.clone());
        let mut lease = None;
        let id = self.next_operation_id();
        loop {
            match exec.poll_step() {
                Step::CheckOut => {
                    let outcome = match &mut route {
                        Route::Connection(pinned) => Ok(pinned.reached()),
                        Route::Any | Route::Server(_) => {
                            let ask = self.ask(now, &exec, &route, id);
                            self.check_out(now, &ask).await.map(|granted| lease.insert(granted).reached())
                        }
                    };
                    now = self.runtime.now();
                    match outcome {
                        Ok(reached) => exec.handle_checked_out(now, reached),
                        Err(error) => exec.handle_failed(now, error),
                    }
                }
                Step::Exchange => {
                    let link = match (&mut route, &mut lease) {
                        (Route::Connection(pinned), _) => pinned.link(),
                        (_, Some(lease)) => lease.link(),
                        (_, None) => break,
                    };
                    if exec.deadline() <= now {
                        exec.handle_failed(now, Error::at(Phase::Queue, &link.address, ErrorKind::Timeout));
                        continue;
                    }
                    self.exchange(now, id, &mut exec, link).await;
                    if exec.poll_step() == Step::Done {
                        break;
                    }
                    now = self.runtime.now();
                }
                Step::Sleep(until) => {
                    self.runtime.sleep_until(until).await;
                    now = self.runtime.now();
                    exec.handle_timeout(now);
                }
                Step::Expired => exec.handle_failed(now, Error::new(Phase::Prepare, ErrorKind::Timeout)),
                Step::Done => break,
            }
        }
        let link = match (&mut route, &mut lease) {
            (Route::Connection(pinned), _) => Some(pinned.link()),
            (_, lease) => lease.as_mut().map(Lease::link),
        };
        let partly_done = exec.is_partly_done();
        match (exec.finish(), link) {
            (Some(Ok(output)), Some(link)) => {
                let server = Arc::clone(&link.address);
                Ok(Served { output, server, lease })
            }
            (Some(Err(error)), Some(link)) => {
                let error = error.of_operation(&link.address, partly_done);
                self.learn_from(link, &error);
                Err(error)
            }
            (Some(Err(error)), None) => Err(error),
            (Some(Ok(_)) | None, _) => Err(Error::new(Phase::Prepare, ErrorKind::Closed)),
        }
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
            return exec.handle_failed(self.runtime.now(), error);
        }
        if !exec.wants_reply() {
            watch.unacknowledged();
            return exec.handle_sent_unacknowledged(now);
        }
        match link.receive(now, deadline).await {
            Ok(reply) => {
                watch.replied(&reply);
                exec.handle_reply(now, reply);
            }
            Err(error) => {
                watch.failed(&error);
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
        Ask { target, avoid: &[], select_by, deadline: exec.deadline(), queue_timeout, name: exec.name(), operation_id }
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
