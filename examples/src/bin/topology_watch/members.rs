//! A replica set of our own, and what the demonstration does to it.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use stator_testkit::server::{MongodOptions, ReplicaSet, ServerError};

use crate::news::News;

/// Between two steps of the demonstration: enough to see what came of the last.
const PAUSE: Duration = Duration::from_secs(3);

/// What can be done to the members; it ends when the set is whole again.
type Step = fn(&mut Members, &News) -> Result<(), ServerError>;

#[derive(Debug)]
pub(crate) struct Members(ReplicaSet);

impl Members {
    pub(crate) fn start() -> Result<Self, ServerError> {
        ReplicaSet::start(3, MongodOptions::new()).map(Self)
    }

    pub(crate) fn uri(&self) -> String {
        self.0.uri()
    }

    /// Goes through the steps again and again, until the other end of `stop` is gone or a step fails.
    pub(crate) fn demonstrate(mut self, news: &News, stop: &Receiver<()>) {
        let steps: [Step; 3] = [Self::step_down, Self::lose_a_secondary, Self::lose_the_primary];
        for step in steps.iter().cycle() {
            if stop.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            if let Err(error) = step(&mut self, news) {
                return news.tell(format!("demo: it ends here: {error}"));
            }
        }
    }

    fn step_down(&mut self, news: &News) -> Result<(), ServerError> {
        news.tell(format!("demo: {} steps down", self.0.primary()?.address()));
        self.0.step_down(5)?;
        self.0.wait_until_whole()
    }

    fn lose_a_secondary(&mut self, news: &News) -> Result<(), ServerError> {
        let count = self.0.members().len();
        let victim = (self.0.primary_index()? + 1) % count;
        self.lose(victim, "a secondary", news)
    }

    fn lose_the_primary(&mut self, news: &News) -> Result<(), ServerError> {
        let victim = self.0.primary_index()?;
        self.lose(victim, "the primary", news)
    }

    fn lose(&mut self, victim: usize, role: &str, news: &News) -> Result<(), ServerError> {
        let address = self.0.members()[victim].address();
        news.tell(format!("demo: {role}, {address}, is killed"));
        self.0.members_mut()[victim].kill()?;
        // The others elect a primary, if it was that one.
        self.0.primary_index()?;
        std::thread::sleep(PAUSE);
        news.tell(format!("demo: {address} is started again"));
        self.0.members_mut()[victim].restart()?;
        self.0.wait_until_whole()
    }
}
