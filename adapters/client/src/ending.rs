//! The end of a client: what is said to servers and listeners before it is closed.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Arc;

use stator_proto::Instant;
use stator_proto::operation::Settings;
use stator_proto::read_preference::ReadPreference;
use stator_proto::session::EndSessions;

use crate::execute::{Route, Within};
use crate::hub::lock;
use crate::inner::Core;
use crate::runtime::Runtime;

/// How long servers may take to hear that sessions have ended; they forget them by themselves after a while.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long listeners may take to hear of the end, and how often that is looked at.
const TOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(1));

impl<R: Runtime> Core<R> {
    /// Ends the server sessions that are in the pool. Best effort, for a limited time: the executor on which the client was
    /// connected may not be running any more.
    pub(crate) async fn end_sessions(&self) {
        let until = self.runtime.now() + GOODBYE;
        let mut goodbye = pin!(self.say_goodbye(until));
        let mut timer = pin!(self.runtime.sleep_until(until));
        poll_fn(|cx| match goodbye.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => timer.as_mut().poll(cx),
        })
        .await;
    }

    async fn say_goodbye(&self, until: Instant) {
        while let Some(ids) = self.sessions_to_end() {
            let left = until - self.runtime.now();
            let read_preference = Some(ReadPreference::primary_preferred());
            let settings = Arc::new(Settings { read_preference, timeout: Some(left), ..Settings::default() });
            let ended = self.execute_on(Route::Any, EndSessions { ids }, settings, Within::Own).await;
            if ended.is_err() || left.is_zero() {
                return;
            }
        }
    }

    fn sessions_to_end(&self) -> Option<Vec<stator_proto::session::SessionId>> {
        let mut hub = lock(&self.hub);
        if hub.closed { None } else { hub.cluster.poll_end_sessions() }
    }

    /// Waits until listeners have heard what has happened so far. Another thread may be telling them.
    pub(crate) async fn until_told(&self) {
        self.deliveries.deliver();
        let until = self.runtime.now() + TOLD.0;
        while !self.deliveries.is_idle() && self.runtime.now() < until {
            self.runtime.sleep_until(self.runtime.now() + TOLD.1).await;
        }
    }
}
