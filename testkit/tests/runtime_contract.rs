//! Every adapter keeps the `Runtime` contract, on its executor and without one.

use core::future::poll_fn;
use core::time::Duration;
use std::io::ErrorKind;
use std::net::TcpListener;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::{BlockOn, Endpoint, Runtime, Stream};
use stator_smol::Smol;
use stator_testkit::contract::{drive, run, run_without_executor};
use stator_tokio::Tokio;

/// As a spawned task, so that the compiler checks that every future in it is `Send`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokio_multi_thread() {
    tokio::spawn(run(Tokio)).await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn tokio_current_thread() {
    run(Tokio).await;
}

#[test]
fn smol() {
    smol::block_on(smol::spawn(run(Smol)));
}

#[test]
fn smol_under_another_executor() {
    drive(run(Smol));
}

#[test]
fn async_std() {
    async_std::task::block_on(async_std::task::spawn(run(AsyncStd)));
}

#[test]
fn blocking() {
    Blocking.block_on(run(Blocking));
}

#[test]
fn blocking_on_a_spawned_thread() {
    let (tell, told) = std::sync::mpsc::channel();
    let task = async move {
        run(Blocking).await;
        tell.send(std::thread::current().name().map(str::to_owned)).unwrap();
    };
    Blocking.spawn("stator-contract", task).unwrap();
    assert_eq!(told.recv().unwrap().as_deref(), Some("stator-contract"));
}

#[test]
fn blocking_under_another_executor() {
    drive(run(Blocking));
}

#[test]
fn nothing_panics_on_a_plain_thread() {
    run_without_executor(&Tokio);
    run_without_executor(&Smol);
    run_without_executor(&AsyncStd);
    run_without_executor(&Blocking);
}

#[test]
fn tokio_says_what_is_missing() {
    let refused = Tokio.spawn("nowhere", async {}).unwrap_err();
    assert!(refused.to_string().contains("no tokio runtime"), "{refused}");
    let to = Endpoint::Tcp("127.0.0.1:9".parse().unwrap());
    let error = drive(Tokio.connect(&to, Tokio.now() + Duration::from_secs(1))).unwrap_err();
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
}

#[test]
fn a_tokio_stream_keeps_its_deadlines_outside_of_its_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = Endpoint::Tcp(listener.local_addr().unwrap());
    let mut stream = runtime.block_on(Tokio.connect(&to, Tokio.now() + Duration::from_secs(20))).unwrap();
    let deadline = Tokio.now() + Duration::from_millis(30);
    let late = drive(poll_fn(|cx| stream.poll_recv(cx, &mut [0; 8], deadline)));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(Tokio.now() >= deadline);
    drop(runtime);
    let gone = drive(poll_fn(|cx| stream.poll_recv(cx, &mut [0; 8], Tokio.now() + Duration::from_secs(1))));
    assert!(gone.is_err(), "the reactor is gone: an error, not a hang or a panic");
}
