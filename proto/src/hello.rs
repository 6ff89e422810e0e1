//! What a server says of itself in its reply to `hello` (specifications *MongoDB Handshake* and *SDAM*).

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::{BsonError, Doc, DocBuf, Element, Timestamp};

/// The kind of a server, decided as the SDAM specification's table does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ServerKind {
    /// Not known: no reply yet, or the last attempt failed.
    #[default]
    Unknown,
    /// A single mongod.
    Standalone,
    /// A router of a sharded cluster.
    Mongos,
    /// The primary of a replica set.
    RsPrimary,
    /// A secondary of a replica set.
    RsSecondary,
    /// An arbiter of a replica set.
    RsArbiter,
    /// A member in a state in which it serves nobody (hidden, recovering, ...).
    RsOther,
    /// A member that has not been initiated.
    RsGhost,
    /// Whatever a load balancer has connected us to.
    LoadBalancer,
}

impl ServerKind {
    /// Whether this is a member of a replica set that clients can use.
    pub const fn is_data_bearing_member(self) -> bool {
        matches!(self, Self::RsPrimary | Self::RsSecondary)
    }

    /// The name that SDAM gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Standalone => "Standalone",
            Self::Mongos => "Mongos",
            Self::RsPrimary => "RSPrimary",
            Self::RsSecondary => "RSSecondary",
            Self::RsArbiter => "RSArbiter",
            Self::RsOther => "RSOther",
            Self::RsGhost => "RSGhost",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}

/// The limits that a server sets for messages, with the values that hold until it has said otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `maxBsonObjectSize` in bytes: the longest document that can be stored. Default 16 MiB.
    pub max_bson_object_size: usize,
    /// `maxMessageSizeBytes`: the longest message in either direction. Default 48,000,000.
    pub max_message_size: usize,
    /// `maxWriteBatchSize`: the most writes in one command. Default 100,000.
    pub max_write_batch_size: usize,
}

impl Limits {
    /// The most that a reply may claim, whatever the server says: 64 MiB bounds memory against a hostile peer.
    pub const MAX_FRAME: usize = 64 * 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bson_object_size: 16 * 1024 * 1024, max_message_size: 48_000_000, max_write_batch_size: 100_000 }
    }
}

/// `topologyVersion`: which of two replies of one server process is the newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopologyVersion {
    /// Changes when the server process restarts.
    pub process_id: [u8; 12],
    /// Grows with every change of the server's state.
    pub counter: i64,
}

impl TopologyVersion {
    /// Reads a `topologyVersion`; `None` if half of it is missing.
    pub fn parse(version: Doc<'_>) -> Result<Option<Self>, BsonError> {
        let process_id = version.get_object_id("processId")?;
        let counter = version.get_number_i64("counter")?;
        Ok(process_id.zip(counter).map(|(process_id, counter)| Self { process_id, counter }))
    }
}

/// A parsed reply to `hello` or legacy hello. Absent fields have the specifications' defaults.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HelloReply {
    /// The server's kind.
    pub kind: ServerKind,
    /// Whether later checks may use `hello` (legacy reply with `helloOk: true`).
    pub hello_ok: bool,
    /// `me`: the address by which the server knows itself, lower case.
    pub me: Option<String>,
    /// `hosts`, lower case.
    pub hosts: Vec<String>,
    /// `passives`, lower case.
    pub passives: Vec<String>,
    /// `arbiters`, lower case.
    pub arbiters: Vec<String>,
    /// `primary`, lower case.
    pub primary: Option<String>,
    /// `setName`.
    pub set_name: Option<String>,
    /// `setVersion`.
    pub set_version: Option<i64>,
    /// `electionId`.
    pub election_id: Option<[u8; 12]>,
    /// `tags`.
    pub tags: Vec<(String, String)>,
    /// `lastWrite.lastWriteDate`, milliseconds since the Unix epoch.
    pub last_write_date: Option<i64>,
    /// `lastWrite.opTime.ts`.
    pub last_write_op_time: Option<Timestamp>,
    /// `minWireVersion`, default 0.
    pub min_wire_version: i32,
    /// `maxWireVersion`, default 0.
    pub max_wire_version: i32,
    /// `logicalSessionTimeoutMinutes`.
    pub logical_session_timeout: Option<Duration>,
    /// `topologyVersion`.
    pub topology_version: Option<TopologyVersion>,
    /// The limits for messages.
    pub limits: Limits,
    /// `compression`: what both sides can, in the client's order.
    pub compression: Vec<String>,
    /// `saslSupportedMechs`, if they were asked for.
    pub sasl_supported_mechs: Option<Vec<String>>,
    /// `speculativeAuthenticate`.
    pub speculative_authenticate: Option<DocBuf>,
    /// `connectionId`: the server's number for the connection.
    pub connection_id: Option<i64>,
    /// `serviceId`: which server stands behind a load balancer.
    pub service_id: Option<[u8; 12]>,
    /// `readOnly`.
    pub read_only: bool,
}

impl HelloReply {
    /// Whether two replies describe a server in the same way (SDAM, "Server Description Equality").
    pub fn describes_the_same(&self, other: &Self) -> bool {
        let key = |hello: &Self| {
            (
                (hello.kind, hello.min_wire_version, hello.max_wire_version, hello.logical_session_timeout),
                (hello.set_version, hello.election_id, hello.topology_version),
            )
        };
        let texts = |one: &Self, other: &Self| {
            (&one.me, &one.set_name, &one.primary) == (&other.me, &other.set_name, &other.primary)
        };
        let lists = |one: &Self, other: &Self| {
            is_equal_set(&one.hosts, &other.hosts)
                && is_equal_set(&one.passives, &other.passives)
                && is_equal_set(&one.arbiters, &other.arbiters)
                && is_equal_set(&one.tags, &other.tags)
        };
        key(self) == key(other) && texts(self, other) && lists(self, other)
    }

    /// Reads a reply whose `ok` is 1. Unknown fields are ignored, as are fields of an unexpected type that only
    /// inform; those that decide something must have their type.
    pub fn parse(reply: Doc<'_>) -> Result<Self, BsonError> {
        let mut out = Self { limits: Limits::default(), ..Self::default() };
        let (mut msg_isdbgrid, mut is_primary, mut secondary, mut hidden) = (false, false, false, false);
        let (mut arbiter_only, mut is_replica_set) = (false, false);
        for element in reply.iter() {
            let element = element?;
            let value = element.value();
            let text = || value.as_str().map(String::from);
            let address = || value.as_str().map(str::to_lowercase);
            // Not `reply.get_*`: a search for every key takes time with the square of what a hostile server sends.
            let number = || value.as_number_i64().map_err(|error| named(error, &element));
            let object_id = || value.as_object_id().map_err(|error| named(error, &element));
            match element.key_bytes() {
                b"msg" => msg_isdbgrid = value.as_str().is_ok_and(|msg| msg == "isdbgrid"),
                b"isWritablePrimary" | b"ismaster" => is_primary |= value.as_truthy().unwrap_or(false),
                b"secondary" => secondary = value.as_truthy().unwrap_or(false),
                b"hidden" => hidden = value.as_truthy().unwrap_or(false),
                b"arbiterOnly" => arbiter_only = value.as_truthy().unwrap_or(false),
                b"isreplicaset" => is_replica_set = value.as_truthy().unwrap_or(false),
                b"helloOk" => out.hello_ok = value.as_truthy().unwrap_or(false),
                b"readOnly" => out.read_only = value.as_truthy().unwrap_or(false),
                b"me" => out.me = Some(address()?),
                b"primary" => out.primary = Some(address()?),
                b"setName" => out.set_name = Some(text()?),
                b"hosts" => out.hosts = addresses(value.as_array()?)?,
                b"passives" => out.passives = addresses(value.as_array()?)?,
                b"arbiters" => out.arbiters = addresses(value.as_array()?)?,
                b"setVersion" => out.set_version = Some(number()?),
                b"electionId" => out.election_id = Some(object_id()?),
                b"tags" => out.tags = tags(value.as_doc()?)?,
                b"lastWrite" => {
                    let last_write = value.as_doc()?;
                    out.last_write_date = last_write.get_datetime("lastWriteDate").unwrap_or(None);
                    let op_time = last_write.get_doc("opTime").unwrap_or(None);
                    out.last_write_op_time = op_time.and_then(|op_time| op_time.get_timestamp("ts").unwrap_or(None));
                }
                b"minWireVersion" => out.min_wire_version = clamp_i32(number()?),
                b"maxWireVersion" => out.max_wire_version = clamp_i32(number()?),
                b"logicalSessionTimeoutMinutes" => {
                    let minutes = number().ok().and_then(|minutes| u64::try_from(minutes).ok());
                    out.logical_session_timeout = minutes.map(|m| Duration::from_secs(m.saturating_mul(60)));
                }
                b"topologyVersion" => out.topology_version = TopologyVersion::parse(value.as_doc()?)?,
                b"maxBsonObjectSize" => limit(number()?, &mut out.limits.max_bson_object_size),
                b"maxMessageSizeBytes" => limit(number()?, &mut out.limits.max_message_size),
                b"maxWriteBatchSize" => limit(number()?, &mut out.limits.max_write_batch_size),
                b"compression" => out.compression = strings(value.as_array()?)?,
                b"saslSupportedMechs" => out.sasl_supported_mechs = Some(strings(value.as_array()?)?),
                b"speculativeAuthenticate" => {
                    out.speculative_authenticate = Some(DocBuf::new(value.as_doc()?.as_bytes().to_vec())?);
                }
                b"connectionId" => out.connection_id = number().ok(),
                b"serviceId" => out.service_id = Some(object_id()?),
                _ => {}
            }
        }
        out.kind = if msg_isdbgrid {
            ServerKind::Mongos
        } else if out.set_name.is_some() {
            match (hidden, is_primary, secondary, arbiter_only) {
                (true, ..) => ServerKind::RsOther,
                (_, true, ..) => ServerKind::RsPrimary,
                (_, _, true, _) => ServerKind::RsSecondary,
                (_, _, _, true) => ServerKind::RsArbiter,
                _ => ServerKind::RsOther,
            }
        } else if is_replica_set {
            ServerKind::RsGhost
        } else {
            ServerKind::Standalone
        };
        out.limits.max_message_size = out.limits.max_message_size.clamp(4096, Limits::MAX_FRAME);
        Ok(out)
    }
}

fn strings(array: Doc<'_>) -> Result<Vec<String>, BsonError> {
    array.iter().map(|element| Ok(String::from(element?.value().as_str()?))).collect()
}

fn addresses(array: Doc<'_>) -> Result<Vec<String>, BsonError> {
    array.iter().map(|element| Ok(element?.value().as_str()?.to_lowercase())).collect()
}

fn tags(tags: Doc<'_>) -> Result<Vec<(String, String)>, BsonError> {
    tags.iter()
        .map(|element| {
            let element = element?;
            Ok((String::from(element.key()?), String::from(element.value().as_str()?)))
        })
        .collect()
}

/// Whether two lists have the same members; servers may tell them in any order.
fn is_equal_set<T: Ord>(one: &[T], other: &[T]) -> bool {
    one == other || one.iter().collect::<BTreeSet<_>>() == other.iter().collect::<BTreeSet<_>>()
}

fn clamp_i32(number: i64) -> i32 {
    number.clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

/// A limit of zero or below is the server's mistake: the default stays.
fn limit(value: i64, out: &mut usize) {
    if let Ok(value) = usize::try_from(value)
        && value > 0
    {
        *out = value;
    }
}

/// The error with the name of the field that it is about.
fn named(mut error: BsonError, element: &Element<'_>) -> BsonError {
    if let BsonError::WrongType { key, .. } = &mut error {
        *key = element.key().unwrap_or_default().into();
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use stator_wire::bson::DocWriter;

    fn parse(write: impl Fn(&mut DocWriter<'_>)) -> HelloReply {
        let mut bytes = Vec::new();
        let mut writer = DocWriter::new(&mut bytes);
        write(&mut writer);
        writer.finish().unwrap();
        HelloReply::parse(Doc::new(&bytes).unwrap()).unwrap()
    }

    #[test]
    fn kinds_follow_the_sdam_table() {
        let kind = |write: &dyn Fn(&mut DocWriter<'_>)| parse(write).kind;
        assert_eq!(kind(&|_| {}), ServerKind::Standalone);
        assert_eq!(
            kind(&|w| {
                w.str("msg", "isdbgrid");
            }),
            ServerKind::Mongos
        );
        assert_eq!(
            kind(&|w| {
                w.bool("isreplicaset", true);
            }),
            ServerKind::RsGhost
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs").bool("isWritablePrimary", true);
            }),
            ServerKind::RsPrimary
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs").bool("ismaster", true);
            }),
            ServerKind::RsPrimary
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs").bool("secondary", true).bool("hidden", true);
            }),
            ServerKind::RsOther
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs").bool("secondary", true);
            }),
            ServerKind::RsSecondary
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs").bool("arbiterOnly", true);
            }),
            ServerKind::RsArbiter
        );
        assert_eq!(
            kind(&|w| {
                w.str("setName", "rs");
            }),
            ServerKind::RsOther
        );
    }

    #[test]
    fn limits_are_bounded() {
        let reply = parse(|w| {
            w.i32("maxMessageSizeBytes", i32::MAX).i32("maxBsonObjectSize", -4);
        });
        assert_eq!(reply.limits.max_message_size, Limits::MAX_FRAME);
        assert_eq!(reply.limits.max_bson_object_size, 16 * 1024 * 1024);
    }
}
