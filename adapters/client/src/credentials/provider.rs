//! The callbacks with which users supply credentials and tokens.

use core::fmt;
use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

pub use stator_proto::auth::aws::AwsCredentials;
use stator_proto::auth::oidc::{AllowedHosts, Flow};
pub use stator_proto::auth::oidc::{IdpInfo, OidcTokens};

use crate::action::BoxFuture;
use crate::options::Secret;

/// Why a callback has failed: any error will do. It is shown to whoever waits for a connection.
pub type CallbackError = Box<dyn std::error::Error + Send + Sync>;

type Provide = dyn Fn() -> BoxFuture<Result<AwsCredentials, CallbackError>> + Send + Sync;

/// Supplies the credentials of MONGODB-AWS (the specification's `AWS_CREDENTIAL_PROVIDER`): from an SDK, a metadata service, a vault.
///
/// It is called when a connection logs in and nothing is kept: credentials that say when they end are kept until five minutes before
/// that, or until a login fails; others are asked for each time. Several calls may be under way at once. A call has what is left of
/// `connectTimeoutMS`; then it is dropped.
///
/// ```
/// use stator_client::ClientOptions;
/// use stator_client::credentials::{AwsCredentialProvider, AwsCredentials};
///
/// let mut options = ClientOptions::parse("mongodb://db.example.com/?authMechanism=MONGODB-AWS")?;
/// options.aws_credentials = Some(AwsCredentialProvider::new(|| async {
///     // From wherever they come.
///     Ok(AwsCredentials::new("AKIDEXAMPLE", "secret").session_token("token"))
/// }));
/// # Ok::<(), stator_client::Error>(())
/// ```
#[derive(Clone)]
pub struct AwsCredentialProvider(Arc<Provide>);

impl AwsCredentialProvider {
    /// A provider that calls `provide`.
    pub fn new<F>(provide: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<AwsCredentials, CallbackError>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(provide())))
    }

    pub(super) fn call(&self) -> BoxFuture<Result<AwsCredentials, CallbackError>> {
        (self.0)()
    }
}

impl fmt::Debug for AwsCredentialProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsCredentialProvider")
    }
}

/// What an OIDC callback is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OidcCallbackRequest {
    /// How long the call may take; then it is dropped. Five minutes for a human; for a machine what is left of `timeoutMS`, or a minute
    /// without one.
    pub timeout: Duration,
    /// The version of this interface: 1.
    pub version: u32,
    /// The user name of the connection string.
    pub username: Option<String>,
    /// The server's identity provider. Humans only.
    pub idp_info: Option<IdpInfo>,
    /// The refresh token that the last call returned, if it may be used. Humans only.
    pub refresh_token: Option<Secret>,
}

type Call = dyn Fn(OidcCallbackRequest) -> BoxFuture<Result<OidcTokens, CallbackError>> + Send + Sync;

/// Supplies the tokens of MONGODB-OIDC, without help ([`machine`](Self::machine), the specification's `OIDC_CALLBACK`) or with a
/// human's ([`human`](Self::human), `OIDC_HUMAN_CALLBACK`).
///
/// Tokens are kept by the client until the server refuses them; do not keep them in the callback. One call is under way at a time, and
/// 100 ms at least pass from one to the next.
///
/// ```
/// use stator_client::ClientOptions;
/// use stator_client::credentials::{OidcCallback, OidcTokens};
///
/// let callback = OidcCallback::machine(|request| async move {
///     if request.version > 1 {
///         return Err("the interface has changed".into());
///     }
///     Ok(OidcTokens::new("a token, from wherever it comes"))
/// });
/// let options = ClientOptions::parse_with_oidc("mongodb://db.example.com/?authMechanism=MONGODB-OIDC", callback)?;
/// # Ok::<(), stator_client::Error>(())
/// ```
#[derive(Clone)]
pub struct OidcCallback {
    flow: Flow,
    allowed_hosts: AllowedHosts,
    call: Arc<Call>,
}

impl OidcCallback {
    /// A callback that needs nobody's help.
    pub fn machine<F>(call: impl Fn(OidcCallbackRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<OidcTokens, CallbackError>> + Send + 'static,
    {
        Self::new(Flow::Machine, call)
    }

    /// A callback that sends a human to the server's identity provider. It is called for [allowed hosts](Self::allowed_hosts) only.
    pub fn human<F>(call: impl Fn(OidcCallbackRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<OidcTokens, CallbackError>> + Send + 'static,
    {
        Self::new(Flow::Human, call)
    }

    fn new<F>(flow: Flow, call: impl Fn(OidcCallbackRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<OidcTokens, CallbackError>> + Send + 'static,
    {
        let call: Arc<Call> = Arc::new(move |request| Box::pin(call(request)));
        Self { flow, allowed_hosts: AllowedHosts::default(), call }
    }

    /// `ALLOWED_HOSTS`: the servers that a human's token may be shown to, instead of MongoDB's cloud and this machine: host names and
    /// addresses without ports, or `*.example.com` for all hosts below a name. Does nothing for a machine's callback.
    #[must_use]
    pub fn allowed_hosts<T: Into<String>>(mut self, hosts: impl IntoIterator<Item = T>) -> Self {
        self.allowed_hosts = AllowedHosts::new(hosts);
        self
    }

    pub(super) const fn flow(&self) -> Flow {
        self.flow
    }

    pub(super) fn allows(&self, server: &crate::ServerAddress) -> bool {
        self.flow == Flow::Machine || self.allowed_hosts.allows(server)
    }

    pub(super) fn call(&self, request: OidcCallbackRequest) -> BoxFuture<Result<OidcTokens, CallbackError>> {
        (self.call)(request)
    }
}

impl fmt::Debug for OidcCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OidcCallback").field("flow", &self.flow).finish_non_exhaustive()
    }
}
