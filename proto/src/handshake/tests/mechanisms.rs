//! Every mechanism, with old servers and new.

use super::*;

/// The text of the command at `at`, without what hello says before the login.
fn tail(pair: &Pair, at: usize) -> String {
    let command = pair.server.commands().remove(at);
    command.split_once("compression: [], ").map_or(command.clone(), |(_, tail)| tail.into())
}

#[test]
fn scram_takes_as_few_steps_as_the_server_allows() {
    for hash in [Hash::Sha1, Hash::Sha256] {
        for (speculative, skip_empty, steps) in [
            (true, true, &["isMaster", "saslContinue"][..]),
            (true, false, &["isMaster", "saslContinue", "saslContinue"]),
            (false, true, &["isMaster", "saslStart", "saslContinue"]),
            (false, false, &["isMaster", "saslStart", "saslContinue", "saslContinue"]),
        ] {
            for login in [scram(hash), negotiate()] {
                // A user has the mechanism that is negotiated, or both if SHA-256 is.
                let mut users = vec![stored(Hash::Sha1)];
                if hash == Hash::Sha256 {
                    users.push(stored(Hash::Sha256));
                }
                let mut server = Server::new(users);
                (server.speculative, server.skip_empty) = (speculative, skip_empty);
                let negotiates = matches!(login, Login::Negotiate { .. });
                let (pair, _, keys) = Pair::new(options(Some(login)), server).with_keys().logged_in();
                // SHA-256 is speculated on: a user without it needs a saslStart all the same.
                let steps = match (negotiates, hash, skip_empty) {
                    (true, Hash::Sha1, true) => &["isMaster", "saslStart", "saslContinue"][..],
                    (true, Hash::Sha1, false) => &["isMaster", "saslStart", "saslContinue", "saslContinue"],
                    _ => steps,
                };
                assert_eq!(pair.server.names(), steps, "{hash:?} {speculative} {skip_empty} {negotiates}");
                assert_eq!(keys.unwrap(), known().iter().find(|(stored, _)| stored.hash == hash).unwrap().1);
                assert_eq!(pair.derived, 0);
            }
        }
    }
}

#[test]
fn the_commands_of_scram_are_the_specifications() {
    let mut server = Server::new(vec![stored(Hash::Sha256)]);
    (server.speculative, server.skip_empty) = (false, false);
    let (pair, _, _) = Pair::new(options(Some(scram(Hash::Sha256))), server).with_keys().logged_in();
    let start = r#"saslStart: 1, mechanism: "SCRAM-SHA-256", payload: "#;
    let hello = tail(&pair, 0);
    assert!(hello.starts_with(&format!("speculativeAuthenticate: {{{start}")), "{hello}");
    assert!(hello.ends_with(r#"options: {skipEmptyExchange: true}, db: "users"}, $db: "admin"}"#), "{hello}");
    let first = tail(&pair, 1);
    assert!(first.starts_with(&format!("{{{start}")), "{first}");
    assert!(first.ends_with(r#"options: {skipEmptyExchange: true}, $db: "users"}"#), "{first}");
    for at in [2, 3] {
        let next = tail(&pair, at);
        assert!(next.starts_with(&format!("{{saslContinue: 1, conversationId: {CONVERSATION}, payload: ")), "{next}");
        assert!(next.ends_with(r#", $db: "users"}"#), "{next}");
    }
    let payload = |at: usize| pair.server.commands[at].as_doc().get_binary("payload").unwrap().unwrap().1;
    assert_eq!(payload(1), format!("n,,n=user,r={}", Nonce::from_random(&[7; 24]).as_str()).as_bytes());
    assert!(payload(3).is_empty());
}

#[test]
fn negotiation_asks_for_the_users_mechanisms() {
    let server = Server::new(vec![stored(Hash::Sha256)]);
    let (pair, _, _) = Pair::new(options(Some(negotiate())), server).with_keys().logged_in();
    assert_eq!(pair.server.commands[0].as_doc().get_str("saslSupportedMechs"), Ok(Some("admin.user")));
    let server = Server::new(vec![stored(Hash::Sha256)]);
    let (pair, _, _) = Pair::new(options(Some(scram(Hash::Sha256))), server).with_keys().logged_in();
    assert_eq!(pair.server.commands[0].as_doc().get("saslSupportedMechs"), Ok(None));
}

#[test]
fn without_the_list_of_mechanisms_it_is_sha_1() {
    let mut server = Server::new(vec![stored(Hash::Sha1), stored(Hash::Sha256)]);
    server.speculative = false;
    server.edit = Box::new(|step, fields| {
        if step == "hello" {
            set(fields, "saslSupportedMechs", Field::Absent);
        }
    });
    let (pair, _, _) = Pair::new(options(Some(negotiate())), server).with_keys().logged_in();
    assert_eq!(pair.server.commands[1].as_doc().get_str("mechanism"), Ok(Some("SCRAM-SHA-1")));
}

#[test]
fn keys_are_derived_once_and_then_come_from_the_cache() {
    let server = || Server::new(vec![stored(Hash::Sha256)]);
    let (pair, _, keys) = Pair::new(options(Some(negotiate())), server()).logged_in();
    assert_eq!(pair.derived, 1);
    let mut again = Pair::new(options(Some(negotiate())), server());
    again.cache.insert(keys.unwrap());
    assert_eq!(again.logged_in().0.derived, 0);
}

#[test]
fn keys_are_asked_for_until_they_are_given_and_nothing_else_happens() {
    let mut pair = Pair::new(options(Some(scram(Hash::Sha256))), Server::new(vec![stored(Hash::Sha256)]));
    assert!(pair.client.poll_keys().is_none());
    assert!(!pair.client.is_authenticating());
    // Keys that nobody has asked for are left alone.
    pair.client.handle_keys(known()[1].1.clone()).unwrap();
    assert!(pair.client.has_request() && pair.client.poll_transmit(pair.now, &mut pair.out));
    assert!(!pair.client.has_request() && !pair.client.poll_transmit(pair.now, &mut pair.out));
    let bytes = pair.out.slices().concat();
    pair.server.handle(&bytes, &mut pair.wire);
    pair.client.handle_sent(pair.now, &mut pair.out, bytes.len());
    pair.input.push(&pair.wire);
    pair.wire.clear();
    pair.client.handle_recv(pair.now, &mut pair.input).unwrap();
    assert!(pair.client.is_authenticating());
    for _ in 0..2 {
        assert_eq!(pair.client.poll_keys().unwrap().params().iterations(), 4096);
        assert!(!pair.client.poll_transmit(pair.now, &mut pair.out));
    }
    pair.client.handle_keys(known()[1].1.clone()).unwrap();
    assert!(pair.client.poll_keys().is_none() && pair.client.has_request());
    assert!(!pair.client.is_done());
}

#[test]
fn plain_sends_one_payload_and_never_with_hello() {
    let payload = crate::auth::plain_payload("user", "pencil").unwrap();
    let login = Login::Plain { payload: PlainPayload(payload.clone()), source: "$external".into() };
    assert!(!format!("{login:?}").contains("pencil") && !format!("{login:?}").contains("112"));
    let mut server = Server::new(vec![]);
    server.plain = payload.clone();
    let (pair, _, keys) = Pair::new(options(Some(login)), server).logged_in();
    assert!(keys.is_none());
    assert_eq!(pair.server.names(), ["isMaster", "saslStart"]);
    assert_eq!(pair.server.commands[0].as_doc().get("speculativeAuthenticate"), Ok(None));
    let start = pair.server.commands[1].as_doc();
    assert_eq!(start.get_str("mechanism"), Ok(Some("PLAIN")));
    assert_eq!(start.get_binary("payload"), Ok(Some((0, &payload[..]))));
    assert_eq!(start.get_str("$db"), Ok(Some("$external")));
}

#[test]
fn x509_is_speculated_on_and_asked_for_if_that_was_not_answered() {
    for username in [None, Some("CN=client")] {
        for speculative in [true, false] {
            let mut server = Server::new(vec![]);
            server.speculative = speculative;
            let login = Login::X509 { username: username.map(String::from) };
            let (pair, _, keys) = Pair::new(options(Some(login)), server).logged_in();
            assert!(keys.is_none());
            let user = username.map_or(String::new(), |name| format!(", user: {name:?}"));
            let command = format!(r#"authenticate: 1, mechanism: "MONGODB-X509"{user}"#);
            let expected = format!(r#"speculativeAuthenticate: {{{command}, db: "$external"}}, $db: "admin"}}"#);
            assert_eq!(tail(&pair, 0), expected);
            if speculative {
                assert_eq!(pair.server.names(), ["isMaster"]);
            } else {
                assert_eq!(tail(&pair, 1), format!(r#"{{{command}, $db: "$external"}}"#));
            }
        }
    }
}

#[test]
fn payloads_may_come_as_text_and_numbers_as_doubles() {
    let mut server = Server::new(vec![stored(Hash::Sha256)]);
    server.edit = Box::new(|step, fields| {
        if step == "hello" {
            return;
        }
        let payload = fields.iter().find_map(|(key, field)| match field {
            Field::Bytes(bytes) if *key == "payload" => Some(String::from_utf8(bytes.clone()).unwrap()),
            _ => None,
        });
        set(fields, "payload", Field::Str(payload.unwrap()));
        set(fields, "conversationId", Field::F64(f64::from(CONVERSATION)));
        set(fields, "done", Field::I32(i32::from(step == "continue")));
    });
    Pair::new(options(Some(scram(Hash::Sha256))), server).with_keys().logged_in();
}
