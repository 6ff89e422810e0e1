//! DNS messages (RFC 1035): one question, and what an answer says to it.

use core::time::Duration;

use simple_dns::rdata::{OPT, RData};
use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QTYPE, Question as Asked, RCODE, ResourceRecord, TYPE, header_buffer,
};

use super::error::DnsFailure;

/// The type of records asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Srv,
    Txt,
}

/// How an answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// Anybody can send a datagram, and a long one is cut off.
    Udp,
    Tcp,
}

/// One question, hard to guess for those who cannot see it.
#[derive(Debug)]
pub(super) struct Question {
    id: u16,
    /// In random case, which servers repeat.
    name: String,
    kind: Kind,
}

/// What an answer is.
#[derive(Debug)]
pub(super) enum Answer {
    Records(Records),
    /// Cut off, or not to this question: TCP is longer, and not so easily forged.
    AskByTcp,
    /// The server does not know EDNS.
    AskPlainly,
}

/// The records of an answer; only those of the type asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    /// Host names in lower case, without a final dot; ports.
    pub(super) srv: Vec<(String, u16)>,
    /// The strings of each record joined.
    pub(super) txt: Vec<String>,
    /// The shortest time to live.
    pub(super) min_ttl: Duration,
}

/// The largest answer to be sent as a datagram: it fits everywhere without being split (RFC 9715).
const UDP_SIZE: u16 = 1232;
const HEADER: usize = 12;
/// The shortest record: a name of one byte, type, class, time to live, length.
const LEAST_RECORD: usize = 11;
/// The longest chain of CNAMEs that is followed.
const MOST_HOPS: usize = 16;
const MALFORMED: DnsFailure = DnsFailure::Malformed("it cannot be parsed");

impl Question {
    /// How many random bytes a question needs.
    pub(super) const RANDOM_LEN: usize = 2 + 32;

    pub(super) fn new(name: &str, kind: Kind, random: &[u8; Self::RANDOM_LEN]) -> Self {
        let [high, low, bits @ ..] = random;
        // Names have at most 255 characters; longer ones are refused when they are written.
        let is_upper = |at: usize| bits[(at / 8) % bits.len()] >> (at % 8) & 1 == 1;
        let any_case = |(at, letter): (usize, char)| match is_upper(at) {
            true => letter.to_ascii_uppercase(),
            false => letter.to_ascii_lowercase(),
        };
        let name = name.chars().enumerate().map(any_case).collect();
        Self { id: u16::from_be_bytes([*high, *low]), name, kind }
    }

    fn qtype(&self) -> TYPE {
        match self.kind {
            Kind::Srv => TYPE::SRV,
            Kind::Txt => TYPE::TXT,
        }
    }

    fn name(&self) -> Result<Name<'_>, DnsFailure> {
        let name = Name::new(&self.name).map_err(|_| DnsFailure::InvalidName)?;
        if name.get_labels().is_empty() { Err(DnsFailure::InvalidName) } else { Ok(name) }
    }

    /// The question as a message; `edns` says that long answers are welcome.
    pub(super) fn to_bytes(&self, edns: bool) -> Result<Vec<u8>, DnsFailure> {
        let mut packet = Packet::new_query(self.id);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        packet.questions.push(Asked::new(self.name()?, self.qtype().into(), CLASS::IN.into(), false));
        if edns {
            *packet.opt_mut() = Some(OPT { opt_codes: Vec::new(), udp_packet_size: UDP_SIZE, version: 0 });
        }
        packet.build_bytes_vec().map_err(|_| DnsFailure::InvalidName)
    }

    /// Reads an answer, which may be anything.
    ///
    /// # Errors
    /// What the server said, if it is none of the records asked for; [`DnsFailure::Malformed`].
    pub(super) fn read(&self, bytes: &[u8], by: Transport) -> Result<Answer, DnsFailure> {
        if bytes.len() < HEADER {
            return Err(DnsFailure::Malformed("it is shorter than a header"));
        }
        let is_answer = header_buffer::has_flags(bytes, PacketFlag::RESPONSE).map_err(|_| MALFORMED)?;
        if header_buffer::id(bytes).map_err(|_| MALFORMED)? != self.id || !is_answer {
            return not_ours(by);
        }
        let code = header_buffer::rcode(bytes).map_err(|_| MALFORMED)?;
        if matches!(code, RCODE::FormatError | RCODE::NotImplemented) {
            // Servers that do not understand a question may not repeat it either.
            return Ok(Answer::AskPlainly);
        }
        if header_buffer::has_flags(bytes, PacketFlag::TRUNCATION).map_err(|_| MALFORMED)? {
            return match by {
                Transport::Udp => Ok(Answer::AskByTcp),
                Transport::Tcp => Err(DnsFailure::Malformed("it is cut off")),
            };
        }
        let bytes = answers_only(bytes)?;
        let packet = Packet::parse(&bytes).map_err(|_| MALFORMED)?;
        if !self.is_repeated_by(&packet, by)? {
            return not_ours(by);
        }
        match code {
            RCODE::NoError => self.records(&packet.answers).map(Answer::Records),
            RCODE::NameError => Err(DnsFailure::NoSuchName),
            // The other codes of a header have four bits.
            _ => Err(DnsFailure::Refused(bytes[3] & 0x0F)),
        }
    }

    fn is_repeated_by(&self, packet: &Packet<'_>, by: Transport) -> Result<bool, DnsFailure> {
        let [asked] = packet.questions.as_slice() else { return Ok(false) };
        let name = self.name()?;
        // Servers that change the case are asked by TCP, where it does not matter.
        let same_name = match by {
            Transport::Udp => asked.qname.as_bytes().eq(name.as_bytes()),
            Transport::Tcp => asked.qname == name,
        };
        Ok(same_name && asked.qtype == QTYPE::TYPE(self.qtype()))
    }

    /// The records for the name, or for the one that it is an alias of, within this answer.
    fn records(&self, answers: &[ResourceRecord<'_>]) -> Result<Records, DnsFailure> {
        let mut owner = self.name()?;
        let mut min_ttl = u32::MAX;
        for _ in 0..MOST_HOPS {
            let of_owner = || answers.iter().filter(|record| record.class == CLASS::IN && record.name == owner);
            let found: Vec<_> = of_owner().filter(|record| record.rdata.type_code() == self.qtype()).collect();
            if !found.is_empty() {
                return collect(&found, min_ttl);
            }
            let alias = of_owner().find_map(|record| match &record.rdata {
                RData::CNAME(target) => Some((target.0.clone(), ttl(record))),
                _ => None,
            });
            let Some((target, alias_ttl)) = alias else { return Err(DnsFailure::NoRecords) };
            min_ttl = min_ttl.min(alias_ttl);
            owner = target;
        }
        Err(DnsFailure::Malformed("its aliases have no end"))
    }
}

/// An answer to something else: by UDP it may be forged.
fn not_ours(by: Transport) -> Result<Answer, DnsFailure> {
    match by {
        Transport::Udp => Ok(Answer::AskByTcp),
        Transport::Tcp => Err(DnsFailure::Malformed("it answers another question")),
    }
}

/// The message without the sections behind the answers, which are none of our business, after a look at its counts: no room is
/// made for more records than there can be.
fn answers_only(bytes: &[u8]) -> Result<Vec<u8>, DnsFailure> {
    let questions = header_buffer::questions(bytes).map_err(|_| MALFORMED)?;
    let answers = header_buffer::answers(bytes).map_err(|_| MALFORMED)?;
    if questions > 1 || usize::from(answers) > bytes.len() / LEAST_RECORD {
        return Err(DnsFailure::Malformed("its counts do not fit"));
    }
    let mut bytes = bytes.to_vec();
    bytes[8..HEADER].fill(0);
    Ok(bytes)
}

fn collect(found: &[&ResourceRecord<'_>], min_ttl: u32) -> Result<Records, DnsFailure> {
    let mut records = Records::default();
    let mut min_ttl = min_ttl;
    for record in found {
        min_ttl = min_ttl.min(ttl(record));
        match &record.rdata {
            // "The service is decidedly not available" (RFC 2782).
            RData::SRV(srv) if srv.target.get_labels().is_empty() => {}
            RData::SRV(srv) => {
                let target = (host_name(&srv.target)?, srv.port);
                if srv.port == 0 {
                    return Err(DnsFailure::Malformed("an SRV record has port 0"));
                }
                if !records.srv.contains(&target) {
                    records.srv.push(target);
                }
            }
            RData::TXT(txt) => {
                let text = String::try_from(txt.clone());
                records.txt.push(text.map_err(|_| DnsFailure::Malformed("a TXT record is no UTF-8"))?);
            }
            RData::Empty(TYPE::TXT) => records.txt.push(String::new()),
            _ => return Err(DnsFailure::Malformed("a record is empty")),
        }
    }
    if records.srv.is_empty() && records.txt.is_empty() {
        return Err(DnsFailure::NoRecords);
    }
    records.min_ttl = Duration::from_secs(min_ttl.into());
    Ok(records)
}

/// A name as text. Labels may hold any byte, a dot among them, which would make another name of it.
fn host_name(name: &Name<'_>) -> Result<String, DnsFailure> {
    let mut text = String::new();
    for label in name.as_bytes() {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label {
            if !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'_') {
                return Err(DnsFailure::Malformed("an SRV record names no host"));
            }
            text.push(char::from(byte.to_ascii_lowercase()));
        }
    }
    Ok(text)
}

/// Values with the highest bit count as zero (RFC 2181, section 8).
fn ttl(record: &ResourceRecord<'_>) -> u32 {
    if record.ttl > i32::MAX as u32 { 0 } else { record.ttl }
}
