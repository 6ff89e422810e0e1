//! Logins that must fail, and how they say so.

use super::*;

/// What comes of a login with `hash` when `edit` changes the server or its replies.
fn outcome(login: Login, prepare: impl Fn(&mut Server)) -> HandshakeError {
    let mut server = Server::new(vec![stored(Hash::Sha1), stored(Hash::Sha256)]);
    prepare(&mut server);
    let mut pair = Pair::new(options(Some(login)), server).with_keys();
    let error = pair.drive().unwrap_err();
    assert!(pair.client.is_authenticating() && !pair.client.has_request());
    error
}

fn cause(error: HandshakeError, expected: Mechanism) -> AuthFailure {
    let HandshakeError::Auth { mechanism, cause } = error else { panic!("{error}") };
    assert_eq!(mechanism, expected);
    cause
}

/// Changes the field `key` of the replies to one step; the conversation does not speculate.
fn edited(step: &'static str, key: &'static str, value: Field) -> AuthFailure {
    let error = outcome(scram(Hash::Sha256), |server| {
        (server.speculative, server.skip_empty) = (false, false);
        let value = value.clone();
        server.edit = Box::new(move |at, fields| {
            if at == step {
                set(fields, key, value.clone());
            }
        });
    });
    cause(error, Mechanism::ScramSha256)
}

#[test]
fn a_wrong_password_is_the_servers_error_18() {
    type Prepare = fn(&mut Server);
    let wrong_sha1 = Credentials::sha1("user", "pen").unwrap();
    let wrong_sha256 = Credentials::sha256("user", Prepared::ascii("pen").unwrap()).unwrap();
    let negotiate = Login::Negotiate { sha1: wrong_sha1.clone(), sha256: wrong_sha256.clone(), source: "admin".into() };
    let fixed = |credentials: &Credentials| Login::Scram { credentials: credentials.clone(), source: "admin".into() };
    let only_sha1: Prepare = |server| server.stored.truncate(1);
    let cases: [(Login, Prepare, Mechanism); 6] = [
        (negotiate.clone(), |_| {}, Mechanism::ScramSha256),
        (negotiate.clone(), |server| server.speculative = false, Mechanism::ScramSha256),
        (negotiate, only_sha1, Mechanism::ScramSha1),
        (fixed(&wrong_sha1), |_| {}, Mechanism::ScramSha1),
        (fixed(&wrong_sha256), |_| {}, Mechanism::ScramSha256),
        (fixed(&wrong_sha256), only_sha1, Mechanism::ScramSha256),
    ];
    for (login, prepare, mechanism) in cases {
        let error = outcome(login, prepare);
        let shown = format!("authentication with {mechanism} failed: Authentication failed. (code 18)");
        assert_eq!(format!("{error}"), shown);
        assert!(matches!(cause(error, mechanism), AuthFailure::Refused(CommandError { code: 18, .. })));
    }
}

#[test]
fn plain_and_x509_report_refusals_too() {
    let login = Login::Plain { payload: PlainPayload(vec![0, 1, 0, 2]), source: "$external".into() };
    assert!(matches!(cause(outcome(login, |_| {}), Mechanism::Plain), AuthFailure::Refused(_)));
    let error = outcome(Login::X509 { username: None }, |server| {
        server.speculative = false;
        server.edit = Box::new(|step, fields| {
            if step == "authenticate" {
                *fields = failure(18, "no certificate");
            }
        });
    });
    assert!(matches!(cause(error, Mechanism::MongoDbX509), AuthFailure::Refused(_)));
    let login = Login::Plain { payload: PlainPayload(vec![]), source: "$external".into() };
    let error = outcome(login, |server| {
        server.edit = Box::new(|step, fields| {
            if step == "start" {
                set(fields, "done", Field::Bool(false));
            }
        });
    });
    assert_eq!(cause(error, Mechanism::Plain), AuthFailure::Mechanism(AuthError::NotDone));
}

#[test]
fn every_field_of_a_reply_must_be_there_and_have_its_type() {
    let reply = |what| AuthFailure::Reply(OperationError::Reply(what));
    for step in ["start", "continue", "empty"] {
        assert_eq!(edited(step, "payload", Field::Absent), reply("there is no `payload`"));
        assert_eq!(edited(step, "done", Field::Absent), reply("there is no `done`"));
        assert_eq!(edited(step, "ok", Field::Absent), reply("there is no `ok`"));
        let no_int32 = edited(step, "conversationId", Field::F64(1e10));
        assert_eq!(no_int32, reply("`conversationId` is no int32"));
        for (key, value) in [
            ("payload", Field::I32(1)),
            ("done", Field::Str("yes".into())),
            ("conversationId", Field::Str("1".into())),
            ("ok", Field::Str("1".into())),
        ] {
            let failure = edited(step, key, value);
            let wrong = matches!(failure, AuthFailure::Reply(OperationError::Bson(BsonError::WrongType { .. })));
            assert!(wrong, "{step} {key}: {failure:?}");
        }
    }
}

#[test]
fn every_message_of_a_server_is_checked() {
    let sent = |step, text: &str| edited(step, "payload", Field::Bytes(text.into()));
    let mechanism = |error| AuthFailure::Mechanism(error);
    let start = |text: &str| sent("start", text);
    assert_eq!(start(""), mechanism(AuthError::Malformed("nonce")));
    assert_eq!(start("r=other,s=YQ==,i=4096"), mechanism(AuthError::NonceMismatch));
    let own = Nonce::from_random(&[7; 24]);
    let own = own.as_str();
    assert_eq!(start(&format!("r={own},s=YQ==,i=4096")), mechanism(AuthError::NonceMismatch));
    let with = |salt, count: &str| start(&format!("r={own}x,s={salt},i={count}"));
    assert_eq!(with("!", "4096"), mechanism(AuthError::Malformed("salt")));
    assert_eq!(with("", "4096"), mechanism(AuthError::Malformed("length of the salt")));
    assert_eq!(with("YQ==", "4095"), mechanism(AuthError::TooFewIterations(4095)));
    assert_eq!(with("YQ==", "2000001"), mechanism(AuthError::TooManyIterations(2_000_001)));
    assert_eq!(with("YQ==", "x"), mechanism(AuthError::Malformed("iteration count")));
    assert_eq!(start("e=other-error"), mechanism(AuthError::Refused("other-error".into())));

    assert_eq!(sent("continue", "v=YQ=="), mechanism(AuthError::Malformed("length of the server signature")));
    let signature = format!("v={}=", "A".repeat(43));
    assert_eq!(sent("continue", &signature), mechanism(AuthError::BadServerSignature));
    assert_eq!(sent("continue", "e=invalid-proof"), mechanism(AuthError::Refused("invalid-proof".into())));
    assert_eq!(sent("empty", "x"), mechanism(AuthError::Malformed("payload after the end")));
}

#[test]
fn a_server_cannot_end_the_conversation_too_early_or_too_late() {
    assert_eq!(edited("start", "done", Field::Bool(true)), AuthFailure::Mechanism(AuthError::DoneTooEarly));
    assert_eq!(edited("empty", "done", Field::Bool(false)), AuthFailure::Mechanism(AuthError::NotDone));
}

#[test]
fn a_speculative_answer_is_checked_as_an_ordinary_one() {
    let speculative = |key: &'static str, value: Field| {
        let error = outcome(negotiate(), |server| {
            let value = value.clone();
            server.edit = Box::new(move |step, fields| {
                if step == "speculative" {
                    set(fields, key, value.clone());
                }
            });
        });
        cause(error, Mechanism::ScramSha256)
    };
    let missing = AuthFailure::Reply(OperationError::Reply("there is no `payload`"));
    assert_eq!(speculative("payload", Field::Absent), missing);
    let nonce = speculative("payload", Field::Bytes(b"r=other,s=YQ==,i=4096".to_vec()));
    assert_eq!(nonce, AuthFailure::Mechanism(AuthError::NonceMismatch));
    assert_eq!(speculative("done", Field::Bool(true)), AuthFailure::Mechanism(AuthError::DoneTooEarly));
}

#[test]
fn an_impostor_that_lacks_the_users_keys_is_found_out() {
    for (login, hash, mechanism) in [
        (scram(Hash::Sha256), Hash::Sha256, Mechanism::ScramSha256),
        (scram(Hash::Sha1), Hash::Sha1, Mechanism::ScramSha1),
    ] {
        let error = outcome(login, |server| {
            // It accepts the proof but signs with something else.
            let mine = server.stored.iter_mut().find(|stored| stored.hash == hash).unwrap();
            mine.server_key = mine.stored_key.clone();
        });
        assert_eq!(cause(error, mechanism), AuthFailure::Mechanism(AuthError::BadServerSignature));
    }
}

#[test]
fn keys_of_another_user_are_refused_under_the_mechanism_in_use() {
    for (hash, other, mechanism) in [(Hash::Sha1, 1, Mechanism::ScramSha1), (Hash::Sha256, 0, Mechanism::ScramSha256)] {
        let mut pair = Pair::new(options(Some(scram(hash))), Server::new(vec![stored(hash)]));
        pair.client.poll_transmit(pair.now, &mut pair.out);
        let bytes = pair.out.slices().concat();
        pair.server.handle(&bytes, &mut pair.wire);
        pair.client.handle_sent(pair.now, &mut pair.out, bytes.len());
        pair.input.push(&pair.wire);
        pair.client.handle_recv(pair.now, &mut pair.input).unwrap();
        let error = pair.client.handle_keys(known()[other].1.clone()).unwrap_err();
        assert_eq!(pair.client.error(), Some(&error));
        assert_eq!(cause(error, mechanism), AuthFailure::Mechanism(AuthError::KeysMismatch));
    }
}
