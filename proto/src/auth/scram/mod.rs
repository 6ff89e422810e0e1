//! SCRAM-SHA-1 and SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677, MongoDB's Authentication
//! specification).
//!
//! ```text
//!   ClientFirst::new(credentials, nonce)
//!        │ payload(): "n,,n=user,r=..."                      ── saslStart ──▶
//!        ▼
//!   ClientFirst ── next(server_first, done) ──▶ Challenge    ◀── "r=...,s=...,i=..."
//!                                                   │ cache_key(): look in a KeyCache, or
//!                                                   │ derive_keys(): PBKDF2, the slow step
//!                                                   ▼
//!                          client_final(keys) ──▶ ClientFinal
//!                                                   │ payload(): "c=biws,r=...,p=..."  ── saslContinue ──▶
//!                                                   ▼
//!                          finish(server_final, done)        ◀── "v=..."
//!                                │                 │
//!                            done: true        done: false (servers before 4.4)
//!                                ▼                 ▼
//!                            Finish::Done      Finish::EmptyExchange ── empty saslContinue ──▶
//!                                                  │ handle_reply(payload, done)  ◀── empty, done: true
//!                                                  ▼
//!                                               Verified
//! ```
//!
//! Each phase is a type that the next step consumes, so a conversation cannot be continued out of order or after an
//! error. `done` is the field of that name in the server's reply: a server that says `done: true` before it has
//! shown its signature is refused, because it may not know the user's keys.
//!
//! ```
//! use stator_proto::auth::scram::{ClientFirst, Credentials, Finish, KeyCache, KeyParams, Nonce, Prepared, server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prepared = Prepared::ascii("pencil").ok_or("needs SASLprep")?;
//! let credentials = Credentials::sha256("user", prepared)?;
//! let mut cache = KeyCache::new(); // a host keeps one per client, behind its lock
//!
//! // What a server stores about the user.
//! let params = KeyParams::new(b"salt of 28 bytes, as mongod's", 4096)?;
//! let stored = server::StoredCredentials::derive(&credentials, &params);
//!
//! let first = ClientFirst::new(&credentials, Nonce::from_random(&[7; 24])); // 24 random bytes in earnest
//! let served = server::Hello::parse(first.payload())?;
//! assert_eq!(served.username(), "user");
//! let served = served.challenge(Some(&stored), &Nonce::from_random(&[8; 24]))?;
//!
//! let challenge = first.next(served.payload(), false)?;
//! let keys = cache.get(challenge.cache_key()).unwrap_or_else(|| challenge.derive_keys());
//! let last = challenge.client_final(keys)?;
//! let server_final = served.verify(last.payload())?;
//!
//! match last.finish(&server_final, true)? {
//!     Finish::Done(verified) => cache.insert(verified.into_keys()),
//!     Finish::EmptyExchange(_) => unreachable!("only with done: false"),
//! }
//! assert_eq!(cache.len(), 1);
//! # Ok(())
//! # }
//! ```

mod cache;
mod client;
mod credentials;
mod crypto;
mod keys;
mod message;
pub mod server;

pub use cache::KeyCache;
pub use client::{Challenge, ClientFinal, ClientFirst, EmptyExchange, Finish, Verified};
pub use credentials::{Credentials, Prepared};
pub use crypto::{Hash, Key};
pub use keys::{KeyCacheKey, KeyParams, ScramKeys};
pub use message::Nonce;

/// The fewest iterations that a server may ask for, as the Authentication specification says: fewer would ease an
/// offline attack by whoever pretends to be the server.
pub const MIN_ITERATIONS: u32 = 4096;

/// The most iterations that a server may ask for, so that a hostile server cannot make a client compute for minutes.
///
/// Servers default to 10 000 (SHA-1) and 15 000 (SHA-256); the highest counts recommended anywhere for PBKDF2 are
/// near 1 400 000 (with SHA-1). At this bound an optimised build takes some 0.2 s on a processor with SHA instructions
/// and about a second without.
pub const MAX_ITERATIONS: u32 = 2_000_000;

/// The longest salt, in bytes, that is accepted; the shortest is one byte. Servers use 16 (SHA-1) and 28 (SHA-256).
pub const MAX_SALT_LEN: usize = 256;

/// The longest nonce, in bytes, that is accepted from a peer; servers add 32 bytes to the client's 32.
pub const MAX_NONCE_LEN: usize = 512;

/// The longest message, in bytes, that is accepted from a peer.
pub const MAX_MESSAGE_LEN: usize = 4096;

#[cfg(test)]
mod tests;
