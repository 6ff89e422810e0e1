//! Round-trip times, measured beside a monitor that streams.

use alloc::collections::VecDeque;
use core::time::Duration;

use stator_wire::Deframer;

use super::call::Call;
use super::{MonitorOptions, Step};
use crate::Instant;
use crate::connection::SendBuf;

/// Measures a server's round-trip times on a connection of its own, by a hello every `heartbeat_frequency`.
///
/// It runs while [`Monitor::wants_rtt_monitor`](super::Monitor::wants_rtt_monitor) says so, and is spoken to as a
/// [`Monitor`](super::Monitor). What goes wrong here says nothing of the server: the connection is closed, and a new
/// one made at the next time.
#[derive(Debug)]
pub struct RttMonitor {
    options: MonitorOptions,
    call: Call,
    state: State,
    samples: VecDeque<Duration>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Connecting { deadline: Instant },
    Exchanging { sent: Option<Instant>, deadline: Instant },
    Waiting { until: Instant },
    Closing { next: Next },
    Ended,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Wait { until: Instant },
    End,
}

impl RttMonitor {
    /// A machine that begins now.
    pub fn new(now: Instant, options: MonitorOptions) -> Self {
        let deadline = options.deadline(now, false);
        let state = State::Connecting { deadline };
        Self { options, call: Call::default(), state, samples: VecDeque::new() }
    }

    /// What the host is to do next.
    pub const fn poll_step(&self) -> Step {
        match self.state {
            State::Connecting { deadline } => Step::Connect { deadline },
            State::Exchanging { deadline, .. } => Step::Exchange { deadline },
            State::Waiting { until } => Step::Wait { until },
            State::Closing { .. } => Step::Close,
            State::Ended => Step::Ended,
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due: the end of the wait or the deadline of the exchange.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let at = match self.state {
            State::Connecting { deadline } | State::Exchanging { deadline, .. } => deadline,
            State::Waiting { until } => until,
            State::Closing { .. } | State::Ended => return None,
        };
        (!at.is_far_future()).then_some(at)
    }

    /// The next round-trip time that was measured, for the topology.
    pub fn poll_sample(&mut self) -> Option<Duration> {
        self.samples.pop_front()
    }

    /// Appends hello to `out`, which must be empty, if it is to be sent; only during [`Step::Exchange`].
    pub fn poll_transmit(&mut self, now: Instant, out: &mut SendBuf) -> bool {
        let State::Exchanging { sent: sent @ None, deadline } = &mut self.state else { return false };
        *sent = Some(now);
        let deadline = *deadline;
        let written = self.call.send(now, &self.options, None, deadline, out).is_ok();
        if !written {
            self.fail(now);
        }
        written
    }

    /// Says that `count` bytes of `out` were written to the stream.
    pub fn handle_sent(&mut self, now: Instant, out: &mut SendBuf, count: usize) {
        self.call.handle_sent(now, out, count);
    }

    /// Takes the reply out of `input`; only during [`Step::Exchange`].
    pub fn handle_recv(&mut self, now: Instant, input: &mut Deframer) {
        let State::Exchanging { sent, .. } = self.state else { return };
        match self.call.recv(now, input) {
            Ok(None) => {}
            Ok(Some(_)) => {
                // There is no reply to what was not sent.
                self.samples.extend(sent.map(|sent| now - sent));
                self.state = State::Waiting { until: self.options.next_check(now) };
            }
            Err(_) => self.fail(now),
        }
    }

    /// Says that the host is connected: what [`Step::Connect`] asked for. In any other step the stream is not wanted.
    pub fn handle_connected(&mut self, _now: Instant) {
        if let State::Connecting { deadline } = self.state {
            self.call.open();
            self.state = State::Exchanging { sent: None, deadline };
        }
    }

    /// Says that connecting, reading or writing has failed.
    pub fn handle_failed(&mut self, now: Instant) {
        self.fail(now);
    }

    /// Says that the stream has ended.
    pub fn handle_closed(&mut self, now: Instant, _input: &Deframer) {
        if self.call.is_open() {
            self.fail(now);
        }
    }

    /// Says that everything that belonged to the connection is dropped: what [`Step::Close`] asked for.
    pub fn handle_disconnected(&mut self, _now: Instant) {
        if let State::Closing { next } = self.state {
            self.enter(next);
        }
    }

    /// Ends the measuring: a connection is closed.
    pub fn handle_stop(&mut self, _now: Instant) {
        match self.state {
            State::Ended => {}
            State::Connecting { .. } | State::Closing { .. } => self.leave(Next::End, true),
            State::Exchanging { .. } | State::Waiting { .. } => self.leave(Next::End, false),
        }
    }

    /// Tells the time: ends a wait that is over, and gives up an exchange whose deadline has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self.state {
            State::Waiting { until } if now >= until => {
                let deadline = self.options.deadline(now, false);
                self.state = if self.call.is_open() {
                    State::Exchanging { sent: None, deadline }
                } else {
                    State::Connecting { deadline }
                };
            }
            State::Connecting { deadline } if now >= deadline => {
                self.leave(Next::Wait { until: self.options.next_check(now) }, true);
            }
            State::Exchanging { deadline, .. } if now >= deadline => self.fail(now),
            _ => {}
        }
    }

    fn fail(&mut self, now: Instant) {
        let until = match self.state {
            State::Connecting { .. } | State::Exchanging { .. } => self.options.next_check(now),
            State::Waiting { until } => until,
            State::Closing { .. } | State::Ended => return,
        };
        self.leave(Next::Wait { until }, false);
    }

    /// Gives up the connection, and the attempt to connect if the host is `dialling`.
    fn leave(&mut self, next: Next, dialling: bool) {
        if self.call.close() || dialling {
            self.state = State::Closing { next };
        } else {
            self.enter(next);
        }
    }

    const fn enter(&mut self, next: Next) {
        self.state = match next {
            Next::Wait { until } => State::Waiting { until },
            Next::End => State::Ended,
        };
    }
}
