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

#[test]
fn machine_1_1_and_2_1_callback_is_called_during_authentication_with_its_inputs() {
    for (sim, _server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            for (options, timeout) in [("", 60), ("&timeoutMS=3000", 3)] {
                let calls = Calls::default();
                let uri = OIDC.replace("//", "//ann@") + options;
                let options = ClientOptions::parse_with_oidc(&uri, calls.machine(&["good"])).unwrap();
                let client = Client::with_runtime(handle.clone(), options).unwrap();
                find(&client).await.unwrap();
                let seen = calls.0.lock().unwrap().clone();
                let [request] = &seen[..] else { panic!("{seen:?}") };
                assert_eq!((request.version, request.username.as_deref()), (1, Some("ann")));
                assert_eq!((&request.idp_info, &request.refresh_token), (&None, &None));
                let limit = Duration::from_secs(timeout);
                assert!(request.timeout <= limit && request.timeout > limit - Duration::from_secs(1), "{request:?}");
            }
        })
        .unwrap();
    }
}

#[test]
fn machine_1_2_callback_is_called_once_for_multiple_connections() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        server.set_delay("find", Duration::from_millis(5));
        sim.run(async move {
            let calls = Calls::default();
            let (inner, sleeper) = (calls.clone(), handle.clone());
            let returned = inner.returning(&["good"]);
            // A callback that takes its time: the other connections wait for it.
            let callback = OidcCallback::machine(move |request| {
                let (returned, sleeper) = (returned(request), sleeper.clone());
                async move {
                    sleeper.sleep(Duration::from_millis(300)).await;
                    returned.await
                }
            });
            let client = oidc_client(&handle, callback);
            let done = Arc::new(AtomicUsize::new(0));
            for _ in 0..10 {
                let (client, done) = (client.clone(), Arc::clone(&done));
                handle.spawn_aside("finder", async move {
                    for _ in 0..10 {
                        find(&client).await.unwrap();
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                });
            }
            handle.sleep(Duration::from_secs(5)).await;
            assert_eq!((done.load(Ordering::SeqCst), calls.count()), (10, 1));
        })
        .unwrap();
        assert!(server.connections_accepted() > 3, "several connections");
    }
}

#[test]
fn machine_2_2_and_2_3_a_callback_that_returns_nothing_or_fails() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            for (returns, text) in [(&[""][..], "empty access token"), (&["fail"], "the provider is closed")] {
                let calls = Calls::default();
                let error = find(&oidc_client(&handle, calls.machine(returns))).await.unwrap_err();
                assert!(error.is_authentication() && error.to_string().contains(text), "{error}");
                assert_eq!(calls.count(), 1);
            }
        })
        .unwrap();
        assert_eq!(sasl_starts(&server), 0);
    }
}

#[test]
fn machine_2_4_and_2_5_configurations_that_cannot_be() {
    let sim = Sim::new(1);
    let callback = || Calls::default().machine(&["good"]);
    let environment = "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:test";
    assert!(ClientOptions::parse_with_oidc(environment, callback()).is_err());
    for uri in [environment, "mongodb://h", "mongodb://u:p@h"] {
        let mut options = ClientOptions::parse(uri).unwrap();
        options.oidc_callback = Some(callback());
        assert!(Client::with_runtime(sim.clone(), options).is_err(), "{uri}");
    }
    // ALLOWED_HOSTS belongs to a callback for humans; in a connection string it is refused.
    let hosts = "mongodb://h/?authMechanism=MONGODB-OIDC&authMechanismProperties=ALLOWED_HOSTS:h";
    assert!(ClientOptions::parse_with_oidc(hosts, callback()).is_err());
    assert!(ClientOptions::parse(OIDC).is_err(), "neither a callback nor an environment");
}

#[test]
fn machine_3_authentication_failures() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            // 3.1: a cached token that has become bad is replaced.
            let calls = Calls::default();
            let client = oidc_client(&handle, calls.machine(&["good", "better"]));
            find(&client).await.unwrap();
            server.engine(|engine| engine.set_oidc_tokens(["better"]));
            let slow = server.clone();
            slow.set_delay("find", Duration::from_millis(50));
            let other = client.clone();
            handle.spawn_aside("other", async move { find(&other).await.unwrap() });
            find(&client).await.unwrap();
            handle.sleep(Duration::from_secs(1)).await;
            assert_eq!(calls.count(), 2);
            slow.set_delay("find", Duration::ZERO);
            // 3.2: without a cached one the refusal is told.
            let calls = Calls::default();
            let error = find(&oidc_client(&handle, calls.machine(&["bad"]))).await.unwrap_err();
            assert_eq!((error.code(), calls.count()), (Some(18), 1));
            // 3.3: another error leaves the token in the cache.
            server.engine(|engine| engine.set_oidc_tokens(["good"]));
            let setup = oidc_client(&handle, Calls::default().machine(&["good"]));
            fail_point(&setup, doc! { "failCommands": ["saslStart"], "errorCode": 20 }).await;
            let calls = Calls::default();
            let client = oidc_client(&handle, calls.machine(&["good"]));
            assert_eq!(find(&client).await.unwrap_err().code(), Some(20));
            assert_eq!(calls.count(), 1);
            find(&client).await.unwrap();
            assert_eq!(calls.count(), 1);
        })
        .unwrap();
    }
}

#[test]
fn machine_4_1_4_4_and_4_5_reauthentication_succeeds() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            let calls = Calls::default();
            let client = oidc_client(&handle, calls.machine(&["good", "better"]));
            find(&client).await.unwrap();
            expire(&client, "find").await;
            server.clear_commands();
            find(&client).await.unwrap();
            assert_eq!(calls.count(), 2);
            let names: Vec<_> = server.commands().iter().map(|command| command.name().to_owned()).collect();
            let names: Vec<_> = names.iter().filter(|name| !name.contains("ello") && !name.contains("aster")).collect();
            assert_eq!(names, ["find", "saslStart", "find"], "no hello, nothing speculative");
            assert_eq!(client.pool_stats().total(), 1);
            // A write, which is not retryable.
            expire(&client, "insert").await;
            things(&client).insert_one(doc! { "_id": 1 }).await.unwrap();
            assert_eq!(calls.count(), 3);
            // A cursor's getMore.
            things(&client).insert_many((2..9).map(|n| doc! { "_id": n })).await.unwrap();
            let mut cursor = things(&client).find(doc! {}).batch_size(2).await.unwrap();
            expire(&client, "getMore").await;
            let mut count = 0;
            while cursor.try_next().await.unwrap().is_some() {
                count += 1;
            }
            assert_eq!((count, calls.count()), (8, 4));
        })
        .unwrap();
    }
}

#[test]
fn machine_4_2_and_4_3_commands_fail_if_reauthentication_fails() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            for command in ["find", "insert"] {
                let calls = Calls::default();
                let client = oidc_client(&handle, calls.machine(&["good", "bad"]));
                let run = async |client: &Client, id: i32| match command {
                    "find" => find(client).await,
                    _ => things(client).insert_one(doc! { "_id": format!("{command}{id}") }).await.map(|_| ()),
                };
                run(&client, 1).await.unwrap();
                expire(&client, command).await;
                let error = run(&client, 2).await.unwrap_err();
                assert!(error.is_authentication() && error.code() == Some(18), "{error}");
                assert_eq!(calls.count(), 2);
                handle.sleep(Duration::from_millis(100)).await;
                assert_eq!(client.pool_stats().total(), 0, "its user is not logged in: the connection is closed");
            }
            assert_eq!(server.engine(|engine| engine.documents("db", "things")).len(), 1);
        })
        .unwrap();
    }
}

#[test]
fn human_1_and_2_callback_authentication() {
    for (sim, _server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            let calls = Calls::default();
            let uri = OIDC.replace("//", "//test_user1@");
            let options = ClientOptions::parse_with_oidc(&uri, calls.human(&["good+again", "better+again"])).unwrap();
            let client = Client::with_runtime(handle.clone(), options).unwrap();
            find(&client).await.unwrap();
            // 2.3: the refresh token is passed on.
            expire(&client, "find").await;
            find(&client).await.unwrap();
            let seen = calls.0.lock().unwrap().clone();
            let [first, second] = &seen[..] else { panic!("{seen:?}") };
            assert_eq!((first.version, first.timeout), (1, Duration::from_secs(300)));
            assert_eq!(first.username.as_deref(), Some("test_user1"));
            let info = first.idp_info.as_ref().unwrap();
            assert_eq!((info.issuer.as_str(), info.client_id.as_deref()), ("https://issuer", Some("stator")));
            assert_eq!(info.request_scopes, ["a", "b"]);
            assert_eq!(first.refresh_token, None);
            assert_eq!(second.refresh_token.as_ref().map(|token| token.expose()), Some("again"));
            assert_eq!(second.idp_info, first.idp_info);
            let shown = format!("{seen:?} {client:?}");
            assert!(!["again", "better", "good"].iter().any(|secret| shown.contains(secret)), "{shown}");
        })
        .unwrap();
    }
}

#[test]
fn human_1_6_allowed_hosts_blocked() {
    let (sim, server) = worlds().into_iter().next().unwrap();
    let handle = sim.clone();
    sim.run(async move {
        for hosts in [&[][..], &["example.com"]] {
            let calls = Calls::default();
            let callback = calls.human(&["good"]).allowed_hosts(hosts.iter().copied());
            let error = find(&oidc_client(&handle, callback)).await.unwrap_err();
            assert!(error.to_string().contains("allowed_hosts"), "{error}");
            assert_eq!(calls.count(), 0);
        }
        // A machine's callback does not ask.
        find(&oidc_client(&handle, Calls::default().machine(&["good"]).allowed_hosts(["example.com"]))).await.unwrap();
    })
    .unwrap();
    assert_eq!(sasl_starts(&server), 1);
}

#[test]
fn human_3_speculative_authentication() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            let calls = Calls::default();
            let client = oidc_client(&handle, calls.human(&["good"]));
            find(&client).await.unwrap();
            fail_point(&client, doc! { "failCommands": ["find"], "closeConnection": true }).await;
            find(&client).await.unwrap_err();
            server.clear_commands();
            find(&client).await.unwrap();
            assert_eq!((calls.count(), sasl_starts(&server)), (1, 0));
            // 3.2: without a cached token there is nothing to speculate on.
            fail_point(&client, doc! { "failCommands": ["saslStart"], "errorCode": 18 }).await;
            let fresh = oidc_client(&handle, Calls::default().human(&["good"]));
            assert_eq!(find(&fresh).await.unwrap_err().code(), Some(18));
        })
        .unwrap();
    }
}

#[test]
fn human_4_reauthentication() {
    for (sim, _server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            for (returns, succeeds, count) in [
                (&["good+again", "better"][..], true, 2),
                (&["good", "better"], true, 2),
                (&["good+bad", "better"], true, 2),
                (&["good+bad", "bad+bad", "better"], true, 3),
                (&["good+bad", "bad+bad", "bad+bad"], false, 3),
            ] {
                let calls = Calls::default();
                let client = oidc_client(&handle, calls.human(returns));
                find(&client).await.unwrap();
                expire(&client, "find").await;
                assert_eq!(find(&client).await.is_ok(), succeeds, "{returns:?}");
                assert_eq!(calls.count(), count, "{returns:?}");
            }
        })
        .unwrap();
    }
}

/// A human takes longer than connectTimeoutMS allows a server; a callback that takes longer than its own time is dropped.
#[test]
fn callbacks_have_a_time_of_their_own() {
    let (sim, _server) = worlds().into_iter().next().unwrap();
    let handle = sim.clone();
    sim.run(async move {
        for (human, seconds, succeeds) in [(true, 200, true), (true, 301, false), (false, 50, true), (false, 61, false)]
        {
            let sleeper = handle.clone();
            let call = move |_request| {
                let sleeper = sleeper.clone();
                async move {
                    sleeper.sleep(Duration::from_secs(seconds)).await;
                    Ok(OidcTokens::new("good"))
                }
            };
            let callback = match human {
                true => OidcCallback::human(call).allowed_hosts(["10.0.0.1"]),
                false => OidcCallback::machine(call),
            };
            let uri = format!("{OIDC}&serverSelectionTimeoutMS=600000&waitQueueTimeoutMS=600000");
            let options = ClientOptions::parse_with_oidc(&uri, callback).unwrap();
            let client = Client::with_runtime(handle.clone(), options).unwrap();
            let outcome = find(&client).await;
            assert_eq!(outcome.is_ok(), succeeds, "{human} {seconds}: {outcome:?}");
            assert!(outcome.is_ok() || outcome.is_err_and(|error| error.is_timeout()));
        }
    })
    .unwrap();
}

fn aws_client(sim: &Sim, calls: &Arc<AtomicUsize>, secret: &'static str, expires_in: Option<u64>) -> Client {
    let mut options = ClientOptions::parse(AWS).unwrap();
    let (calls, clock) = (Arc::clone(calls), sim.clone());
    options.aws_credentials = Some(AwsCredentialProvider::new(move || {
        calls.fetch_add(1, Ordering::SeqCst);
        let mut credentials = AwsCredentials::new("AKIDEXAMPLE", secret).session_token("token");
        credentials.expires_at = expires_in.map(|seconds| clock.unix_time() + Duration::from_secs(seconds));
        async move { Ok(credentials) }
    }));
    Client::with_runtime(sim.clone(), options).unwrap()
}

#[test]
fn aws_credentials_log_in_and_are_kept_until_shortly_before_their_end() {
    for (sim, server) in worlds() {
        server
            .engine(|engine| engine.add_aws_user(AwsCredentials::new("AKIDEXAMPLE", "secret").session_token("token")));
        let handle = sim.clone();
        sim.run(async move {
            for (expires_in, calls_of_two_logins) in [(Some(3600), 1), (Some(299), 2), (None, 2)] {
                let calls = Arc::new(AtomicUsize::new(0));
                let client = aws_client(&handle, &calls, "secret", expires_in);
                find(&client).await.unwrap();
                // A second login, on the same connection.
                expire(&client, "find").await;
                find(&client).await.unwrap();
                assert_eq!(calls.load(Ordering::SeqCst), calls_of_two_logins, "{expires_in:?}");
            }
            // After a refusal nothing is kept.
            let calls = Arc::new(AtomicUsize::new(0));
            let client = aws_client(&handle, &calls, "wrong", Some(3600));
            for count in 1..3 {
                let error = find(&client).await.unwrap_err();
                assert_eq!(error.code(), Some(18));
                assert_eq!(calls.load(Ordering::SeqCst), count);
                assert!(!format!("{error:?} {client:?}").contains("wrong"));
            }
        })
        .unwrap();
        let names: Vec<_> = server.commands().iter().map(|command| command.name().to_owned()).collect();
        assert!(names.iter().any(|name| name == "saslContinue"));
    }
}

#[test]
fn what_is_not_there_is_said_with_what_to_do_instead() {
    let (sim, server) = worlds().into_iter().next().unwrap();
    let handle = sim.clone();
    sim.run(async move {
        let cases = [
            ("user@10.0.0.1/?authMechanism=GSSAPI", "GSSAPI"),
            (
                "10.0.0.1/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:azure,TOKEN_RESOURCE:x",
                "azure",
            ),
            ("10.0.0.1/?authMechanism=MONGODB-OIDC&authMechanismProperties=ENVIRONMENT:gcp,TOKEN_RESOURCE:x", "gcp"),
        ];
        for (uri, word) in cases {
            let options = ClientOptions::parse(&format!("mongodb://{uri}")).unwrap();
            let error = find(&Client::with_runtime(handle.clone(), options).unwrap()).await.unwrap_err();
            assert!(error.to_string().contains(word) && error.to_string().contains("not supported"), "{error}");
            assert!(!matches!(error.kind(), ErrorKind::Timeout));
        }
    })
    .unwrap();
    assert_eq!(sasl_starts(&server), 0);
}

/// Mechanisms that do not end by themselves can be asked for again all the same.
#[test]
fn scram_reauthenticates_too() {
    for (sim, server) in worlds() {
        assert!(server.engine(|engine| engine.add_user("admin", "ann", "secret")));
        let handle = sim.clone();
        let seen = server.clone();
        sim.run(async move {
            for options in ["", "authMechanism=SCRAM-SHA-1", "authMechanism=SCRAM-SHA-256"] {
                let options = ClientOptions::parse(&format!("mongodb://ann:secret@10.0.0.1/?{options}")).unwrap();
                let client = Client::with_runtime(handle.clone(), options).unwrap();
                find(&client).await.unwrap();
                expire(&client, "find").await;
                seen.clear_commands();
                find(&client).await.unwrap();
                assert_eq!((sasl_starts(&seen), client.pool_stats().total()), (1, 1));
            }
            // Twice in a row is the operation's error, and the connection is good still.
            let client =
                Client::with_runtime(handle.clone(), ClientOptions::parse("mongodb://ann:secret@10.0.0.1/").unwrap());
            let client = client.unwrap();
            let point = doc! { "configureFailPoint": "failCommand", "mode": { "times": 2 },
            "data": { "failCommands": ["find"], "errorCode": 391 } };
            client.database("admin").run_command(point).await.unwrap();
            assert_eq!(find(&client).await.unwrap_err().code(), Some(391));
            find(&client).await.unwrap();
            assert_eq!(client.pool_stats().total(), 1);
        })
        .unwrap();
    }
}

/// A login that is dropped in its middle leaves no connection behind that somebody else would take for a good one.
#[test]
fn a_dropped_reauthentication_breaks_the_connection() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            for polls in 1..40 {
                let client = oidc_client(&handle, Calls::default().machine(&["good", "better", "good"]));
                find(&client).await.unwrap();
                expire(&client, "find").await;
                server.set_delay("saslStart", Duration::from_millis(10));
                let dropped = stator_sim::drop_after(things(&client).find_one(doc! {}).into_future(), polls).await;
                server.set_delay("saslStart", Duration::ZERO);
                // An error 391 that was not used up yet is met now.
                find(&client).await.unwrap();
                find(&client).await.unwrap();
                if dropped.is_some() {
                    return;
                }
            }
            panic!("it never ends");
        })
        .unwrap();
    }
}

/// What is rejected is the connection's own token, not one that the client has fetched since.
#[test]
fn a_connection_with_an_old_token_takes_the_clients_new_one() {
    for (sim, server) in worlds() {
        let handle = sim.clone();
        sim.run(async move {
            let calls = Calls::default();
            let client = oidc_client(&handle, calls.machine(&["good", "better", "bad"]));
            server.set_delay("find", Duration::from_millis(50));
            let both = async |client: &Client| {
                let other = client.clone();
                handle.spawn_aside("other", async move { find(&other).await.unwrap() });
                find(client).await.unwrap();
                handle.sleep(Duration::from_secs(1)).await;
            };
            both(&client).await;
            assert_eq!((calls.count(), client.pool_stats().total()), (1, 2));
            let point = doc! { "configureFailPoint": "failCommand", "mode": { "times": 2 },
            "data": { "failCommands": ["find"], "errorCode": 391 } };
            client.database("admin").run_command(point).await.unwrap();
            both(&client).await;
            assert_eq!((calls.count(), client.pool_stats().total()), (2, 2), "one call for two connections");
        })
        .unwrap();
    }
}
