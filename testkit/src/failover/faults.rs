//! What is done to the primary, and when it is healed.

use std::thread;
use std::time::{Duration, Instant};

use super::load::Load;
use super::outcome::Recovery;
use super::probe::Probe;
use crate::server::{Admin, ReplicaSet, ServerError};

/// What is done to the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9`; started again once another member is primary.
    Kill,
    /// `replSetStepDown`.
    StepDown,
    /// `SIGSTOP` for 15 s.
    Freeze,
    /// A clean shutdown and a start.
    Restart,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 4] = [Self::Kill, Self::StepDown, Self::Freeze, Self::Restart];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill -9",
            Self::StepDown => "step down",
            Self::Freeze => "freeze 15 s",
            Self::Restart => "restart",
        }
    }
}

const FROZEN: Duration = Duration::from_secs(15);
/// How long anything may take: an election, a start, a first write.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Plays one fault, and returns when the set is whole again and takes writes.
pub(super) fn play(fault: Fault, set: &mut ReplicaSet, load: &Load) -> Result<Recovery, ServerError> {
    let index = set.primary_index()?;
    load.begin_stall();
    let began = Instant::now();
    match fault {
        Fault::Kill => set.members_mut()[index].kill()?,
        Fault::StepDown => step_down(set, index),
        Fault::Freeze => set.members_mut()[index].freeze()?,
        Fault::Restart => set.members_mut()[index].stop()?,
    }
    let (elected, primary) = wait_for_election(set, index, fault)?;
    let (first_write, probe) = thread::scope(|scope| {
        let probe = scope.spawn(|| Probe::of(set, index, primary, elected));
        let first_write = load.wait_for_write_after(elected, elected + LIMIT);
        (first_write, probe.join().unwrap_or_default())
    });
    let first_write = first_write?;
    match fault {
        Fault::Kill | Fault::Restart => set.members_mut()[index].restart()?,
        Fault::StepDown => {}
        Fault::Freeze => {
            // Passing time is what this fault is about.
            thread::sleep(FROZEN.saturating_sub(began.elapsed()));
            set.members_mut()[index].thaw()?;
        }
    }
    set.wait_until_whole()?;
    load.wait_for_writes(1, Instant::now() + LIMIT)?;
    Ok(Recovery {
        fault,
        stall: load.end_stall(),
        election: elected.saturating_duration_since(began),
        first_write: first_write.saturating_duration_since(elected),
        majority: probe.majority,
        left: probe.left,
    })
}

/// The connection may end before the answer comes, so only the election that follows counts.
fn step_down(set: &ReplicaSet, index: usize) {
    let command = bson::doc! { "replSetStepDown": 5, "force": true };
    if let Ok(mut admin) = set.members()[index].admin() {
        let _ = admin.run("admin", command);
    }
}

/// When another member, or after a step-down any, is seen to be primary, and which.
fn wait_for_election(set: &ReplicaSet, former: usize, fault: Fault) -> Result<(Instant, usize), ServerError> {
    let deadline = Instant::now() + LIMIT;
    while Instant::now() < deadline {
        for (index, member) in set.members().iter().enumerate() {
            if index == former && fault != Fault::StepDown {
                continue;
            }
            let hello =
                Admin::connect(member.address(), Duration::from_millis(500)).and_then(|mut admin| admin.hello());
            if hello
                .is_ok_and(|hello| hello.get_bool("ismaster").or(hello.get_bool("isWritablePrimary")).unwrap_or(false))
            {
                return Ok((Instant::now(), index));
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(ServerError::Timeout { waiting_for: "another primary".into(), after: LIMIT, log: String::new() })
}
