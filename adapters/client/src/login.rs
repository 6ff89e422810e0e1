//! From the credential of the configuration to a [`Login`]: the one place that sees passwords.

use std::borrow::Cow;

use stator_proto::auth::scram::{Credentials, Prepared};
use stator_proto::auth::{AuthError, plain_payload};
use stator_proto::handshake::{Login, PlainPayload};
use stator_proto::uri::{Credential, Mechanism};
use stator_proto::{Config, ServerAddress};

use crate::credentials::Store;
use crate::error::{Error, ErrorKind, Phase, Result};

/// How to authenticate at a server; `None` without credentials.
pub(crate) fn prepare(config: &Config, store: &Store, server: &ServerAddress) -> Result<Option<Login>> {
    let Some(credential) = &config.credential else { return Ok(None) };
    let source = config.credential_source().unwrap_or("admin").to_owned();
    let login = match credential.mechanism {
        None => Login::Negotiate { sha1: sha1(credential)?, sha256: sha256(credential)?, source },
        Some(Mechanism::ScramSha1) => Login::Scram { credentials: sha1(credential)?, source },
        Some(Mechanism::ScramSha256) => Login::Scram { credentials: sha256(credential)?, source },
        Some(Mechanism::Plain) => {
            let payload = plain_payload(username(credential), password(credential)).map_err(refused)?;
            Login::Plain { payload: PlainPayload(payload), source }
        }
        Some(Mechanism::MongoDbX509) => Login::X509 { username: credential.username.clone() },
        Some(Mechanism::MongoDbAws) => Login::Aws,
        Some(Mechanism::MongoDbOidc) => store.oidc_login(server)?,
        Some(Mechanism::Gssapi) => {
            // The place for a host's GSS-API or SSPI, which would be a need of the handshake's like a token.
            return Err(unsupported(GSSAPI));
        }
        Some(other) => {
            let what = format!("authentication with {}", other.as_str());
            return Err(unsupported(what));
        }
    };
    Ok(Some(login))
}

const GSSAPI: &str = "authentication with GSSAPI (Kerberos), which needs a library of the system's: let the user log in with SCRAM, \
                      MONGODB-X509, MONGODB-OIDC or, over TLS, PLAIN";

fn unsupported(what: impl Into<String>) -> Error {
    Error::new(Phase::Prepare, ErrorKind::Unsupported(what.into()))
}

fn username(credential: &Credential) -> &str {
    credential.username.as_deref().unwrap_or_default()
}

fn password(credential: &Credential) -> &str {
    credential.password.as_ref().map(|password| password.expose()).unwrap_or_default()
}

fn sha1(credential: &Credential) -> Result<Credentials> {
    Credentials::sha1(username(credential), password(credential)).map_err(refused)
}

fn sha256(credential: &Credential) -> Result<Credentials> {
    let password = password(credential);
    let prepared = match Prepared::ascii(password) {
        Some(_) => Cow::Borrowed(password),
        None => stringprep::saslprep(password)
            .map_err(|_| Error::invalid("the password has characters that SASLprep (RFC 4013) forbids"))?,
    };
    Credentials::sha256(username(credential), Prepared::already(&prepared)).map_err(refused)
}

fn refused(error: AuthError) -> Error {
    Error::invalid(format!("the credentials cannot be used: {error}"))
}
