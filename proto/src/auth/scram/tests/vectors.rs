//! Known conversations, replayed byte for byte.

use super::*;

/// Client nonce, server-first, client-final and server-final of a conversation.
struct Vector {
    credentials: Credentials,
    client_nonce: &'static str,
    client_first: &'static str,
    server_first: &'static str,
    client_final: &'static str,
    server_final: &'static str,
}

impl Vector {
    fn replay(&self) {
        let first = ClientFirst::new(&self.credentials, nonce(self.client_nonce));
        assert_eq!(core::str::from_utf8(first.payload()), Ok(self.client_first));
        let challenge = first.next(self.server_first.as_bytes(), false).unwrap();
        let keys = challenge.derive_keys();
        let last = challenge.client_final(keys.clone()).unwrap();
        assert_eq!(core::str::from_utf8(last.payload()), Ok(self.client_final));
        match last.finish(self.server_final.as_bytes(), true) {
            Ok(Finish::Done(verified)) => assert!(verified.into_keys() == keys),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn rfc_5802_section_5() {
    Vector {
        credentials: Credentials::raw(Hash::Sha1, "user", b"pencil").unwrap(),
        client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
        client_first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        server_first: "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        server_final: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    }
    .replay();
}

#[test]
fn mongodb_scram_sha_1() {
    Vector {
        credentials: Credentials::sha1("user", "pencil").unwrap(),
        client_nonce: "fyko+d2lbbFgONRv9qkxdawL",
        client_first: "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        server_first: "r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,s=rQ9ZY3MntBeuP3E1TDVC4w==,i=10000",
        client_final: "c=biws,r=fyko+d2lbbFgONRv9qkxdawLHo+Vgk7qvUOKUwuWLIWg4l/9SraGMHEE,\
                       p=MC2T8BvbmWRckDw8oWl5IVghwCY=",
        server_final: "v=UMWeI25JD1yNYZRMpZ4VHvhZ9e0=",
    }
    .replay();
}

/// RFC 7677 section 3; MongoDB's specification has the same conversation.
#[test]
fn rfc_7677_section_3_and_mongodb_scram_sha_256() {
    Vector {
        credentials: user(),
        client_nonce: CLIENT_NONCE,
        client_first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        server_first: SERVER_FIRST,
        client_final: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                       p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        server_final: SERVER_FINAL,
    }
    .replay();
}

#[test]
fn the_server_signs_as_rfc_7677_says() {
    let params = KeyParams::new(to_client_first().next(SERVER_FIRST.as_bytes(), false).unwrap().params().salt(), 4096);
    let stored = StoredCredentials::derive(&user(), &params.unwrap());
    let served = Hello::parse(to_client_first().payload())
        .and_then(|hello| hello.challenge(Some(&stored), &nonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")))
        .unwrap();
    assert_eq!(core::str::from_utf8(served.payload()), Ok(SERVER_FIRST));
    assert_eq!(served.verify(to_client_final().payload()).as_deref(), Ok(SERVER_FINAL.as_bytes()));
}

#[test]
fn a_nonce_is_the_base64_of_24_bytes() {
    assert_eq!(Nonce::from_random(&[0xff; 24]).as_str(), "////////////////////////////////");
}

#[test]
fn a_nonce_in_text_must_be_printable_and_short() {
    for text in ["", "a,b", "a b", "a\n", "é", &"x".repeat(MAX_NONCE_LEN / 2 + 1)] {
        assert_eq!(Nonce::from_text(text), None, "{text:?}");
    }
    assert_eq!(Nonce::from_text(&"x".repeat(MAX_NONCE_LEN / 2)).unwrap().as_str().len(), MAX_NONCE_LEN / 2);
}
