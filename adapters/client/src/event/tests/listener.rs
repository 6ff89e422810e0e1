//! Who gets what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bson::oid::ObjectId;
use stator_proto::Instant;

use super::world::{Clock, request};
use super::{Log, connection, numbered};
use crate::event::listener::{Categories, Receiver};
use crate::event::{
    Category, Event, Listener, Listeners, SelectionEvent, SelectionEventKind, Selector, TopologyEvent, Watch,
};

fn topology() -> Event {
    Event::Topology(TopologyEvent::TopologyOpening { topology_id: ObjectId::from_bytes([1; 12]) })
}

fn selection() -> Event {
    let description = Arc::new(stator_proto::topology::TopologyDescription {
        kind: stator_proto::topology::TopologyKind::Unknown,
        set_name: None,
        max_set_version: None,
        max_election_id: None,
        servers: std::collections::BTreeMap::new(),
        logical_session_timeout: None,
        incompatible: None,
    });
    Event::Selection(SelectionEvent::new("find", 1, Selector::Writable, &description, SelectionEventKind::Started))
}

fn command() -> Event {
    let (log, clock) = (Log::default(), Clock::new());
    let listeners = log.listeners();
    let output = request("ping", &|_| {}, &[]);
    Watch::start(&clock, &listeners, Instant::ORIGIN, &output, 1, connection).unacknowledged();
    log.take().remove(0)
}

#[test]
fn each_listener_gets_its_category() {
    let counts: Arc<[AtomicUsize; 4]> = Arc::default();
    let count = |at: usize| {
        let counts = Arc::clone(&counts);
        move || {
            counts[at].fetch_add(1, Ordering::Relaxed);
        }
    };
    let (commands, pools, servers, selections) = (count(0), count(1), count(2), count(3));
    let log = Log::default();
    let listeners = Listeners::new(vec![
        Listener::commands(move |_| commands()),
        Listener::pools(move |_| pools()),
        Listener::topology(move |_| servers()),
        Listener::selection(move |_| selections()),
        log.listener(),
    ]);
    let events = [command(), numbered(1), topology(), selection()];
    for (event, category) in events.iter().zip(Category::ALL) {
        assert_eq!(event.category(), category);
        listeners.deliver(event);
    }
    listeners.deliver(&numbered(2));
    let counts: Vec<usize> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [1, 2, 1, 1]);
    let names =
        ["CommandStartedEvent", "ConnectionCreatedEvent", "TopologyOpeningEvent", "ServerSelectionStartedEvent"];
    assert_eq!(log.names()[..4], names);
}

#[test]
fn wants_is_the_union_of_all() {
    let none = Listeners::new(vec![]);
    assert!(none.is_empty());
    let some = Listeners::new(vec![Listener::commands(|_| {}), Listener::topology(|_| {})]);
    assert!(!some.is_empty());
    let wanted = |listeners: &Listeners| Category::ALL.map(|category| listeners.wants(category));
    assert_eq!(wanted(&none), [false; 4]);
    assert_eq!(wanted(&some), [true, false, true, false]);
    assert_eq!(wanted(&Listeners::new(vec![Listener::new(|_| {})])), [true; 4]);
}

#[test]
fn a_listener_that_may_want_is_asked_each_time() {
    struct Sometimes(Arc<AtomicBool>);

    impl Receiver for Sometimes {
        fn wants(&self, _: Category) -> bool {
            self.0.load(Ordering::Relaxed)
        }

        fn receive(&self, _: &Event) {
            assert!(self.0.load(Ordering::Relaxed));
        }
    }

    let now = Arc::new(AtomicBool::new(false));
    let listeners = Listeners::new(vec![Listener::with_receiver(Categories::ALL, Sometimes(Arc::clone(&now)))]);
    assert!(listeners.may_want(Category::Pool) && !listeners.wants(Category::Pool));
    listeners.deliver(&numbered(1));
    now.store(true, Ordering::Relaxed);
    assert!(listeners.wants(Category::Pool));
}

#[test]
fn debug_shows_the_categories() {
    assert_eq!(format!("{:?}", Listener::pools(|_| {})), "Listener { categories: {Pool}, .. }");
}
