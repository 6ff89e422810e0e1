//! Who is told.

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Category, CommandEvent, Event, PoolEvent, SelectionEvent, TopologyEvent};
use crate::logging::{self, LogOptions};

/// A function that gets events; cheap to clone. See the [module](super) for when and where it is called.
///
/// ```
/// use stator_client::event::{Event, Listener, PoolEventKind};
///
/// // Everything, by its name in the specifications.
/// let all = Listener::new(|event: &Event| println!("{}", event.name()));
///
/// // Only the events of connection pools.
/// let pools = Listener::pools(|event| {
///     if let PoolEventKind::ConnectionClosed { connection_id, reason, .. } = &event.kind {
///         println!("connection {connection_id} to {} was closed: {}", event.address, reason.as_str());
///     }
/// });
/// # let _ = (all, pools);
/// ```
#[derive(Clone)]
pub struct Listener {
    categories: Categories,
    receiver: Arc<dyn Receiver>,
}

/// What stands behind a listener.
pub(crate) trait Receiver: Send + Sync {
    /// Whether events of this category are wanted at this moment.
    fn wants(&self, _category: Category) -> bool {
        true
    }

    /// Takes an event, which may be of a category that is not wanted.
    fn receive(&self, event: &Event);
}

struct Function<F>(F);

impl<F: Fn(&Event) + Send + Sync> Receiver for Function<F> {
    fn receive(&self, event: &Event) {
        (self.0)(event);
    }
}

impl Listener {
    /// Listens to everything.
    pub fn new(listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self::with_receiver(Categories::ALL, Function(listener))
    }

    /// Listens to commands.
    pub fn commands(listener: impl Fn(&CommandEvent) + Send + Sync + 'static) -> Self {
        let filtered = move |event: &Event| {
            if let Event::Command(event) = event {
                listener(event);
            }
        };
        Self::with_receiver(Categories::of(Category::Command), Function(filtered))
    }

    /// Listens to connection pools.
    pub fn pools(listener: impl Fn(&PoolEvent) + Send + Sync + 'static) -> Self {
        let filtered = move |event: &Event| {
            if let Event::Pool(event) = event {
                listener(event);
            }
        };
        Self::with_receiver(Categories::of(Category::Pool), Function(filtered))
    }

    /// Listens to the topology, its servers and their monitors.
    pub fn topology(listener: impl Fn(&TopologyEvent) + Send + Sync + 'static) -> Self {
        let filtered = move |event: &Event| {
            if let Event::Topology(event) = event {
                listener(event);
            }
        };
        Self::with_receiver(Categories::of(Category::Topology), Function(filtered))
    }

    /// Listens to the selection of servers.
    pub fn selection(listener: impl Fn(&SelectionEvent) + Send + Sync + 'static) -> Self {
        let filtered = move |event: &Event| {
            if let Event::Selection(event) = event {
                listener(event);
            }
        };
        Self::with_receiver(Categories::of(Category::Selection), Function(filtered))
    }

    pub(crate) fn with_receiver(categories: Categories, receiver: impl Receiver + 'static) -> Self {
        Self { categories, receiver: Arc::new(receiver) }
    }

    fn wants(&self, category: Category) -> bool {
        self.categories.contains(category) && self.receiver.wants(category)
    }

    /// Calls the listener. A panic must not reach whoever happens to deliver: its operation has nothing to do with it.
    fn call(&self, event: &Event) {
        let called = catch_unwind(AssertUnwindSafe(|| self.receiver.receive(event)));
        if let Err(panic) = called {
            // What was panicked with may panic again when it is dropped, and that one is not dropped.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(panic)));
            dropped.unwrap_or_else(core::mem::forget);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("categories", &self.categories).finish_non_exhaustive()
    }
}

/// A set of categories.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Categories(u8);

impl Categories {
    pub(crate) const ALL: Self = Self(0b1111);

    const fn of(category: Category) -> Self {
        Self(1 << category as u8)
    }

    const fn contains(self, category: Category) -> bool {
        self.0 & Self::of(category).0 != 0
    }

    const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Categories {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Category::ALL.iter().filter(|category| self.contains(**category))).finish()
    }
}

/// All listeners of a client.
#[derive(Clone, Debug)]
pub(crate) struct Listeners {
    listeners: Arc<[Listener]>,
    categories: Categories,
}

impl Listeners {
    /// The listeners that a client's options name, and the one that logs.
    pub(crate) fn of(mut listeners: Vec<Listener>, log: Option<LogOptions>) -> Self {
        listeners.extend(logging::listener(log));
        Self::new(listeners)
    }

    pub(crate) fn new(listeners: Vec<Listener>) -> Self {
        let categories = listeners.iter().fold(Categories::default(), |all, one| all.union(one.categories));
        Self { listeners: listeners.into(), categories }
    }

    /// Whether anybody may ever want events of this category: what machines need to know when they are made.
    pub(crate) const fn may_want(&self, category: Category) -> bool {
        self.categories.contains(category)
    }

    /// Whether anybody wants events of this category now. When nobody listens, this is one look at a byte.
    pub(crate) fn wants(&self, category: Category) -> bool {
        self.may_want(category) && self.listeners.iter().any(|listener| listener.wants(category))
    }

    /// Whether there is no listener at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.categories == Categories::default()
    }

    /// Calls, on this thread, everyone who wants the event. No lock may be held.
    pub(crate) fn deliver(&self, event: &Event) {
        let category = event.category();
        for listener in self.listeners.iter().filter(|listener| listener.wants(category)) {
            listener.call(event);
        }
    }
}
