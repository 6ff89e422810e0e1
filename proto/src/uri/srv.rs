//! What DNS adds to a `mongodb+srv` string (specification "Initial DNS Seedlist Discovery"). Pure: asking DNS is the
//! host's business.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::grammar::pairs;
use super::kinds::{flag, unusual_flag};
use super::{Config, Mechanism, Parsed, UriError, Warning};
use crate::ServerAddress;

/// Why what DNS returned is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SrvError {
    /// The config is none of a `mongodb+srv` string.
    NotSrv,
    /// A returned host does not belong to the domain asked for.
    ForeignHost,
    /// No SRV record was returned.
    NoRecords,
    /// More than one TXT record was returned.
    ManyTxtRecords,
    /// The TXT record is no list of `key=value`.
    TxtFormat,
    /// The TXT record has an option beside `authSource`, `replicaSet` and `loadBalanced`.
    TxtOption,
}

impl fmt::Display for SrvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSrv => "only mongodb+srv is resolved",
            Self::ForeignHost => "an SRV record names a host outside of the domain",
            Self::NoRecords => "there is no SRV record",
            Self::ManyTxtRecords => "there is more than one TXT record",
            Self::TxtFormat => "the TXT record is malformed",
            Self::TxtOption => "the TXT record may hold only authSource, replicaSet and loadBalanced",
        })
    }
}

impl core::error::Error for SrvError {}

/// Whether an SRV record of `srv_host` may name `target`: it must lie in the same domain, and strictly below it where
/// `srv_host` has fewer than three parts. Case and a final dot do not count.
pub fn is_allowed(srv_host: &str, target: &str) -> bool {
    let srv_host = srv_host.strip_suffix('.').unwrap_or(srv_host);
    let target = target.strip_suffix('.').unwrap_or(target);
    let domain = match srv_host.split_once('.') {
        Some((_, domain)) if domain.contains('.') => domain,
        _ => srv_host,
    };
    // Names may hold any characters, so the bytes are compared: slicing the string could split one.
    let (target, domain) = (target.as_bytes(), domain.as_bytes());
    target.len() > domain.len() + 1
        && target[target.len() - domain.len()..].eq_ignore_ascii_case(domain)
        && target[target.len() - domain.len() - 1] == b'.'
}

impl Config {
    /// The name to ask for SRV records, `_mongodb._tcp.<host>`; `None` for a `mongodb` string.
    pub fn srv_query(&self) -> Option<String> {
        let srv = self.srv.as_ref()?;
        Some(format!("_{}._tcp.{}", self.srv_service_name(), srv.host))
    }

    /// Takes the hosts of the SRV records as seeds, and the options of the TXT record where the string says nothing.
    ///
    /// `txt` are the TXT records, each with its strings joined. Choosing `srvMaxHosts` among the hosts is the caller's part,
    /// as it takes randomness.
    ///
    /// # Errors
    /// [`UriError::Srv`] for records that are refused, [`UriError::EmptyAuthSource`], and whatever [`Config::validate`]
    /// finds.
    pub fn resolved<'a>(
        &self,
        records: impl IntoIterator<Item = (&'a str, u16)>,
        txt: &[&str],
    ) -> Result<Parsed, UriError> {
        let srv = self.srv.as_ref().ok_or(UriError::Srv(SrvError::NotSrv))?;
        let mut hosts = Vec::new();
        for (target, port) in records {
            if !is_allowed(&srv.host, target) {
                return Err(UriError::Srv(SrvError::ForeignHost));
            }
            let host = target.strip_suffix('.').unwrap_or(target).to_ascii_lowercase();
            hosts.push(ServerAddress::Tcp { host, port });
        }
        if hosts.is_empty() {
            return Err(UriError::Srv(SrvError::NoRecords));
        }
        let mut parsed = Parsed { config: Self { hosts, ..self.clone() }, warnings: Vec::new() };
        match txt {
            [] => {}
            [txt] => merge_txt(&mut parsed, txt)?,
            _ => return Err(UriError::Srv(SrvError::ManyTxtRecords)),
        }
        parsed.config.validate()?;
        Ok(parsed)
    }
}

fn merge_txt(parsed: &mut Parsed, txt: &str) -> Result<(), UriError> {
    let Parsed { config, warnings } = parsed;
    for pair in pairs(txt) {
        let (key, value) = pair.map_err(|_| UriError::Srv(SrvError::TxtFormat))?;
        if key.eq_ignore_ascii_case("authSource") {
            if value.is_empty() {
                return Err(UriError::EmptyAuthSource);
            }
            match &mut config.credential {
                // A default gives way to a mechanism that has only one source.
                Some(credential) if credential.mechanism.is_some_and(Mechanism::is_external) => {}
                Some(credential) => drop(credential.source.get_or_insert(value.into_owned())),
                None => drop(config.auth_source.get_or_insert(value.into_owned())),
            }
        } else if key.eq_ignore_ascii_case("replicaSet") {
            match value.is_empty() {
                true => warnings.push(Warning::InvalidValue { key: "replicaSet", expected: "text that is not empty" }),
                false => drop(config.replica_set.get_or_insert(value.into_owned())),
            }
        } else if key.eq_ignore_ascii_case("loadBalanced") {
            match flag(&value) {
                None => warnings.push(Warning::InvalidValue { key: "loadBalanced", expected: "true or false" }),
                Some((is_balanced, usual)) => {
                    config.load_balanced.get_or_insert(is_balanced);
                    if !usual {
                        warnings.push(unusual_flag("loadBalanced", is_balanced));
                    }
                }
            }
        } else {
            return Err(UriError::Srv(SrvError::TxtOption));
        }
    }
    Ok(())
}
