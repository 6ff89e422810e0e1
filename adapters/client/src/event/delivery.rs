//! Events on their way from under the client's lock to the listeners.
//!
//! ```text
//!   under the client's lock          after it was released
//!          push ──────▶ queue ──────▶ deliver: one thread at a time takes events out and calls the listeners
//! ```

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Category, Event, Listeners};

/// The queue, and those whom it feeds.
///
/// Its own lock is held for as long as an event goes in or out, never while a listener runs. It may be taken under the
/// client's lock, never the other way round.
#[derive(Debug)]
pub(crate) struct Deliveries {
    listeners: Listeners,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Event>,
    /// Somebody is calling listeners, and will look at the queue again before leaving.
    delivering: bool,
}

impl Deliveries {
    pub(crate) const fn new(listeners: Listeners) -> Self {
        Self { listeners, queue: Mutex::new(Queue { waiting: VecDeque::new(), delivering: false }) }
    }

    pub(crate) const fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Puts an event into the queue, if anybody wants it: to be called where the event happens, under the lock there, so
    /// that the order is that of what has happened. Follow it with [`deliver`](Self::deliver) after that lock is released.
    pub(crate) fn push(&self, category: Category, event: impl FnOnce() -> Event) {
        if self.listeners.wants(category) {
            let event = event();
            self.lock().waiting.push_back(event);
        }
    }

    /// Calls the listeners until the queue is empty. If somebody is at it already (another thread, or this one when a
    /// listener uses the client) it is left to them. No lock may be held.
    pub(crate) fn deliver(&self) {
        if self.listeners.is_empty() {
            return;
        }
        let mut queue = self.lock();
        if queue.delivering || queue.waiting.is_empty() {
            return;
        }
        queue.delivering = true;
        while let Some(event) = queue.waiting.pop_front() {
            drop(queue);
            // Never panics, so `delivering` is not left behind.
            self.listeners.deliver(&event);
            drop(event);
            queue = self.lock();
        }
        queue.delivering = false;
    }

    /// Whether everything that was put in has been told.
    pub(crate) fn is_idle(&self) -> bool {
        let queue = self.lock();
        !queue.delivering && queue.waiting.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, Deliveries, Event, Listeners};
    use crate::event::Listener;

    #[test]
    fn nothing_is_made_or_allocated_when_nobody_listens() {
        let listeners = [Listeners::new(vec![]), Listeners::new(vec![Listener::commands(|_| {})])];
        for listeners in listeners {
            let deliveries = Deliveries::new(listeners);
            deliveries.push(Category::Pool, || -> Event { panic!("nobody wants to know") });
            deliveries.deliver();
            assert_eq!(deliveries.lock().waiting.capacity(), 0, "the queue has no memory");
        }
    }
}
