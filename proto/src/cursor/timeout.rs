//! When the steps of a cursor are due (specification *Client Side Operations Timeout*, "Cursors").

use core::time::Duration;

use crate::Instant;
use crate::operation::{TimeoutMode, due};

/// The timeout of a cursor.
///
/// ```
/// use core::time::Duration;
/// use stator_proto::Instant;
/// use stator_proto::cursor::CursorTimeout;
/// use stator_proto::operation::TimeoutMode;
///
/// let (now, later) = (Instant::ORIGIN, Instant::from_millis(700));
/// let timeout = Some(Duration::from_secs(1));
///
/// // The time of the command that opens it counts, and the server's batches have what is left.
/// let mut whole = CursorTimeout::new(now, timeout, TimeoutMode::CursorLifetime);
/// assert_eq!(whole.step(later), Some(Instant::from_millis(1000)));
///
/// // Every `next` has all of it, however many batches it takes.
/// let mut each = CursorTimeout::new(now, timeout, TimeoutMode::Iteration);
/// assert_eq!(each.step(later), Some(Instant::from_millis(1700)));
/// assert_eq!(each.step(Instant::from_millis(800)), Some(Instant::from_millis(1700)));
/// each.end_step();
///
/// // It is the server's resources that closing is about, so that always has the whole time.
/// let end = Instant::from_millis(5000);
/// assert_eq!(whole.close(end, None), Some(Instant::from_millis(6000)));
/// assert_eq!(whole.close(end, Some(Duration::from_millis(1))), Some(Instant::from_millis(5001)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct CursorTimeout {
    timeout: Option<Duration>,
    /// When the cursor must have ended.
    end: Option<Instant>,
    /// When the step that is under way must end.
    step: Option<Instant>,
}

impl CursorTimeout {
    /// The timeout of a cursor whose first command begins `now`. `timeout` is `timeoutMS`: `None` is no timeout, zero no
    /// limit by choice.
    pub fn new(now: Instant, timeout: Option<Duration>, mode: TimeoutMode) -> Self {
        let whole = timeout.filter(|_| mode == TimeoutMode::CursorLifetime);
        Self { timeout, end: whole.map(|timeout| due(now, timeout)), step: None }
    }

    /// When the batch is due that a `next` needs, which begins now if it is not under way; `None` without a timeout.
    /// [`Instant::FAR_FUTURE`] is no limit by choice.
    pub fn step(&mut self, now: Instant) -> Option<Instant> {
        if self.end.is_none() && self.step.is_none() {
            self.step = self.timeout.map(|timeout| due(now, timeout));
        }
        self.end.or(self.step)
    }

    /// The `next` has ended: the one after it has its own time.
    pub const fn end_step(&mut self) {
        self.step = None;
    }

    /// Whether each step has its own time.
    pub const fn is_renewed(&self) -> bool {
        self.end.is_none()
    }

    /// When `killCursors` is due if it begins now; `given` is what the user says of that.
    pub fn close(&self, now: Instant, given: Option<Duration>) -> Option<Instant> {
        given.or(self.timeout).map(|timeout| due(now, timeout))
    }
}
