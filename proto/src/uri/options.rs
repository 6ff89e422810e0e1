//! The table of options, and how those with a way of their own are read and written.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::draft::Draft;
use super::kinds::{Field, Kind, OptionSpec, Refusal, Special, flag, items, number, unusual_flag};
use super::{Compressor, Config, Credential, Mechanism, ServerMonitoringMode, UriError, UuidRepresentation, Warning};
use crate::concern::{Acknowledgment, ReadConcernLevel};
use crate::read_preference::{ReadPreferenceMode, TagSet};

const fn row(name: &'static str, kind: Kind) -> OptionSpec {
    OptionSpec { name, kind }
}

const fn alias(name: &'static str, of: &'static str, deprecated: bool) -> OptionSpec {
    OptionSpec { name, kind: Kind::Alias { of, deprecated } }
}

const fn special(
    name: &'static str,
    expected: &'static str,
    read: fn(&mut Draft, &str) -> Result<(), Refusal>,
    write: fn(&Config) -> Vec<String>,
) -> OptionSpec {
    OptionSpec { name, kind: Kind::Special(Special { expected, read, write, is_list: false }) }
}

const fn list(
    name: &'static str,
    expected: &'static str,
    read: fn(&mut Draft, &str) -> Result<(), Refusal>,
    write: fn(&Config) -> Vec<String>,
) -> OptionSpec {
    OptionSpec { name, kind: Kind::Special(Special { expected, read, write, is_list: true }) }
}

macro_rules! at {
    ($($path:ident).+) => {
        Field { get: |config| &config.$($path).+, set: |config| &mut config.$($path).+ }
    };
}

const MAX: u32 = i32::MAX.unsigned_abs();

/// Every option, in the order in which `Display` writes them.
pub(super) static OPTIONS: &[OptionSpec] = &[
    special("authMechanism", "", read_mechanism, |config| {
        credential(config, |credential| credential.mechanism.map(|mechanism| mechanism.to_string()))
    }),
    special("authSource", "", read_source, |config| match &config.credential {
        Some(credential) => credential.source.iter().cloned().collect(),
        None => config.auth_source.iter().cloned().collect(),
    }),
    special("authMechanismProperties", PAIRS, read_properties, |config| {
        credential(config, |credential| {
            Some(join(credential.mechanism_properties.iter())).filter(|all| !all.is_empty())
        })
    }),
    special("gssapiServiceName", "text that is not empty", read_gssapi_service_name, |_| Vec::new()),
    row("replicaSet", Kind::Text(at!(replica_set))),
    row("directConnection", Kind::Flag(at!(direct_connection))),
    row("loadBalanced", Kind::Flag(at!(load_balanced))),
    row("srvMaxHosts", Kind::Count(at!(srv_max_hosts), 0, MAX)),
    special("srvServiceName", "a service name of RFC 6335", read_service_name, |config| {
        config.srv_service_name.iter().cloned().collect()
    }),
    special("appName", "1 to 128 bytes of text", read_app_name, |config| config.app_name.iter().cloned().collect()),
    list("tls", "true or false", read_tls, |config| config.tls.enabled.iter().map(bool::to_string).collect()),
    alias("ssl", "tls", false),
    row("tlsInsecure", Kind::Flag(at!(tls.insecure))),
    row("tlsAllowInvalidCertificates", Kind::Flag(at!(tls.allow_invalid_certificates))),
    row("tlsAllowInvalidHostnames", Kind::Flag(at!(tls.allow_invalid_hostnames))),
    row("tlsCAFile", Kind::Text(at!(tls.ca_file))),
    row("tlsCertificateKeyFile", Kind::Text(at!(tls.certificate_key_file))),
    row("tlsCertificateKeyFilePassword", Kind::Secret(at!(tls.certificate_key_file_password))),
    row("tlsCRLFile", Kind::Text(at!(tls.crl_file))),
    row("tlsDisableOCSPEndpointCheck", Kind::Flag(at!(tls.disable_ocsp_endpoint_check))),
    row("tlsDisableCertificateRevocationCheck", Kind::Flag(at!(tls.disable_certificate_revocation_check))),
    row("proxyHost", Kind::Text(at!(proxy.host))),
    special("proxyPort", "a port from 1 to 65535", read_proxy_port, |config| {
        config.proxy.port.iter().map(u16::to_string).collect()
    }),
    row("proxyUsername", Kind::Text(at!(proxy.username))),
    row("proxyPassword", Kind::Secret(at!(proxy.password))),
    row("timeoutMS", Kind::Millis(at!(timeout), 0)),
    row("connectTimeoutMS", Kind::Millis(at!(connect_timeout), 0)),
    row("socketTimeoutMS", Kind::Millis(at!(socket_timeout), 0)),
    row("serverSelectionTimeoutMS", Kind::Millis(at!(server_selection_timeout), 0)),
    row("serverSelectionTryOnce", Kind::NoEffect),
    row("localThresholdMS", Kind::Millis(at!(local_threshold), 0)),
    row("heartbeatFrequencyMS", Kind::Millis(at!(heartbeat_frequency), 500)),
    special("serverMonitoringMode", "auto, stream or poll", read_monitoring, |config| {
        config.server_monitoring_mode.iter().map(|mode| mode.as_str().into()).collect()
    }),
    row("maxPoolSize", Kind::Count(at!(max_pool_size), 0, MAX)),
    row("minPoolSize", Kind::Count(at!(min_pool_size), 0, MAX)),
    row("maxConnecting", Kind::Count(at!(max_connecting), 1, MAX)),
    row("maxIdleTimeMS", Kind::Millis(at!(max_idle_time), 0)),
    row("waitQueueTimeoutMS", Kind::Millis(at!(wait_queue_timeout), 0)),
    // The CMAP specification forbids drivers to begin supporting these two.
    row("waitQueueSize", Kind::NoEffect),
    row("waitQueueMultiple", Kind::NoEffect),
    row("retryReads", Kind::Flag(at!(retry_reads))),
    row("retryWrites", Kind::Flag(at!(retry_writes))),
    row("maxAdaptiveRetries", Kind::Count(at!(max_adaptive_retries), 0, MAX)),
    row("enableOverloadRetargeting", Kind::Flag(at!(enable_overload_retargeting))),
    special("readConcernLevel", "text that is not empty", read_level, |config| {
        config.read_concern.level.iter().map(|level| level.as_str().into()).collect()
    }),
    special("w", "a non-negative 32-bit number or text", read_w, |config| {
        config.write_concern.w.iter().map(write_w).collect()
    }),
    row("wTimeoutMS", Kind::LongMillis(at!(write_concern.w_timeout))),
    alias("wtimeout", "wTimeoutMS", true),
    row("journal", Kind::Flag(at!(write_concern.journal))),
    alias("j", "journal", true),
    special("readPreference", "the name of a mode", read_mode, |config| {
        let mode = config.read_preference.mode;
        (mode != ReadPreferenceMode::Primary).then(|| mode.as_str().into()).into_iter().collect()
    }),
    list("readPreferenceTags", PAIRS, read_tags, |config| {
        config.read_preference.tag_sets.iter().map(|tags| join(tags.iter())).collect()
    }),
    special("maxStalenessSeconds", "-1 or a number of seconds of at least 90", read_staleness, |config| {
        config.read_preference.max_staleness.iter().map(|limit| limit.as_secs().to_string()).collect()
    }),
    special("compressors", "snappy, zlib or zstd", read_compressors, |config| {
        let names: Vec<_> = config.compressors.iter().map(|one| one.as_str()).collect();
        (!names.is_empty()).then(|| names.join(",")).into_iter().collect()
    }),
    special("zlibCompressionLevel", "a number from -1 to 9", read_zlib_level, |config| {
        config.zlib_compression_level.iter().map(i32::to_string).collect()
    }),
    special("uuidRepresentation", "the name of a representation", read_uuid, |config| {
        config.uuid_representation.iter().map(|uuids| uuids.as_str().into()).collect()
    }),
];

const PAIRS: &str = "key:value pairs between commas";

fn credential(config: &Config, write: impl Fn(&Credential) -> Option<String>) -> Vec<String> {
    config.credential.as_ref().and_then(write).into_iter().collect()
}

fn join<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    pairs.map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join(",")
}

fn text(value: &str) -> Result<String, Refusal> {
    if value.is_empty() { Err(Refusal::Ignore) } else { Ok(value.into()) }
}

fn read_mechanism(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    // An unknown mechanism is an invalid credential, which the authentication specification wants refused early.
    let unknown = || Refusal::Fail(UriError::UnknownMechanism);
    draft.mechanism = Some(match value {
        "DEFAULT" => None,
        name => Some(Mechanism::from_name(name).ok_or_else(unknown)?),
    });
    Ok(())
}

fn read_source(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.source = Some(text(value).map_err(|_| Refusal::Fail(UriError::EmptyAuthSource))?);
    Ok(())
}

fn read_properties(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    for item in items(value) {
        match item {
            Ok((name, value)) => draft.properties.set(name, value),
            Err(()) => {
                draft.warnings.push(Warning::InvalidItem { key: "authMechanismProperties", expected: "key:value" });
            }
        }
    }
    Ok(())
}

fn read_gssapi_service_name(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let name = text(value)?;
    let applied = draft.properties.get("SERVICE_NAME").is_none();
    if applied {
        draft.properties.set("SERVICE_NAME", name);
    }
    let replacement = Some("authMechanismProperties=SERVICE_NAME");
    draft.warnings.push(Warning::Deprecated { key: "gssapiServiceName", replacement, applied });
    Ok(())
}

/// RFC 6335, but up to 62 characters: letters, digits and single inner hyphens, with a letter among them.
fn read_service_name(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let good = value.len() <= 62
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !(value.starts_with('-') || value.ends_with('-') || value.contains("--"));
    draft.config.srv_service_name = Some(good.then(|| value.into()).ok_or(Refusal::Ignore)?);
    Ok(())
}

fn read_app_name(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.config.app_name = Some(text(value).ok().filter(|name| name.len() <= 128).ok_or(Refusal::Ignore)?);
    Ok(())
}

/// `tls` and `ssl` may appear often, if only they all agree.
fn read_tls(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let (enabled, usual) = flag(value).ok_or(Refusal::Ignore)?;
    if draft.config.tls.enabled.is_some_and(|before| before != enabled) {
        return Err(Refusal::Fail(UriError::Conflict { first: "tls=true", second: "tls=false (or ssl)" }));
    }
    draft.config.tls.enabled = Some(enabled);
    if !usual {
        draft.warnings.push(unusual_flag("tls", enabled));
    }
    Ok(())
}

fn read_proxy_port(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let port = number(value, 1, 65535).and_then(|port| u16::try_from(port).ok());
    draft.config.proxy.port = Some(port.ok_or(Refusal::Ignore)?);
    Ok(())
}

fn read_monitoring(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.config.server_monitoring_mode = Some(ServerMonitoringMode::from_name(value).ok_or(Refusal::Ignore)?);
    Ok(())
}

fn read_level(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.config.read_concern.level = Some(ReadConcernLevel::from(text(value)?.as_str()));
    Ok(())
}

fn read_w(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    draft.config.write_concern.w = Some(if is_number {
        let nodes = value.parse::<i64>().map_err(|_| Refusal::Ignore)?;
        Acknowledgment::try_from(nodes).map_err(|_| Refusal::Ignore)?
    } else {
        Acknowledgment::from(text(value)?.as_str())
    });
    Ok(())
}

fn write_w(w: &Acknowledgment) -> String {
    match w {
        Acknowledgment::Nodes(nodes) => nodes.to_string(),
        Acknowledgment::Majority => "majority".into(),
        Acknowledgment::Custom(mode) => mode.clone(),
    }
}

fn read_mode(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.config.read_preference.mode = ReadPreferenceMode::from_name(value).ok_or(Refusal::Ignore)?;
    Ok(())
}

/// One tag set; an empty value is the empty tag set, which matches every member.
fn read_tags(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let tags = match value {
        "" => TagSet::default(),
        // A set with a tag left out would match more members than it was meant to.
        _ => items(value).collect::<Result<TagSet, ()>>().map_err(|()| Refusal::Ignore)?,
    };
    draft.config.read_preference.tag_sets.push(tags);
    Ok(())
}

fn read_staleness(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let seconds = number(value, -1, i64::from(i32::MAX)).ok_or(Refusal::Ignore)?;
    draft.config.read_preference.max_staleness = match seconds {
        -1 => None,
        90.. => Some(Duration::from_secs(seconds.unsigned_abs())),
        _ => return Err(Refusal::Ignore),
    };
    Ok(())
}

fn read_compressors(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    for name in value.split(',') {
        match Compressor::from_name(name) {
            Some(known) if draft.config.compressors.contains(&known) => {}
            Some(known) => draft.config.compressors.push(known),
            None => {
                draft.warnings.push(Warning::InvalidItem { key: "compressors", expected: "snappy, zlib or zstd" });
            }
        }
    }
    Ok(())
}

fn read_zlib_level(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    let level = number(value, -1, 9).and_then(|level| i32::try_from(level).ok());
    draft.config.zlib_compression_level = Some(level.ok_or(Refusal::Ignore)?);
    Ok(())
}

fn read_uuid(draft: &mut Draft, value: &str) -> Result<(), Refusal> {
    draft.config.uuid_representation = Some(UuidRepresentation::from_name(value).ok_or(Refusal::Ignore)?);
    Ok(())
}
