//! Servers that answer logins with anything, many times over: no panic, no endless conversation, and nobody is logged in without a
//! reply that says so.

use super::needs::TestHost;
use super::*;
use crate::auth::aws::AwsCredentials;
use crate::auth::oidc::Flow;
use core::cell::Cell;

/// A generator that is good enough for tests (xorshift).
fn next(state: &Cell<u64>) -> u64 {
    let mut bits = state.get();
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    state.set(bits);
    bits
}

/// Spoils a reply, or does not.
fn spoil(state: &Cell<u64>, fields: &mut Fields) {
    let random = next(state);
    let bytes = |count: u64| (0..count).map(|_| next(state) as u8).collect::<Vec<_>>();
    match random % 12 {
        0 => set(fields, "payload", Field::Bytes(bytes(next(state) % 80))),
        1 => set(fields, "payload", Field::Str("text".into())),
        2 => set(fields, "payload", Field::I32(1)),
        3 => set(fields, "payload", Field::Absent),
        4 => set(fields, "done", Field::Bool(next(state).is_multiple_of(2))),
        5 => set(fields, "done", Field::Absent),
        6 => set(fields, "conversationId", Field::F64(1e300)),
        7 => *fields = failure(if next(state).is_multiple_of(2) { 18 } else { 20 }, "no"),
        8 | 9 => {
            // A payload in which one byte is another.
            for (_, field) in fields.iter_mut() {
                if let Field::Bytes(payload) = field
                    && !payload.is_empty()
                {
                    let at = next(state) as usize % payload.len();
                    payload[at] ^= 1 << (next(state) % 8);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn no_answer_makes_a_login_panic_or_go_on_for_ever() {
    let (mut done, mut failed) = (0, 0);
    for seed in 1..4000_u64 {
        let state = Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let credentials = AwsCredentials::new("id", "secret");
        let (login, host) = match seed % 3 {
            0 => (Login::Aws, TestHost { aws: Some(credentials.clone()), ..TestHost::default() }),
            kind => {
                let flow = if kind == 1 { Flow::Machine } else { Flow::Human };
                let host = TestHost::oidc(flow, &["one+a", "bad+b", "two+c", "bad", "two"]);
                (Login::Oidc { flow, username: None, token: None }, host)
            }
        };
        let mut server = Server::new(vec![]);
        server.external.aws = Some(credentials);
        server.external.tokens = vec!["one", "two"];
        server.edit = Box::new(move |step, fields| {
            if step != "hello" {
                spoil(&state, fields);
            }
        });
        let mut pair = Pair::new(options(Some(login)), server);
        pair.host = host;
        // `drive` checks that an error sticks.
        match pair.drive() {
            Ok(()) => done += 1,
            Err(_) => failed += 1,
        }
        assert!(pair.server.commands.len() <= 8, "{:?}", pair.server.names());
    }
    assert!(done > 100 && failed > 100, "{done} {failed}");
}
