//! From a `mongodb+srv` configuration to seeds and options, and later to hosts alone.

use std::net::SocketAddr;

use stator_proto::uri::UriError;
use stator_proto::uri::srv::{SrvError, is_allowed};
use stator_proto::{Config, Instant, ServerAddress};

use super::ask::ask;
use super::error::{DnsError, DnsFailure};
use super::message::Kind;
use super::resolver::ResolverConfig;
use super::side::Side;
use super::{Hosts, Resolved};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::runtime::Runtime;

/// Asks for SRV and TXT records, the latter in a second task, and adds what they say.
///
/// # Errors
/// In [`Phase::Dns`]: [`ErrorKind::Dns`], or [`ErrorKind::Uri`] where the TXT record and the string exclude each other.
pub(crate) async fn resolve<R: Runtime>(
    runtime: &R,
    config: &Config,
    resolver: &ResolverConfig,
    deadline: Instant,
) -> Result<Resolved> {
    let (Some(name), Some(srv)) = (config.srv_query(), &config.srv) else {
        return Err(Error::new(Phase::Dns, ErrorKind::Uri(UriError::Srv(SrvError::NotSrv))));
    };
    let (other, questions, host) = (runtime.clone(), resolver.clone(), srv.host.clone());
    let txt = async move { ask(&other, &questions, &host, Kind::Txt, deadline).await };
    let side = Side::start(runtime, "stator-dns-txt", txt);
    let (records, server) = ask(runtime, resolver, &name, Kind::Srv, deadline).await?;
    let meanwhile = match side {
        Some(side) => side.finish().await,
        None => None,
    };
    let txt = match meanwhile {
        Some(txt) => txt,
        None => ask(runtime, resolver, &srv.host, Kind::Txt, deadline).await,
    };
    let (txt, txt_server) = match txt {
        Ok((records, server)) => (records.txt, Some(server)),
        Err(error) if error.failure.is_absence() => (Vec::new(), error.server),
        Err(error) => return Err(error.into()),
    };
    let texts: Vec<&str> = txt.iter().map(String::as_str).collect();
    let targets = records.srv.iter().map(|(host, port)| (host.as_str(), *port));
    let mut parsed = config.resolved(targets, &texts).map_err(|error| match error {
        UriError::Srv(reason @ (SrvError::TxtFormat | SrvError::TxtOption | SrvError::ManyTxtRecords)) => {
            refused(&srv.host, txt_server, reason)
        }
        UriError::Srv(reason) => refused(&name, Some(server), reason),
        error => Error::new(Phase::Dns, ErrorKind::Uri(error)),
    })?;
    if let Some(most) = parsed.config.srv_max_hosts() {
        choose(runtime, &mut parsed.config.hosts, most);
    }
    Ok(Resolved { config: parsed.config, warnings: parsed.warnings, min_ttl: records.min_ttl })
}

/// Asks for SRV records again (specification "Polling SRV Records for mongos Discovery").
///
/// # Errors
/// In [`Phase::Dns`]; the topology stays as it is then, and the next scan comes after `heartbeatFrequencyMS`. No host that
/// belongs to the domain is an error too.
pub(crate) async fn resolve_hosts<R: Runtime>(
    runtime: &R,
    config: &Config,
    resolver: &ResolverConfig,
    deadline: Instant,
) -> Result<Hosts> {
    let (Some(name), Some(srv)) = (config.srv_query(), &config.srv) else {
        return Err(Error::new(Phase::Dns, ErrorKind::Uri(UriError::Srv(SrvError::NotSrv))));
    };
    let (records, server) = ask(runtime, resolver, &name, Kind::Srv, deadline).await?;
    let own: Vec<_> = records.srv.into_iter().filter(|(host, _)| is_allowed(&srv.host, host)).collect();
    if own.is_empty() {
        return Err(refused(&name, Some(server), SrvError::ForeignHost));
    }
    let hosts = own.into_iter().map(|(host, port)| ServerAddress::Tcp { host, port }).collect();
    Ok(Hosts { hosts, min_ttl: records.min_ttl })
}

/// Keeps `most` of the hosts, any of them (Fisher-Yates), or all in their order if there are no more than that.
pub(crate) fn choose<R: Runtime, T>(runtime: &R, hosts: &mut Vec<T>, most: u32) {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if hosts.len() <= most {
        return;
    }
    for last in (1..hosts.len()).rev() {
        let mut bytes = [0; 8];
        runtime.fill_random(&mut bytes);
        // 64 bits: the bias of the remainder is nothing.
        hosts.swap(last, (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize);
    }
    hosts.truncate(most);
}

fn refused(name: &str, server: Option<SocketAddr>, reason: SrvError) -> Error {
    DnsError { name: name.to_owned(), server, failure: DnsFailure::Srv(reason) }.into()
}
