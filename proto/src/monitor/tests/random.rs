//! Inputs in any order, with any bytes: nothing panics, events come in pairs, and there is always a way on.

use super::*;

/// A small generator (xorshift); the seed says everything.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }
}

/// Tells the machine something, whether or not it is the time for it.
fn input(world: &mut World, random: &mut Random) {
    let now = world.now;
    match random.below(24) {
        0 => world.monitor.handle_connected(now),
        1 => world.monitor.handle_failed(now, "failed", random.chance(2)),
        2 => world.monitor.handle_closed(now, &world.input),
        3 => world.monitor.handle_check_request(now),
        4 if random.chance(3) => world.monitor.handle_cancel(now),
        5 if random.chance(40) => world.monitor.handle_stop(now),
        6 => world.monitor.handle_disconnected(now),
        7 => world.monitor.handle_timeout(now),
        8 => world.now = now + Duration::from_millis(random.below(12_000)),
        9 => {
            let garbage: Vec<u8> = (0..random.below(40)).map(|_| random.below(256) as u8).collect();
            world.input.push(&garbage);
            world.monitor.handle_recv(now, &mut world.input);
        }
        10 => {
            world.monitor.poll_transmit(now, &mut world.out);
            let count = random.below(200) as usize;
            world.monitor.handle_sent(now, &mut world.out, count);
        }
        _ => sensible(world, random),
    }
}

/// Does what the step asks for; the server says something.
fn sensible(world: &mut World, random: &mut Random) {
    let says = Says {
        hello_ok: random.chance(2),
        version: (!random.chance(3)).then_some(5),
        more: random.chance(2),
        ok: !random.chance(8),
    };
    honest(world, says);
}

/// Does what the step asks for.
fn honest(world: &mut World, says: Says) {
    let now = world.now;
    match world.monitor.poll_step() {
        Step::Connect { .. } => world.monitor.handle_connected(now),
        Step::Exchange { .. } => {
            if world.monitor.poll_transmit(now, &mut world.out) {
                let bytes = world.out.slices().concat();
                world.answers = OpMsg::parse(&bytes).unwrap().header().request_id;
            }
            world.monitor.handle_sent(now, &mut world.out, usize::MAX);
            world.reply(says);
        }
        Step::Wait { .. } => world.wait(),
        Step::Close => world.close(),
        Step::Ended => {}
    }
}

#[test]
fn any_order_of_inputs_leaves_a_way_on() {
    let (mut seen, mut streamed, mut ended) = (0, 0, 0);
    for seed in 1..=400 {
        let mut random = Random(u64::wrapping_mul(seed, 0x9e37_79b9_7f4a_7c15));
        let mut options = if random.chance(3) { polling() } else { options() };
        options.connect_timeout = (!random.chance(4)).then_some(Duration::from_secs(5));
        let mut world = World::new(options);
        let mut begun = false;
        for _ in 0..200 {
            input(&mut world, &mut random);
            while let Some(event) = world.monitor.poll_event() {
                // A check begins when none is under way, and ends when one is.
                begun = !begun;
                assert_eq!(begun, matches!(event, HeartbeatEvent::Started { .. }), "{event:?}");
            }
            while let Some(report) = world.monitor.poll_report() {
                if let Report::Seen { rtt, .. } = report {
                    seen += 1;
                    streamed += u32::from(rtt.is_none());
                }
            }
            let step = world.monitor.poll_step();
            assert_eq!(begun, matches!(step, Step::Connect { .. } | Step::Exchange { .. }), "{step:?}");
            let Step::Wait { until } = step else { continue };
            // A wait always ends.
            assert!(until - world.now <= Duration::from_secs(10));
        }
        // Whatever has happened, a server that behaves is found again. On a new connection, because garbage may have
        // announced a frame that swallows all that comes.
        world.monitor.handle_failed(world.now, "reset", false);
        let mut found = world.monitor.poll_step() == Step::Ended;
        for _ in 0..12 {
            honest(&mut world, NEW);
            found |=
                core::iter::from_fn(|| world.monitor.poll_report()).any(|report| matches!(report, Report::Seen { .. }));
        }
        found |= world.monitor.poll_step() == Step::Ended;
        assert!(found, "seed {seed}: {}", world.step());
        world.monitor.handle_stop(world.now);
        assert_eq!(world.monitor.poll_step(), Step::Ended);
        ended += 1;
    }
    // The test is worth something only if much of it was good.
    assert!(seen > 2000 && streamed > 500 && ended == 400, "{seen} {streamed} {ended}");
}
