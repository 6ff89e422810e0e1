//! A logging proxy between any MongoDB client and a server: one line for each message, in both directions.
//!
//! Built on `stator-wire` and plain threads: a proxy needs no driver. Bytes are passed on as they came, so that whatever this
//! program cannot read (a future opcode, even TLS) still arrives. Credentials are never printed.
//!
//! ```text
//! cargo run --release -p stator-examples --bin wire_proxy -- --self-test
//! ```
//!
//! Needs: stator-wire. Only `self_test` uses a driver, to have something to show.

mod args;
mod describe;
mod log;
mod self_test;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use stator_wire::Deframer;

use args::Args;
use describe::{Direction, InFlight};
use log::Log;

/// No server takes longer messages (48,000,000 bytes), and replies are hardly longer.
const MAX_FRAME: usize = 64 * 1024 * 1024;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(text) => {
            eprintln!("{text}");
            return ExitCode::FAILURE;
        }
    };
    stator_examples::exit_code(match args {
        Args::Help => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Args::SelfTest { bodies } => self_test::run(bodies),
        Args::Serve { listen, server, bodies } => serve(&listen, server, bodies).map_err(Into::into),
    })
}

fn serve(listen: &str, server: String, bodies: bool) -> io::Result<()> {
    let cannot = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).map_err(cannot)?;
    let at = listener.local_addr()?;
    println!("Listening on {at} for {server}. Connect with mongodb://{at}/?directConnection=true\n");
    Proxy::new(server, bodies).serve(&listener, &AtomicBool::new(false))
}

/// One server, and the log of all that passes.
struct Proxy {
    server: String,
    log: Log,
    connections: AtomicU64,
}

impl Proxy {
    fn new(server: String, bodies: bool) -> Self {
        Self { server, log: Log::new(bodies), connections: AtomicU64::new(0) }
    }

    /// Serves clients until `stop` is set (it is looked at when a client comes) and the last of them has left.
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> io::Result<()> {
        self.log.head();
        thread::scope(|scope| {
            for client in listener.incoming() {
                if stop.load(Ordering::Acquire) {
                    break;
                }
                let client = match client {
                    Ok(client) => client,
                    // It has left before it was accepted.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                    Err(error) => return Err(error),
                };
                thread::Builder::new().spawn_scoped(scope, move || self.connection(&client))?;
            }
            Ok(())
        })
    }

    fn connection(&self, client: &TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::Relaxed) + 1;
        let peer = client.peer_addr().map_or_else(|_| "somebody".into(), |peer| peer.to_string());
        self.log.event(number, &format!("opened by {peer}"));
        let outcome = TcpStream::connect(&self.server).and_then(|server| self.both_ways(number, client, &server));
        match outcome {
            Ok(()) => self.log.event(number, "closed"),
            Err(error) => self.log.event(number, &format!("failed: {error}")),
        }
    }

    fn both_ways(&self, number: u64, client: &TcpStream, server: &TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let in_flight = Mutex::new(InFlight::default());
        thread::scope(|scope| {
            let reading = || self.carry(number, Direction::Reply, server, client, &in_flight);
            let replies = thread::Builder::new().spawn_scoped(scope, reading)?;
            let requests = self.carry(number, Direction::Request, client, server, &in_flight);
            let replies = replies.join().unwrap_or_else(|_| Err(io::Error::other("the other direction has panicked")));
            requests.and(replies)
        })
    }

    /// One direction, to its end.
    fn carry(
        &self,
        number: u64,
        direction: Direction,
        mut from: &TcpStream,
        mut to: &TcpStream,
        in_flight: &Mutex<InFlight>,
    ) -> io::Result<()> {
        let mut deframer = Some(Deframer::new(MAX_FRAME));
        let mut bytes = vec![0; 64 * 1024];
        let outcome = loop {
            match from.read(&mut bytes) {
                Ok(0) => {
                    if deframer.as_ref().is_some_and(|reader| !reader.is_empty()) {
                        self.log.event(number, &format!("{} ends within a message (is it TLS?)", direction.name()));
                    }
                    break to.shutdown(Shutdown::Write);
                }
                Ok(count) => {
                    // The line comes before the bytes go, so that no reply is printed before its request.
                    self.read_along(number, direction, &mut deframer, &bytes[..count], in_flight);
                    if let Err(error) = to.write_all(&bytes[..count]) {
                        break Err(error);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        if outcome.is_err() {
            // Ends the other direction, too.
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        }
        outcome.or_else(|error| if is_disconnect(&error) { Ok(()) } else { Err(error) })
    }

    /// Prints the messages that `bytes` complete. Where the frames are lost (TLS, say), it stops reading along.
    fn read_along(
        &self,
        number: u64,
        direction: Direction,
        deframer: &mut Option<Deframer>,
        bytes: &[u8],
        in_flight: &Mutex<InFlight>,
    ) {
        let Some(reader) = deframer else { return };
        reader.push(bytes);
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    let mut in_flight = in_flight.lock().unwrap_or_else(PoisonError::into_inner);
                    let line = in_flight.describe(direction, &frame, Instant::now());
                    drop(in_flight);
                    self.log.message(number, direction, &line);
                }
                Ok(None) => return,
                Err(error) => {
                    self.log.event(number, &format!("{} is passed on unread from here: {error}", direction.name()));
                    *deframer = None;
                    return;
                }
            }
        }
    }
}

/// Whether somebody has hung up instead of saying goodbye, which clients and servers do.
fn is_disconnect(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected)
}
