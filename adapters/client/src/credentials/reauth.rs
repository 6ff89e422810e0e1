//! Logging in again on a connection in use, after error 391.

use stator_proto::Instant;
use stator_proto::auth::scram::Nonce;
use stator_proto::connection::{Compression, Connection};
use stator_proto::handshake::{Handshake, Login};

use super::{Conversation, converse};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::lock;
use crate::inner::Core;
use crate::link::Link;
use crate::login;
use crate::runtime::Runtime;

impl<R: Runtime> Core<R> {
    /// Logs the connection's user in again. If this fails or is dropped, the connection is broken.
    pub(crate) async fn reauthenticate(&self, link: &mut Link<R>, deadline: Instant) -> Result<()> {
        let mut login = login::prepare(self.config(), &self.credentials, &link.address)?;
        if let Some(Login::Oidc { token, .. }) = &mut login {
            token.clone_from(&link.token);
        }
        let mut random = [0; Nonce::RANDOM_LEN];
        self.runtime.fill_random(&mut random);
        link.io.broken = true;
        let machine = core::mem::replace(&mut link.machine, Connection::new(Compression::none()));
        let server_api = self.config().server_api.clone();
        let nonce = Nonce::from_random(&random);
        let mut handshake = Handshake::reauthenticate(machine, login, server_api, deadline, nonce);
        let conversation = Conversation { address: &link.address, io: &mut link.io, command_timeout: None };
        converse(&self.this, &self.credentials, &self.runtime, conversation, &mut handshake).await?;
        link.token = handshake.token().cloned();
        let Some((machine, keys)) = handshake.finish() else {
            return Err(Error::at(Phase::Auth, &link.address, ErrorKind::Closed));
        };
        if let Some(keys) = keys {
            lock(&self.hub).keys.insert(keys);
        }
        link.machine = machine;
        link.io.broken = false;
        Ok(())
    }
}
