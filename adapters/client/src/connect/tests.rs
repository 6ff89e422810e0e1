use std::io::ErrorKind as Kind;
use std::sync::Mutex;
use std::time::Duration;

use stator_proto::socks5::Socks5Error;

use super::fake::{Fake, Memory};
use super::*;
use crate::error::ErrorKind;
use crate::host::block_on;
use crate::options::Connector;

fn address(uri: &str) -> (ConnectSettings, ServerAddress) {
    let config: Config = uri.parse().unwrap();
    (ConnectSettings::new(&config, None), config.hosts[0].clone())
}

fn open_with(runtime: &Fake, uri: &str, deadline: Instant) -> Result<Channel<Memory>> {
    let (settings, server) = address(uri);
    block_on(open(runtime, &settings, &server, deadline))
}

fn tried(runtime: &Fake) -> Vec<(String, Instant)> {
    runtime.connected.lock().unwrap().iter().map(|(to, deadline)| (to.to_string(), *deadline)).collect()
}

const TEN: Instant = Instant::from_millis(10_000);

/// Families in turn, each with its share; the silent one does not take it all.
#[test]
fn without_tasks_addresses_are_tried_one_after_the_other() {
    let runtime = Fake::new().accepting(|to, _| match to.to_string().as_str() {
        "10.0.0.3:27017" => Ok(Memory::default()),
        "10.0.0.1:27017" => Err(Kind::TimedOut.into()),
        _ => Err(Kind::ConnectionRefused.into()),
    });
    open_with(&runtime, "mongodb://h", TEN).unwrap();
    // A quarter for the first, which takes no time; a third for the second, which takes it all; half of the rest.
    let third = Duration::from_secs(10) / 3;
    let second = Instant::ORIGIN + third;
    let shares = [Instant::from_millis(2500), second, second + (TEN - second) / 2, TEN];
    let order = ["[::1]:27017", "10.0.0.1:27017", "10.0.0.2:27017", "10.0.0.3:27017"];
    let expected: Vec<_> = order.map(str::to_owned).into_iter().zip(shares).collect();
    assert_eq!(tried(&runtime), expected);
}

#[test]
fn without_tasks_all_errors_are_told_too() {
    let runtime = Fake::new();
    let error = open_with(&runtime, "mongodb://h", TEN).map(drop).unwrap_err();
    assert_eq!(tried(&runtime).len(), 4);
    assert!(error.phase() == Phase::Connect && error.to_string().contains("10.0.0.3:27017: "), "{error}");

    let silent = Fake::new().accepting(|_, _| Err(Kind::TimedOut.into()));
    let error = open_with(&silent, "mongodb://h", TEN).map(drop).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(silent.now(), TEN);
}

#[test]
fn literals_are_not_looked_up_and_sockets_are_never_proxied() {
    for (uri, endpoint) in [
        ("mongodb://10.9.9.9", "10.9.9.9:27017"),
        ("mongodb://[fd00::7]:5", "[fd00::7]:5"),
        ("mongodb://%2Frun%2Fm.sock/?proxyHost=10.1.1.1", "/run/m.sock"),
    ] {
        let runtime = Fake::new().accepting(|_, _| Ok(Memory::default()));
        open_with(&runtime, uri, TEN).unwrap();
        assert_eq!(tried(&runtime), [(endpoint.to_owned(), TEN)], "{uri}");
    }
}

/// A proxy that says `reply` whatever it hears; the outcome, and what it heard.
fn through(reply: &'static [u8], options: &str) -> (Result<Channel<Memory>>, Vec<u8>) {
    let output: Arc<Mutex<Vec<u8>>> = Arc::default();
    let heard = output.clone();
    let runtime = Fake::new().accepting(move |_, _| Ok(Memory { input: reply.to_vec(), output: output.clone() }));
    let channel = open_with(&runtime, &format!("mongodb://db.example:5/?proxyHost=10.1.1.1&{options}"), TEN);
    let to = tried(&runtime).remove(0).0;
    assert_eq!(to, if options.contains("proxyPort") { "10.1.1.1:99" } else { "10.1.1.1:1080" });
    let heard = heard.lock().unwrap().clone();
    (channel, heard)
}

#[test]
fn a_proxy_is_asked_for_the_hosts_name_and_its_stream_goes_on_behind_it() {
    let (channel, heard) = through(b"\x05\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x05HOST", "proxyPort=99");
    assert_eq!(heard, b"\x05\x01\x00\x05\x01\x00\x03\x0adb.example\x00\x05");
    let Ok(Channel::Plain(Memory { input, .. })) = channel else { panic!("no plain channel") };
    assert_eq!(input, b"HOST", "not a byte too many was read");

    let (channel, heard) =
        through(b"\x05\x02\x01\x00\x05\x00\x00\x01\x01\x02\x03\x04\x00\x05", "proxyUsername=ada&proxyPassword=pw");
    channel.map(drop).unwrap();
    assert_eq!(heard, b"\x05\x02\x00\x02\x01\x03ada\x02pw\x05\x01\x00\x03\x0adb.example\x00\x05");
}

#[test]
fn a_proxys_refusal_is_a_network_error_of_the_phase_connect() {
    for (reply, options, expected) in [
        (&b"\x05\xFF"[..], "", Socks5Error::NoAcceptableMethod),
        (b"\x05\x02\x01\x01", "proxyUsername=ada&proxyPassword=pw", Socks5Error::LoginRefused),
        (b"\x05\x00\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00", "", Socks5Error::Refused(4)),
        (b"\x05", "", Socks5Error::Closed),
        (b"SSH-2.0", "", Socks5Error::Version(b'S')),
    ] {
        let error = through(reply, options).0.map(drop).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Socks5(error) if *error == expected), "{error}");
        assert!(error.is_network() && error.is_retryable() && error.phase() == Phase::Connect);
        assert_eq!(error.server().unwrap().to_string(), "db.example:5", "not the proxy's address");
        assert!(!format!("{error} {error:?}").contains("pw"));
    }
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named() {
    let error = open_with(&Fake::new(), "mongodb://db.example:5/?proxyHost=10.1.1.1", TEN).map(drop).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("the SOCKS5 proxy 10.1.1.1, port 1080: ") && text.ends_with("[db.example:5]"), "{text}");
}

#[test]
fn a_connector_comes_before_everything_else() {
    let (mut settings, server) = address("mongodb://h/?proxyHost=p");
    settings.connector = Some(Connector::new(|_, _| async { Ok(Box::new(Memory::default()) as Box<_>) }));
    let runtime = Fake::new();
    let channel = block_on(open(&runtime, &settings, &server, TEN)).unwrap();
    assert!(matches!(channel, Channel::Boxed(_)) && tried(&runtime).is_empty());
}

#[test]
fn settings_do_not_show_the_proxys_password() {
    let (settings, _) = address("mongodb://h/?proxyHost=p&proxyUsername=ada&proxyPassword=s3cret");
    let shown = format!("{settings:?}");
    assert!(shown.contains("ada") && !shown.contains("s3cret"), "{shown}");
}
