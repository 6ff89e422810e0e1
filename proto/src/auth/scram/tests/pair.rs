//! Our client against our server.

use super::*;
use crate::auth::scram::server::Rejection;

#[test]
fn client_and_server_agree_with_both_hashes_and_any_name() {
    for name in ["user", "a=b,c", "=2C", "=3D", ",,==", "Ⅸ", "n=x,r=y"] {
        let sha1 = Credentials::sha1(name, "pass wörd").unwrap();
        let sha256 = Credentials::sha256(name, Prepared::already("pass wörd")).unwrap();
        for credentials in [sha1, sha256] {
            let stored = stored(&credentials);
            let first = ClientFirst::new(&credentials, Nonce::from_random(&[1; 24]));
            let hello = Hello::parse(first.payload()).unwrap();
            assert_eq!(hello.username(), name);
            let served = hello.challenge(Some(&stored), &Nonce::from_random(&[2; 24])).unwrap();
            let last = client_final_for(first, &served).unwrap();
            let server_final = served.verify(last.payload()).unwrap();
            assert!(matches!(last.finish(&server_final, true), Ok(Finish::Done(_))), "{name}");
        }
    }
}

#[test]
fn the_name_is_escaped_on_the_wire() {
    let credentials = Credentials::sha1("a=b,c", "x").unwrap();
    assert_eq!(ClientFirst::new(&credentials, nonce("r")).payload(), b"n,,n=a=3Db=2Cc,r=r");
}

#[test]
fn a_wrong_password_is_an_invalid_proof() {
    let wrong = Credentials::sha256("user", Prepared::ascii("pencils").unwrap()).unwrap();
    let first = ClientFirst::new(&wrong, nonce("client"));
    let served = to_challenged(first.payload(), &stored(&user()));
    let last = client_final_for(first, &served).unwrap();
    let rejection = served.verify(last.payload()).unwrap_err();
    assert_eq!(rejection, Rejection::InvalidProof);
    let refused = last.finish(&rejection.payload(), true).unwrap_err();
    assert_eq!(refused, AuthError::Refused("invalid-proof".into()));
}

#[test]
fn an_unknown_user_is_rejected_and_the_client_says_so() {
    let first = to_client_first();
    let hello = Hello::parse(first.payload()).unwrap();
    let rejection = hello.challenge(None, &nonce("served")).unwrap_err();
    assert_eq!(rejection, Rejection::UnknownUser);
    assert_eq!(first.next(&rejection.payload(), true).unwrap_err(), AuthError::Refused("unknown-user".into()));
}

#[test]
fn a_server_that_does_not_know_the_keys_is_found_out() {
    let first = to_client_first();
    let mut impostor = stored(&user());
    impostor.server_key = impostor.stored_key.clone();
    let served = to_challenged(first.payload(), &impostor);
    let last = client_final_for(first, &served).unwrap();
    let server_final = served.verify(last.payload()).unwrap();
    assert_eq!(last.finish(&server_final, true).unwrap_err(), AuthError::BadServerSignature);
}

#[test]
fn done_false_after_the_signature_asks_for_an_empty_exchange() {
    let to_empty_exchange = || match to_client_final().finish(SERVER_FINAL.as_bytes(), false) {
        Ok(Finish::EmptyExchange(exchange)) => exchange,
        other => panic!("{other:?}"),
    };
    assert!(to_empty_exchange().payload().is_empty());
    assert!(to_empty_exchange().handle_reply(b"", true).is_ok());
    assert_eq!(to_empty_exchange().handle_reply(b"", false).unwrap_err(), AuthError::NotDone);
    assert_eq!(
        to_empty_exchange().handle_reply(b"v=x", true).unwrap_err(),
        AuthError::Malformed("payload after the end")
    );
}

#[test]
fn keys_of_another_conversation_are_not_used() {
    let first = to_client_first();
    let challenge = first.next(SERVER_FIRST.as_bytes(), false).unwrap();
    let other_salt = user().derive_keys(&KeyParams::new(b"other", 4096).unwrap());
    let other_hash = Credentials::sha1("user", "pencil").unwrap().derive_keys(challenge.params());
    for keys in [other_salt, other_hash] {
        assert_eq!(challenge.clone().client_final(keys).unwrap_err(), AuthError::KeysMismatch);
    }
}

#[test]
fn a_name_must_not_be_empty_or_have_a_nul() {
    assert_eq!(Credentials::sha1("", "x").unwrap_err(), AuthError::EmptyUsername);
    assert_eq!(Credentials::sha256("a\0", Prepared::already("x")).unwrap_err(), AuthError::NulInUsername);
}

#[test]
fn only_printable_ascii_is_prepared_already() {
    assert_eq!(Prepared::ascii(" ~pencil=,").unwrap().as_str(), " ~pencil=,");
    assert_eq!(Prepared::ascii("").unwrap().as_str(), "");
    for password in ["I\u{ad}X", "\u{2163}", "a\tb", "\u{7f}", "\0"] {
        assert!(Prepared::ascii(password).is_none(), "{password:?}");
    }
}
