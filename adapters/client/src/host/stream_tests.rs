use core::task::Waker;
use std::collections::VecDeque;
use std::time::Duration;

use super::*;

/// A socket that hands out what the test has put in.
#[derive(Default)]
struct Script {
    seen: VecDeque<u8>,
    unseen: VecDeque<u8>,
}

impl ReactorSocket for Script {
    fn poll_recv(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(byte) = self.seen.pop_front() else { return Poll::Pending };
        buf[0] = byte;
        Poll::Ready(Ok(1))
    }

    fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn recv_now(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        buf[0] = self.unseen.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        Ok(1)
    }
}

/// A timer that fires when the test says so and remembers for what it was armed.
#[derive(Default)]
struct Clock {
    arms: Vec<std::time::Instant>,
    fired: bool,
    polls: usize,
}

impl ReactorTimer for Clock {
    fn arm(&mut self, at: std::time::Instant) {
        self.arms.push(at);
        self.fired = false;
    }

    fn poll_fired(&mut self, _: &mut Context<'_>) -> Poll<()> {
        self.polls += 1;
        if self.fired { Poll::Ready(()) } else { Poll::Pending }
    }
}

fn stream() -> ReactorStream<Script, Clock> {
    ReactorStream::new(Script::default(), Clock::default())
}

fn recv(stream: &mut ReactorStream<Script, Clock>, deadline: Instant) -> Poll<Result<u8, io::ErrorKind>> {
    let mut buf = [0];
    let done = stream.poll_recv(&mut Context::from_waker(Waker::noop()), &mut buf, deadline);
    done.map(|done| done.map(|_| buf[0]).map_err(|error| error.kind()))
}

fn at(secs: u64) -> Instant {
    host::monotonic_now() + Duration::from_secs(secs)
}

#[test]
fn data_touches_neither_timer_nor_deadline() {
    let mut stream = stream();
    stream.socket.seen.push_back(7);
    assert_eq!(recv(&mut stream, Instant::ORIGIN), Poll::Ready(Ok(7)));
    assert_eq!((stream.timer.arms.len(), stream.timer.polls), (0, 0));
}

#[test]
fn no_deadline_arms_nothing() {
    let mut stream = stream();
    assert_eq!(recv(&mut stream, Instant::FAR_FUTURE), Poll::Pending);
    assert_eq!((stream.timer.arms.len(), stream.timer.polls), (0, 0));
}

#[test]
fn later_deadlines_leave_an_earlier_timer_alone_until_it_fires() {
    let mut stream = stream();
    let (first, last) = (at(10), at(30));
    assert_eq!(recv(&mut stream, first), Poll::Pending);
    assert_eq!(recv(&mut stream, at(20)), Poll::Pending);
    assert_eq!(recv(&mut stream, last), Poll::Pending);
    assert_eq!(stream.timer.arms, [host::std_instant(first).unwrap()]);
    stream.timer.fired = true;
    assert_eq!(recv(&mut stream, last), Poll::Pending, "fired early for this deadline");
    assert_eq!(stream.timer.arms.len(), 2);
    assert_eq!(stream.timer.arms[1], host::std_instant(last).unwrap());
    stream.timer.fired = true;
    assert_eq!(recv(&mut stream, last), Poll::Ready(Err(io::ErrorKind::TimedOut)));
}

#[test]
fn a_sooner_deadline_moves_the_timer() {
    let mut stream = stream();
    let soon = at(5);
    assert_eq!(recv(&mut stream, at(30)), Poll::Pending);
    assert_eq!(recv(&mut stream, soon), Poll::Pending);
    assert_eq!(stream.timer.arms.last(), host::std_instant(soon).as_ref());
}

#[test]
fn a_stream_is_usable_after_a_timeout_even_with_the_same_deadline() {
    let mut stream = stream();
    let deadline = at(10);
    for round in 1..=2 {
        assert_eq!(recv(&mut stream, deadline), Poll::Pending);
        assert_eq!(stream.timer.arms.len(), round);
        stream.timer.fired = true;
        assert_eq!(recv(&mut stream, deadline), Poll::Ready(Err(io::ErrorKind::TimedOut)));
    }
    stream.socket.seen.push_back(1);
    assert_eq!(recv(&mut stream, deadline), Poll::Ready(Ok(1)));
}

#[test]
fn what_the_reactor_has_not_seen_wins_over_the_deadline() {
    let mut stream = stream();
    let deadline = at(10);
    assert_eq!(recv(&mut stream, deadline), Poll::Pending);
    stream.socket.unseen.push_back(9);
    stream.timer.fired = true;
    assert_eq!(recv(&mut stream, deadline), Poll::Ready(Ok(9)));
}

#[test]
fn a_closed_stream_fails_before_it_reads() {
    let mut stream = stream();
    stream.closer().close();
    stream.socket.seen.push_back(1);
    assert_eq!(recv(&mut stream, Instant::FAR_FUTURE), Poll::Ready(Err(io::ErrorKind::ConnectionAborted)));
    assert!(stream.try_recv(&mut [0]).is_err());
    assert_eq!(stream.socket.seen.len(), 1);
}
