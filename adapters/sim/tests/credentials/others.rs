//! MONGODB-AWS, mechanisms that are not there, and SCRAM once more.

use super::*;

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
