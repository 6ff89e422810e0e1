//! MONGODB-OIDC with tokens that need nobody's help: the specification's prose tests of the machine flow.

use super::*;

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
