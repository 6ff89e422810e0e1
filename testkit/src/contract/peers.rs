//! The plain threads that a runtime under test talks to, and how its calls are polled and judged.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Wake;
use std::thread::{self, JoinHandle};

use stator_client::runtime::{Endpoint, Instant, Runtime, Stream};

/// Longer than anything here should take.
pub(super) const LONG: Duration = Duration::from_secs(20);

/// Runs `future` on this thread with nothing but its waker.
///
/// # Panics
///
/// When it is not woken for a long time.
pub fn drive<F: Future>(future: F) -> F::Output {
    struct Tell(Sender<()>);
    impl Wake for Tell {
        fn wake(self: Arc<Self>) {
            // The future may have ended.
            let _ = self.0.send(());
        }
    }
    let (tell, woken) = channel();
    let waker = Waker::from(Arc::new(Tell(tell)));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        woken.recv_timeout(LONG).expect("the future is woken");
    }
}

/// A listener whose one connection is given to `speak`, on a thread.
pub(super) fn serve<T: Send + 'static>(
    speak: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Endpoint, JoinHandle<T>) {
    serve_with(None, speak)
}

pub(super) fn serve_with<T: Send + 'static>(
    recv_buffer: Option<usize>,
    speak: impl FnOnce(TcpStream) -> T + Send + 'static,
) -> (Endpoint, JoinHandle<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = Endpoint::Tcp(listener.local_addr().unwrap());
    if let Some(size) = recv_buffer {
        socket2::SockRef::from(&listener).set_recv_buffer_size(size).unwrap();
    }
    (to, thread::spawn(move || speak(listener.accept().unwrap().0)))
}

/// A peer that never reads, says what it is told to, and hangs up when the sender is dropped.
pub(super) fn silent() -> (Endpoint, Sender<&'static [u8; 5]>) {
    let (speak, told): (_, Receiver<&[u8; 5]>) = channel();
    let (to, _) = serve(move |mut socket| {
        for words in told {
            socket.write_all(words).unwrap();
        }
    });
    (to, speak)
}

pub(super) async fn connect<R: Runtime>(rt: &R, to: &Endpoint) -> R::Stream {
    rt.connect(to, rt.now() + LONG).await.unwrap()
}

pub(super) async fn recv(stream: &mut impl Stream, buf: &mut [u8], deadline: Instant) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_recv(cx, buf, deadline)).await
}

pub(super) async fn send(stream: &mut impl Stream, slices: &[IoSlice<'_>], deadline: Instant) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_send(cx, slices, deadline)).await
}

pub(super) fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

pub(super) fn soon<R: Runtime>(rt: &R, millis: u64) -> Instant {
    rt.now() + Duration::from_millis(millis)
}

/// Asserts that a call has just ended by `deadline`, no sooner and not much later.
pub(super) fn timed_out<R: Runtime, T: core::fmt::Debug>(rt: &R, result: io::Result<T>, deadline: Instant) {
    let now = rt.now();
    assert_eq!(result.expect_err("the deadline ends it").kind(), ErrorKind::TimedOut);
    assert!(now >= deadline, "too soon");
    assert!(now < deadline + LONG || deadline == Instant::ORIGIN, "too late");
}

/// Asks again, a little later each time, until there is an answer.
pub(super) async fn eventually<R: Runtime, T>(rt: &R, mut ask: impl FnMut() -> Option<T>) -> T {
    let limit = rt.now() + LONG;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(rt.now() < limit, "it never happens");
        rt.sleep_until(soon(rt, 1)).await;
    }
}
