//! The key cache and the names of its entries.

use super::*;
use alloc::vec::Vec;

fn params(salt: &[u8]) -> KeyParams {
    KeyParams::new(salt, MIN_ITERATIONS).unwrap()
}

#[test]
fn every_input_of_the_derivation_is_part_of_the_name() {
    let base = user().cache_key(&params(b"salt"));
    assert_eq!(base, user().cache_key(&params(b"salt")));
    let others = [
        user().cache_key(&params(b"sals")),
        user().cache_key(&KeyParams::new(b"salt", 4097).unwrap()),
        Credentials::sha256("user", Prepared::already("pencils")).unwrap().cache_key(&params(b"salt")),
        Credentials::raw(Hash::Sha1, "user", b"pencil").unwrap().cache_key(&params(b"salt")),
        // The border between salt and password moves.
        Credentials::sha256("user", Prepared::already("tpencil")).unwrap().cache_key(&params(b"sal")),
    ];
    for other in others {
        assert!(other != base);
    }
}

#[test]
fn users_share_keys_with_sha_256_but_not_with_sha_1() {
    let sha256 = |name| Credentials::sha256(name, Prepared::already("x")).unwrap().cache_key(&params(b"salt"));
    let sha1 = |name| Credentials::sha1(name, "x").unwrap().cache_key(&params(b"salt"));
    assert!(sha256("a") == sha256("b"));
    assert!(sha1("a") != sha1("b"));
}

#[test]
fn cached_keys_make_the_same_proof() {
    let mut cache = KeyCache::new();
    let derived = to_client_final();
    let proof = derived.payload().to_vec();
    match derived.finish(SERVER_FINAL.as_bytes(), true) {
        Ok(Finish::Done(verified)) => cache.insert(verified.into_keys()),
        other => panic!("{other:?}"),
    }
    let challenge = to_client_first().next(SERVER_FIRST.as_bytes(), false).unwrap();
    let keys = cache.get(challenge.cache_key()).unwrap();
    assert_eq!(challenge.client_final(keys).unwrap().payload(), proof);
}

#[test]
fn the_least_recently_used_keys_go_first() {
    let keys: Vec<_> = (0..=KeyCache::CAPACITY as u8).map(|salt| user().derive_keys(&params(&[salt]))).collect();
    let (newcomer, residents) = keys.split_last().unwrap();
    let mut cache = KeyCache::new();
    assert!(cache.is_empty());
    for keys in residents {
        cache.insert(keys.clone());
    }
    assert_eq!(cache.len(), KeyCache::CAPACITY);
    // Reading the first and inserting the second again leaves the third as the oldest.
    assert!(cache.get(residents[0].cache_key()).as_ref() == Some(&residents[0]));
    cache.insert(residents[1].clone());
    assert_eq!(cache.len(), KeyCache::CAPACITY);
    cache.insert(newcomer.clone());
    assert_eq!(cache.len(), KeyCache::CAPACITY);
    let missing: Vec<_> = (0..keys.len()).filter(|&at| cache.get(keys[at].cache_key()).is_none()).collect();
    assert_eq!(missing, [2]);
    cache.clear();
    assert!(cache.get(newcomer.cache_key()).is_none());
}
