//! One connection: a blocking socket, and a handshake on it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use stator_proto::auth::scram::Nonce;
use stator_proto::connection::Compression;
use stator_proto::handshake::HandshakeOptions;
use stator_proto::{Handshake, Instant, SendBuf};
use stator_wire::Deframer;
use stator_wire::bson::DocBuf;

/// The time limit of each step of a dial.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
/// Longer than any reply to `hello`.
const MAX_FRAME: usize = 1024 * 1024;

/// `hello` and its reply, without a login: the server of these files has no access control.
pub(super) fn shake_hands(mut stream: &TcpStream, metadata: DocBuf) -> Result<(), String> {
    let options = HandshakeOptions {
        metadata,
        login: None,
        compressors: Vec::new(),
        compression: Compression::none(),
        load_balanced: false,
        server_api: None,
        // The socket has a time limit of its own.
        deadline: Instant::FAR_FUTURE,
    };
    let mut handshake = Handshake::new(options, Nonce::from_random(&[0; Nonce::RANDOM_LEN]));
    let (mut input, mut out) = (Deframer::new(MAX_FRAME), SendBuf::new());
    let now = Instant::ORIGIN;
    while !handshake.is_done() {
        handshake.poll_transmit(now, &mut out);
        while !out.is_empty() {
            let count = stream.write(&out.slices().concat()).map_err(|error| error.to_string())?;
            handshake.handle_sent(now, &mut out, count);
        }
        let count = stream.read(input.space()).map_err(|error| error.to_string())?;
        if count == 0 {
            return Err(handshake.handle_closed(now, &input).to_string());
        }
        input.advance(count);
        handshake.handle_recv(now, &mut input).map_err(|error| error.to_string())?;
    }
    Ok(())
}
