//! The state machines of `stator-proto` in a loop written by hand: no `stator-client`, no async, no executor.
//!
//! This is how Stator is embedded where no driver fits: the machines decide, the host moves bytes and tells the time. Here
//! the host is one thread with one blocking socket; it might as well be an event loop, an io_uring or a simulator.
//!
//! Needs: stator-proto, stator-wire, getrandom (and `stator_examples` for a server and readable errors).

use std::error::Error;
use std::io::{self, IoSlice, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use stator_examples::{Result, Server, database_name, with_server};
use stator_proto::auth::scram::{Credentials, Nonce, Prepared};
use stator_proto::connection::{Compression, Reply};
use stator_proto::handshake::{ClientMetadata, DriverInfo, HandshakeOptions, Login, OsInfo};
use stator_proto::hello::Limits;
use stator_proto::operation::{
    Documents, DropDatabase, Exec, Find, Insert, Namespace, Operation, Reached, RunCommand, Settings, Step,
};
use stator_proto::topology::TopologyKind;
use stator_proto::uri::Mechanism;
use stator_proto::{Config, Connection, Cursor, Handshake, Instant, SendBuf, ServerAddress};
use stator_wire::Deframer;
use stator_wire::bson::{DocBuf, DocWriter};

/// The limit of the handshake and of each operation.
const LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    with_server(run)
}

fn run(server: &Server) -> Result {
    let config = Config::parse(server.uri())?.config;
    println!("connect to {config}");
    let mut host = Host::connect(&config)?;

    let build = host.execute(RunCommand::new("admin", document(|doc| _ = doc.i32("buildInfo", 1))?)?)?;
    println!("  MongoDB {}\n", build.as_doc().get_str("version")?.unwrap_or("of an unknown version"));

    let database = database_name("custom_executor");
    let outcome = tour(&mut host, &Namespace::new(&database, "planets"));
    println!("\ndrop the database");
    let dropped = host.execute(DropDatabase::new(database));
    outcome?;
    dropped
}

fn tour(host: &mut Host, planets: &Namespace) -> Result {
    println!("insert eight planets into {planets}");
    let inserted = host.execute(Insert::new(planets.clone(), encode_planets()?))?;
    println!("  {} inserted\n", inserted.count);

    println!("find them, the largest first, in batches of three");
    let mut find = Find::new(planets.clone(), DocBuf::default());
    find.options.sort = Some(document(|doc| _ = doc.i32("radius_km", -1))?);
    find.batch_size = Some(3);
    let first = host.execute(find)?;
    let mut cursor = Cursor::new(first, planets.clone(), Some(3), None, None);
    loop {
        while let Some(document) = cursor.batch_mut().next_doc() {
            println!("  {:?}", document?);
        }
        // The cursor asks for its next batch as long as the server has one.
        let Some(get_more) = cursor.poll_command() else { break };
        cursor.handle_reply(host.execute(get_more)?);
    }
    Ok(())
}

/// One connection: its machine, and all that the machine leaves to its host.
struct Host {
    machine: Connection,
    link: Link,
}

impl Host {
    /// Connects, says hello and logs in.
    fn connect(config: &Config) -> Result<Self> {
        let mut link = Link::connect(config)?;
        let deadline = link.now() + LIMIT;
        let mut random = [0; Nonce::RANDOM_LEN];
        getrandom::fill(&mut random)?;
        let mut handshake = Handshake::new(handshake_options(config, deadline)?, Nonce::from_random(&random));
        let mut rounds = 0;
        while !handshake.is_done() {
            let now = link.now();
            // The slow step of SCRAM. Whoever connects often keeps the keys, see `scram::KeyCache`.
            if let Some(keys) = handshake.poll_keys().map(|challenge| challenge.derive_keys()) {
                handshake.handle_keys(keys)?;
            }
            if handshake.poll_transmit(now, &mut link.output) {
                rounds += 1;
                link.write(deadline, |output, count| handshake.handle_sent(now, output, count))?;
            }
            if let Some(error) = handshake.error() {
                return Err(error.clone().into());
            }
            if link.read(deadline)? == 0 {
                return Err(handshake.handle_closed(now, &link.input).into());
            }
            handshake.handle_recv(now, &mut link.input)?;
        }
        let (machine, keys) = handshake.finish().ok_or("the handshake is not done")?;
        let login = if keys.is_some() { "logged in with SCRAM" } else { "without login" };
        println!("  handshake with a {} in {rounds} round trip(s), {login}", machine.hello().kind.as_str());
        Ok(Self { machine, link })
    }

    /// Takes one operation to its result.
    fn execute<O: Operation>(&mut self, operation: O) -> Result<O::Output> {
        let settings = Settings { timeout: Some(LIMIT), ..Settings::default() };
        let mut exec = Exec::<O, Box<dyn Error>>::new(self.link.now(), operation, settings, None);
        loop {
            let now = self.link.now();
            match exec.poll_step() {
                // There is one connection, and it is free.
                Step::CheckOut => exec.handle_checked_out(now, Reached::new(TopologyKind::Single)),
                // The credentials of this program do not end; with others, `Handshake::reauthenticate`.
                Step::Reauthenticate => return Err("the server wants another login".into()),
                Step::Sleep(until) => {
                    thread::sleep(until - now);
                    exec.handle_timeout(self.link.now());
                }
                Step::Expired => exec.handle_failed(now, "the time is up".into()),
                Step::Exchange => {
                    exec.send(now, &mut self.machine, &mut self.link.output);
                    // If the command could not be written, the operation has ended and there is nothing to send.
                    if !self.link.output.is_empty() {
                        match self.exchange(exec.name(), exec.deadline()) {
                            Ok(reply) => exec.handle_reply(self.link.now(), reply),
                            Err(error) => exec.handle_failed(self.link.now(), error),
                        }
                    }
                }
                Step::Done => break,
            }
        }
        exec.finish().ok_or("the operation is not done")?
    }

    /// Writes what the machine has put into the output, and reads until it has its reply.
    fn exchange(&mut self, name: &str, deadline: Instant) -> Result<Reply> {
        let Self { machine, link } = self;
        let start = link.now();
        let sent = link.output.remaining();
        link.write(deadline, |output, count| machine.handle_sent(start, output, count))?;
        loop {
            if let Some(reply) = machine.handle_recv(start, &mut link.input)? {
                let (received, took) = (reply.header().length, link.now() - start);
                println!("  [{name}: {sent} bytes out, {received} bytes in, {} µs]", took.as_micros());
                return Ok(reply);
            }
            if link.read(deadline)? == 0 {
                return Err(machine.handle_closed(start, &link.input).into());
            }
        }
    }
}

/// A socket, its buffers and a clock: whatever stands here in your program is the executor.
struct Link {
    stream: TcpStream,
    input: Deframer,
    output: SendBuf,
    start: std::time::Instant,
}

impl Link {
    fn connect(config: &Config) -> Result<Self> {
        if config.tls.enabled == Some(true) {
            return Err("this example has no TLS: give the machines the bytes that your TLS library decrypts".into());
        }
        let Some(ServerAddress::Tcp { host, port }) = config.hosts.first() else {
            return Err("this example speaks TCP to a host that the connection string names".into());
        };
        let stream = TcpStream::connect((host.as_str(), *port))?;
        stream.set_nodelay(true)?;
        let input = Deframer::new(Limits::MAX_FRAME);
        Ok(Self { stream, input, output: SendBuf::new(), start: std::time::Instant::now() })
    }

    /// Writes all of the output; the machine hears of each piece.
    fn write(&mut self, deadline: Instant, mut sent: impl FnMut(&mut SendBuf, usize)) -> Result {
        while !self.output.is_empty() {
            self.stream.set_write_timeout(Some(self.left(deadline)?))?;
            let count = self.stream.write_vectored(&self.output.slices().map(IoSlice::new))?;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            sent(&mut self.output, count);
        }
        Ok(())
    }

    /// Reads what is there, straight into the deframer; 0 is the end of the stream.
    fn read(&mut self, deadline: Instant) -> Result<usize> {
        self.stream.set_read_timeout(Some(self.left(deadline)?))?;
        let count = self.stream.read(self.input.space())?;
        self.input.advance(count);
        Ok(count)
    }

    /// The machines never ask what time it is: they are told.
    fn now(&self) -> Instant {
        Instant::ORIGIN + self.start.elapsed()
    }

    fn left(&self, deadline: Instant) -> io::Result<Duration> {
        let left = deadline - self.now();
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

fn handshake_options(config: &Config, deadline: Instant) -> Result<HandshakeOptions> {
    let driver = DriverInfo { name: "stator-custom-executor".into(), version: None, platform: None };
    let os = OsInfo { kind: std::env::consts::OS.into(), ..OsInfo::default() };
    Ok(HandshakeOptions {
        metadata: ClientMetadata { drivers: vec![driver], os, ..ClientMetadata::default() }.to_doc(),
        login: login(config)?,
        compressors: Vec::new(),
        compression: Compression::none(),
        load_balanced: config.load_balanced(),
        server_api: None,
        deadline,
    })
}

/// The credentials of the connection string, prepared for SCRAM.
fn login(config: &Config) -> Result<Option<Login>> {
    let Some(credential) = &config.credential else { return Ok(None) };
    let name = credential.username.as_deref().unwrap_or_default();
    let password = credential.password.as_ref().map(|password| password.expose()).unwrap_or_default();
    let prepared = Prepared::ascii(password).ok_or("a password that is not ASCII must go through SASLprep first")?;
    let source = config.credential_source().unwrap_or("admin").to_owned();
    let sha1 = Credentials::sha1(name, password)?;
    let sha256 = Credentials::sha256(name, prepared)?;
    Ok(Some(match credential.mechanism {
        None => Login::Negotiate { sha1, sha256, source },
        Some(Mechanism::ScramSha1) => Login::Scram { credentials: sha1, source },
        Some(Mechanism::ScramSha256) => Login::Scram { credentials: sha256, source },
        Some(other) => return Err(format!("this example logs in with SCRAM, not with {other}").into()),
    }))
}

fn document(write: impl FnOnce(&mut DocWriter<'_>)) -> Result<DocBuf> {
    let mut bytes = Vec::new();
    let mut doc = DocWriter::new(&mut bytes);
    write(&mut doc);
    doc.finish()?;
    Ok(DocBuf::new(bytes)?)
}

/// One document behind the other, as they will stand in the message.
fn encode_planets() -> Result<Documents> {
    let planets = [
        ("Mercury", 2_440),
        ("Venus", 6_052),
        ("Earth", 6_371),
        ("Mars", 3_390),
        ("Jupiter", 69_911),
        ("Saturn", 58_232),
        ("Uranus", 25_362),
        ("Neptune", 24_622),
    ];
    let (mut bytes, mut ends) = (Vec::new(), Vec::new());
    for (name, radius) in planets {
        let mut doc = DocWriter::new(&mut bytes);
        doc.str("_id", name).i32("radius_km", radius);
        doc.finish()?;
        ends.push(bytes.len());
    }
    Ok(Documents::new(bytes, ends))
}
