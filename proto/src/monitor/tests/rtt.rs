//! Round-trip times beside a stream.

use super::*;

struct Rtt {
    now: Instant,
    monitor: RttMonitor,
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
        self.now = self.monitor.poll_timeout().unwrap();
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
    after(|rtt| rtt.monitor.handle_failed(rtt.now));
    after(|rtt| rtt.monitor.handle_closed(rtt.now, &rtt.input));
    after(|rtt| rtt.reply(NO));
    after(|rtt| rtt.reply(MORE));
    after(Rtt::wait);
    // Connecting fails, or takes too long.
    let mut rtt = Rtt::new();
    rtt.monitor.handle_failed(rtt.now);
    assert!(rtt.waits(10_000));
    let mut rtt = Rtt::new();
    rtt.wait();
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
    let stopped = |mut rtt: Rtt, closes: bool| {
        rtt.monitor.handle_stop(rtt.now);
        if closes {
            rtt.close();
        }
        rtt.monitor.handle_connected(rtt.now);
        rtt.monitor.handle_failed(rtt.now);
        rtt.after(100_000);
        rtt.monitor.handle_timeout(rtt.now);
        assert_eq!((rtt.monitor.poll_step(), rtt.monitor.poll_timeout()), (Step::Ended, None));
    };
    stopped(Rtt::new(), true);
    stopped(connected(), true);
    let mut rtt = connected();
    rtt.request();
    rtt.reply(NEW);
    stopped(rtt, true);
    let mut rtt = connected();
    rtt.monitor.handle_failed(rtt.now);
    stopped(rtt, true);
    let mut rtt = Rtt::new();
    rtt.monitor.handle_failed(rtt.now);
    stopped(rtt, false);
}
