//! Every mechanism once more, on the same connection.

use super::needs::TestHost;
use super::*;
use crate::auth::aws::AwsCredentials;
use crate::auth::oidc::Flow;
use crate::uri::Secret;

/// Logs in, and then once more.
#[track_caller]
fn again(mut pair: Pair, login: Login, prepare: impl FnOnce(&mut Server)) -> (Pair, Result<(), HandshakeError>) {
    if !pair.client.is_done() {
        pair.drive().unwrap();
    }
    let token = pair.client.token().cloned();
    let login = match login {
        Login::Oidc { flow, username, .. } => Login::Oidc { flow, username, token },
        login => login,
    };
    let before = core::mem::replace(&mut pair.client, Handshake::new(options(None), nonce()));
    let (connection, _) = before.finish().unwrap();
    pair.server.commands.clear();
    prepare(&mut pair.server);
    pair.client = Handshake::reauthenticate(connection, Some(login), None, Instant::FAR_FUTURE, nonce());
    assert!(pair.client.is_authenticating());
    let outcome = pair.drive();
    (pair, outcome)
}

fn is_logged_in_again(login: Login, server: Server, host: TestHost, commands: &[&str]) {
    let mut pair = Pair::new(options(Some(login.clone())), server).with_keys();
    pair.host = host;
    let (mut pair, outcome) = again(pair, login, |server| server.state = server::State::Empty);
    outcome.unwrap();
    assert!(pair.server.is_logged_in());
    assert_eq!(pair.server.names(), commands, "no hello");
    let client = core::mem::replace(&mut pair.client, Handshake::new(options(None), nonce()));
    let (connection, _) = client.finish().unwrap();
    assert!(connection.is_idle());
    assert_eq!(connection.hello().max_wire_version, 17, "what hello has told is kept");
}

#[test]
fn every_mechanism_can_be_repeated_without_hello() {
    let scram_steps = ["saslStart", "saslContinue"];
    let both = || Server::new(vec![stored(Hash::Sha1), stored(Hash::Sha256)]);
    is_logged_in_again(scram(Hash::Sha1), both(), TestHost::default(), &scram_steps);
    is_logged_in_again(scram(Hash::Sha256), both(), TestHost::default(), &scram_steps);
    is_logged_in_again(negotiate(), both(), TestHost::default(), &scram_steps);
    is_logged_in_again(negotiate(), Server::new(vec![stored(Hash::Sha1)]), TestHost::default(), &scram_steps);
    let mut server = Server::new(vec![]);
    server.plain = crate::auth::plain_payload("user", "pencil").unwrap();
    let plain = Login::Plain { payload: PlainPayload(server.plain.clone()), source: "$external".into() };
    is_logged_in_again(plain, server, TestHost::default(), &["saslStart"]);
    let x509 = Login::X509 { username: None };
    is_logged_in_again(x509, Server::new(vec![]), TestHost::default(), &["authenticate"]);
    let mut server = Server::new(vec![]);
    server.external.aws = Some(AwsCredentials::new("id", "secret"));
    let host = TestHost { aws: server.external.aws.clone(), ..TestHost::default() };
    is_logged_in_again(Login::Aws, server, host, &scram_steps);
    let oidc = |flow| Login::Oidc { flow, username: None, token: None };
    let mut server = Server::new(vec![]);
    server.external.tokens = vec!["one", "two"];
    is_logged_in_again(oidc(Flow::Machine), server, TestHost::oidc(Flow::Machine, &["one", "two"]), &["saslStart"]);
}

#[test]
fn without_a_login_there_is_nothing_to_do() {
    let mut pair = Pair::new(options(None), Server::new(vec![]));
    pair.drive().unwrap();
    let (connection, _) = pair.client.finish().unwrap();
    let again = Handshake::reauthenticate(connection, None, None, Instant::FAR_FUTURE, nonce());
    assert!(again.is_done() && again.finish().is_some());
}

fn oidc_pair(flow: Flow, returns: &[&str], good: &[&'static str]) -> (Pair, Login) {
    let login = Login::Oidc { flow, username: None, token: None };
    let mut server = Server::new(vec![]);
    server.external.tokens = good.to_vec();
    let mut pair = Pair::new(options(Some(login.clone())), server);
    pair.host = TestHost::oidc(flow, returns);
    (pair, login)
}

#[test]
fn the_connections_token_is_not_used_again() {
    let (pair, login) = oidc_pair(Flow::Machine, &["one", "two"], &["one", "two"]);
    let (pair, outcome) = again(pair, login, |_| {});
    outcome.unwrap();
    assert_eq!(pair.host.calls.len(), 2);
    assert_eq!(pair.client.token().map(AccessToken::expose), Some("two"));
}

#[test]
fn a_token_that_another_connection_has_fetched_meanwhile_is_used() {
    let (mut pair, login) = oidc_pair(Flow::Machine, &["one"], &["one", "other"]);
    pair.drive().unwrap();
    pair.host.cache.put(AccessToken::new(Secret::from("other")).unwrap());
    let (pair, outcome) = again(pair, login, |_| {});
    outcome.unwrap();
    assert_eq!(pair.host.calls.len(), 1);
}

#[test]
fn it_fails_after_as_many_tokens_as_the_specification_allows() {
    for (flow, returns, calls) in
        [(Flow::Machine, &["one", "bad", "bad"][..], 2), (Flow::Human, &["one+r", "bad+r", "bad", "bad"][..], 3)]
    {
        let (pair, login) = oidc_pair(flow, returns, &["one"]);
        let (pair, outcome) = again(pair, login, |_| {});
        assert!(matches!(outcome, Err(HandshakeError::Auth { cause: AuthFailure::Refused(_), .. })), "{outcome:?}");
        assert_eq!(pair.host.calls.len(), calls);
    }
}

#[test]
fn a_human_is_asked_again_only_if_refreshing_is_of_no_use() {
    for (returns, steps, calls) in [
        (&["one+r", "two"][..], &["saslStart"][..], 2),
        (&["one", "two"], &["saslStart", "saslContinue"], 2),
        (&["one+r", "bad", "two"], &["saslStart", "saslStart", "saslContinue"], 3),
    ] {
        let (pair, login) = oidc_pair(Flow::Human, returns, &["one", "two"]);
        let (pair, outcome) = again(pair, login, |_| {});
        outcome.unwrap();
        assert_eq!(pair.server.names(), steps);
        assert_eq!(pair.host.calls.len(), calls);
    }
}

#[test]
fn a_connection_that_is_busy_cannot_be_used() {
    let mut pair = Pair::new(options(None), Server::new(vec![]));
    pair.drive().unwrap();
    let (mut connection, _) = pair.client.finish().unwrap();
    let request =
        Request { name: "ping", body: &|_: &mut DocWriter<'_>| {}, sequences: &[], exhaust: false, no_reply: false };
    let mut out = SendBuf::new();
    connection.send(Instant::ORIGIN, &request, Instant::FAR_FUTURE, &mut out).unwrap();
    let login = Some(Login::X509 { username: None });
    let mut again = Handshake::reauthenticate(connection, login, None, Instant::FAR_FUTURE, nonce());
    assert!(!again.poll_transmit(Instant::ORIGIN, &mut SendBuf::new()));
    assert_eq!(again.error(), Some(&HandshakeError::Connection(ConnectionError::Busy)));
}
