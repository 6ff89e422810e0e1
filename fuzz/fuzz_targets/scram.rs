//! Whoever does not know the password gets through neither side, and no message panics either.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use stator_proto::auth::scram::{ClientFirst, Credentials, KeyCache, KeyParams, Nonce, Prepared, server};

/// PBKDF2 is slow: no more rounds than these are computed, and the keys are kept.
const MOST_ITERATIONS: u32 = 4200;

thread_local! {
    static KEYS: RefCell<KeyCache> = const { RefCell::new(KeyCache::new()) };
    static STORED: server::StoredCredentials = {
        server::StoredCredentials::derive(&credentials(false), &KeyParams::new(b"salt", 4096).expect("in bounds"))
    };
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, rest)) = data.split_first() else { return };
    let (first, last) =
        rest.iter().position(|&byte| byte == b'\n').map_or((rest, &[][..]), |at| (&rest[..at], &rest[at + 1..]));
    client(mode, first, last);
    server(mode, first, last);
});

fn client(mode: u8, server_first: &[u8], server_final: &[u8]) {
    let nonce = Nonce::from_text("client").expect("a nonce");
    let client = ClientFirst::new(&credentials(mode & 1 != 0), nonce);
    let named = server::Hello::parse(client.payload()).expect("what the client says is read by the server");
    assert_eq!(named.username(), USERNAME);
    let Ok(challenge) = client.next(server_first, mode & 2 != 0) else { return };
    if challenge.params().iterations() > MOST_ITERATIONS {
        return;
    }
    let keys = KEYS.with_borrow_mut(|cache| {
        cache.get(challenge.cache_key()).unwrap_or_else(|| {
            let keys = challenge.derive_keys();
            cache.insert(keys.clone());
            keys
        })
    });
    let client = challenge.client_final(keys).expect("they are the keys of this challenge");
    let _ = format!("{client:?}");
    assert!(client.finish(server_final, mode & 4 != 0).is_err(), "a server without the keys has proved itself");
}

fn server(mode: u8, client_first: &[u8], client_final: &[u8]) {
    let Ok(hello) = server::Hello::parse(client_first) else { return };
    let _ = format!("{hello:?}");
    let nonce = Nonce::from_text("server").expect("a nonce");
    let stored = STORED.with(Clone::clone);
    let Ok(challenged) = hello.challenge((mode & 8 == 0).then_some(&stored), &nonce) else { return };
    assert!(challenged.verify(client_final).is_err(), "a client without the password has proved itself");
}

fn credentials(sha1: bool) -> Credentials {
    let made = match sha1 {
        true => Credentials::sha1(USERNAME, "pencil"),
        false => Credentials::sha256(USERNAME, Prepared::already("pencil")),
    };
    made.expect("the name is fit for use")
}

const USERNAME: &str = "a=b,c";
