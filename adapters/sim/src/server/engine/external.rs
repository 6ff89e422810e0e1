//! Users whom the server does not know itself: MONGODB-AWS and MONGODB-OIDC.

use core::time::Duration;

use bson::{Binary, Document, doc};
use stator_proto::auth::aws::{AwsCredentials, AwsFirst, NONCE_LEN};

use super::Engine;
use super::auth::{Conversation, Peer, refused, sasl_reply};
use super::error::Failed;

/// Who may log in.
#[derive(Debug, Default)]
pub(super) struct External {
    aws: Vec<AwsCredentials>,
    tokens: Vec<String>,
}

impl External {
    pub(super) fn is_empty(&self) -> bool {
        self.aws.is_empty() && self.tokens.is_empty()
    }
}

impl Engine {
    /// Adds somebody who may log in with MONGODB-AWS.
    pub fn add_aws_user(&mut self, credentials: AwsCredentials) {
        self.users.external.aws.push(credentials);
    }

    /// The tokens that are good for a login with MONGODB-OIDC, instead of others.
    pub fn set_oidc_tokens<T: Into<String>>(&mut self, tokens: impl IntoIterator<Item = T>) {
        self.users.external.tokens = tokens.into_iter().map(Into::into).collect();
    }

    pub(super) fn start_aws(peer: &mut Peer, payload: &[u8]) -> Result<Document, Failed> {
        let first = Document::from_reader(payload).map_err(|_| refused())?;
        let mut nonce = match first.get_binary_generic("r") {
            Ok(nonce) if nonce.len() == NONCE_LEN && first.get_i32("p").is_ok_and(|flag| flag == i32::from(b'n')) => {
                nonce.clone()
            }
            _ => return Err(refused()),
        };
        // Unpredictable in earnest.
        nonce.extend([peer.connection_id().to_le_bytes(); 4].concat());
        let answer = server_first(&nonce)?;
        peer.conversation = Conversation::Aws { nonce };
        Ok(sasl_reply(false, &answer))
    }

    /// Somebody's signature, at the time that it claims.
    pub(super) fn finish_aws(&self, peer: &mut Peer, nonce: &[u8], payload: &[u8]) -> Result<Document, Failed> {
        let claim = Document::from_reader(payload).map_err(|_| refused())?;
        let time = claim.get_str("d").ok().and_then(unix_time).ok_or_else(refused)?;
        let client = nonce.first_chunk::<NONCE_LEN>().ok_or_else(refused)?;
        let challenge = AwsFirst::new(*client).next(&server_first(nonce)?, false).map_err(|_| refused())?;
        let signed = |user: &&AwsCredentials| challenge.respond(user, time).is_ok_and(|expected| expected == payload);
        let user = self.users.external.aws.iter().find(signed).ok_or_else(refused)?;
        peer.user = Some(format!("$external.{}", user.access_key_id));
        Ok(sasl_reply(true, b""))
    }

    pub(super) fn start_oidc(&self, peer: &mut Peer, payload: &[u8]) -> Result<Document, Failed> {
        let first = Document::from_reader(payload).map_err(|_| refused())?;
        if first.contains_key("jwt") {
            return self.take_token(peer, payload);
        }
        peer.conversation = Conversation::Principal;
        let info = doc! { "issuer": "https://issuer", "clientId": "stator", "requestScopes": ["a", "b"] };
        Ok(sasl_reply(false, &info.to_vec().map_err(|_| refused())?))
    }

    pub(super) fn take_token(&self, peer: &mut Peer, payload: &[u8]) -> Result<Document, Failed> {
        let step = Document::from_reader(payload).map_err(|_| refused())?;
        let token = step.get_str("jwt").map_err(|_| refused())?;
        if !self.users.external.tokens.iter().any(|known| known == token) {
            return Err(refused());
        }
        peer.user = Some("$external.oidc".to_owned());
        Ok(sasl_reply(true, b""))
    }
}

fn server_first(nonce: &[u8]) -> Result<Vec<u8>, Failed> {
    let nonce = Binary { subtype: bson::spec::BinarySubtype::Generic, bytes: nonce.to_vec() };
    doc! { "s": nonce, "h": "sts.eu-central-1.amazonaws.com" }.to_vec().map_err(|_| refused())
}

/// `20191107T002607Z` as the time since the Unix epoch.
fn unix_time(date: &str) -> Option<Duration> {
    let number = |at: core::ops::Range<usize>| date.get(at)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    // Days before a date, with years that begin in March.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + day.checked_sub(1)?;
    let seconds = number(9..11)? * 3600 + number(11..13)? * 60 + number(13..15)?;
    Some(Duration::from_secs(days.checked_sub(719_468)? * 86_400 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (date, seconds) in
            [("19700101T000000Z", 0), ("20191107T002607Z", 1_573_086_367), ("20000229T000000Z", 951_782_400)]
        {
            assert_eq!(unix_time(date), Some(Duration::from_secs(seconds)));
        }
        for bad in ["", "2019", "abcdefghTijklmnZ", "00000000T000000Z"] {
            assert_eq!(unix_time(bad), None);
        }
    }
}
