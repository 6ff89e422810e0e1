use core::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::sync::Mutex;

use stator_client::Runtime;
use stator_client::runtime::Stream;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn at() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 27017))
}

fn both(seed: u64) -> [Sim; 2] {
    [Sim::new(seed), Sim::blocking(seed)]
}

/// Sends back what it reads until the client closes, then says "bye".
fn echo(sim: &Sim) {
    sim.listen(at(), |mut stream| async move {
        let mut buf = [0; 64];
        while let Ok(count @ 1..) = stream.recv(&mut buf).await {
            if stream.send_all(&buf[..count]).await.is_err() {
                return;
            }
        }
        let _ = stream.send_all(b"bye").await;
    });
}

async fn dial(sim: &Sim) -> io::Result<SimStream> {
    sim.connect(&Endpoint::Tcp(at()), sim.now() + Duration::from_secs(10)).await
}

async fn read_exactly(stream: &mut SimStream, count: usize) -> io::Result<Vec<u8>> {
    let mut out = vec![0; count];
    let mut done = 0;
    while done < count {
        match stream.recv(&mut out[done..]).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            more => done += more,
        }
    }
    Ok(out)
}

#[test]
fn bytes_travel_for_their_latency_and_come_back() {
    for sim in both(1) {
        echo(&sim);
        sim.set_link(at(), Link::fixed(3 * MS));
        let handle = sim.clone();
        let (dialled, echoed) = sim
            .run(async {
                let start = handle.now();
                let mut stream = dial(&handle).await.unwrap();
                let dialled = handle.now();
                stream.send_all(b"hello").await.unwrap();
                assert_eq!(read_exactly(&mut stream, 5).await.unwrap(), b"hello");
                (dialled - start, handle.now() - dialled)
            })
            .unwrap();
        assert_eq!((dialled, echoed), (6 * MS, 6 * MS));
        assert_eq!((sim.streams_open(), sim.connections_made()), (0, 1));
        assert!(sim.spawned().is_empty(), "handlers do not count");
    }
}

#[test]
fn pieces_split_reads_and_writes_but_lose_nothing() {
    let text: Vec<u8> = (0..2000_u32).map(|n| n as u8).collect();
    for seed in 0..10 {
        for sim in both(seed) {
            echo(&sim);
            sim.set_default_link(Link::default().in_pieces(7));
            let handle = sim.clone();
            let (text, most) = (text.clone(), &mut 0);
            sim.run(async {
                let mut stream = dial(&handle).await.unwrap();
                let mut echoed = Vec::new();
                let mut buf = [0; 64];
                for chunk in text.chunks(100) {
                    stream.send_all(chunk).await.unwrap();
                }
                while echoed.len() < text.len() {
                    let count = stream.recv(&mut buf).await.unwrap();
                    *most = count.max(*most);
                    echoed.extend_from_slice(&buf[..count]);
                }
                assert_eq!(echoed, text);
            })
            .unwrap();
            assert_eq!(*most, 7);
        }
    }
}

#[test]
fn a_half_close_lets_the_other_direction_go_on() {
    for sim in both(2) {
        echo(&sim);
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            stream.finish();
            assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(read_exactly(&mut stream, 3).await.unwrap(), b"bye");
            assert_eq!(stream.recv(&mut [0; 8]).await.unwrap(), 0, "the handler has ended");
            assert_eq!(stream.try_recv(&mut [0; 8]).unwrap(), Some(0));
            assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        })
        .unwrap();
    }
}

#[test]
fn a_deadline_ends_a_wait_and_leaves_the_stream_usable() {
    for sim in both(3) {
        echo(&sim);
        sim.set_link(at(), Link::fixed(3 * MS));
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            stream.send_all(b"hello").await.unwrap();
            let start = handle.now();
            let mut buf = [0; 8];
            let error = poll_fn(|cx| stream.poll_recv(cx, &mut buf, start + 2 * MS)).await.unwrap_err();
            assert_eq!((error.kind(), handle.now() - start), (ErrorKind::TimedOut, 2 * MS));
            assert_eq!(stream.try_recv(&mut buf).unwrap(), None);
            handle.sleep(10 * MS).await;
            // What is there wins over a deadline that has passed.
            assert_eq!(poll_fn(|cx| stream.poll_recv(cx, &mut buf, start)).await.unwrap(), 5);
            let error = poll_fn(|cx| stream.poll_recv(cx, &mut buf, start)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
        })
        .unwrap();
        assert_eq!(sim.timers_armed(), 2, "the close under way in both directions");
    }
}

#[test]
fn a_full_path_makes_writes_wait_until_the_peer_reads() {
    for sim in both(4) {
        let path = Path { capacity: 10, ..Path::fixed(MS) };
        sim.listen(at(), |mut stream| async move {
            stream.sim().sleep(50 * MS).await;
            stream.recv(&mut [0; 4]).await.unwrap();
            stream.sim().sleep(50 * MS).await;
        });
        sim.set_link(at(), Link { up: path.clone(), down: path });
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            let start = handle.now();
            let mut send = async |deadline| {
                let slices = [IoSlice::new(b"123456"), IoSlice::new(b"7890ab")];
                poll_fn(|cx| stream.poll_send(cx, &slices, deadline)).await
            };
            assert_eq!(send(Instant::FAR_FUTURE).await.unwrap(), 10);
            assert_eq!(send(start + 20 * MS).await.unwrap_err().kind(), ErrorKind::TimedOut);
            assert_eq!(handle.now() - start, 20 * MS);
            assert_eq!(send(Instant::FAR_FUTURE).await.unwrap(), 4);
            assert_eq!(handle.now() - start, 50 * MS);
        })
        .unwrap();
    }
}

#[test]
fn a_closer_ends_pending_and_later_calls() {
    for sim in both(5) {
        echo(&sim);
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            let (closer, waiter, start) = (stream.closer(), handle.clone(), handle.now());
            handle
                .spawn("closer", async move {
                    waiter.sleep(20 * MS).await;
                    closer.close();
                    closer.close();
                })
                .unwrap();
            assert_eq!(stream.recv(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
            assert_eq!(handle.now() - start, 20 * MS);
            assert_eq!(stream.recv(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
            assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionAborted);
            assert_eq!(stream.try_recv(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionAborted);
        })
        .unwrap();
    }
}

#[test]
fn a_reset_ends_both_sides_and_loses_what_was_under_way() {
    for sim in both(6) {
        echo(&sim);
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            stream.send_all(b"hello").await.unwrap();
            let (resetter, id) = (handle.clone(), handle.connections_to(at())[0]);
            assert_eq!(id, stream.id());
            handle.spawn("resetter", async move { resetter.reset(id) }).unwrap();
            assert_eq!(stream.recv(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
            assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        })
        .unwrap();
        sim.run(sim.sleep(MS)).unwrap();
        assert_eq!(sim.world.with(|state| state.tasks.len()), 0, "the handler saw the reset too");
    }
}

#[test]
fn a_partition_holds_everything_until_it_is_healed() {
    for sim in both(7) {
        echo(&sim);
        sim.set_link(at(), Link::fixed(MS));
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            handle.partition(at());
            stream.send_all(b"hello").await.unwrap();
            let mut buf = [0; 8];
            let deadline = handle.now() + 100 * MS;
            let error = poll_fn(|cx| stream.poll_recv(cx, &mut buf, deadline)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut);
            let deadline = handle.now() + 100 * MS;
            let error = handle.connect(&Endpoint::Tcp(at()), deadline).await.unwrap_err();
            assert_eq!((error.kind(), handle.now()), (ErrorKind::TimedOut, deadline));
            let (healer, waiter) = (handle.clone(), handle.clone());
            handle
                .spawn("healer", async move {
                    waiter.sleep(10 * MS).await;
                    healer.heal_partition(at());
                })
                .unwrap();
            // The connection that the black hole has swallowed is asked for again after a second.
            let start = handle.now();
            dial(&handle).await.unwrap();
            assert_eq!(handle.now() - start, SYN_AGAIN + 2 * MS);
            assert_eq!(read_exactly(&mut stream, 5).await.unwrap(), b"hello");
        })
        .unwrap();
    }
}

#[test]
fn a_black_hole_in_one_direction_lets_the_other_live() {
    for sim in both(8) {
        echo(&sim);
        sim.set_link(at(), Link::fixed(MS));
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            stream.send_all(b"1").await.unwrap();
            handle.sleep(MS / 2).await;
            handle.black_hole(stream.id(), Side::Client);
            stream.send_all(b"2").await.unwrap();
            let deadline = handle.now() + 10 * MS;
            let got = poll_fn(|cx| stream.poll_recv(cx, &mut [0; 8], deadline)).await;
            assert_eq!(got.unwrap_err().kind(), ErrorKind::TimedOut, "1 had not arrived");
            handle.heal(stream.id());
            assert_eq!(read_exactly(&mut stream, 2).await.unwrap(), b"12");
        })
        .unwrap();
    }
}

#[test]
fn addresses_resolve_refuse_and_swallow() {
    for sim in both(9) {
        sim.host("DB.test", [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])]);
        sim.set_lookup_time(5 * MS);
        let handle = sim.clone();
        sim.run(async {
            let soon = handle.now() + 100 * MS;
            let found = handle.lookup("db.TEST", 27017, soon).await.unwrap();
            assert_eq!(found, [at(), SocketAddr::from(([10, 0, 0, 2], 27017))]);
            assert_eq!(handle.lookup("::1", 1, soon).await.unwrap(), ["[::1]:1".parse().unwrap()]);
            assert_eq!(handle.lookup("localhost", 1, soon).await.unwrap(), ["127.0.0.1:1".parse().unwrap()]);
            assert_eq!(handle.lookup("nowhere", 1, soon).await.unwrap_err().kind(), ErrorKind::NotFound);
            let late = handle.lookup("db.test", 1, handle.now() + MS).await;
            assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);

            assert_eq!(dial(&handle).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
            echo(&handle);
            assert!(dial(&handle).await.is_ok());
            handle.set_route(at(), Route::Refused);
            assert_eq!(dial(&handle).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        })
        .unwrap();
        assert_eq!(sim.streams_open(), 0);
    }
}

#[test]
fn datagrams_are_answered_or_time_out() {
    for sim in both(10) {
        sim.set_default_link(Link::fixed(MS));
        sim.answer_datagrams(at(), |question| (question != b"silence").then(|| [question, b"!"].concat()));
        let handle = sim.clone();
        sim.run(async {
            let start = handle.now();
            let answer = handle.exchange_datagram(at(), b"hello", start + 10 * MS).await.unwrap();
            assert_eq!((answer.as_slice(), handle.now() - start), (&b"hello!"[..], 2 * MS));
            for to in [at(), SocketAddr::from(([10, 0, 0, 9], 53))] {
                let start = handle.now();
                let silent = handle.exchange_datagram(to, b"silence", start + 10 * MS).await.unwrap_err();
                assert_eq!((silent.kind(), handle.now() - start), (ErrorKind::TimedOut, 10 * MS));
            }
        })
        .unwrap();
    }
}

#[test]
fn a_close_behind_a_black_hole_is_not_noticed() {
    for sim in both(14) {
        sim.listen(at(), |stream| async move {
            stream.sim().sleep(10 * MS).await;
            drop(stream);
        });
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            handle.black_hole(stream.id(), Side::Server);
            handle.sleep(100 * MS).await;
            stream.send_all(b"into the void").await.unwrap();
            assert_eq!(stream.try_recv(&mut [0; 8]).unwrap(), None);
            handle.heal(stream.id());
            assert_eq!(stream.recv(&mut [0; 8]).await.unwrap(), 0);
            assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        })
        .unwrap();
    }
}

/// Three clients talk to one server at once; what each reads, and when the last is done.
fn conversation(sim: &Sim) -> (Vec<Vec<u8>>, u64) {
    echo(sim);
    let (handle, heard) = (sim.clone(), Arc::new(Mutex::new(Vec::new())));
    let sink = heard.clone();
    sim.run(async move {
        for name in ["one", "two", "three"] {
            let (sim, sink) = (handle.clone(), sink.clone());
            handle
                .spawn(name, async move {
                    let mut stream = dial(&sim).await.unwrap();
                    for _ in 0..10 {
                        stream.send_all(name.as_bytes()).await.unwrap();
                        let echoed = read_exactly(&mut stream, name.len()).await.unwrap();
                        sink.lock().unwrap().push(echoed);
                    }
                })
                .unwrap();
        }
        while !handle.live_tasks().is_empty() {
            handle.sleep(MS).await;
        }
    })
    .unwrap();
    let heard = heard.lock().unwrap().clone();
    (heard, sim.fingerprint())
}

#[test]
fn conversations_are_deterministic_in_both_modes() {
    for make in [Sim::new, Sim::blocking] {
        let fingerprints: std::collections::BTreeSet<_> = (0..10)
            .map(|seed| {
                let (heard, fingerprint) = conversation(&make(seed));
                assert_eq!(heard.len(), 30);
                assert_eq!((heard, fingerprint), conversation(&make(seed)), "seed {seed}");
                fingerprint
            })
            .collect();
        assert_eq!(fingerprints.len(), 10);
    }
}

#[test]
fn a_blocked_call_keeps_the_wakes_that_come_meanwhile() {
    // One task waits for a flag and for bytes in the same poll: the flag is raised while it is blocked in the read.
    let sim = Sim::blocking(11);
    echo(&sim);
    let handle = sim.clone();
    sim.run(async {
        let mut stream = dial(&handle).await.unwrap();
        let signal = Arc::new(Mutex::new((false, None::<core::task::Waker>)));
        let (raiser, waiter) = (signal.clone(), handle.clone());
        handle
            .spawn("raiser", async move {
                waiter.sleep(5 * MS).await;
                let waker = {
                    let mut signal = raiser.lock().unwrap();
                    signal.0 = true;
                    signal.1.take()
                };
                waker.unwrap().wake();
            })
            .unwrap();
        let deadline = handle.now() + 10 * MS;
        poll_fn(|cx| {
            let mut state = signal.lock().unwrap();
            if state.0 {
                return core::task::Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            drop(state);
            // Blocks until the deadline; the wake comes in the middle.
            assert!(stream.poll_recv(cx, &mut [0; 8], deadline).is_ready());
            core::task::Poll::Pending
        })
        .await;
        assert_eq!(handle.now(), deadline);
    })
    .unwrap();
}

#[test]
fn a_task_that_ignores_the_end_of_its_run_is_unwound() {
    let sim = Sim::blocking(12);
    echo(&sim);
    let handle = sim.clone();
    let result = sim.run(async {
        let mut stream = dial(&handle).await.unwrap();
        while !stream.recv(&mut [0; 8]).await.is_ok_and(|count| count == 1) {}
    });
    assert!(matches!(result, Err(crate::SimError::Deadlock { .. })), "{result:?}");
}

#[test]
fn a_conversation_survives_being_dropped_at_every_poll() {
    for drop_later in [false, true] {
        let mut finished = false;
        for polls in 0..100 {
            let sim = Sim::new(13);
            echo(&sim);
            let handle = sim.clone();
            let talk = async move {
                let mut stream = dial(&handle).await.unwrap();
                stream.send_all(b"hello").await.unwrap();
                read_exactly(&mut stream, 5).await.unwrap()
            };
            let result = if drop_later {
                sim.run(crate::drop_when_woken_after(talk, polls))
            } else {
                sim.run(crate::drop_after(talk, polls))
            };
            let result = result.unwrap();
            sim.run(sim.sleep(10 * MS)).unwrap();
            assert_eq!((sim.streams_open(), sim.timers_armed(), sim.world.with(|state| state.tasks.len())), (0, 0, 0));
            if let Some(echoed) = result {
                assert_eq!((echoed.as_slice(), polls > 1), (&b"hello"[..], true));
                finished = true;
                break;
            }
        }
        assert!(finished);
    }
}

#[test]
fn many_runs_fit_into_a_second() {
    // Not a benchmark: it fails if a run waits in real time anywhere.
    let begin = std::time::Instant::now();
    for seed in 0..500 {
        conversation(&Sim::new(seed));
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[test]
fn a_call_that_is_done_leaves_no_timer_behind() {
    for sim in both(15) {
        echo(&sim);
        let handle = sim.clone();
        sim.run(async {
            let mut stream = dial(&handle).await.unwrap();
            stream.send_all(b"hello").await.unwrap();
            let deadline = handle.now() + Duration::from_secs(60);
            assert_eq!(poll_fn(|cx| stream.poll_recv(cx, &mut [0; 8], deadline)).await.unwrap(), 5);
            assert_eq!(handle.timers_armed(), 0);
        })
        .unwrap();
    }
}
