//! The due times of a cursor's steps, as a host asks for them.

use core::time::Duration;

use super::CursorTimeout;
use crate::Instant;
use crate::operation::TimeoutMode::{CursorLifetime, Iteration};

const SECOND: Option<Duration> = Some(Duration::from_secs(1));

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

#[test]
fn without_a_timeout_nothing_is_due() {
    for mode in [CursorLifetime, Iteration] {
        let mut timeout = CursorTimeout::new(at(5), None, mode);
        assert_eq!((timeout.step(at(9)), timeout.close(at(9), None)), (None, None));
        assert_eq!(timeout.close(at(9), SECOND), Some(at(1009)));
    }
}

#[test]
fn zero_is_no_limit_by_choice() {
    for mode in [CursorLifetime, Iteration] {
        let mut timeout = CursorTimeout::new(at(5), Some(Duration::ZERO), mode);
        assert_eq!(timeout.step(at(9)), Some(Instant::FAR_FUTURE));
        assert_eq!(timeout.close(at(9), None), Some(Instant::FAR_FUTURE));
        assert_eq!(timeout.close(at(9), SECOND), Some(at(1009)));
    }
}

#[test]
fn a_lifetime_is_never_renewed_but_for_closing() {
    let mut timeout = CursorTimeout::new(at(100), SECOND, CursorLifetime);
    for now in [200, 1099, 1100, 9000] {
        assert_eq!(timeout.step(at(now)), Some(at(1100)));
        timeout.end_step();
    }
    assert_eq!(timeout.close(at(9000), None), Some(at(10_000)));
}

#[test]
fn a_step_has_its_time_from_its_first_batch_to_its_end() {
    let mut timeout = CursorTimeout::new(at(100), SECOND, Iteration);
    assert_eq!(timeout.step(at(5000)), Some(at(6000)));
    assert_eq!(timeout.step(at(5900)), Some(at(6000)), "an empty batch came, the step goes on");
    timeout.end_step();
    timeout.end_step();
    assert_eq!(timeout.step(at(5900)), Some(at(6900)));
}
