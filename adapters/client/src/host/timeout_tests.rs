use core::cell::RefCell;

use super::*;

fn at(secs: u64) -> Instant {
    monotonic_now() + Duration::from_secs(secs)
}

/// Runs one call that does what `results` say, and returns its result with the timeouts that were set.
fn run(
    timeout: &mut SocketTimeout,
    deadline: Instant,
    results: &[Result<u8, ErrorKind>],
) -> (Result<u8, ErrorKind>, Vec<Option<Duration>>) {
    let sets = RefCell::new(Vec::new());
    let mut results = results.iter();
    let set = |limit| {
        sets.borrow_mut().push(limit);
        Ok(())
    };
    let done = timeout.run(deadline, set, || Ok((*results.next().expect("no more calls than told"))?));
    (done.map_err(|error| error.kind()), sets.into_inner())
}

#[test]
fn calls_with_like_deadlines_set_the_timeout_once() {
    let mut timeout = SocketTimeout::default();
    let (_, sets) = run(&mut timeout, at(40), &[Ok(1)]);
    assert_eq!(sets.len(), 1);
    let limit = sets[0].unwrap();
    assert!(limit <= Duration::from_secs(30) && limit > Duration::from_secs(25), "{limit:?}");
    for secs in [40, 50, 35] {
        assert_eq!(run(&mut timeout, at(secs), &[Ok(1)]), (Ok(1), vec![]), "{secs}");
    }
    assert_eq!(run(&mut timeout, at(10), &[Ok(1)]).1.len(), 1, "sooner than the timeout");
    assert_eq!(run(&mut timeout, at(100), &[Ok(1)]).1.len(), 1, "much later than the timeout");
}

#[test]
fn for_ever_is_set_only_when_it_is_not_so_already() {
    let mut timeout = SocketTimeout::default();
    assert_eq!(run(&mut timeout, Instant::FAR_FUTURE, &[Ok(1)]).1, []);
    run(&mut timeout, at(10), &[Ok(1)]).0.unwrap();
    assert_eq!(run(&mut timeout, Instant::FAR_FUTURE, &[Ok(1)]).1, [None]);
}

#[test]
fn an_early_timeout_goes_on_with_the_exact_rest() {
    let mut timeout = SocketTimeout::default();
    let (done, sets) = run(&mut timeout, at(40), &[Err(ErrorKind::WouldBlock), Ok(2)]);
    assert_eq!(done, Ok(2));
    assert_eq!(sets.len(), 2);
    assert!(sets[1].unwrap() > Duration::from_secs(35), "{sets:?}");
}

#[test]
fn a_signal_repeats_the_call_as_it_was() {
    let (done, sets) = run(&mut SocketTimeout::default(), at(40), &[Err(ErrorKind::Interrupted), Ok(3)]);
    assert_eq!((done, sets.len()), (Ok(3), 1));
}

#[test]
fn a_passed_deadline_calls_nothing_and_other_errors_end_the_call() {
    let mut timeout = SocketTimeout::default();
    assert_eq!(run(&mut timeout, Instant::ORIGIN, &[]), (Err(ErrorKind::TimedOut), vec![]));
    let broken = Err(ErrorKind::ConnectionReset);
    assert_eq!(run(&mut timeout, at(10), &[broken]).0, broken);
}

#[test]
fn time_left_is_never_zero() {
    assert_eq!(time_left(Instant::FAR_FUTURE).unwrap(), None);
    assert_eq!(time_left(Instant::ORIGIN).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(time_left(at(1)).unwrap().unwrap() >= SHORTEST);
}
