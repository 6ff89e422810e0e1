//! A monitor against a server in memory, on virtual time: every test says what happens, step by step.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::time::Duration;

use stator_wire::Deframer;
use stator_wire::bson::{DocBuf, DocWriter};
use stator_wire::op_msg::{Builder, Flags, OpMsg};

use super::*;
use crate::uri::ServerMonitoringMode;
use crate::{Instant, SendBuf};

mod commands;
mod errors;
mod hostile;
mod polling;
mod random;
mod rtt;
mod streaming;

/// A reply of the server.
#[derive(Clone, Copy, Debug)]
struct Says {
    hello_ok: bool,
    /// The counter of `topologyVersion`.
    version: Option<i64>,
    more: bool,
    ok: bool,
}

/// From an old server, which can only be polled.
const OLD: Says = Says { hello_ok: false, version: None, more: false, ok: true };
/// From a server that can stream.
const NEW: Says = Says { hello_ok: true, version: Some(1), more: false, ok: true };
/// In a stream.
const MORE: Says = Says { more: true, ..NEW };
/// From a server that refuses.
const NO: Says = Says { ok: false, ..NEW };

impl Says {
    fn write(self, id: i32, to: i32) -> Vec<u8> {
        let mut bytes = vec![];
        let flags = if self.more { Flags::MORE_TO_COME } else { Flags::NONE };
        let mut builder = Builder::new(&mut bytes, id, to, flags);
        let mut body = builder.body();
        if self.ok {
            body.bool("isWritablePrimary", true).i32("maxWireVersion", 17);
        } else {
            body.i32("code", 91).str("errmsg", "shutting down");
        }
        if self.hello_ok {
            body.bool("helloOk", true);
        }
        if let Some(counter) = self.version {
            body.document("topologyVersion").object_id("processId", [7; 12]).i64("counter", counter);
        }
        body.f64("ok", f64::from(u8::from(self.ok)));
        body.finish().unwrap();
        builder.finish().unwrap();
        bytes
    }
}

fn options() -> MonitorOptions {
    MonitorOptions { events: true, ..MonitorOptions::default() }
}

/// The same, but polling.
fn polling() -> MonitorOptions {
    MonitorOptions { mode: ServerMonitoringMode::Poll, ..options() }
}

/// The machine, its host and the server.
struct World {
    now: Instant,
    monitor: Monitor<&'static str>,
    input: Deframer,
    out: SendBuf,
    /// What the next reply answers.
    answers: i32,
    last_reply: i32,
}

impl World {
    fn new(options: MonitorOptions) -> Self {
        let now = Instant::from_millis(1000);
        Self {
            now,
            monitor: Monitor::new(now, options),
            input: Deframer::new(48_000_000),
            out: SendBuf::new(),
            answers: 0,
            last_reply: 500,
        }
    }

    /// A world whose first check was answered so, after 5 ms.
    fn greeted(options: MonitorOptions, says: Says) -> Self {
        let mut world = Self::new(options);
        world.connect();
        world.request();
        world.after(5).reply(says);
        world.told();
        world
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(millis);
        self
    }

    /// The step, with times in milliseconds from now.
    fn step(&self) -> String {
        let left = |at: Instant| match at.is_far_future() {
            true => "never".to_string(),
            false => (at - self.now).as_millis().to_string(),
        };
        match self.monitor.poll_step() {
            Step::Connect { deadline } => format!("connect {}", left(deadline)),
            Step::Exchange { deadline } => format!("exchange {}", left(deadline)),
            Step::Wait { until } => format!("wait {}", left(until)),
            Step::Close => "close".to_string(),
            Step::Ended => "ended".to_string(),
        }
    }

    fn connect(&mut self) {
        assert!(matches!(self.monitor.poll_step(), Step::Connect { .. }), "{}", self.step());
        self.monitor.handle_connected(self.now);
    }

    /// The command that is sent now: `exhaust` in front if several replies are allowed.
    fn request(&mut self) -> String {
        assert!(matches!(self.monitor.poll_step(), Step::Exchange { .. }), "{}", self.step());
        assert!(self.monitor.poll_transmit(self.now, &mut self.out));
        assert!(!self.monitor.poll_transmit(self.now, &mut self.out), "it is sent once");
        let bytes = self.out.slices().concat();
        self.monitor.handle_sent(self.now, &mut self.out, bytes.len());
        let message = OpMsg::parse(&bytes).unwrap();
        self.answers = message.header().request_id;
        let exhaust = if message.flags().contains(Flags::EXHAUST_ALLOWED) { "exhaust " } else { "" };
        format!("{exhaust}{:?}", message.body())
    }

    fn bytes_of(&mut self, says: Says) -> Vec<u8> {
        self.last_reply += 1;
        let bytes = says.write(self.last_reply, self.answers);
        self.answers = self.last_reply;
        bytes
    }

    fn reply(&mut self, says: Says) {
        let bytes = self.bytes_of(says);
        self.input.push(&bytes);
        self.monitor.handle_recv(self.now, &mut self.input);
    }

    fn close(&mut self) {
        assert_eq!(self.step(), "close");
        self.input = Deframer::new(48_000_000);
        self.out = SendBuf::new();
        self.monitor.handle_disconnected(self.now);
    }

    /// Time passes until the wait is over.
    fn wait(&mut self) {
        let Step::Wait { until } = self.monitor.poll_step() else { panic!("{}", self.step()) };
        self.now = until;
        self.monitor.handle_timeout(self.now);
    }

    /// What the monitor has to tell: its events, then its reports.
    fn told(&mut self) -> Vec<String> {
        let mut told: Vec<_> = core::iter::from_fn(|| self.monitor.poll_event()).map(event).collect();
        told.extend(core::iter::from_fn(|| self.monitor.poll_report()).map(report));
        told
    }
}

fn event(event: HeartbeatEvent<&'static str>) -> String {
    let of = |awaited: bool, duration: Duration| {
        format!("{}{} ms", if awaited { "awaited " } else { "" }, duration.as_millis())
    };
    match event {
        HeartbeatEvent::Started { awaited: false } => "started".into(),
        HeartbeatEvent::Started { awaited: true } => "started awaited".into(),
        HeartbeatEvent::Succeeded { awaited, duration, reply } => {
            assert_eq!(reply.as_doc().get_truthy("ok"), Ok(Some(true)));
            format!("succeeded {}", of(awaited, duration))
        }
        HeartbeatEvent::Failed { awaited, duration, error } => format!("failed {}: {error}", of(awaited, duration)),
    }
}

fn report(report: Report<&'static str>) -> String {
    match report {
        Report::Seen { hello, rtt: Some(rtt) } => format!("seen {} in {} ms", hello.kind.as_str(), rtt.as_millis()),
        Report::Seen { hello, rtt: None } => format!("seen {}", hello.kind.as_str()),
        Report::Failed { error, failure } => format!("lost by {failure:?}: {error}"),
    }
}
