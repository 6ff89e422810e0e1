//! The server's half of MONGODB-AWS and MONGODB-OIDC.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use stator_wire::bson::{Doc, DocWriter};

use super::server::{Fields, Server, State, step};
use crate::auth::aws::{AwsCredentials, AwsFirst};

/// When it is, in these tests.
pub(super) const TIME: Duration = Duration::from_secs(1_573_086_367);

/// What the server knows of users who live elsewhere.
#[derive(Default)]
pub(super) struct External {
    /// Who may log in with MONGODB-AWS.
    pub(super) aws: Option<AwsCredentials>,
    /// The STS host that it names.
    pub(super) sts_host: &'static str,
    /// The tokens that are good.
    pub(super) tokens: Vec<&'static str>,
    /// The nonce of the conversation under way.
    pub(super) nonce: Vec<u8>,
}

impl Server {
    pub(super) fn start_aws(&mut self, payload: &[u8]) -> Option<Fields> {
        let payload = Doc::new(payload).ok()?;
        assert_eq!(payload.get_i32("p"), Ok(Some(110)));
        let mut nonce = payload.get_binary("r").ok()??.1.to_vec();
        assert_eq!(nonce.len(), 32);
        nonce.extend(0..32);
        let answer = document(|doc| {
            doc.binary("s", 0, &nonce).str("h", self.external.sts_host);
        });
        self.external.nonce = nonce;
        self.state = State::Aws;
        Some(step(answer, false))
    }

    pub(super) fn finish_aws(&mut self, payload: &[u8]) -> Option<Fields> {
        let nonce: [u8; 32] = self.external.nonce[..32].try_into().ok()?;
        let first = document(|doc| {
            doc.binary("s", 0, &self.external.nonce).str("h", self.external.sts_host);
        });
        let challenge = AwsFirst::new(nonce).next(&first, false).ok()?;
        if challenge.respond(self.external.aws.as_ref()?, TIME).ok()? != payload {
            return None;
        }
        self.state = State::LoggedIn;
        Some(step(vec![], true))
    }

    pub(super) fn start_oidc(&mut self, payload: &[u8]) -> Option<Fields> {
        if Doc::new(payload).ok()?.get("jwt").ok()?.is_some() {
            return self.take_token(payload);
        }
        self.state = State::Principal;
        let idp_info = document(|doc| {
            doc.str("issuer", "https://issuer").str("clientId", "abcd");
            doc.array_of("requestScopes").str("a");
        });
        Some(step(idp_info, false))
    }

    pub(super) fn take_token(&mut self, payload: &[u8]) -> Option<Fields> {
        let token = String::from(Doc::new(payload).ok()?.get_str("jwt").ok()??);
        if !self.external.tokens.contains(&token.as_str()) {
            return None;
        }
        self.state = State::LoggedIn;
        Some(step(vec![], true))
    }
}

pub(super) fn document(write: impl FnOnce(&mut DocWriter<'_>)) -> Vec<u8> {
    let mut bytes = vec![];
    let mut doc = DocWriter::new(&mut bytes);
    write(&mut doc);
    doc.finish().unwrap();
    bytes
}
