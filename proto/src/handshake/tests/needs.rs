//! A host that fetches what handshakes need.

use alloc::vec::Vec;
use core::time::Duration;

use super::external::TIME;
use super::*;
use crate::auth::aws::AwsCredentials;
use crate::auth::oidc::{CallbackRequest, Fetch, Flow, OidcTokens, TokenCache};

/// What a client keeps, and the callbacks of its user.
pub(super) struct TestHost {
    pub(super) aws: Option<AwsCredentials>,
    pub(super) cache: TokenCache,
    /// What the callback returns, one after the other; it fails when nothing is left.
    pub(super) returns: Vec<OidcTokens>,
    /// What the callback was told.
    pub(super) calls: Vec<CallbackRequest>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self { aws: None, cache: TokenCache::new(Flow::Machine), returns: vec![], calls: vec![] }
    }
}

impl TestHost {
    pub(super) fn oidc(flow: Flow, returns: &[&str]) -> Self {
        let returns = returns.iter().rev().map(|text| match text.split_once('+') {
            Some((token, refresh)) => OidcTokens::new(token).refresh_token(refresh),
            None => OidcTokens::new(*text),
        });
        Self { cache: TokenCache::new(flow), returns: returns.collect(), ..Self::default() }
    }
}

impl Pair {
    pub(super) fn fulfil(&mut self, need: Need) {
        assert!(self.client.has_need() && !self.client.has_request());
        match need {
            Need::AwsCredentials => match self.host.aws.clone() {
                Some(credentials) => self.client.handle_aws_credentials(credentials, [7; 32], TIME),
                None => drop(self.client.handle_need_failed()),
            },
            Need::OidcToken(need) => {
                if let Some(rejected) = &need.rejected {
                    self.host.cache.reject(rejected);
                }
                loop {
                    match self.host.cache.poll_token(self.now, &need) {
                        Fetch::Answer(answer) => return self.client.handle_token(answer),
                        Fetch::Wait(until) => {
                            assert!(until > self.now && until - self.now <= Duration::from_millis(100));
                            self.now = until;
                        }
                        Fetch::Busy => panic!("nobody else is here"),
                        Fetch::Call(request) => {
                            self.host.calls.push(request);
                            let Some(tokens) = self.host.returns.pop() else {
                                self.host.cache.handle_call_failed();
                                self.client.handle_need_failed();
                                return;
                            };
                            let answer = self.host.cache.handle_tokens(tokens).unwrap();
                            return self.client.handle_token(answer);
                        }
                    }
                }
            }
        }
    }
}
