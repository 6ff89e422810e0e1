//! What every [`Runtime`] must do, checked against loopback peers on plain threads.
//!
//! Lower bounds of time are exact; upper bounds are generous, because machines are busy.

mod peers;

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::time::Duration;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::channel;
use std::thread;

use socket2::{Domain, Socket, Type};
use stator_client::runtime::{Endpoint, Instant, Runtime, Stream};

pub use peers::drive;
use peers::{LONG, connect, eventually, poll_once, recv, send, serve, serve_with, silent, soon, timed_out};

/// Checks `rt` from inside of its own executor.
///
/// # Panics
///
/// When the runtime breaks its contract.
pub async fn run<R: Runtime>(rt: R) {
    receives_until_the_end(&rt).await;
    connect_fails_in_time(&rt).await;
    recv_honours_deadlines(&rt).await;
    a_later_deadline_outlives_an_earlier_timer(&rt).await;
    data_wins_over_a_passed_deadline(&rt).await;
    sends_everything_to_a_slow_reader(&rt).await;
    send_honours_deadlines(&rt).await;
    closers_end_pending_and_later_calls(&rt).await;
    try_recv_never_waits(&rt).await;
    sleeps(&rt).await;
    spawns(&rt).await;
    looks_up(&rt).await;
    exchanges_datagrams(&rt).await;
    unix_sockets(&rt).await;
}

/// Uses everything on a plain thread, where `rt` has no executor: errors are fine, panics are not, and a sleep ends.
///
/// # Panics
///
/// When the runtime breaks its contract.
pub fn run_without_executor<R: Runtime>(rt: &R) {
    assert!(rt.now() <= rt.now());
    assert!(rt.unix_time() > Duration::from_secs(1_700_000_000));
    rt.fill_random(&mut [0; 16]);
    // Either it runs or it is refused.
    let _ = rt.spawn("contract", async {});
    let ((to, _silent), soon) = (silent(), soon(rt, 30));
    let addr = "127.0.0.1:9".parse().unwrap();
    let in_time = |result: io::Result<()>| drop(result);
    drive(async { in_time(rt.connect(&to, soon).await.map(drop)) });
    drive(async { in_time(rt.lookup("localhost", 1, soon).await.map(drop)) });
    drive(async { in_time(rt.exchange_datagram(addr, b"?", soon).await.map(drop)) });
    let at = soon + Duration::from_millis(30);
    drive(rt.sleep_until(at));
    assert!(rt.now() >= at);
    assert!(poll_once(rt.sleep_until(Instant::FAR_FUTURE)).is_pending());
}

async fn receives_until_the_end<R: Runtime>(rt: &R) {
    let (to, peer) = serve(|mut socket| socket.write_all(b"hello").unwrap());
    let mut stream = connect(rt, &to).await;
    let (mut all, mut buf) = (Vec::new(), [0; 3]);
    loop {
        match recv(&mut stream, &mut buf, Instant::FAR_FUTURE).await.unwrap() {
            0 => break,
            len => all.extend_from_slice(&buf[..len]),
        }
    }
    assert_eq!(all, b"hello");
    assert_eq!(recv(&mut stream, &mut buf, soon(rt, 1000)).await.unwrap(), 0, "the end stays the end");
    peer.join().unwrap();
}

async fn connect_fails_in_time<R: Runtime>(rt: &R) {
    let unbound = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = rt.connect(&Endpoint::Tcp(unbound), rt.now() + LONG).await.err().expect("nobody listens");
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

    // A listener that accepts nobody, with a full queue: it answers no SYN.
    let hole = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    hole.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    hole.listen(0).unwrap();
    let addr = hole.local_addr().unwrap().as_socket().unwrap();
    let fill = || TcpStream::connect_timeout(&addr, Duration::from_millis(100)).ok();
    let queue: Vec<TcpStream> = core::iter::from_fn(fill).take(64).collect();
    assert!(queue.len() < 64, "the queue never fills");
    for deadline in [soon(rt, 50), Instant::ORIGIN] {
        let late = rt.connect(&Endpoint::Tcp(addr), deadline).await.map(drop);
        timed_out(rt, late, deadline);
    }
}

async fn recv_honours_deadlines<R: Runtime>(rt: &R) {
    let (to, speak) = silent();
    let mut stream = connect(rt, &to).await;
    let mut buf = [0; 8];
    for millis in [0, 30, 60] {
        let deadline = soon(rt, millis);
        let late = recv(&mut stream, &mut buf, deadline).await;
        timed_out(rt, late, deadline);
    }
    speak.send(b"later").unwrap();
    assert_eq!(recv(&mut stream, &mut buf, rt.now() + LONG).await.unwrap(), 5);
}

async fn a_later_deadline_outlives_an_earlier_timer<R: Runtime>(rt: &R) {
    let (to, speak) = silent();
    let mut stream = connect(rt, &to).await;
    let mut buf = [0; 8];
    let early = soon(rt, 30);
    // A reactor's stream leaves a timer behind here; a blocking one waits it out.
    let _ = poll_once(recv(&mut stream, &mut buf, early));
    let clock = rt.clone();
    let speaker = thread::spawn(move || {
        thread::sleep((early + Duration::from_millis(30)) - clock.now());
        speak.send(b"later").unwrap();
        speak
    });
    assert_eq!(recv(&mut stream, &mut buf, rt.now() + LONG).await.unwrap(), 5);
    assert!(rt.now() > early);
    // And the other way: a far timer does not delay a near deadline.
    let _speak = speaker.join().unwrap();
    let near = soon(rt, 30);
    let late = recv(&mut stream, &mut buf, near).await;
    timed_out(rt, late, near);
}

async fn data_wins_over_a_passed_deadline<R: Runtime>(rt: &R) {
    let (tell, written) = channel();
    let (to, peer) = serve(move |mut socket| {
        socket.write_all(b"here").unwrap();
        tell.send(()).unwrap();
        let _ = socket.read(&mut [0]);
    });
    let mut stream = connect(rt, &to).await;
    written.recv_timeout(LONG).unwrap();
    let mut buf = [0; 8];
    assert_eq!(recv(&mut stream, &mut buf, Instant::ORIGIN).await.unwrap(), 4);
    timed_out(rt, recv(&mut stream, &mut buf, Instant::ORIGIN).await, Instant::ORIGIN);
    drop(stream);
    peer.join().unwrap();
}

async fn sends_everything_to_a_slow_reader<R: Runtime>(rt: &R) {
    let (to, peer) = serve_with(Some(64 * 1024), |mut socket| {
        let (mut all, mut buf) = (Vec::new(), [0; 4096]);
        loop {
            match socket.read(&mut buf).unwrap() {
                0 => return all,
                len => all.extend_from_slice(&buf[..len]),
            }
        }
    });
    let mut stream = connect(rt, &to).await;
    let parts: [Vec<u8>; 3] = [vec![1; 10], (0..9_000_000_u32).map(|n| (n % 251) as u8).collect(), vec![3; 1_000_000]];
    let mut slices = parts.each_ref().map(|part| IoSlice::new(part));
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        let sent = send(&mut stream, rest, rt.now() + LONG).await.unwrap();
        assert!(sent > 0);
        IoSlice::advance_slices(&mut rest, sent);
    }
    drop(stream);
    assert!(peer.join().unwrap() == parts.concat(), "what was sent has arrived in order");
}

async fn send_honours_deadlines<R: Runtime>(rt: &R) {
    let (to, _silent) = silent();
    let mut stream = connect(rt, &to).await;
    let chunk = vec![0; 1 << 20];
    let deadline = soon(rt, 100);
    let full = loop {
        match send(&mut stream, &[IoSlice::new(&chunk)], deadline).await {
            Ok(sent) => assert!(sent > 0),
            Err(error) => break error,
        }
    };
    timed_out(rt, io::Result::<()>::Err(full), deadline);
    let again = send(&mut stream, &[IoSlice::new(&chunk)], Instant::ORIGIN).await.map(drop);
    timed_out(rt, again, Instant::ORIGIN);
}

async fn closers_end_pending_and_later_calls<R: Runtime>(rt: &R) {
    let ((to_one, _one), (to_two, _two)) = (silent(), silent());
    let (mut receiver, mut sender) = (connect(rt, &to_one).await, connect(rt, &to_two).await);
    let closers = [receiver.closer(), sender.closer()];
    let (go, told) = channel::<usize>();
    let closing = thread::spawn(move || {
        for index in told {
            // Long enough for the call to be pending; if it is not yet, the close comes before it.
            thread::sleep(Duration::from_millis(30));
            closers[index].close();
            closers[index].clone().close();
        }
    });
    let (mut buf, chunk, limit) = ([0; 8], vec![0; 1 << 20], rt.now() + LONG);
    go.send(0).unwrap();
    for when in ["pending", "later"] {
        let error = recv(&mut receiver, &mut buf, limit).await.expect_err(when);
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{when}");
    }
    go.send(1).unwrap();
    for when in ["pending", "later"] {
        let error = loop {
            if let Err(error) = send(&mut sender, &[IoSlice::new(&chunk)], limit).await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted, "{when}");
    }
    let forgotten = receiver.closer();
    drop((receiver, go));
    forgotten.close();
    closing.join().unwrap();
}

async fn try_recv_never_waits<R: Runtime>(rt: &R) {
    let (to, speak) = silent();
    let mut stream = connect(rt, &to).await;
    let mut buf = [0; 8];
    assert_eq!(stream.try_recv(&mut buf).unwrap(), None);
    speak.send(b"there").unwrap();
    assert_eq!(eventually(rt, || stream.try_recv(&mut buf).unwrap()).await, 5);
    assert_eq!(stream.try_recv(&mut buf).unwrap(), None);
    timed_out(rt, recv(&mut stream, &mut buf, Instant::ORIGIN).await, Instant::ORIGIN);
    drop(speak);
    assert_eq!(eventually(rt, || stream.try_recv(&mut buf).unwrap()).await, 0);
}

async fn sleeps<R: Runtime>(rt: &R) {
    assert!(poll_once(rt.sleep_until(Instant::FAR_FUTURE)).is_pending());
    rt.sleep_until(Instant::ORIGIN).await;
    let (near, far) = (soon(rt, 30), soon(rt, 90));
    let mut first = pin!(rt.sleep_until(far));
    let mut second = pin!(rt.sleep_until(near));
    let never = rt.sleep_until(Instant::FAR_FUTURE);
    let mut never = pin!(never);
    let second_done = poll_fn(|cx| {
        assert!(never.as_mut().poll(cx).is_pending());
        assert!(rt.now() >= far || first.as_mut().poll(cx).is_pending(), "the far one came too soon");
        second.as_mut().poll(cx).map(|()| rt.now())
    })
    .await;
    assert!(second_done >= near && second_done < near + LONG);
    first.await;
    assert!(rt.now() >= far && rt.now() < far + LONG);
}

async fn spawns<R: Runtime>(rt: &R) {
    let (tell, told) = channel();
    let inner = rt.clone();
    let task = async move {
        inner.sleep_until(soon(&inner, 5)).await;
        tell.send(7).unwrap();
    };
    rt.spawn("stator-contract", task).unwrap();
    assert_eq!(eventually(rt, move || told.try_recv().ok()).await, 7);
}

async fn looks_up<R: Runtime>(rt: &R) {
    let limit = rt.now() + LONG;
    let found = rt.lookup("localhost", 27017, limit).await.unwrap();
    assert!(!found.is_empty() && found.iter().all(|addr| addr.ip().is_loopback() && addr.port() == 27017), "{found:?}");
    for literal in ["127.0.0.1", "::1"] {
        let found = rt.lookup(literal, 1, limit).await.unwrap();
        assert_eq!(found, [SocketAddr::new(literal.parse().unwrap(), 1)]);
    }
    assert!(rt.lookup("no-such-host.invalid", 1, limit).await.is_err());
    assert!(rt.lookup("", 1, limit).await.is_err());
    assert!(rt.lookup("nul\0in.name", 1, limit).await.is_err());
}

async fn exchanges_datagrams<R: Runtime>(rt: &R) {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (to, silent) = (peer.local_addr().unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let echo = thread::spawn(move || {
        let mut buf = [0; 2000];
        let (len, from) = peer.recv_from(&mut buf).unwrap();
        buf[..len].reverse();
        // Somebody else's datagram is not the answer.
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"forged", from).unwrap();
        peer.send_to(&buf[..len], from).unwrap();
    });
    assert_eq!(rt.exchange_datagram(to, b"question", rt.now() + LONG).await.unwrap(), b"noitseuq");
    echo.join().unwrap();
    let deadline = soon(rt, 50);
    let late = rt.exchange_datagram(silent.local_addr().unwrap(), b"question", deadline).await;
    timed_out(rt, late.map(drop), deadline);
}

#[cfg(unix)]
async fn unix_sockets<R: Runtime>(rt: &R) {
    let mut random = [0; 8];
    rt.fill_random(&mut random);
    let path = std::env::temp_dir().join(format!("stator-{:x}.sock", u64::from_ne_bytes(random)));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let (mut socket, mut buf) = (listener.accept().unwrap().0, [0; 4]);
        socket.read_exact(&mut buf).unwrap();
        socket.write_all(&buf).unwrap();
        // Until the other side is gone.
        let _ = socket.read(&mut buf);
    });
    let (limit, to) = (rt.now() + LONG, Endpoint::Unix(path.clone()));
    let mut stream = rt.connect(&to, limit).await.unwrap();
    let mut buf = [0; 8];
    assert_eq!(send(&mut stream, &[IoSlice::new(b"pi"), IoSlice::new(b"ng")], limit).await.unwrap(), 4);
    assert_eq!(recv(&mut stream, &mut buf, limit).await.unwrap(), 4);
    let deadline = soon(rt, 30);
    timed_out(rt, recv(&mut stream, &mut buf, deadline).await, deadline);
    assert_eq!(stream.try_recv(&mut buf).unwrap(), None);
    stream.closer().close();
    assert!(recv(&mut stream, &mut buf, limit).await.is_err());
    drop(stream);
    peer.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rt.connect(&to, limit).await.map(drop).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(not(unix))]
async fn unix_sockets<R: Runtime>(_: &R) {}
