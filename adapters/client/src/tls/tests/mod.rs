//! A client's TLS against the server side of rustls, over a wire in memory.

mod failures;
mod keys;
mod transfer;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use base64_of::pem;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use stator_proto::{Config, ServerAddress};

use super::{Connector, TlsError};
use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Phase};
use crate::runtime::{Close, CloseSignal, Closer, Instant, Stream};

const HOST: &str = "db.example.com";
const EVER: Instant = Instant::FAR_FUTURE;

/// PEM by hand: it is only base64 between two lines.
mod base64_of {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    pub(super) fn pem(label: &str, der: &[u8]) -> String {
        let mut text = format!("-----BEGIN {label}-----\n");
        for line in der.chunks(48) {
            for group in line.chunks(3) {
                let [a, b, c] = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
                let bits = a << 16 | b << 8 | c;
                let symbol = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
                text.extend((0..4).map(|at| if at <= group.len() { symbol(at) } else { '=' }));
            }
            text.push('\n');
        }
        text + &format!("-----END {label}-----\n")
    }
}

/// An authority, and the certificates that it signs.
struct Ca {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key.
struct Signed {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self { certificate: params.self_signed(&key).unwrap(), issuer: Issuer::new(params, key) }
    }

    fn sign(&self, change: impl FnOnce(&mut CertificateParams)) -> Signed {
        let mut params = CertificateParams::new([HOST.to_owned(), "127.0.0.1".to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Signed { certificate: params.signed_by(&key, &self.issuer).unwrap(), key }
    }

    fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        Arc::new(roots)
    }
}

impl Signed {
    fn pem(&self) -> String {
        pem("CERTIFICATE", self.certificate.der()) + &self.key_pem()
    }

    fn key_pem(&self) -> String {
        pem("PRIVATE KEY", self.key.serialized_der())
    }

    fn server(&self, versions: &[&'static SupportedProtocolVersion], clients: Option<&Ca>) -> Arc<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(ca) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(ca.roots(), provider).build().unwrap(),
            ),
        };
        let key = PrivateKeyDer::Pkcs8(self.key.serialized_der().to_vec().into());
        Arc::new(builder.with_single_cert(vec![self.certificate.der().clone()], key).unwrap())
    }
}

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stator-tls-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The path of a new file, percent-encoded for a connection string.
    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().replace('%', "%25").replace('/', "%2F")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The server's end of a wire; it answers within the call that sends.
struct Peer {
    tls: Option<ServerConnection>,
    /// On their way to the client.
    bytes: VecDeque<u8>,
    /// What the client has said, decrypted.
    heard: Vec<u8>,
    failed: Option<rustls::Error>,
    /// Nothing comes after `bytes`.
    ended: bool,
    /// How many bytes pass in one call.
    chunk: usize,
    /// How many bytes the client may still send before it must wait.
    room: usize,
    /// The client's good-bye came.
    left: bool,
    /// How many bytes go to the client before one of them is damaged.
    flip: usize,
}

impl Peer {
    fn hear(&mut self, mut bytes: &[u8]) {
        let Some(tls) = &mut self.tls else { return };
        while !bytes.is_empty() {
            tls.read_tls(&mut bytes).unwrap();
            match tls.process_new_packets() {
                Ok(state) => {
                    self.left |= state.peer_has_closed();
                    let at = self.heard.len();
                    self.heard.resize(at + state.plaintext_bytes_to_read(), 0);
                    tls.reader().read_exact(&mut self.heard[at..]).unwrap();
                }
                Err(error) => {
                    self.failed = Some(error);
                    self.ended = true;
                    break;
                }
            }
        }
        self.flush();
    }

    fn say(&mut self, plain: &[u8]) {
        self.tls.as_mut().unwrap().writer().write_all(plain).unwrap();
        self.flush();
    }

    fn flush(&mut self) {
        let tls = self.tls.as_mut().unwrap();
        while tls.wants_write() {
            tls.write_tls(&mut self.bytes).unwrap();
        }
    }
}

/// The client's end.
#[derive(Clone)]
struct Wire(Arc<Mutex<Peer>>);

impl Wire {
    fn with(config: Option<&Arc<ServerConfig>>) -> Self {
        let mut tls = config.map(|config| ServerConnection::new(config.clone()).unwrap());
        if let Some(tls) = &mut tls {
            tls.set_buffer_limit(None);
        }
        Self(Arc::new(Mutex::new(Peer {
            tls,
            bytes: VecDeque::new(),
            heard: Vec::new(),
            failed: None,
            ended: false,
            chunk: usize::MAX,
            room: usize::MAX,
            left: false,
            flip: usize::MAX,
        })))
    }

    fn peer(&self) -> MutexGuard<'_, Peer> {
        self.0.lock().unwrap()
    }
}

impl Stream for Wire {
    fn poll_recv(&mut self, _: &mut Context<'_>, buf: &mut [u8], deadline: Instant) -> Poll<io::Result<usize>> {
        match self.try_recv(buf) {
            Ok(None) if deadline < EVER => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Ok(None) => Poll::Pending,
            Ok(Some(count)) => Poll::Ready(Ok(count)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_send(&mut self, _: &mut Context<'_>, slices: &[IoSlice<'_>], deadline: Instant) -> Poll<io::Result<usize>> {
        let mut peer = self.peer();
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let count = all.len().min(peer.chunk).min(peer.room);
        if count == 0 {
            return if deadline < EVER { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending };
        }
        peer.room -= count;
        peer.hear(&all[..count]);
        Poll::Ready(Ok(count))
    }

    fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        let mut peer = self.peer();
        let count = buf.len().min(peer.chunk).min(peer.bytes.len());
        if count == 0 {
            return Ok(peer.ended.then_some(0));
        }
        for (to, from) in buf.iter_mut().zip(peer.bytes.drain(..count)) {
            *to = from;
        }
        if let Some(damaged) = buf[..count].get_mut(peer.flip) {
            *damaged ^= 0x40;
        }
        peer.flip = peer.flip.wrapping_sub(count);
        Ok(Some(count))
    }

    fn closer(&self) -> Closer {
        let closed: Arc<dyn Close> = CloseSignal::new();
        Closer::new(closed)
    }
}

/// Runs what never has to wait.
fn now<T>(work: impl Future<Output = T>) -> T {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("it waits"),
    }
}

fn connector(options: &str) -> Connector {
    let config: Config = format!("mongodb://{HOST}/?tls=true&{options}").parse().unwrap();
    Connector::new(&config, None).unwrap()
}

fn address(host: &str) -> ServerAddress {
    ServerAddress::Tcp { host: host.into(), port: 27017 }
}

fn secure(connector: &Connector, wire: &Wire) -> Result<Channel<Wire>, Error> {
    now(connector.secure(Channel::Plain(wire.clone()), &address(HOST), EVER))
}

fn tls_error(error: &Error) -> &TlsError {
    assert_eq!(error.phase(), Phase::Tls);
    match error.kind() {
        ErrorKind::Tls(error) => error,
        other => panic!("{other:?}"),
    }
}

/// How a handshake ends that must fail.
fn refusal(connector: &Connector, wire: &Wire) -> TlsError {
    match secure(connector, wire) {
        Ok(_) => panic!("it went well"),
        Err(error) => tls_error(&error).clone(),
    }
}

/// Sends all of it.
fn send(channel: &mut Channel<Wire>, mut slices: &mut [IoSlice<'_>]) {
    while !slices.is_empty() {
        let sent = channel.poll_send(&mut Context::from_waker(Waker::noop()), slices, EVER);
        let Poll::Ready(Ok(count)) = sent else { panic!("{sent:?}") };
        IoSlice::advance_slices(&mut slices, count);
    }
}

/// Receives as much as fits into `buf`.
fn recv(channel: &mut Channel<Wire>, mut buf: &mut [u8]) {
    while !buf.is_empty() {
        let came = channel.poll_recv(&mut Context::from_waker(Waker::noop()), buf, EVER);
        let Poll::Ready(Ok(count @ 1..)) = came else { panic!("{came:?}") };
        buf = &mut buf[count..];
    }
}

/// How the first exchange after a handshake ends that must fail.
fn first_exchange(channel: &mut Channel<Wire>) -> Error {
    let mut cx = Context::from_waker(Waker::noop());
    let sent = channel.poll_send(&mut cx, &[IoSlice::new(b"hello, server")], EVER);
    let error = match sent {
        Poll::Ready(Err(error)) => error,
        _ => match channel.poll_recv(&mut cx, &mut [0; 64], EVER) {
            Poll::Ready(Err(error)) => error,
            other => panic!("{other:?}"),
        },
    };
    Error::io(Phase::Auth, &address(HOST), error)
}

fn long_ago(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
}

fn far_ahead(params: &mut CertificateParams) {
    (params.not_before, params.not_after) = (date_time_ymd(3001, 1, 1), date_time_ymd(3002, 1, 1));
}
