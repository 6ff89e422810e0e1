//! Tests of SCRAM, and the conversations that they begin from.

mod cache;
mod hostile_client;
mod hostile_server;
mod mutation;
mod pair;
mod secrecy;
mod vectors;

use super::server::{Challenged, Hello, StoredCredentials};
use super::*;
use crate::auth::AuthError;
use alloc::vec::Vec;

const CLIENT_NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn nonce(text: &str) -> Nonce {
    Nonce::from_text(text).unwrap()
}

/// The user of RFC 7677.
fn user() -> Credentials {
    Credentials::sha256("user", Prepared::ascii("pencil").unwrap()).unwrap()
}

/// A client that has sent the first message of RFC 7677.
fn to_client_first() -> ClientFirst {
    ClientFirst::new(&user(), nonce(CLIENT_NONCE))
}

/// A client that has sent the proof of RFC 7677.
fn to_client_final() -> ClientFinal {
    let challenge = to_client_first().next(SERVER_FIRST.as_bytes(), false).unwrap();
    let keys = challenge.derive_keys();
    challenge.client_final(keys).unwrap()
}

/// What a server has stored about `credentials`.
fn stored(credentials: &Credentials) -> StoredCredentials {
    let params = KeyParams::new(b"0123456789abcdef", MIN_ITERATIONS).unwrap();
    StoredCredentials::derive(credentials, &params)
}

/// A server that has answered the client-first message `hello`.
fn to_challenged(hello: &[u8], stored: &StoredCredentials) -> Challenged {
    Hello::parse(hello).unwrap().challenge(Some(stored), &nonce("served")).unwrap()
}

/// The server's answer to the client-final message, or why the client failed before it had one.
fn client_final_for(first: ClientFirst, served: &Challenged) -> Result<ClientFinal, AuthError> {
    let challenge = first.next(served.payload(), false)?;
    let keys = challenge.derive_keys();
    challenge.client_final(keys)
}

/// A small generator of reproducible bytes.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Every truncation of `message`, every byte of it flipped in three ways, and 3000 random edits of one to four bytes.
fn mutations(message: &[u8]) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = (0..message.len()).map(|len| message[..len].to_vec()).collect();
    for at in 0..message.len() {
        for by in [0x01, 0x20, 0x80] {
            let mut mutated = message.to_vec();
            mutated[at] ^= by;
            all.push(mutated);
        }
    }
    let mut random = Xorshift(0x5eed);
    for _ in 0..3000 {
        let mut mutated = message.to_vec();
        for _ in 0..=random.below(4) {
            // Letters of the grammar, so that edits stay close to it, or any byte at all.
            let byte = if random.below(2) == 0 { b"=,resivcpnm\0"[random.below(12)] } else { random.below(256) as u8 };
            let at = random.below(mutated.len() + 1);
            match random.below(3) {
                0 => mutated.insert(at, byte),
                1 if at < mutated.len() => mutated[at] = byte,
                _ if at < mutated.len() => drop(mutated.remove(at)),
                _ => {}
            }
        }
        all.push(mutated);
    }
    all.retain(|mutated| mutated != message);
    all
}
