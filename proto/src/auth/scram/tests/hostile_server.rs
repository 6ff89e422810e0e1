//! Each way in which a server's message can be wrong.

use super::*;
use alloc::format;
use alloc::string::String;

const NONCE: &str = "rOprNGfwEbeRWgbNEkqO+server";

fn first(message: &str) -> AuthError {
    to_client_first().next(message.as_bytes(), false).unwrap_err()
}

fn last(message: &[u8]) -> AuthError {
    to_client_final().finish(message, true).unwrap_err()
}

#[test]
fn server_first_must_follow_the_grammar() {
    let long_nonce = format!("{CLIENT_NONCE}{}", "x".repeat(MAX_NONCE_LEN));
    let cases = [
        (String::new(), "nonce"),
        (String::from("r"), "nonce"),
        (String::from("rr=x,s=AAAA,i=4096"), "nonce"),
        (String::from("=x,s=AAAA,i=4096"), "nonce"),
        (String::from("r=,s=AAAA,i=4096"), "nonce"),
        (format!("r={NONCE} ,s=AAAA,i=4096"), "nonce"),
        (format!("r={NONCE}é,s=AAAA,i=4096"), "nonce"),
        (format!("r={long_nonce},s=AAAA,i=4096"), "nonce"),
        (format!("s=AAAA,r={NONCE},i=4096"), "nonce"),
        (format!("m=x,r={NONCE},s=AAAA,i=4096"), "unknown mandatory extension"),
        (format!("r={NONCE}"), "salt"),
        (format!("r={NONCE},i=4096"), "salt"),
        (format!("r={NONCE},s=AAA,i=4096"), "salt"),
        (format!("r={NONCE},s=****,i=4096"), "salt"),
        (format!("r={NONCE},s=,i=4096"), "length of the salt"),
        (format!("r={NONCE},s={},i=4096", "AAAA".repeat(100)), "length of the salt"),
        (format!("r={NONCE},s=AAAA"), "iteration count"),
        (format!("r={NONCE},s=AAAA,i="), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=0"), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=04096"), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=+4096"), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=-4096"), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=4096 "), "iteration count"),
        (format!("r={NONCE},s=AAAA,i=4096,"), "extensions"),
        (format!("r={NONCE},s=AAAA,i=4096,x"), "extensions"),
        (format!("r={NONCE},s=AAAA,i=4096,x="), "extensions"),
        (format!("r={NONCE},s=AAAA,i=4096,1=x"), "extensions"),
        (format!("r={NONCE},s=AAAA,i=4096,x={}", "y".repeat(MAX_MESSAGE_LEN)), "length or encoding of server-first"),
    ];
    for (message, what) in cases {
        assert_eq!(first(&message), AuthError::Malformed(what), "{message}");
    }
    let not_utf8 = to_client_first().next(b"r=\xff", false).unwrap_err();
    assert_eq!(not_utf8, AuthError::Malformed("length or encoding of server-first"));
}

#[test]
fn unknown_optional_extensions_are_ignored_but_signed() {
    let challenge = to_client_first().next(format!("{SERVER_FIRST},x=y").as_bytes(), false).unwrap();
    let keys = challenge.derive_keys();
    let with = challenge.client_final(keys).unwrap();
    assert_ne!(with.payload(), to_client_final().payload());
    assert!(to_client_final().finish(format!("{SERVER_FINAL},x=y").as_bytes(), true).is_ok());
}

#[test]
fn the_nonce_must_extend_the_clients() {
    let shorter = &CLIENT_NONCE[..CLIENT_NONCE.len() - 1];
    for nonce in [CLIENT_NONCE, shorter, "somebody-else", &NONCE.to_lowercase(), &format!("x{NONCE}")] {
        assert_eq!(first(&format!("r={nonce},s=AAAA,i=4096")), AuthError::NonceMismatch, "{nonce}");
    }
}

#[test]
fn the_iteration_count_has_bounds_at_both_ends() {
    let with = |count: &str| to_client_first().next(format!("r={NONCE},s=AAAA,i={count}").as_bytes(), false);
    assert_eq!(with("4096").unwrap().params().iterations(), MIN_ITERATIONS);
    assert_eq!(with("2000000").unwrap().params().iterations(), MAX_ITERATIONS);
    assert_eq!(with("4095").unwrap_err(), AuthError::TooFewIterations(4095));
    assert_eq!(with("1").unwrap_err(), AuthError::TooFewIterations(1));
    assert_eq!(with("2000001").unwrap_err(), AuthError::TooManyIterations(2_000_001));
    assert_eq!(with("4294967296").unwrap_err(), AuthError::TooManyIterations(u32::MAX));
    assert_eq!(with(&"9".repeat(200)).unwrap_err(), AuthError::TooManyIterations(u32::MAX));
}

#[test]
fn an_e_attribute_is_reported_and_cut() {
    assert_eq!(first("e=other-error"), AuthError::Refused("other-error".into()));
    assert_eq!(last(b"e=invalid-proof"), AuthError::Refused("invalid-proof".into()));
    assert_eq!(last(b"e=no-resources,x=y"), AuthError::Refused("no-resources".into()));
    assert_eq!(last(format!("e={}", "é".repeat(1000)).as_bytes()), AuthError::Refused("é".repeat(128)));
}

#[test]
fn server_final_must_be_a_signature() {
    let cases: [(&[u8], AuthError); 9] = [
        (b"", AuthError::Malformed("server signature")),
        (b"v", AuthError::Malformed("server signature")),
        (b"x=6rri", AuthError::Malformed("server signature")),
        (b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4", AuthError::Malformed("server signature")),
        (b"v=\xff", AuthError::Malformed("length or encoding of server-final")),
        (b"v=", AuthError::Malformed("length of the server signature")),
        (b"v=6rri", AuthError::Malformed("length of the server signature")),
        (b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,", AuthError::Malformed("extensions")),
        // The right bytes, but with bits that base64 leaves unused.
        (b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", AuthError::Malformed("server signature")),
    ];
    for (message, error) in cases {
        assert_eq!(last(message), error, "{:?}", core::str::from_utf8(message));
    }
    assert_eq!(last(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), AuthError::BadServerSignature);
}

#[test]
fn done_before_the_signature_is_refused() {
    assert_eq!(to_client_first().next(SERVER_FIRST.as_bytes(), true).unwrap_err(), AuthError::DoneTooEarly);
    // An empty payload with done: true is no signature either.
    assert_eq!(last(b""), AuthError::Malformed("server signature"));
}
