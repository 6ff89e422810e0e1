//! The driver's own handshake machine against the fake server, byte by byte if need be.

use core::future::poll_fn;
use std::io::IoSlice;
use std::net::SocketAddr;

use stator_client::Runtime;
use stator_client::runtime::{Endpoint, Stream};
use stator_proto::Instant;
use stator_proto::auth::scram::{Credentials, Nonce, Prepared};
use stator_proto::connection::{Compression, SendBuf};
use stator_proto::handshake::{ClientMetadata, Handshake, HandshakeError, HandshakeOptions, Login};
use stator_wire::Deframer;

use super::{Engine, FakeServer};
use crate::{Link, Sim};

fn options(login: Option<Login>) -> HandshakeOptions {
    HandshakeOptions {
        metadata: ClientMetadata::default().to_doc(),
        login,
        compressors: Vec::new(),
        compression: Compression::none(),
        load_balanced: false,
        server_api: None,
        deadline: Instant::FAR_FUTURE,
    }
}

fn login(password: &str) -> Login {
    let sha1 = Credentials::sha1("ann", password).unwrap();
    let sha256 = Credentials::sha256("ann", Prepared::ascii(password).unwrap()).unwrap();
    Login::Negotiate { sha1, sha256, source: "admin".into() }
}

async fn shake(sim: &Sim, at: SocketAddr, login: Option<Login>) -> Result<(), HandshakeError> {
    let mut stream = sim.connect(&Endpoint::Tcp(at), Instant::FAR_FUTURE).await.unwrap();
    let mut random = [0; Nonce::RANDOM_LEN];
    sim.fill_random(&mut random);
    let mut handshake = Handshake::new(options(login), Nonce::from_random(&random));
    let (mut out, mut input) = (SendBuf::new(), Deframer::new(48_000_000));
    loop {
        handshake.poll_transmit(sim.now(), &mut out);
        while !out.is_empty() {
            let slices = out.slices().map(IoSlice::new);
            let sent = poll_fn(|cx| stream.poll_send(cx, &slices, Instant::FAR_FUTURE)).await.unwrap();
            handshake.handle_sent(sim.now(), &mut out, sent);
        }
        if handshake.is_done() {
            return Ok(());
        }
        let count = stream.recv(input.space()).await.unwrap();
        assert_ne!(count, 0, "the server has closed");
        input.advance(count);
        handshake.handle_recv(sim.now(), &mut input)?;
        if let Some(keys) = handshake.poll_keys().map(|challenge| challenge.derive_keys()) {
            handshake.handle_keys(keys)?;
        }
    }
}

#[test]
fn the_drivers_handshake_and_the_server_agree() {
    let at = SocketAddr::from(([10, 0, 0, 1], 27017));
    for sim in [Sim::new(1), Sim::blocking(1)] {
        sim.set_default_link(Link::default().in_pieces(50));
        let server = FakeServer::start(&sim, at);
        assert_eq!(sim.run(shake(&sim, at, None)).unwrap(), Ok(()));
        assert!(server.engine(|engine: &mut Engine| engine.add_user("admin", "ann", "secret")));
        assert_eq!(sim.run(shake(&sim, at, Some(login("secret")))).unwrap(), Ok(()));
        let wrong = sim.run(shake(&sim, at, Some(login("wrong")))).unwrap();
        assert!(matches!(wrong, Err(HandshakeError::Auth { .. })), "{wrong:?}");
        let names: Vec<_> = server.commands().iter().map(|command| command.name().to_owned()).collect();
        assert_eq!(names.len(), 5, "hello; hello and saslContinue, twice: {names:?}");
    }
}
