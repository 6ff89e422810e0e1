use core::future::{pending, poll_fn};
use core::task::Poll;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use stator_client::Runtime;
use stator_client::runtime::BlockOn;

use super::*;

type Log = Arc<Mutex<Vec<String>>>;

/// Runs some tasks that sleep, spawn and draw random bytes; returns what they did, in order.
fn history(sim: &Sim) -> (Vec<String>, u64) {
    let log = Log::default();
    let handle = sim.clone();
    let writer = log.clone();
    sim.run(async move {
        for name in ["a", "b", "c", "d"] {
            let (sim, log) = (handle.clone(), writer.clone());
            handle
                .spawn(name, async move {
                    for round in 0..5 {
                        let mut random = [0; 2];
                        sim.fill_random(&mut random);
                        log.lock().unwrap().push(format!("{name}{round} {:?} {random:?}", sim.now()));
                        sim.sleep(Duration::from_millis(u64::from(random[0]) % 3)).await;
                    }
                })
                .unwrap();
        }
        handle.sleep(Duration::from_secs(1)).await;
    })
    .unwrap();
    let lines = log.lock().unwrap().clone();
    (lines, sim.fingerprint())
}

#[test]
fn a_history_is_a_function_of_its_seed() {
    for make in [Sim::new, Sim::blocking] {
        let histories: Vec<_> = (0..8).map(|seed| history(&make(seed))).collect();
        for (seed, first) in histories.iter().enumerate() {
            assert_eq!(*first, history(&make(seed as u64)), "seed {seed}");
            assert_eq!(first.0.len(), 20);
        }
        let different: std::collections::BTreeSet<_> = histories.iter().collect();
        assert_eq!(different.len(), histories.len());
    }
}

#[test]
fn without_streams_both_modes_have_the_same_history() {
    for seed in 0..20 {
        assert_eq!(history(&Sim::new(seed)), history(&Sim::blocking(seed)));
    }
}

#[test]
fn the_seed_chooses_among_ready_tasks() {
    let order = |seed| {
        let sim = Sim::new(seed);
        let log = Log::default();
        for name in ["a", "b", "c"] {
            let log = log.clone();
            sim.spawn(name, async move { log.lock().unwrap().push(name.to_owned()) }).unwrap();
        }
        sim.run(sim.sleep(Duration::from_nanos(1))).unwrap();
        log.lock().unwrap().concat()
    };
    let orders: std::collections::BTreeSet<_> = (0..100).map(order).collect();
    assert_eq!(orders.into_iter().collect::<Vec<_>>(), ["abc", "acb", "bac", "bca", "cab", "cba"]);
}

#[test]
fn timers_fire_at_their_instant_in_order() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        let start = sim.now();
        let log = Arc::new(Mutex::new(Vec::new()));
        for millis in [30, 10, 20] {
            let (handle, log) = (sim.clone(), log.clone());
            sim.spawn("sleeper", async move {
                handle.sleep(Duration::from_millis(millis)).await;
                log.lock().unwrap().push(handle.now() - start);
            })
            .unwrap();
        }
        sim.run(sim.sleep(Duration::from_millis(25))).unwrap();
        assert_eq!(*log.lock().unwrap(), [10, 20].map(Duration::from_millis));
        assert_eq!(sim.live_tasks(), ["sleeper"]);
        // The third goes on in the next run.
        sim.run(sim.sleep(Duration::from_millis(25))).unwrap();
        assert_eq!(log.lock().unwrap().len(), 3);
        assert_eq!((sim.live_tasks().len(), sim.spawned().len(), sim.timers_armed()), (0, 3, 0));
        assert_eq!(sim.unix_time(), UNIX_ORIGIN + (sim.now() - Instant::ORIGIN));
    }
}

#[test]
fn a_dropped_sleep_disarms_its_timer_and_far_future_arms_none() {
    let sim = Sim::new(1);
    let mut far = Box::pin(sim.sleep_until(Instant::FAR_FUTURE));
    let mut near = Some(Box::pin(sim.sleep(Duration::from_secs(1))));
    sim.run(poll_fn(|cx| {
        assert!(far.as_mut().poll(cx).is_pending());
        if let Some(near) = &mut near {
            assert!(near.as_mut().poll(cx).is_pending());
        }
        Poll::Ready(())
    }))
    .unwrap();
    assert_eq!(sim.timers_armed(), 1);
    near = None;
    assert!(near.is_none() && sim.timers_armed() == 0);
}

#[test]
fn a_deadlock_names_the_stuck_tasks_and_leaves_the_world_usable() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        sim.spawn("stuck", pending()).unwrap();
        let error = sim.run(pending::<()>()).unwrap_err();
        assert_eq!(error, SimError::Deadlock { at: sim.now(), tasks: vec!["main".into(), "stuck".into()] });
        assert_eq!(error.to_string(), "deadlock: no task is ready, no timer is armed at 1000s; tasks: main, stuck");
        assert_eq!(sim.run(async { 5 }), Ok(5));
    }
}

#[test]
fn spins_and_endless_waits_end_at_the_limits() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        sim.set_limits(Limits { polls: 100, time: Duration::from_secs(10) });
        let spin = poll_fn::<(), _>(|cx| {
            cx.waker().wake_by_ref();
            Poll::Pending
        });
        assert!(matches!(sim.run(spin), Err(SimError::OutOfPolls { .. })));
        let start = sim.now();
        let ticker = sim.clone();
        sim.spawn("ticker", async move {
            loop {
                ticker.sleep(Duration::from_secs(1)).await;
            }
        })
        .unwrap();
        assert!(matches!(sim.run(pending::<()>()), Err(SimError::OutOfTime { .. })));
        assert_eq!(sim.now() - start, Duration::from_secs(10));
    }
}

#[test]
fn dropping_the_owner_drops_tasks_and_their_threads() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        let probe = Arc::new(());
        for _ in 0..5 {
            let (probe, handle) = (probe.clone(), sim.clone());
            sim.spawn("holder", async move {
                handle.sleep(Duration::from_secs(3600)).await;
                drop(probe);
            })
            .unwrap();
        }
        let handle = sim.clone();
        sim.run(sim.sleep(Duration::from_secs(1))).unwrap();
        assert_eq!(Arc::strong_count(&probe), 6);
        drop(sim);
        assert_eq!(Arc::strong_count(&probe), 1);
        assert!(handle.spawn("late", async {}).is_err());
        assert_eq!(handle.run(async {}), Err(SimError::Ended));
        // Only this handle is left: threads and tasks held others.
        assert_eq!(Arc::strong_count(&handle.world), 1);
    }
}

#[test]
fn an_owner_that_is_dropped_inside_a_run_ends_the_run() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        let handle = sim.clone();
        handle.spawn("stuck", pending()).unwrap();
        let result = handle.run(async move {
            drop(sim);
            pending::<()>().await;
        });
        assert_eq!(result, Err(SimError::Ended));
        assert_eq!(handle.live_tasks(), Vec::<String>::new());
    }
}

#[test]
fn the_panic_of_a_task_is_the_panic_of_the_run() {
    for sim in [Sim::new(1), Sim::blocking(1)] {
        // resume_unwind: no message on stderr.
        sim.spawn("bad", async { std::panic::resume_unwind(Box::new("as planned")) }).unwrap();
        let run = std::panic::AssertUnwindSafe(|| sim.run(sim.sleep(Duration::from_secs(1))));
        let panic = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"as planned"));
        assert_eq!(sim.run(async { 1 }), Ok(1));
        assert!(sim.live_tasks().is_empty());
    }
}

#[test]
fn runs_do_not_nest_except_as_block_on_in_a_blocking_world() {
    let sim = Sim::new(1);
    let handle = sim.clone();
    assert_eq!(sim.run(async move { handle.run(async {}) }), Ok(Err(SimError::Busy)));

    let sim = Sim::blocking(1);
    let ticks = Arc::new(AtomicUsize::new(0));
    let (handle, counter) = (sim.clone(), ticks.clone());
    sim.spawn("ticker", async move {
        for _ in 0..5 {
            handle.sleep(Duration::from_millis(10)).await;
            counter.fetch_add(1, Ordering::SeqCst);
        }
    })
    .unwrap();
    let handle = sim.clone();
    let seen = sim.run(async move {
        handle.block_on(handle.sleep(Duration::from_millis(35)));
        ticks.load(Ordering::SeqCst)
    });
    assert_eq!(seen, Ok(3), "other tasks run while one is blocked");
    assert_eq!(sim.block_on(async { 2 }), 2);
}

#[test]
fn tasks_of_the_test_do_not_count_and_choices_follow_the_seed() {
    let draws = |seed| {
        let sim = Sim::new(seed);
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let (handle, sink) = (sim.clone(), drawn.clone());
        sim.spawn_aside("chooser", async move {
            sink.lock().unwrap().extend((0..20).map(|_| handle.draw(3)));
        });
        sim.run(sim.sleep(Duration::from_secs(1))).unwrap();
        assert_eq!((sim.spawned().len(), sim.live_tasks().len()), (0, 0));
        drawn.lock().unwrap().clone()
    };
    assert_eq!(draws(1), draws(1));
    assert_ne!(draws(1), draws(2));
    assert!(draws(1).iter().all(|choice| *choice < 3) && draws(1).len() == 20);
}

#[test]
fn random_bytes_do_not_change_the_schedule() {
    let polls = |draw: usize| {
        let sim = Sim::new(3);
        sim.fill_random(&mut vec![0; draw]);
        let log = Log::default();
        for name in ["a", "b", "c", "d", "e"] {
            let log = log.clone();
            sim.spawn(name, async move { log.lock().unwrap().push(name.to_owned()) }).unwrap();
        }
        sim.run(sim.sleep(Duration::from_nanos(1))).unwrap();
        log.lock().unwrap().concat()
    };
    assert_eq!(polls(0), polls(100));
}
