//! Credentials that are fetched: of AWS, and the tokens of OIDC.
//!
//! - [`AwsCredentialProvider`] goes into [`ClientOptions::aws_credentials`](crate::ClientOptions::aws_credentials); without one, MONGODB-AWS
//!   takes the environment variables `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
//! - [`OidcCallback`] goes into [`ClientOptions::parse_with_oidc`](crate::ClientOptions::parse_with_oidc); without one, MONGODB-OIDC takes
//!   the token file of `ENVIRONMENT:k8s`.
//!
//! The metadata services of Amazon, Azure and Google are not asked: let a callback do it.

mod converse;
mod environment;
mod oidc;
mod provider;
mod reauth;

use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use std::sync::Mutex;

use stator_proto::auth::aws::{AwsCredentialCache, NONCE_LEN};
use stator_proto::auth::oidc::Flow;
use stator_proto::handshake::{Handshake, Login, Need};
use stator_proto::{Config, Instant, ServerAddress};

use crate::action::BoxFuture;
use crate::error::{Error, ErrorKind, Phase, Result};
use crate::hub::lock;
use crate::runtime::Runtime;

pub(crate) use converse::{Conversation, converse};
pub use provider::{
    AwsCredentialProvider, AwsCredentials, CallbackError, IdpInfo, OidcCallback, OidcCallbackRequest, OidcTokens,
};

use oidc::Oidc;

/// What one client keeps of credentials, and where it gets them.
#[derive(Debug)]
pub(crate) struct Store {
    aws: Option<AwsCredentialProvider>,
    kept: Mutex<AwsCredentialCache>,
    oidc: Oidc,
    /// Whether `timeoutMS` is in force, and how long it is.
    timeout: Option<Duration>,
}

impl Store {
    pub(crate) fn new(config: &Config, aws: Option<AwsCredentialProvider>, callback: Option<OidcCallback>) -> Self {
        let kept = Mutex::new(AwsCredentialCache::new());
        let timeout = config.timeout.filter(|timeout| !timeout.is_zero());
        Self { aws, kept, oidc: Oidc::new(config, callback), timeout }
    }

    /// The login of MONGODB-OIDC at a server.
    pub(crate) fn oidc_login(&self, server: &ServerAddress) -> Result<Login> {
        self.oidc.login(server)
    }

    /// A login has failed: AWS credentials that are kept are not to be used again, whatever the reason was.
    fn handle_failed(&self, need: &Login) {
        if matches!(need, Login::Aws) {
            lock(&self.kept).clear();
        }
    }

    async fn aws_credentials<R: Runtime>(&self, runtime: &R, deadline: Instant) -> Result<AwsCredentials> {
        let Some(provider) = &self.aws else { return environment::aws_credentials(environment::variable) };
        let kept = lock(&self.kept).get(runtime.unix_time()).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        match limited(runtime, deadline, provider.call()).await {
            Some(Ok(credentials)) => {
                lock(&self.kept).put(&credentials);
                Ok(credentials)
            }
            Some(Err(error)) => Err(Error::new(Phase::Auth, ErrorKind::Credentials(error))),
            None => Err(Error::new(Phase::Auth, ErrorKind::Timeout)),
        }
    }
}

/// Fetches what a handshake needs and answers it. If that fails the handshake has failed.
pub(crate) async fn fulfil<R: Runtime>(
    store: &Store,
    runtime: &R,
    handshake: &mut Handshake,
    need: Need,
) -> Result<()> {
    let outcome = try_fulfil(store, runtime, handshake, need).await;
    if outcome.is_err() {
        handshake.handle_need_failed();
    }
    outcome
}

async fn try_fulfil<R: Runtime>(store: &Store, runtime: &R, handshake: &mut Handshake, need: Need) -> Result<()> {
    match need {
        Need::AwsCredentials => {
            let credentials = store.aws_credentials(runtime, handshake.deadline()).await?;
            let mut nonce = [0; NONCE_LEN];
            runtime.fill_random(&mut nonce);
            handshake.handle_aws_credentials(credentials, nonce, runtime.unix_time());
        }
        Need::OidcToken(need) => {
            let (start, deadline) = (runtime.now(), handshake.deadline());
            let left = store.timeout.map(|timeout| timeout.min(deadline - start));
            let flow = store.oidc.flow();
            let answer = store.oidc.token(runtime, &need, flow.callback_timeout(left)).await?;
            if flow == Flow::Human || left.is_none() {
                // The callback has had a time of its own.
                handshake.set_deadline(deadline + (runtime.now() - start));
            }
            handshake.handle_token(answer);
        }
        other => return Err(Error::new(Phase::Auth, ErrorKind::Unsupported(format!("{other:?}")))),
    }
    Ok(())
}

/// Waits for a callback, but not longer than until `deadline`; then it is dropped.
async fn limited<R: Runtime, T>(runtime: &R, deadline: Instant, mut future: BoxFuture<T>) -> Option<T> {
    let mut sleep = pin!(runtime.sleep_until(deadline));
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
    })
    .await
}
