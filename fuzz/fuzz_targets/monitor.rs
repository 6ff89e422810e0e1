//! A monitor, and the measuring beside it, with a host that does what it likes and a server that may be malicious.

#![no_main]

use core::time::Duration;

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use stator_proto::Instant;
use stator_proto::connection::SendBuf;
use stator_proto::hello::Limits;
use stator_proto::monitor::{HeartbeatEvent, Monitor, MonitorOptions, Report, RttMonitor, Step};
use stator_proto::topology::CheckFailure;
use stator_proto::uri::{ServerApi, ServerApiVersion, ServerMonitoringMode};
use stator_wire::op_msg::{Builder, Flags};
use stator_wire::{Deframer, OpMsg};

fuzz_target!(|data: &[u8]| {
    // Running out of data is the end of the story, not an error.
    let mut world = World::new(data.first().copied().unwrap_or_default());
    let mut u = Unstructured::new(data.get(1..).unwrap_or_default());
    while !u.is_empty() && world.input(&mut u).is_ok() {
        world.check();
    }
    world.finish();
});

const FREQUENCY: Duration = Duration::from_secs(10);
const MIN_HEARTBEAT: Duration = Duration::from_millis(500);

struct World {
    now: Instant,
    monitor: Monitor<u8>,
    rtt: RttMonitor<u8>,
    /// Of the monitor, then of the other.
    sides: [Side; 2],
    /// Whether a check has begun and not ended.
    begun: bool,
    known: bool,
    /// When a check has last failed in a way that must not be followed by another at once.
    failed_at: Option<Instant>,
}

struct Side {
    input: Deframer,
    out: SendBuf,
    answers: i32,
}

impl Side {
    fn new() -> Self {
        Self { input: Deframer::new(Limits::MAX_FRAME), out: SendBuf::new(), answers: 1 }
    }

    /// Notes what the request in `out` is called.
    fn sent(&mut self) {
        let request = self.out.slices().concat();
        let request = OpMsg::parse(&request).expect("a whole command");
        request.body().validate().expect("a valid command");
        self.answers = request.header().request_id;
    }
}

impl World {
    fn new(choice: u8) -> Self {
        let options = MonitorOptions {
            mode: [ServerMonitoringMode::Auto, ServerMonitoringMode::Stream, ServerMonitoringMode::Poll]
                [usize::from(choice % 3)],
            faas: choice & 16 != 0,
            connect_timeout: (choice & 32 != 0).then_some(Duration::from_secs(5)),
            server_api: (choice & 64 != 0).then_some(ServerApi {
                version: ServerApiVersion::V1,
                strict: None,
                deprecation_errors: None,
            }),
            events: true,
            heartbeat_frequency: FREQUENCY,
            min_heartbeat: MIN_HEARTBEAT,
            ..MonitorOptions::default()
        };
        let now = Instant::ORIGIN;
        Self {
            now,
            monitor: Monitor::new(now, options.clone()),
            rtt: RttMonitor::new(now, options),
            sides: [Side::new(), Side::new()],
            begun: false,
            known: false,
            failed_at: None,
        }
    }

    fn input(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        let [side, other] = &mut self.sides;
        match u.int_in_range(0..=23)? {
            0 => self.monitor.handle_failed(now, 1, u.arbitrary()?),
            1 => self.monitor.handle_closed(now, &side.input),
            2 => self.monitor.handle_cancel(now),
            3 => self.monitor.handle_check_request(now),
            4 => self.monitor.handle_connected(now),
            5 => self.monitor.handle_disconnected(now),
            6 if u.ratio(1, 16)? => self.monitor.handle_stop(now),
            7 => {
                let sent = u.int_in_range(0..=200)?;
                if self.monitor.poll_transmit(now, &mut side.out) {
                    side.sent();
                }
                self.monitor.handle_sent(now, &mut side.out, sent);
            }
            8 => {
                let count = u.int_in_range(0..=40)?;
                side.input.push(u.bytes(count)?);
                self.monitor.handle_recv(now, &mut side.input);
            }
            9 => self.rtt.handle_failed(now, 2, u.arbitrary()?),
            10 => self.rtt.handle_closed(now, &other.input),
            11 => {
                let count = u.int_in_range(0..=40)?;
                other.input.push(u.bytes(count)?);
                self.rtt.handle_recv(now, &mut other.input);
            }
            12 if u.ratio(1, 16)? => self.rtt.handle_stop(now),
            13 => self.now = now + Duration::from_millis(u.int_in_range(0..=12_000)?),
            14..=16 => self.measure(u)?,
            _ => self.sensible(u)?,
        }
        Ok(())
    }

    /// What the monitor's step asks for.
    fn sensible(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        let side = &mut self.sides[0];
        match self.monitor.poll_step() {
            Step::Connect { .. } => self.monitor.handle_connected(now),
            Step::Exchange { .. } => {
                if self.monitor.poll_transmit(now, &mut side.out) {
                    side.sent();
                }
                self.monitor.handle_sent(now, &mut side.out, usize::MAX);
                reply(u, side)?;
                self.monitor.handle_recv(now, &mut side.input);
            }
            Step::Wait { until } => {
                self.now = until.max(now);
                self.monitor.handle_timeout(self.now);
            }
            Step::Close => {
                *side = Side::new();
                self.monitor.handle_disconnected(now);
                let at_once = matches!(self.monitor.poll_step(), Step::Connect { .. });
                assert!(!(at_once && self.failed_at == Some(now)), "a failure is repeated at once");
            }
            Step::Ended => {}
        }
        Ok(())
    }

    /// The same for the other.
    fn measure(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = self.now;
        let side = &mut self.sides[1];
        match self.rtt.poll_step() {
            Step::Connect { .. } => self.rtt.handle_connected(now),
            Step::Exchange { .. } => {
                if self.rtt.poll_transmit(now, &mut side.out) {
                    side.sent();
                }
                self.rtt.handle_sent(now, &mut side.out, usize::MAX);
                reply(u, side)?;
                self.rtt.handle_recv(now, &mut side.input);
            }
            Step::Wait { until } => {
                self.now = until.max(now);
                self.rtt.handle_timeout(self.now);
            }
            Step::Close => {
                *side = Side::new();
                self.rtt.handle_disconnected(now);
            }
            Step::Ended => {}
        }
        Ok(())
    }

    /// What holds after every input.
    fn check(&mut self) {
        self.drain();
        for step in [self.monitor.poll_step(), self.rtt.poll_step()] {
            if let Step::Wait { until } = step {
                assert!(until - self.now <= FREQUENCY, "a wait that does not end");
            }
        }
        let step = self.monitor.poll_step();
        let checking = matches!(step, Step::Connect { .. } | Step::Exchange { .. });
        assert_eq!(self.begun, checking, "{step:?}");
        assert!(checking || !self.monitor.wants_rtt_monitor());
        // Being told the time leaves no wait that is over (it would spin).
        self.monitor.handle_timeout(self.now);
        self.rtt.handle_timeout(self.now);
        for step in [self.monitor.poll_step(), self.rtt.poll_step()] {
            assert!(!matches!(step, Step::Wait { until } if until <= self.now));
        }
        self.drain();
        while let Some(sample) = self.rtt.poll_sample() {
            assert!(sample <= self.now - Instant::ORIGIN);
        }
        let _ = format!("{:?} {:?}", self.monitor, self.rtt);
    }

    fn drain(&mut self) {
        while let Some(event) = self.monitor.poll_event() {
            let was_begun = std::mem::replace(&mut self.begun, matches!(event, HeartbeatEvent::Started { .. }));
            assert_ne!(was_begun, self.begun, "a check begins in another, or ends that did not begin");
            match event {
                HeartbeatEvent::Started { .. } => {}
                HeartbeatEvent::Succeeded { reply, .. } => {
                    assert_eq!(reply.as_doc().get_truthy("ok"), Ok(Some(true)));
                }
                HeartbeatEvent::Failed { error, .. } => drop(error.to_string()),
            }
        }
        while let Some(report) = self.monitor.poll_report() {
            match report {
                Report::Seen { .. } => self.known = true,
                Report::Failed { failure, .. } => {
                    if failure == CheckFailure::Command || !self.known {
                        self.failed_at = Some(self.now);
                    }
                    self.known = false;
                }
            }
        }
    }

    fn finish(mut self) {
        self.monitor.handle_stop(self.now);
        self.rtt.handle_stop(self.now);
        self.drain();
        assert_eq!((self.monitor.poll_step(), self.rtt.poll_step()), (Step::Ended, Step::Ended));
        assert!(!self.begun);
    }
}

/// Mostly an answer to the last request or the next of a stream, now and then with a byte of it changed.
fn reply(u: &mut Unstructured<'_>, side: &mut Side) -> Result<()> {
    let flags = if u.arbitrary()? { Flags::MORE_TO_COME } else { Flags::NONE };
    let mut frame = Vec::new();
    let id = side.answers.wrapping_add(1000);
    let mut builder = Builder::new(&mut frame, id, side.answers, flags);
    side.answers = id;
    let mut body = builder.body();
    body.bool("helloOk", u.arbitrary()?).bool("isWritablePrimary", true);
    if u.arbitrary()? {
        body.document("topologyVersion").object_id("processId", [7; 12]).i64("counter", u.arbitrary()?);
    }
    if u.ratio(1, 4)? {
        body.i64("connectionId", u.arbitrary()?);
    }
    body.i32("ok", i32::from(!u.ratio(1, 8)?));
    body.finish().expect("it fits");
    builder.finish().expect("it fits");
    if u.ratio(1, 8)? {
        let at = u.choose_index(frame.len())?;
        frame[at] ^= u.arbitrary::<u8>()?;
    }
    side.input.push(&frame);
    Ok(())
}
