//! A config as a connection string.

use alloc::string::String;
use core::fmt::{self, Write as _};

use super::grammar::percent_encode;
use super::kinds::Written;
use super::options::OPTIONS;
use super::{Config, Secret};
use crate::ServerAddress;

/// What `Display` writes for a secret.
const PLACEHOLDER: &str = "***";

impl fmt::Display for Config {
    /// Writes a connection string with `***` for every secret: the password, `proxyPassword` and
    /// `tlsCertificateKeyFilePassword`. Apart from those it parses back to an equal config, if this one came from a
    /// connection string. What has no place in one is left out: `server_api`, `driver_info`, hedging.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_uri(self, |_| PLACEHOLDER))
    }
}

impl Config {
    /// Writes a connection string with its secrets: the exact round trip. Take care where it goes.
    pub fn to_uri_with_secrets(&self) -> String {
        to_uri(self, Secret::expose)
    }
}

fn to_uri(config: &Config, show: fn(&Secret) -> &str) -> String {
    let mut out = String::from(if config.srv.is_some() { "mongodb+srv://" } else { "mongodb://" });
    if let Some(credential) = &config.credential
        && (credential.username.is_some() || credential.password.is_some())
    {
        percent_encode(credential.username.as_deref().unwrap_or_default(), "!$'()*,;=", &mut out);
        if let Some(password) = &credential.password {
            out.push(':');
            percent_encode(show(password), "!$'()*,;=", &mut out);
        }
        out.push('@');
    }
    match &config.srv {
        Some(srv) => percent_encode(&srv.host, "", &mut out),
        None => push_hosts(&config.hosts, &mut out),
    }
    if let Some(database) = &config.default_database {
        out.push('/');
        percent_encode(database, "", &mut out);
    }
    let mut separator = if config.default_database.is_some() { "?" } else { "/?" };
    for option in OPTIONS {
        for value in option.write(config) {
            let text = match &value {
                Written::Plain(text) => text.as_str(),
                Written::Secret(secret) => show(secret),
            };
            out.push_str(separator);
            out.push_str(option.name);
            out.push('=');
            percent_encode(text, "!$'()*,;:/@", &mut out);
            separator = "&";
        }
    }
    out
}

fn push_hosts(hosts: &[ServerAddress], out: &mut String) {
    for (at, host) in hosts.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        let port = match host {
            ServerAddress::Unix { path } => {
                percent_encode(path, "", out);
                continue;
            }
            ServerAddress::Tcp { host, port } if host.contains(':') => {
                out.push('[');
                percent_encode(host, ":", out);
                out.push(']');
                port
            }
            ServerAddress::Tcp { host, port } => {
                percent_encode(host, "", out);
                port
            }
        };
        // Writing to a String cannot fail.
        let _ = write!(out, ":{port}");
    }
}
