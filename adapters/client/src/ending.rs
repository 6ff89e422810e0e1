//! The end of a client: what is said to servers and listeners before it is closed.

use core::time::Duration;

use stator_proto::operation::Settings;
use stator_proto::read_preference::ReadPreference;
use stator_proto::session::EndSessions;

use crate::execute::{Implicit, Route};
use crate::hub::lock;
use crate::inner::Core;
use crate::runtime::Runtime;

/// How long servers may take to hear that sessions have ended; they forget them by themselves after a while.
const GOODBYE: Duration = Duration::from_secs(1);
/// How long listeners may take to hear of the end, and how often that is looked at.
const TOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(1));

impl<R: Runtime> Core<R> {
    /// Ends the server sessions that are in the pool. Best effort.
    pub(crate) async fn end_sessions(&self) {
        let until = self.runtime.now() + GOODBYE;
        while let Some(ids) = self.sessions_to_end() {
            let left = until - self.runtime.now();
            if left.is_zero() {
                return;
            }
            let read_preference = Some(ReadPreference::primary_preferred());
            let settings = Settings { read_preference, timeout: Some(left), ..Settings::default() };
            if self.execute_on(Route::Any, EndSessions { ids }, settings, Implicit::Own).await.is_err() {
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
