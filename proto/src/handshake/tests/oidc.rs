//! MONGODB-OIDC: both flows, with tokens that are good and others.

use super::needs::TestHost;
use super::*;
use crate::auth::oidc::{CallbackRequest, Flow, Origin, TokenAnswer};
use crate::uri::Secret;

fn token(text: &str) -> AccessToken {
    AccessToken::new(Secret::from(text)).unwrap()
}

/// A client with these callbacks, and a server that knows `good`.
fn pair(flow: Flow, returns: &[&str], cached: Option<&str>, good: &[&'static str]) -> Pair {
    let mut host = TestHost::oidc(flow, returns);
    cached.into_iter().for_each(|text| host.cache.put(token(text)));
    let mut server = Server::new(vec![]);
    server.external.tokens = good.to_vec();
    let login = Login::Oidc { flow, username: Some("myidp".into()), token: host.cache.access_token().cloned() };
    let mut pair = Pair::new(options(Some(login)), server);
    pair.host = host;
    pair
}

fn refused(mut pair: Pair) -> Pair {
    let error = pair.drive().unwrap_err();
    let HandshakeError::Auth { mechanism: Mechanism::MongoDbOidc, cause } = error else { panic!("{error}") };
    assert!(matches!(cause, AuthFailure::Refused(CommandError { code: 18, .. })), "{cause:?}");
    assert_eq!(pair.client.token(), None);
    pair
}

/// The `jwt` of the commands that present a token.
fn presented(pair: &Pair) -> Vec<String> {
    let payload = |command: &stator_wire::bson::DocBuf| {
        let (_, payload) = command.as_doc().get_binary("payload").ok()??;
        Some(String::from(Doc::new(payload).ok()?.get_str("jwt").ok()??))
    };
    pair.server.commands.iter().filter_map(payload).collect()
}

#[test]
fn a_machines_token_is_presented_in_one_step() {
    let mut pair = pair(Flow::Machine, &["good"], None, &["good"]);
    pair.drive().unwrap();
    assert_eq!(pair.client.token(), Some(&token("good")));
    assert_eq!(pair.server.names(), ["isMaster", "saslStart"]);
    assert_eq!(pair.server.commands[0].as_doc().get("speculativeAuthenticate"), Ok(None));
    let start = pair.server.commands[1].as_doc();
    assert_eq!(start.get_str("mechanism"), Ok(Some("MONGODB-OIDC")));
    assert_eq!(start.get_str("$db"), Ok(Some("$external")));
    assert_eq!(presented(&pair), ["good"]);
    assert_eq!(pair.host.calls.len(), 1);
    assert_eq!(pair.host.cache.access_token(), Some(&token("good")));
}

#[test]
fn a_cached_token_is_tried_with_hello() {
    for flow in [Flow::Machine, Flow::Human] {
        let mut pair = pair(flow, &[], Some("good"), &["good"]);
        pair.drive().unwrap();
        assert_eq!(pair.server.names(), ["isMaster"]);
        let hello = pair.server.commands[0].as_doc();
        let speculative = hello.get_doc("speculativeAuthenticate").unwrap().unwrap();
        assert_eq!(speculative.get_str("db"), Ok(Some("$external")));
        assert_eq!(speculative.get_i32("saslStart"), Ok(Some(1)));
        assert_eq!(pair.client.token(), Some(&token("good")));
        assert!(pair.host.calls.is_empty());
    }
}

#[test]
fn speculation_that_fails_is_as_if_it_had_not_been() {
    type Edit = fn(&mut Fields);
    let edits: [Edit; 4] = [
        |fields| *fields = failure(18, "no"),
        |fields| set(fields, "done", Field::Bool(false)),
        |fields| set(fields, "payload", Field::Absent),
        |fields| set(fields, "conversationId", Field::Str("x".into())),
    ];
    for edit in edits {
        let mut pair = pair(Flow::Machine, &[], Some("good"), &["good"]);
        pair.server.edit = Box::new(move |step, fields| {
            if step == "speculative" {
                edit(fields);
            }
        });
        pair.drive().unwrap();
        // The cached token is as good as before: no callback.
        assert_eq!(pair.server.names(), ["isMaster", "saslStart"]);
        assert!(pair.host.calls.is_empty());
    }
}

#[test]
fn a_cached_token_that_is_refused_is_replaced_once() {
    let mut again = pair(Flow::Machine, &["good"], Some("old"), &["good"]);
    again.drive().unwrap();
    assert_eq!(presented(&again), ["old", "good"]);
    assert_eq!(again.server.names(), ["isMaster", "saslStart", "saslStart"]);
    assert_eq!(again.host.calls.len(), 1);

    let bad = refused(pair(Flow::Machine, &["bad", "worse"], Some("old"), &["good"]));
    assert_eq!((bad.host.calls.len(), presented(&bad)), (1, vec!["old".into(), "bad".into()]));
    let fresh = refused(pair(Flow::Machine, &["bad", "worse"], None, &["good"]));
    assert_eq!((fresh.host.calls.len(), presented(&fresh)), (1, vec!["bad".into()]));
}

#[test]
fn another_error_than_18_is_told_and_leaves_the_token_alone() {
    let mut pair = pair(Flow::Machine, &["good"], Some("old"), &["old"]);
    pair.server.speculative = false;
    pair.server.edit = Box::new(|step, fields| {
        if step == "start" {
            *fields = failure(20, "no");
        }
    });
    let error = pair.drive().unwrap_err();
    let HandshakeError::Auth { cause: AuthFailure::Refused(error), .. } = error else { panic!("{error}") };
    assert_eq!((error.code, pair.host.calls.len()), (20, 0));
    assert_eq!(pair.host.cache.access_token(), Some(&token("old")));
}

#[test]
fn a_human_is_shown_the_way_to_the_provider() {
    let mut pair = pair(Flow::Human, &["good+again"], None, &["good"]);
    pair.drive().unwrap();
    assert_eq!(pair.server.names(), ["isMaster", "saslStart", "saslContinue"]);
    let (_, payload) = pair.server.commands[1].as_doc().get_binary("payload").unwrap().unwrap();
    assert_eq!(Doc::new(payload).unwrap().get_str("n"), Ok(Some("myidp")));
    assert_eq!(presented(&pair), ["good"]);
    let [CallbackRequest { version: 1, idp_info: Some(info), refresh_token: None, .. }] = &pair.host.calls[..] else {
        panic!("{:?}", pair.host.calls)
    };
    assert_eq!((info.issuer.as_str(), info.client_id.as_deref()), ("https://issuer", Some("abcd")));
}

#[test]
fn a_humans_login_goes_from_the_cached_token_to_the_refreshed_one_to_a_new_one() {
    // First a login, so that there are an access token and a refresh token.
    let mut first = pair(Flow::Human, &["one+again", "bad", "good"], None, &["one"]);
    first.drive().unwrap();
    let mut host = core::mem::take(&mut first.host);
    host.calls.clear();
    let mut second = pair(Flow::Human, &[], Some("one"), &["good"]);
    second.host = host;
    second.drive().unwrap();
    assert_eq!(presented(&second), ["one", "bad", "good"]);
    assert_eq!(second.server.names(), ["isMaster", "saslStart", "saslStart", "saslStart", "saslContinue"]);
    let refresh: Vec<_> = second.host.calls.iter().map(|call| call.refresh_token.is_some()).collect();
    assert_eq!(refresh, [true, false], "a refresh token that gave a bad token is not used again");
}

#[test]
fn endless_refusals_end() {
    // A host that always has another token in its cache.
    let mut pair = pair(Flow::Human, &[], None, &[]);
    let mut needs = 0;
    let error = loop {
        if pair.client.has_need() {
            needs += 1;
            pair.client.handle_token(TokenAnswer::Token { token: token("bad"), origin: Origin::Cached });
        }
        match pair.step() {
            Ok(done) => assert!(!done && needs < 10),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, HandshakeError::Auth { cause: AuthFailure::Refused(_), .. }), "{error}");
    assert_eq!(needs, 4);
}

#[test]
fn a_server_that_breaks_the_rules_is_told_off() {
    for (flow, step, key, value, expected) in [
        (Flow::Human, "start", "done", Field::Bool(true), AuthError::DoneTooEarly),
        (Flow::Human, "start", "payload", Field::Bytes(vec![5, 0, 0, 0, 0]), AuthError::Malformed("`issuer`")),
        (Flow::Human, "continue", "done", Field::Bool(false), AuthError::NotDone),
        (Flow::Machine, "start", "done", Field::Bool(false), AuthError::NotDone),
    ] {
        let mut pair = pair(flow, &["good"], None, &["good"]);
        pair.server.edit = Box::new(move |at, fields| {
            if at == step {
                set(fields, key, value.clone());
            }
        });
        let error = pair.drive().unwrap_err();
        let HandshakeError::Auth { cause: AuthFailure::Mechanism(error), .. } = error else { panic!("{error}") };
        assert_eq!(error, expected);
    }
}

#[test]
fn answers_that_are_none_and_failures_of_the_host() {
    let mut failed = pair(Flow::Machine, &[], None, &["good"]);
    let error = failed.drive().unwrap_err();
    assert!(matches!(error, HandshakeError::Auth { cause: AuthFailure::NeedFailed, .. }), "{error}");
    // An answer that comes unasked does nothing, and one that is no answer neither.
    let mut pair = pair(Flow::Human, &["good"], None, &["good"]);
    pair.client.handle_token(TokenAnswer::TwoStep);
    assert_eq!(pair.client.poll_need(), None);
    while pair.server.names().len() < 2 {
        pair.drive_step();
    }
    assert!(matches!(pair.client.poll_need(), Some(Need::OidcToken(_))));
    pair.client.handle_token(TokenAnswer::TwoStep);
    assert!(pair.client.has_need() && !pair.client.has_request());
    pair.drive().unwrap();
}

#[test]
fn tokens_are_never_shown() {
    let mut pair = pair(Flow::Human, &["hush+quiet"], Some("old-secret"), &["hush"]);
    while !pair.drive_step() {
        let shown = format!("{:?} {:?}", pair.client, pair.client.poll_need());
        assert!(!["hush", "quiet", "old-secret"].iter().any(|secret| shown.contains(secret)), "{shown}");
    }
}
