//! The hosts of a connection string: names, IP literals and paths of Unix domain sockets.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::Ipv6Addr;

use super::grammar::percent_decode;
use super::{HostError, SrvHost, UriError};
use crate::ServerAddress;

/// Parses the comma-separated hosts of a `mongodb` string.
pub(super) fn parse_list(hosts: &str) -> Result<Vec<ServerAddress>, UriError> {
    hosts
        .split(',')
        .enumerate()
        .map(|(at, host)| {
            let decoded = decode(host)?;
            parse_one(host, &decoded).map_err(|reason| UriError::Host { index: at + 1, reason })
        })
        .collect()
}

/// Parses the only host of a `mongodb+srv` string.
pub(super) fn parse_srv(hosts: &str) -> Result<SrvHost, UriError> {
    if hosts.contains(',') {
        return Err(UriError::Conflict { first: "mongodb+srv", second: "more than one host" });
    }
    let host = decode(hosts)?;
    let reason = if host.contains(':') && !host.starts_with('[') {
        HostError::SrvPort
    } else if host.starts_with('[') || host.contains('/') {
        HostError::SrvName
    } else {
        match name(&host) {
            Ok(host) => return Ok(SrvHost { host }),
            Err(reason) => reason,
        }
    };
    Err(UriError::Host { index: 1, reason })
}

/// One host, without percent-encoding.
pub(crate) fn parse_address(host: &str) -> Option<ServerAddress> {
    parse_one(host, host).ok()
}

fn decode(host: &str) -> Result<Cow<'_, str>, UriError> {
    percent_decode(host).ok_or(UriError::Escape("host"))
}

/// Structure is read in the raw text, so that an escaped `:` or `[` is never mistaken for a delimiter.
fn parse_one(raw: &str, decoded: &str) -> Result<ServerAddress, HostError> {
    if decoded.contains('/') {
        return match decoded.ends_with(".sock") && !decoded.contains('\0') {
            true => Ok(ServerAddress::Unix { path: decoded.to_string() }),
            false => Err(HostError::Socket),
        };
    }
    if raw.starts_with('[') {
        let (literal, rest) = decoded[1..].split_once(']').ok_or(HostError::IpLiteral)?;
        let port = match rest.strip_prefix(':') {
            Some(digits) => port(digits)?,
            None if rest.is_empty() => ServerAddress::DEFAULT_PORT,
            None => return Err(HostError::IpLiteral),
        };
        return Ok(ServerAddress::Tcp { host: ip_literal(literal)?, port });
    }
    let (host, port) = match decoded.split_once(':') {
        Some((host, digits)) => (host, port(digits)?),
        None => (decoded, ServerAddress::DEFAULT_PORT),
    };
    Ok(ServerAddress::Tcp { host: name(host)?, port })
}

fn port(digits: &str) -> Result<u16, HostError> {
    // `parse` alone would take "+1".
    match digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => digits.parse().ok().filter(|&port| port > 0).ok_or(HostError::Port),
        false => Err(HostError::Port),
    }
}

/// An IPv6 address in lower case; a zone (RFC 6874) keeps its case.
fn ip_literal(literal: &str) -> Result<String, HostError> {
    let (address, zone) = match literal.split_once('%') {
        Some((_, "")) => return Err(HostError::IpLiteral),
        Some((address, zone)) => (address, Some(zone)),
        None => (literal, None),
    };
    if address.parse::<Ipv6Addr>().is_err() || zone.is_some_and(|zone| zone.contains(has_no_place)) {
        return Err(HostError::IpLiteral);
    }
    let mut host = address.to_ascii_lowercase();
    if let Some(zone) = zone {
        host.push('%');
        host.push_str(zone);
    }
    Ok(host)
}

/// A host name or IPv4 address in lower case. Names are left to the resolver to judge, delimiters are not.
fn name(host: &str) -> Result<String, HostError> {
    match host {
        "" => Err(HostError::Empty),
        _ if host.contains(has_no_place) => Err(HostError::Character),
        _ => Ok(host.to_ascii_lowercase()),
    }
}

fn has_no_place(character: char) -> bool {
    character.is_control() || character.is_whitespace() || "/\\?#@:,[]%<>\"'`{}|^".contains(character)
}
