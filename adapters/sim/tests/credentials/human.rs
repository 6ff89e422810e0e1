//! MONGODB-OIDC with a human: the specification's prose tests of the human flow.

use super::*;

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
