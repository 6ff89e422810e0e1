//! SOCKS5 over loopback sockets, on every runtime: a small proxy that relays to a real mongod, and some that do not.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use stator_async_std::AsyncStd;
use stator_blocking::Blocking;
use stator_client::runtime::BlockOn;
use stator_client::{Client, ClientOptions, Error, Runtime, doc};
use stator_smol::Smol;
use stator_testkit::server::Mongod;
use stator_tokio::Tokio;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Open,
    /// Wants this user and password.
    Login(&'static str, &'static str),
    /// Replies with this code to all requests.
    Refusing(u8),
    /// Accepts and says nothing.
    Silent,
    /// Closes after the greeting.
    Closing,
}

/// A proxy on a thread, for as long as the test's process lives. Whoever is asked for, it connects to `target`.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(manner: Manner, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let log = asked.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = log.clone();
                // Clients go when they like.
                thread::spawn(move || drop(serve(stream, manner, target, &log)));
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> BTreeSet<String> {
        self.asked.lock().unwrap().iter().cloned().collect()
    }
}

fn serve(mut client: TcpStream, manner: Manner, target: SocketAddr, log: &Mutex<Vec<String>>) -> io::Result<()> {
    let [_version, count] = read(&mut client)?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods)?;
    match manner {
        Manner::Silent => return client.read_to_end(&mut Vec::new()).map(drop),
        Manner::Closing => return Ok(()),
        Manner::Login(user, password) if methods.contains(&2) => {
            client.write_all(&[5, 2])?;
            let [_version] = read(&mut client)?;
            let given = (short(&mut client)?, short(&mut client)?);
            let fits = given == (user.as_bytes().to_vec(), password.as_bytes().to_vec());
            client.write_all(&[1, u8::from(!fits)])?;
            if !fits {
                return Ok(());
            }
        }
        Manner::Login(..) => return client.write_all(&[5, 0xFF]),
        Manner::Open | Manner::Refusing(_) => client.write_all(&[5, 0])?,
    }
    let [_version, _connect, _reserved, kind] = read(&mut client)?;
    let host = match kind {
        1 => read::<4>(&mut client)?.map(|byte| byte.to_string()).join("."),
        _ => String::from_utf8_lossy(&short(&mut client)?).into_owned(),
    };
    let port = u16::from_be_bytes(read(&mut client)?);
    log.lock().unwrap().push(format!("{host}:{port}"));
    if let Manner::Refusing(code) = manner {
        return client.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
    }
    let server = TcpStream::connect(target)?;
    // Bound to a name, the rarest kind of reply.
    client.write_all(b"\x05\x00\x00\x03\x05proxy\x00\x01")?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let upward = thread::spawn(move || io::copy(&mut from, &mut to).and(to.shutdown(std::net::Shutdown::Write)));
    io::copy(&mut &server, &mut &client)?;
    client.shutdown(std::net::Shutdown::Write)?;
    let _ = upward.join();
    Ok(())
}

fn read<const N: usize>(stream: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn short(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let [len] = read(stream)?;
    let mut bytes = vec![0; usize::from(len)];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn mongod() -> SocketAddr {
    Mongod::shared().unwrap().address()
}

fn options(proxy: &Proxy, more: &str) -> ClientOptions {
    let port = proxy.address.port();
    // No resolver knows this host.
    let uri = format!("mongodb://Db.Invalid:4711/?proxyHost=127.0.0.1&proxyPort={port}&{more}");
    ClientOptions::parse(&uri).unwrap()
}

async fn ping<R: Runtime>(runtime: R, options: ClientOptions) -> Result<(), Error> {
    let client = Client::with_runtime(runtime, options)?;
    client.database("admin").run_command(doc! { "ping": 1 }).await.map(drop)
}

/// On every runtime.
fn ping_on_all(proxy: &Proxy, more: &str) -> Vec<Result<(), Error>> {
    let options = options(proxy, more);
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    vec![
        Blocking.block_on(ping(Blocking, options.clone())),
        tokio.block_on(ping(Tokio, options.clone())),
        smol::block_on(smol::spawn(ping(Smol, options.clone()))),
        async_std::task::block_on(ping(AsyncStd, options)),
    ]
}

#[test]
fn an_open_proxy_is_asked_for_the_host_by_its_name() {
    let proxy = Proxy::start(Manner::Open, mongod());
    for more in ["", "proxyUsername=ada&proxyPassword=s3cret"] {
        ping_on_all(&proxy, more).into_iter().for_each(|done| done.unwrap());
    }
    assert_eq!(proxy.asked(), BTreeSet::from(["db.invalid:4711".to_owned()]));
}

#[test]
fn a_proxy_with_a_user() {
    let proxy = Proxy::start(Manner::Login("ada", "s3cret"), mongod());
    ping_on_all(&proxy, "proxyUsername=ada&proxyPassword=s3cret").into_iter().for_each(|done| done.unwrap());
    for (more, reason) in [
        ("proxyUsername=ada&proxyPassword=wrong", "refused user name and password"),
        ("", "wants another authentication"),
    ] {
        for outcome in ping_on_all(&proxy, &format!("{IMPATIENT}&{more}")) {
            refused(&outcome.unwrap_err(), reason);
        }
    }
}

/// The monitor meets the proxy first, so its failure is the cause that server selection tells.
const IMPATIENT: &str = "serverSelectionTimeoutMS=300";

#[track_caller]
fn refused(error: &Error, reason: &str) {
    assert!(error.to_string().contains(reason) && !error.maybe_executed(), "{error}");
}

#[test]
fn proxies_that_refuse_or_close_say_why() {
    for (manner, reason) in
        [(Manner::Refusing(5), "connection refused (5)"), (Manner::Refusing(2), "rules"), (Manner::Closing, "closed")]
    {
        let proxy = Proxy::start(manner, mongod());
        for outcome in ping_on_all(&proxy, IMPATIENT) {
            refused(&outcome.unwrap_err(), reason);
        }
    }
}

#[test]
fn a_silent_proxy_ends_by_connect_timeout() {
    let proxy = Proxy::start(Manner::Silent, mongod());
    for outcome in ping_on_all(&proxy, "connectTimeoutMS=200&serverSelectionTimeoutMS=1000") {
        refused(&outcome.unwrap_err(), "timed out in phase `connect`");
    }
}

#[test]
fn a_proxy_that_is_not_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let proxy = Proxy { address: free, asked: Arc::default() };
    for outcome in ping_on_all(&proxy, IMPATIENT) {
        refused(&outcome.unwrap_err(), "the SOCKS5 proxy 127.0.0.1, port ");
    }
}
