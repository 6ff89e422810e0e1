//! The application's own server selector, against a real replica set (specification *Server Selection*, prose tests).
#![cfg(unix)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use stator_client::event::{CommandEvent, Listener};
use stator_client::options::ServerSelector;
use stator_client::topology::ServerKind;
use stator_client::{ClientOptions, Document, ErrorKind, doc};
use stator_testkit::server::{MongodOptions, ReplicaSet};
use stator_tokio::Client;

#[tokio::test]
async fn a_selector_narrows_down_what_the_read_preference_allows() {
    let set = tokio::task::spawn_blocking(|| ReplicaSet::start(3, MongodOptions::new()).unwrap()).await.unwrap();
    let last = set.members().iter().map(|member| member.address().port()).max().unwrap();
    let served = Arc::new(AtomicUsize::new(0));
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let mut options = ClientOptions::parse(&format!("{}&readPreference=nearest", set.uri())).unwrap();
    // The highest port, whatever the latency.
    options.server_selector = Some(ServerSelector::new(|servers| {
        servers.iter().max_by_key(|s| s.address.to_string()).cloned().into_iter().collect()
    }));
    let counts = (Arc::clone(&served), Arc::clone(&elsewhere));
    options.listeners.push(Listener::commands(move |event| {
        if let CommandEvent::Started { info, .. } = event
            && info.command_name == "find"
        {
            let wanted = info.connection.address.to_string().ends_with(&format!(":{last}"));
            if wanted { &counts.0 } else { &counts.1 }.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let client = Client::with_options(options).unwrap();
    // All members are known before it counts who is chosen.
    let mut watch = client.watch_topology();
    client.connect().await.unwrap();
    while !watch.next().await.unwrap().servers.values().all(|server| server.is_available()) {}
    let things = client.database("selector").collection::<Document>("things");
    for _ in 0..10 {
        things.find_one(doc! {}).await.unwrap();
    }
    let highest = set.members().iter().map(|member| member.address().to_string()).max().unwrap();
    let expected = if highest.ends_with(&format!(":{last}")) { 10 } else { 0 };
    assert_eq!((served.load(Ordering::Relaxed), elsewhere.load(Ordering::Relaxed)), (expected, 10 - expected));

    // Nobody is good enough.
    let mut options = ClientOptions::parse(&format!("{}&serverSelectionTimeoutMS=300", set.uri())).unwrap();
    options.server_selector = Some(ServerSelector::new(|_| Vec::new()));
    let picky = Client::with_options(options).unwrap();
    let error = picky.database("selector").collection::<Document>("things").find_one(doc! {}).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Selection(_)), "{error:?}");

    // It is asked about suitable servers only.
    let mut options = ClientOptions::parse(&set.uri()).unwrap();
    options.server_selector = Some(ServerSelector::new(|servers| {
        assert!(servers.iter().all(|server| server.kind == ServerKind::RsPrimary));
        servers.to_vec()
    }));
    let client = Client::with_options(options).unwrap();
    client.database("selector").collection("things").insert_one(doc! { "x": 1 }).await.unwrap();
}
