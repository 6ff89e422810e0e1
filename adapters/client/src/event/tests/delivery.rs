//! From under a lock to the listeners: in order, one at a time, without a lock.

use std::sync::{Arc, Barrier, Mutex, OnceLock, mpsc};

use super::{Log, numbered, numbers};
use crate::event::{Category, Deliveries, Listener, Listeners};

fn push(deliveries: &Deliveries, number: u64) {
    deliveries.push(Category::Pool, || numbered(number));
}

#[test]
fn events_come_in_the_order_of_what_they_tell() {
    let log = Log::default();
    let deliveries = Deliveries::new(log.listeners());
    (1..=3).for_each(|number| push(&deliveries, number));
    assert_eq!(log.take().len(), 0, "not under the lock");
    deliveries.deliver();
    assert_eq!(numbers(&log.take()), [1, 2, 3]);
    deliveries.deliver();
    assert_eq!(log.take().len(), 0);
}

#[test]
fn a_listener_may_use_the_client() {
    // It pushes and delivers, as an operation would, from within the delivery.
    let reached: Arc<OnceLock<Arc<Deliveries>>> = Arc::default();
    let log = Log::default();
    let (again, seen) = (Arc::clone(&reached), log.clone());
    let reentrant = Listener::new(move |event| {
        let number = numbers(core::slice::from_ref(event))[0];
        let deliveries = again.get().unwrap();
        if number < 4 {
            push(deliveries, number + 10);
            deliveries.deliver();
        }
        // What was pushed within waits until this one has returned.
        seen.0.lock().unwrap().push(event.clone());
    });
    let deliveries = Arc::new(Deliveries::new(Listeners::new(vec![reentrant])));
    reached.set(Arc::clone(&deliveries)).unwrap();
    push(&deliveries, 1);
    push(&deliveries, 2);
    deliveries.deliver();
    assert_eq!(numbers(&log.take()), [1, 2, 11, 12]);
}

#[test]
fn only_one_thread_delivers_and_nobody_waits_for_it() {
    let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let log = Log::default();
    let (inside, outside, seen) = (Arc::clone(&entered), Arc::clone(&leave), log.clone());
    let slow = Listener::new(move |event| {
        if numbers(core::slice::from_ref(event)) == [1] {
            inside.wait();
            outside.wait();
        }
        seen.0.lock().unwrap().push(event.clone());
    });
    let deliveries = Arc::new(Deliveries::new(Listeners::new(vec![slow])));
    push(&deliveries, 1);
    let first = std::thread::spawn({
        let deliveries = Arc::clone(&deliveries);
        move || deliveries.deliver()
    });
    entered.wait();
    // The listener is at it: this thread leaves its event to the other one and goes on.
    push(&deliveries, 2);
    deliveries.deliver();
    assert_eq!(log.take().len(), 0);
    leave.wait();
    first.join().unwrap();
    assert_eq!(numbers(&log.take()), [1, 2]);
}

#[test]
fn many_threads_lose_nothing_and_keep_the_order_of_the_lock() {
    let log = Log::default();
    let deliveries = Deliveries::new(log.listeners());
    // The lock under which things happen.
    let counter = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let mut counter = counter.lock().unwrap();
                    *counter += 1;
                    push(&deliveries, *counter);
                    drop(counter);
                    deliveries.deliver();
                }
            });
        }
    });
    assert_eq!(numbers(&log.take()), (1..=1000).collect::<Vec<_>>());
}

#[test]
fn a_panic_stops_nothing() {
    struct Worse;

    impl Drop for Worse {
        fn drop(&mut self) {
            panic!("and again");
        }
    }

    let log = Log::default();
    let (sender, receiver) = mpsc::channel();
    let bad = Listener::new(move |event| {
        sender.send(event.name()).unwrap();
        std::panic::resume_unwind(Box::new(Worse));
    });
    let deliveries = Deliveries::new(Listeners::new(vec![bad, log.listener()]));
    push(&deliveries, 1);
    push(&deliveries, 2);
    deliveries.deliver();
    push(&deliveries, 3);
    deliveries.deliver();
    assert_eq!(numbers(&log.take()), [1, 2, 3], "the other listener misses nothing");
    assert_eq!(receiver.try_iter().count(), 3, "and it is called again itself");
}
