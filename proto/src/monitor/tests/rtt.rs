//! Round-trip times beside a stream.

use super::*;

struct Rtt {
    now: Instant,
    monitor: RttMonitor<&'static str>,
    input: Deframer,
    out: SendBuf,
    answers: i32,
}

impl Rtt {
    fn new() -> Self {
        let now = Instant::from_millis(1000);
        let monitor = RttMonitor::new(now, options());
        Self { now, monitor, input: Deframer::new(48_000_000), out: SendBuf::new(), answers: 0 }
    }

    fn after(&mut self, millis: u64) -> &mut Self {
        self.now = self.now + Duration::from_millis(millis);
        self
    }

    fn request(&mut self) -> String {
        assert!(self.monitor.poll_transmit(self.now, &mut self.out));
        assert!(!self.monitor.poll_transmit(self.now, &mut self.out));
        let bytes = self.out.slices().concat();
        self.monitor.handle_sent(self.now, &mut self.out, bytes.len());
        let message = OpMsg::parse(&bytes).unwrap();
        assert!(!message.flags().contains(Flags::EXHAUST_ALLOWED));
        self.answers = message.header().request_id;
        format!("{:?}", message.body())
    }

    fn reply(&mut self, says: Says) {
        self.input.push(&says.write(9, self.answers));
        self.monitor.handle_recv(self.now, &mut self.input);
    }

    fn waits(&self, millis: u64) -> bool {
        self.monitor.poll_step() == Step::Wait { until: self.now + Duration::from_millis(millis) }
    }

    fn wait(&mut self) {
        let Step::Wait { until } = self.monitor.poll_step() else { panic!("{:?}", self.monitor.poll_step()) };
        self.now = until;
        self.monitor.handle_timeout(self.now);
    }

    fn close(&mut self) {
        assert_eq!(self.monitor.poll_step(), Step::Close);
        (self.input, self.out) = (Deframer::new(48_000_000), SendBuf::new());
        self.monitor.handle_disconnected(self.now);
    }

    fn samples(&mut self) -> Vec<u128> {
        core::iter::from_fn(|| self.monitor.poll_sample()).map(|sample| sample.as_millis()).collect()
    }
}

fn connected() -> Rtt {
    let mut rtt = Rtt::new();
    assert_eq!(rtt.monitor.poll_step(), Step::Connect { deadline: rtt.now + Duration::from_secs(10) });
    rtt.monitor.handle_connected(rtt.now);
    rtt
}

#[test]
fn the_handshake_and_every_hello_give_a_sample() {
    let mut rtt = connected();
    assert!(rtt.after(100).request().starts_with("{isMaster: 1, helloOk: true, backpressure: "));
    rtt.after(4).reply(NEW);
    assert_eq!(rtt.samples(), [4]);
    for millis in [6, 2] {
        assert!(rtt.waits(10_000));
        rtt.wait();
        assert_eq!(rtt.request(), r#"{hello: 1, helloOk: true, $db: "admin"}"#);
        rtt.after(millis).reply(NEW);
        assert_eq!(rtt.samples(), [u128::from(millis)]);
    }
}

#[test]
fn errors_are_silent_and_the_next_time_begins_anew() {
    let after = |happens: fn(&mut Rtt)| {
        let mut rtt = connected();
        rtt.request();
        happens(&mut rtt);
        assert_eq!(rtt.samples(), [0; 0]);
        rtt.close();
        assert!(rtt.waits(10_000));
        rtt.wait();
        assert!(matches!(rtt.monitor.poll_step(), Step::Connect { .. }));
    };
    after(|rtt| rtt.monitor.handle_failed(rtt.now, "failed", false));
    after(|rtt| rtt.monitor.handle_closed(rtt.now, &rtt.input));
    after(|rtt| rtt.reply(NO));
    after(|rtt| rtt.reply(MORE));
    // Connecting fails.
    let mut rtt = Rtt::new();
    rtt.monitor.handle_failed(rtt.now, "failed", false);
    rtt.close();
    assert!(rtt.waits(10_000));
}

#[test]
fn an_error_on_a_known_server_waits_as_well() {
    let mut rtt = connected();
    rtt.request();
    rtt.after(1).reply(NEW);
    assert_eq!(rtt.samples(), [1]);
    rtt.wait();
    rtt.request();
    rtt.monitor.handle_failed(rtt.now, "reset", false);
    rtt.close();
    assert!(rtt.waits(10_000));
}

#[test]
fn a_connection_lost_while_waiting_is_replaced() {
    let mut rtt = connected();
    rtt.request();
    rtt.reply(NEW);
    rtt.after(4000);
    rtt.monitor.handle_closed(rtt.now, &rtt.input);
    rtt.close();
    assert!(rtt.waits(6000));
}

#[test]
fn it_can_be_stopped_in_every_state() {
    let stopped = |mut rtt: Rtt| {
        rtt.monitor.handle_stop(rtt.now);
        rtt.monitor.handle_connected(rtt.now);
        rtt.monitor.handle_failed(rtt.now, "x", true);
        rtt.monitor.handle_disconnected(rtt.now);
        rtt.after(100_000);
        rtt.monitor.handle_timeout(rtt.now);
        assert_eq!(rtt.monitor.poll_step(), Step::Ended);
    };
    stopped(Rtt::new());
    stopped(connected());
    let mut rtt = connected();
    rtt.request();
    rtt.reply(NEW);
    stopped(rtt);
    let mut rtt = connected();
    rtt.monitor.handle_failed(rtt.now, "x", false);
    stopped(rtt);
}
