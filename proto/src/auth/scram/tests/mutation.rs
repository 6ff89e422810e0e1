//! Messages cut short and altered: nothing panics, and nothing altered is taken for the original.

use super::*;

#[test]
fn an_altered_server_first_is_refused_or_stays_within_the_bounds() {
    let first = to_client_first();
    let (mut taken, mut refused) = (0, 0);
    for message in mutations(SERVER_FIRST.as_bytes()) {
        match first.clone().next(&message, false) {
            Ok(challenge) => {
                taken += 1;
                let params = challenge.params();
                assert!((MIN_ITERATIONS..=MAX_ITERATIONS).contains(&params.iterations()));
                assert!((1..=MAX_SALT_LEN).contains(&params.salt().len()));
                assert!(message.starts_with(b"r=rOprNGfwEbeRWgbNEkqO"));
            }
            Err(_) => refused += 1,
        }
    }
    // The server's part of the nonce and the salt may be anything, so some alterations are good messages.
    assert!(taken > 100 && refused > 1000, "{taken} taken, {refused} refused");
}

#[test]
fn an_altered_server_final_is_never_a_signature() {
    let last = to_client_final();
    for message in mutations(SERVER_FINAL.as_bytes()) {
        assert!(last.clone().finish(&message, true).is_err(), "{message:?}");
    }
}

#[test]
fn an_altered_client_first_is_rejected_or_names_somebody() {
    let (mut taken, mut rejected) = (0, 0);
    for message in mutations(to_client_first().payload()) {
        match Hello::parse(&message) {
            Ok(hello) => {
                taken += 1;
                assert!(!hello.username().is_empty() && !hello.username().contains('\0'));
            }
            Err(_) => rejected += 1,
        }
    }
    assert!(taken > 100 && rejected > 1000, "{taken} taken, {rejected} rejected");
}

#[test]
fn an_altered_client_final_is_never_a_proof() {
    let first = to_client_first();
    let served = to_challenged(first.payload(), &stored(&user()));
    let last = client_final_for(first, &served).unwrap();
    for message in mutations(last.payload()) {
        assert!(served.clone().verify(&message).is_err(), "{message:?}");
    }
}

#[test]
fn a_conversation_altered_on_the_way_fails_at_the_server() {
    // Someone in the middle turns a salt or a nonce into another: the proof is then for another conversation.
    let first = to_client_first();
    let served = to_challenged(first.payload(), &stored(&user()));
    let mut altered = served.payload().to_vec();
    let last_of_nonce = altered.windows(3).position(|window| window == b",s=").unwrap() - 1;
    altered[last_of_nonce] = b'x';
    let challenge = first.next(&altered, false).unwrap();
    let keys = challenge.derive_keys();
    let last = challenge.client_final(keys).unwrap();
    assert!(served.verify(last.payload()).is_err());
}
