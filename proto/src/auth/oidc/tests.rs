//! Payloads against the specification's, and the cache as hosts use it.

use alloc::format;
use alloc::vec;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::Instant;
use crate::uri::Secret;

fn token(text: &str) -> AccessToken {
    AccessToken::new(Secret::from(text)).unwrap()
}

fn cached(text: &str) -> Fetch {
    Fetch::Answer(TokenAnswer::Token { token: token(text), origin: Origin::Cached })
}

fn info() -> IdpInfo {
    IdpInfo {
        issuer: "https://issuer".into(),
        client_id: Some("abcd".into()),
        request_scopes: vec!["a".into(), "b".into()],
    }
}

fn need(idp_info: Option<IdpInfo>) -> TokenNeed {
    TokenNeed { rejected: None, idp_info }
}

#[test]
fn the_specifications_payloads() {
    assert_eq!(STANDARD.encode(jwt_payload(&token("abcd1234"))), "FwAAAAJqd3QACQAAAGFiY2QxMjM0AAA=");
    assert_eq!(STANDARD.encode(principal_payload(Some("myidp"))), "EgAAAAJuAAYAAABteWlkcAAA");
    assert_eq!(principal_payload(None), [5, 0, 0, 0, 0]);
    let payload = "WQAAAAJpc3N1ZXIADwAAAGh0dHBzOi8vaXNzdWVyAAJjbGllbnRJZAAFAAAAYWJjZAAEcmVxdWVzdFNjb3BlcwAXAAAAAjAAAgAAAGEAAjEA\
                   AgAAAGIAAAA=";
    assert_eq!(IdpInfo::parse(&STANDARD.decode(payload).unwrap()).unwrap(), info());
}

#[test]
fn hostile_descriptions_of_providers_are_errors() {
    let machine = document(|doc| {
        doc.str("issuer", "https://issuer");
    });
    assert_eq!(IdpInfo::parse(&machine).unwrap().client_id, None, "providers for machines have no client id");
    let bad = [
        vec![],
        document(|_| ()),
        document(|doc| {
            doc.i32("issuer", 1);
        }),
        document(|doc| {
            doc.str("issuer", "i").i32("clientId", 1);
        }),
        document(|doc| {
            doc.str("issuer", "i").str("requestScopes", "a");
        }),
        document(|doc| {
            doc.str("issuer", "i").array_of("requestScopes").i32(1);
        }),
    ];
    for payload in bad {
        assert!(matches!(IdpInfo::parse(&payload), Err(AuthError::Malformed(_))), "{payload:?}");
    }
    let good = document(|doc| {
        doc.str("issuer", "https://issuer").str("clientId", "abcd");
        doc.array_of("requestScopes").str("a").str("b");
    });
    for at in 0..good.len() {
        assert!(IdpInfo::parse(&good[..at]).is_err());
        for bits in [0x01, 0x80, 0xff] {
            let mut payload = good.clone();
            payload[at] ^= bits;
            let _ = IdpInfo::parse(&payload);
        }
    }
}

#[test]
fn a_machine_is_asked_once_and_again_after_100_ms() {
    let mut cache = TokenCache::new(Flow::Machine);
    let start = Instant::from_millis(5);
    let request = CallbackRequest { version: 1, idp_info: None, refresh_token: None };
    assert_eq!(cache.poll_token(start, &need(None)), Fetch::Call(request.clone()));
    assert_eq!(cache.poll_token(start, &need(None)), Fetch::Busy);
    let answer = cache.handle_tokens(OidcTokens::new("one").refresh_token("not kept")).unwrap();
    assert_eq!(answer, TokenAnswer::Token { token: token("one"), origin: Origin::Fresh });
    assert_eq!(cache.poll_token(start, &need(None)), cached("one"));
    // Another token than the one that is there is nobody's loss.
    cache.reject(&Rejected { token: token("two"), origin: Origin::Cached });
    assert_eq!(cache.access_token(), Some(&token("one")));
    cache.reject(&Rejected { token: token("one"), origin: Origin::Cached });
    assert_eq!(cache.access_token(), None);
    let next = Instant::from_millis(105);
    assert_eq!(cache.poll_token(Instant::from_millis(104), &need(None)), Fetch::Wait(next));
    assert_eq!(cache.poll_token(next, &need(None)), Fetch::Call(request.clone()));
    // Failures count as calls, and leave the way free for the next.
    cache.handle_call_failed();
    assert_eq!(cache.poll_token(next, &need(None)), Fetch::Wait(Instant::from_millis(205)));
    assert_eq!(cache.poll_token(Instant::from_millis(205), &need(None)), Fetch::Call(request));
    assert_eq!(cache.handle_tokens(OidcTokens::new("")), Err(AuthError::EmptyToken));
    assert!(matches!(cache.poll_token(Instant::from_millis(205), &need(None)), Fetch::Wait(_)));
}

#[test]
fn a_human_is_asked_with_the_provider_and_later_with_the_refresh_token() {
    let mut cache = TokenCache::new(Flow::Human);
    let now = Instant::from_millis;
    assert_eq!(cache.poll_token(now(0), &need(None)), Fetch::Answer(TokenAnswer::TwoStep));
    let first = CallbackRequest { version: 1, idp_info: Some(info()), refresh_token: None };
    assert_eq!(cache.poll_token(now(0), &need(Some(info()))), Fetch::Call(first.clone()));
    assert_eq!(cache.poll_token(now(0), &need(None)), Fetch::Busy);
    cache.handle_tokens(OidcTokens::new("one").refresh_token("again")).unwrap();
    // Another connection had begun its own conversation: it needs no human.
    assert_eq!(cache.poll_token(now(0), &need(Some(info()))), cached("one"));
    cache.reject(&Rejected { token: token("one"), origin: Origin::Cached });
    let refresh = CallbackRequest { version: 1, idp_info: Some(info()), refresh_token: Some("again".into()) };
    assert_eq!(cache.poll_token(now(1000), &need(None)), Fetch::Call(refresh));
    let answer = cache.handle_tokens(OidcTokens::new("two").refresh_token("once more")).unwrap();
    assert_eq!(answer, TokenAnswer::Token { token: token("two"), origin: Origin::Refreshed });
    // What came from a refresh token and was refused takes that with it.
    cache.reject(&Rejected { token: token("two"), origin: Origin::Refreshed });
    assert_eq!(cache.poll_token(now(2000), &need(None)), Fetch::Answer(TokenAnswer::TwoStep));
    assert_eq!(cache.poll_token(now(2000), &need(Some(info()))), Fetch::Call(first));
}

#[test]
fn timeouts_are_the_specifications_and_nothing_secret_is_shown() {
    use core::time::Duration;
    let left = Some(Duration::from_secs(3));
    assert_eq!(Flow::Human.callback_timeout(left), Duration::from_secs(300));
    assert_eq!(Flow::Machine.callback_timeout(left), Duration::from_secs(3));
    assert_eq!(Flow::Machine.callback_timeout(None), Duration::from_secs(60));
    let mut cache = TokenCache::new(Flow::Human);
    cache.poll_token(Instant::ORIGIN, &need(Some(info())));
    let tokens = OidcTokens::new("hush").refresh_token("quiet");
    let shown = format!("{tokens:?} {:?} {cache:?}", cache.clone().handle_tokens(tokens.clone()));
    cache.handle_tokens(tokens).unwrap();
    let shown = format!("{shown} {cache:?}");
    assert!(!shown.contains("hush") && !shown.contains("quiet"), "{shown}");
}
