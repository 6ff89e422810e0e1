//! The conversation against the specification's payloads, against signatures made independently, and against hostile servers.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

/// The payloads of the specification's example conversation.
const CLIENT_FIRST: &str = "NAAAAAVyACAAAAAAWj0lSjp8M0BMKGU+QVAzRSpWfk0hJigqO1V+b0FaVz4QcABuAAAAAA==";
const SERVER_FIRST: &str = "ZgAAAAVzAEAAAAAAWj0lSjp8M0BMKGU+QVAzRSpWfk0hJigqO1V+b0FaVz5Rj7x9UOBHJLvPgvgPS9sSzZUWgAPTy8HBbI1c\
                            G1WJ9gJoABIAAABzdHMuYW1hem9uYXdzLmNvbQAA";
const CLIENT_SECOND: &str = "LQEAAAJhAAkBAABBV1M0LUhNQUMtU0hBMjU2IENyZWRlbnRpYWw9QUtJQUlDR1ZMS09LWlZZM1gzREEvMjAxOTExMTIvdXMtZWFz\
                             dC0xL3N0cy9hd3M0X3JlcXVlc3QsIFNpZ25lZEhlYWRlcnM9Y29udGVudC1sZW5ndGg7Y29udGVudC10eXBlO2hvc3Q7eC1hbXot\
                             ZGF0ZTt4LW1vbmdvZGItZ3MyLWNiLWZsYWc7eC1tb25nb2RiLXNlcnZlci1ub25jZSwgU2lnbmF0dXJlPThhMTI0NGZjODYyZTI5\
                             YjZiZjc0OTFmMmYwNDE5NDY2ZGNjOTFmZWU1MTJhYTViM2ZmZjQ1NDY3NDEwMjJiMmUAAmQAEQAAADIwMTkxMTEyVDIxMDEyMloA\
                             AA==";
/// 2019-11-12 21:01:22 UTC, the date in the example.
const THEN: Duration = Duration::from_secs(1_573_592_482);

fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

/// The server's first payload.
fn server_first(nonce: &[u8], host: &str) -> Vec<u8> {
    document(|doc| {
        doc.binary("s", 0, nonce).str("h", host);
    })
}

fn own_nonce() -> Vec<u8> {
    [7; 32].into_iter().chain(0..32).collect()
}

fn credentials() -> AwsCredentials {
    AwsCredentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

#[test]
fn the_specifications_conversation() {
    let payload = decode(CLIENT_FIRST);
    let nonce = Doc::new(&payload).unwrap().get_binary("r").unwrap().unwrap().1.try_into().unwrap();
    let first = AwsFirst::new(nonce);
    assert_eq!(first.payload(), payload);
    let challenge = first.next(&decode(SERVER_FIRST), false).unwrap();
    assert_eq!(challenge.host().as_str(), "sts.amazonaws.com");
    // The secret key of the example is not told: everything but the signature must be the same.
    let last = challenge.respond(&AwsCredentials::new("AKIAICGVLKOKZVY3X3DA", "?"), THEN).unwrap();
    let expected = decode(CLIENT_SECOND);
    let (last, expected) = (Doc::new(&last).unwrap(), Doc::new(&expected).unwrap());
    let unsigned = |doc: Doc<'_>| {
        let header = doc.get_str("a").unwrap().unwrap();
        alloc::string::String::from(header.split_once("Signature=").unwrap().0)
    };
    assert_eq!(unsigned(last), unsigned(expected));
    assert_eq!(last.get_str("d"), expected.get_str("d"));
    assert_eq!(last.get("t"), Ok(None), "no token without a token");
    assert_eq!(last.as_bytes().len(), expected.as_bytes().len());
}

/// The signatures were made with another implementation of the algorithm.
#[test]
fn signatures_with_and_without_a_session_token() {
    let time = Duration::from_secs(1_573_086_367);
    let respond = |host: &str, credentials: &AwsCredentials| {
        let challenge = AwsFirst::new([7; 32]).next(&server_first(&own_nonce(), host), false).unwrap();
        challenge.respond(credentials, time).unwrap()
    };
    let last = respond("sts.amazonaws.com", &credentials());
    assert_eq!(
        Doc::new(&last).unwrap().get_str("a").unwrap().unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20191107/us-east-1/sts/aws4_request, \
         SignedHeaders=content-length;content-type;host;x-amz-date;x-mongodb-gs2-cb-flag;x-mongodb-server-nonce, \
         Signature=fae69052b56d9322b3e35e2f870255b3e62a5d42cf4adba9c109ab5060e4f699"
    );
    let last = respond("sts.eu-central-1.amazonaws.com", &credentials().session_token("the/session+token=="));
    let last = Doc::new(&last).unwrap();
    assert_eq!(
        last.get_str("a").unwrap().unwrap(),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20191107/eu-central-1/sts/aws4_request, SignedHeaders=content-length;\
         content-type;host;x-amz-date;x-amz-security-token;x-mongodb-gs2-cb-flag;x-mongodb-server-nonce, \
         Signature=516548fefe8ce4ae377892521bbd9c332f98600b9722ad738e7e795afa7ee312"
    );
    assert_eq!(last.get_str("t"), Ok(Some("the/session+token==")));
    assert_eq!(BODY_LEN, BODY.len().to_string());
}

#[test]
fn a_server_with_another_nonce_or_a_bad_host_gets_no_signature() {
    let first = AwsFirst::new([7; 32]);
    let next = |payload: &[u8]| first.next(payload, false).unwrap_err();
    let good = own_nonce();
    let mut other = good.clone();
    other[31] ^= 1;
    for nonce in [&other[..], &good[..63], &[&good[..], &[0]].concat(), &good[..32], &[]] {
        assert_eq!(next(&server_first(nonce, "sts.amazonaws.com")), AuthError::NonceMismatch);
    }
    for host in ["", "a..b", ".a", "a.", &"x".repeat(256), "a\nb"] {
        assert_eq!(next(&server_first(&good, host)), AuthError::BadStsHost);
    }
    assert_eq!(first.next(&server_first(&good, "h"), true).unwrap_err(), AuthError::DoneTooEarly);
}

#[test]
fn malformed_payloads_are_errors() {
    let first = AwsFirst::new([7; 32]);
    let bad = [
        vec![],
        vec![5, 0, 0, 0, 0],
        document(|doc| {
            doc.str("h", "sts.amazonaws.com");
        }),
        document(|doc| {
            doc.binary("s", 0, &own_nonce());
        }),
        document(|doc| {
            doc.str("s", "text").str("h", "sts.amazonaws.com");
        }),
        document(|doc| {
            doc.binary("s", 0, &own_nonce()).i32("h", 1);
        }),
    ];
    for payload in bad {
        assert!(matches!(first.next(&payload, false), Err(AuthError::Malformed(_))), "{payload:?}");
    }
    // Cut anywhere or with any byte changed: an answer or an error, never a panic.
    let good = server_first(&own_nonce(), "sts.amazonaws.com");
    for at in 0..good.len() {
        assert!(first.next(&good[..at], false).is_err());
        for bits in [0x01, 0x80, 0xff] {
            let mut payload = good.clone();
            payload[at] ^= bits;
            if let Ok(challenge) = first.next(&payload, false) {
                assert!(challenge.respond(&credentials(), THEN).is_ok());
            }
        }
    }
}
