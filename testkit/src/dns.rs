//! A DNS server on loopback that serves a [`Zone`], over UDP and TCP, and misbehaves where the zone says so.
//!
//! ```
//! use stator_testkit::dns::{DnsServer, Zone};
//!
//! let zone = Zone::new()
//!     .srv("_mongodb._tcp.cluster.example.com", 60, "db0.example.com", 27017)
//!     .txt("cluster.example.com", 60, &["replicaSet=rs0"]);
//! let server = DnsServer::start(zone)?;
//! println!("ask {}", server.address());
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use simple_dns::rdata::{CNAME, OPT, RData, SRV, TXT};
use simple_dns::{CLASS, CharacterString, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};

/// How the server treats questions for a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It answers.
    #[default]
    Proper,
    /// It says nothing, by UDP; by TCP it closes.
    Silent,
    /// It answers after this time. (In a simulated world, where only the answer itself is made: at once.)
    Slow(Duration),
    /// By UDP it says that the answer does not fit; by TCP it answers.
    Truncated,
    /// It says so by TCP as well.
    AlwaysTruncated,
    /// It answers with these bytes, behind the id of the question if there are any.
    Garbage(Vec<u8>),
    /// It answers with this code and no records.
    Code(RCODE),
    /// It answers FORMERR to questions with EDNS, and answers others.
    NoEdns,
    /// By UDP its answers have another id.
    ForgedId,
    /// By UDP it repeats the question in lower case.
    LowerCase,
    /// By UDP it answers another question.
    OtherQuestion,
}

/// One record.
#[derive(Clone, Debug)]
enum Data {
    Srv { target: String, port: u16 },
    Txt(Vec<Vec<u8>>),
    Cname(String),
}

/// Names, their records, and the manners of the server. Names are compared without regard to case.
#[derive(Clone, Debug, Default)]
pub struct Zone {
    records: Vec<(String, u32, Data)>,
    manners: Vec<(String, Manner)>,
}

/// One question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The name, in lower case.
    pub name: String,
    /// Whether by TCP.
    pub by_tcp: bool,
    /// Whether with EDNS.
    pub edns: bool,
}

impl Zone {
    /// Without a name.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an SRV record; `ttl` in seconds.
    #[must_use]
    pub fn srv(self, name: &str, ttl: u32, target: &str, port: u16) -> Self {
        self.with(name, ttl, Data::Srv { target: target.into(), port })
    }

    /// Adds a TXT record of these strings.
    #[must_use]
    pub fn txt<T: AsRef<[u8]>>(self, name: &str, ttl: u32, strings: &[T]) -> Self {
        self.with(name, ttl, Data::Txt(strings.iter().map(|string| string.as_ref().to_vec()).collect()))
    }

    /// Adds a CNAME record.
    #[must_use]
    pub fn cname(self, name: &str, ttl: u32, target: &str) -> Self {
        self.with(name, ttl, Data::Cname(target.into()))
    }

    /// Says how questions for a name are treated.
    #[must_use]
    pub fn manner(mut self, name: &str, manner: Manner) -> Self {
        self.manners.push((name.to_ascii_lowercase(), manner));
        self
    }

    fn with(mut self, name: &str, ttl: u32, data: Data) -> Self {
        self.records.push((name.to_ascii_lowercase(), ttl, data));
        self
    }

    fn manner_of(&self, name: &str) -> Manner {
        let found = self.manners.iter().find(|(known, _)| known == name);
        found.map(|(_, manner)| manner.clone()).unwrap_or_default()
    }

    /// The answer to a question as it came in, `None` for silence: what a simulated world needs.
    pub fn answer(&self, question: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
        let question = Packet::parse(question).ok()?;
        let asked = question.questions.first()?;
        let name = asked.qname.to_string().to_ascii_lowercase();
        let edns = question.opt().is_some();
        let mut reply = Packet::new_reply(question.id());
        reply.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
        reply.questions.push(asked.clone());
        if edns {
            *reply.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: 1232, version: 0 });
        }
        let manner = self.manner_of(&name);
        match &manner {
            Manner::Silent => return None,
            Manner::Garbage(bytes) if bytes.is_empty() => return Some(Vec::new()),
            Manner::Garbage(bytes) => return Some([&question.id().to_be_bytes()[..], bytes].concat()),
            Manner::Code(code) => {
                *reply.rcode_mut() = *code;
                return reply.build_bytes_vec().ok();
            }
            Manner::NoEdns if edns => {
                let mut refusal = Packet::new_reply(question.id());
                *refusal.rcode_mut() = RCODE::FormatError;
                return refusal.build_bytes_vec().ok();
            }
            Manner::AlwaysTruncated => reply.set_flags(PacketFlag::TRUNCATION),
            Manner::Truncated if !by_tcp => {
                reply.set_flags(PacketFlag::TRUNCATION);
                return reply.build_bytes_vec().ok();
            }
            Manner::ForgedId if !by_tcp => reply.set_id(question.id().wrapping_add(1)),
            Manner::LowerCase if !by_tcp => reply.questions[0].qname = Name::new(&name).ok()?.into_owned(),
            Manner::OtherQuestion if !by_tcp => {
                reply.questions[0].qname = Name::new("other.example").ok()?.into_owned();
            }
            _ => {}
        }
        self.fill(&mut reply, &name, asked.qtype)?;
        let bytes = reply.build_bytes_vec_compressed().ok()?;
        let room = if edns { 1232 } else { 512 };
        if by_tcp || bytes.len() <= room {
            return Some(bytes);
        }
        reply.answers.clear();
        reply.set_flags(PacketFlag::TRUNCATION);
        reply.build_bytes_vec().ok()
    }

    /// The records for the name, and for the names that it is an alias of; NXDOMAIN where there is none of any type.
    fn fill<'a>(&'a self, reply: &mut Packet<'a>, name: &str, kind: QTYPE) -> Option<()> {
        let mut owner = name.to_owned();
        for _ in 0..20 {
            let mut next = None;
            let mut known = false;
            for (_, ttl, data) in self.records.iter().filter(|(known, ..)| *known == owner) {
                known = true;
                let rdata = match (data, kind) {
                    (Data::Srv { target, port }, QTYPE::TYPE(TYPE::SRV)) => {
                        RData::SRV(SRV { priority: 0, weight: 5, port: *port, target: Name::new(target).ok()? })
                    }
                    (Data::Txt(strings), QTYPE::TYPE(TYPE::TXT)) => {
                        let strings = strings.iter().map(|string| CharacterString::new(string));
                        RData::TXT(
                            strings
                                .collect::<Result<Vec<_>, _>>()
                                .ok()?
                                .into_iter()
                                .fold(TXT::new(), TXT::with_char_string),
                        )
                    }
                    (Data::Cname(target), _) => {
                        next = Some(target.to_ascii_lowercase());
                        RData::CNAME(CNAME(Name::new(target).ok()?))
                    }
                    _ => continue,
                };
                let name = Name::new(&owner).ok()?.into_owned();
                reply.answers.push(ResourceRecord::new(name, CLASS::IN, *ttl, rdata));
            }
            if !known && reply.answers.is_empty() {
                *reply.rcode_mut() = RCODE::NameError;
            }
            match next {
                Some(next) => owner = next,
                None => break,
            }
        }
        Some(())
    }
}

/// A running server. Dropping it ends its threads.
#[derive(Debug)]
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    zone: Mutex<Zone>,
    asked: Mutex<Vec<Asked>>,
    over: AtomicBool,
}

impl DnsServer {
    /// Starts a server on a free port of 127.0.0.1, the same for UDP and TCP.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(zone: Zone) -> io::Result<Self> {
        let (udp, tcp) = bind_both()?;
        let address = udp.local_addr()?;
        let shared = Shared { zone: Mutex::new(zone), asked: Mutex::default(), over: AtomicBool::new(false) };
        let shared = Arc::new(shared);
        let (for_udp, for_tcp) = (Arc::clone(&shared), Arc::clone(&shared));
        let threads =
            vec![thread::spawn(move || serve_udp(&udp, &for_udp)), thread::spawn(move || serve_tcp(&tcp, &for_tcp))];
        Ok(Self { address, shared, threads })
    }

    /// Where to ask.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves another zone from now on.
    pub fn set_zone(&self, zone: Zone) {
        *lock(&self.shared.zone) = zone;
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.asked).clone()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Both threads wait for somebody to come.
        let _ = UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(&[], self.address));
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            // A panic in there has been printed.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One port for both; whichever UDP got may be taken for TCP.
fn bind_both() -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..50 {
        let udp = UdpSocket::bind("127.0.0.1:0")?;
        match TcpListener::bind(udp.local_addr()?) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

impl Shared {
    fn answer(&self, question: &[u8], by_tcp: bool) -> Option<Vec<u8>> {
        let zone = lock(&self.zone).clone();
        if let Ok(packet) = Packet::parse(question)
            && let Some(asked) = packet.questions.first()
        {
            let name = asked.qname.to_string().to_ascii_lowercase();
            let manner = zone.manner_of(&name);
            lock(&self.asked).push(Asked { name, by_tcp, edns: packet.opt().is_some() });
            if let Manner::Slow(time) = manner {
                thread::sleep(time);
            }
        }
        zone.answer(question, by_tcp)
    }
}

fn serve_udp(socket: &UdpSocket, shared: &Arc<Shared>) {
    let mut buf = [0; 2048];
    while let Ok((len, from)) = socket.recv_from(&mut buf) {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let (Ok(socket), shared, question) = (socket.try_clone(), Arc::clone(shared), buf[..len].to_vec()) else {
            return;
        };
        // A thread for each, so that a slow answer delays no other.
        thread::spawn(move || {
            if let Some(answer) = shared.answer(&question, false) {
                // Whoever asked may have gone.
                let _ = socket.send_to(&answer, from);
            }
        });
    }
}

fn serve_tcp(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        // Whoever asked may have gone.
        thread::spawn(move || drop(converse(stream, &shared)));
    }
}

fn converse(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    loop {
        let mut len = [0; 2];
        stream.read_exact(&mut len)?;
        let mut question = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut question)?;
        let Some(answer) = shared.answer(&question, true) else { return stream.shutdown(Shutdown::Both) };
        let len = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&len.to_be_bytes()[..], &answer].concat())?;
    }
}
