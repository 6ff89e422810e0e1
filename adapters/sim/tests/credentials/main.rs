//! MONGODB-AWS and MONGODB-OIDC against a fake server, and logins that are repeated (error 391). The names of OIDC tests are those of the
//! specification's prose tests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stator_client::credentials::{
    AwsCredentialProvider, AwsCredentials, CallbackError, OidcCallback, OidcCallbackRequest, OidcTokens,
};
use stator_client::{ClientOptions, Document, ErrorKind, Result, Runtime, doc};
use stator_sim::Sim;
use stator_sim::server::FakeServer;

mod human;
mod machine;
mod others;

type Client = stator_client::Client<Sim>;

const OIDC: &str = "mongodb://10.0.0.1/?authMechanism=MONGODB-OIDC&retryReads=false";
const AWS: &str = "mongodb://10.0.0.1/?authMechanism=MONGODB-AWS&retryReads=false";

fn address() -> SocketAddr {
    "10.0.0.1:27017".parse().unwrap()
}

fn things(client: &Client) -> stator_client::Collection<Sim> {
    client.database("db").collection("things")
}

async fn find(client: &Client) -> Result<()> {
    things(client).find_one(doc! {}).await.map(|_| ())
}

/// What the callbacks were told.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<OidcCallbackRequest>>>);

impl Calls {
    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// What the next call returns: `token`, or `token+refresh token`. The last of them is repeated.
    fn returning(
        &self,
        returns: &'static [&'static str],
    ) -> impl Fn(OidcCallbackRequest) -> Returned + Send + Sync + 'static {
        let calls = self.clone();
        move |request| {
            let mut calls = calls.0.lock().unwrap();
            let text = returns[calls.len().min(returns.len() - 1)];
            calls.push(request);
            core::future::ready(match text.split_once('+') {
                _ if text == "fail" => Err("the provider is closed".into()),
                Some((token, refresh)) => Ok(OidcTokens::new(token).refresh_token(refresh)),
                None => Ok(OidcTokens::new(text)),
            })
        }
    }

    fn machine(&self, returns: &'static [&'static str]) -> OidcCallback {
        OidcCallback::machine(self.returning(returns))
    }

    fn human(&self, returns: &'static [&'static str]) -> OidcCallback {
        OidcCallback::human(self.returning(returns)).allowed_hosts(["10.0.0.1"])
    }
}

type Returned = core::future::Ready<Result<OidcTokens, CallbackError>>;

fn oidc_client(sim: &Sim, callback: OidcCallback) -> Client {
    Client::with_runtime(sim.clone(), ClientOptions::parse_with_oidc(OIDC, callback).unwrap()).unwrap()
}

/// A world with a server that knows the token `good`, in both modes of the simulation.
fn worlds() -> [(Sim, FakeServer); 2] {
    [Sim::new(1), Sim::blocking(1)].map(|sim| {
        let server = FakeServer::start(&sim, address());
        server.engine(|engine| engine.set_oidc_tokens(["good", "better"]));
        (sim, server)
    })
}

fn sasl_starts(server: &FakeServer) -> usize {
    server.commands().iter().filter(|command| command.name() == "saslStart").count()
}

async fn fail_point(client: &Client, data: Document) {
    let command = doc! { "configureFailPoint": "failCommand", "mode": { "times": 1 }, "data": data };
    client.database("admin").run_command(command).await.unwrap();
}

async fn expire(client: &Client, command: &str) {
    fail_point(client, doc! { "failCommands": [command], "errorCode": 391 }).await;
}
