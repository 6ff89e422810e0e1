//! The tokens of a client: who fetches them, and who waits meanwhile.

use core::future::poll_fn;
use core::task::{Poll, Waker};
use core::time::Duration;
use std::sync::Mutex;

use stator_proto::auth::oidc::{CallbackRequest, Fetch, Flow, OidcTokens, TokenAnswer, TokenCache, TokenNeed};
use stator_proto::handshake::Login;
use stator_proto::uri::Mechanism;
use stator_proto::{Config, Instant, ServerAddress};

use super::environment::{self, TokenFile};
use super::{CallbackError, OidcCallback, OidcCallbackRequest, limited};
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::lock;
use crate::runtime::Runtime;

/// Everything about tokens.
#[derive(Debug)]
pub(super) struct Oidc {
    source: Result<Source>,
    username: Option<String>,
    flow: Flow,
    tokens: Mutex<Tokens>,
}

#[derive(Debug)]
enum Source {
    Callback(OidcCallback),
    File(TokenFile),
    /// Another mechanism is in use.
    None,
}

#[derive(Debug)]
struct Tokens {
    cache: TokenCache,
    /// Those who wait for somebody else's call.
    waiting: Vec<Waker>,
}

impl Oidc {
    pub(super) fn new(config: &Config, callback: Option<OidcCallback>) -> Self {
        let credential = config.credential.as_ref();
        let credential = credential.filter(|credential| credential.mechanism == Some(Mechanism::MongoDbOidc));
        let environment = credential.and_then(|credential| credential.mechanism_properties.get("ENVIRONMENT"));
        let flow = callback.as_ref().map_or(Flow::Machine, OidcCallback::flow);
        let source = match (callback, environment) {
            (Some(callback), _) => Ok(Source::Callback(callback)),
            (None, Some(environment)) => TokenFile::of(environment).map(Source::File),
            (None, None) => Ok(Source::None),
        };
        let tokens = Mutex::new(Tokens { cache: TokenCache::new(flow), waiting: Vec::new() });
        Self { source, username: credential.and_then(|credential| credential.username.clone()), flow, tokens }
    }

    pub(super) const fn flow(&self) -> Flow {
        self.flow
    }

    /// The login at a server, if that may see tokens.
    pub(super) fn login(&self, server: &ServerAddress) -> Result<Login> {
        match &self.source {
            Err(error) => return Err(error.clone()),
            Ok(Source::Callback(callback)) if !callback.allows(server) => {
                return Err(Error::invalid(format!(
                    "the OIDC callback's `allowed_hosts` do not have {server}: tokens are not shown to it"
                )));
            }
            Ok(_) => {}
        }
        let token = lock(&self.tokens).cache.access_token().cloned();
        Ok(Login::Oidc { flow: self.flow, username: self.username.clone(), token })
    }

    /// The answer to a need. A call of the callback has `timeout`, and so has the wait for somebody else's.
    pub(super) async fn token<R: Runtime>(
        &self,
        runtime: &R,
        need: &TokenNeed,
        timeout: Duration,
    ) -> Result<TokenAnswer> {
        if let Some(rejected) = &need.rejected {
            lock(&self.tokens).cache.reject(rejected);
        }
        let deadline = runtime.now() + timeout;
        loop {
            let now = runtime.now();
            if now >= deadline {
                return Err(Error::new(Phase::Auth, ErrorKind::Timeout));
            }
            let fetch = lock(&self.tokens).cache.poll_token(now, need);
            match fetch {
                Fetch::Answer(answer) => return Ok(answer),
                Fetch::Wait(until) => runtime.sleep_until(until.min(deadline)).await,
                Fetch::Busy => self.wait(runtime, deadline).await,
                Fetch::Call(request) => return self.call(runtime, request, deadline).await,
            }
        }
    }

    /// Waits for the end of somebody else's call.
    async fn wait<R: Runtime>(&self, runtime: &R, deadline: Instant) {
        let mut sleep = core::pin::pin!(runtime.sleep_until(deadline));
        poll_fn(|cx| {
            {
                let mut tokens = lock(&self.tokens);
                if !tokens.cache.is_calling() {
                    return Poll::Ready(());
                }
                tokens.waiting.retain(|waiting| !waiting.will_wake(cx.waker()));
                tokens.waiting.push(cx.waker().clone());
            }
            sleep.as_mut().poll(cx)
        })
        .await;
    }

    async fn call<R: Runtime>(&self, runtime: &R, request: CallbackRequest, deadline: Instant) -> Result<TokenAnswer> {
        // However this ends, the next may call.
        let calling = Calling(self);
        let failed = |error: CallbackError| Error::new(Phase::Auth, ErrorKind::Credentials(error));
        let tokens = match &self.source {
            Ok(Source::Callback(callback)) => {
                let request = OidcCallbackRequest {
                    timeout: deadline - runtime.now(),
                    version: request.version,
                    username: self.username.clone(),
                    idp_info: request.idp_info,
                    refresh_token: request.refresh_token,
                };
                match limited(runtime, deadline, callback.call(request)).await {
                    Some(outcome) => outcome.map_err(failed)?,
                    None => return Err(Error::new(Phase::Auth, ErrorKind::Timeout)),
                }
            }
            Ok(Source::File(file)) => file.read(environment::variable).map_err(failed)?,
            Ok(Source::None) => return Err(failed("there is neither a callback nor an ENVIRONMENT".into())),
            Err(error) => return Err(error.clone()),
        };
        calling.end(tokens).map_err(|error| failed(error.into()))
    }
}

/// A call under way.
struct Calling<'a>(&'a Oidc);

impl Calling<'_> {
    fn end(self, tokens: OidcTokens) -> Result<TokenAnswer, stator_proto::auth::AuthError> {
        lock(&self.0.tokens).cache.handle_tokens(tokens)
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        let waiting = {
            let mut tokens = lock(&self.0.tokens);
            // After a success there is no call left to fail.
            tokens.cache.handle_call_failed();
            core::mem::take(&mut tokens.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}
