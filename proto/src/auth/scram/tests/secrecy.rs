//! `Debug` shows neither passwords nor what is as good as they are.

use super::*;
use alloc::format;
use base64::{Engine, engine::general_purpose::STANDARD};

#[test]
fn debug_hides_secrets() {
    let first = to_client_first();
    let challenge = first.clone().next(SERVER_FIRST.as_bytes(), false).unwrap();
    let keys = challenge.derive_keys();
    let last = to_client_final();
    let proof = last.payload().rsplit(|byte| *byte == b'=').nth(1).unwrap();
    let stored = stored(&user());
    let shown = format!(
        "{:?} {first:?} {challenge:?} {keys:?} {last:?} {stored:?} {:?} {:?} {:?}",
        user(),
        Prepared::ascii("pencil"),
        keys.client_key(),
        keys.cache_key(),
    );
    assert!(shown.contains("Credentials") && shown.contains("\"user\""));
    for secret in [b"pencil", proof, keys.client_key().as_bytes(), keys.server_key().as_bytes()] {
        assert!(!shown.contains(&STANDARD.encode(secret)));
        // As `derive(Debug)` would show bytes.
        assert!(!shown.contains(&format!("{secret:?}")), "{shown}");
        if let Ok(text) = core::str::from_utf8(secret) {
            assert!(!shown.contains(text), "{shown}");
        }
    }
}
