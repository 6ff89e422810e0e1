//! A server may say anything of itself; its limits stay sane.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_proto::hello::{HelloReply, Limits};
use stator_wire::bson::Doc;

fuzz_target!(|data: &[u8]| {
    let mut bytes = (5 + data.len() as i32).to_le_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.push(0);
    let doc = Doc::new(&bytes).expect("length and terminator are right");
    let Ok(reply) = HelloReply::parse(doc) else { return };
    assert!((4096..=Limits::MAX_FRAME).contains(&reply.limits.max_message_size));
    assert!(reply.limits.max_bson_object_size > 0 && reply.limits.max_write_batch_size > 0);
    let text = |list: &[String]| list.iter().map(String::len).sum::<usize>();
    // Lower case may be longer than what it is made of, but not by much.
    assert!(text(&reply.hosts) + text(&reply.passives) + text(&reply.arbiters) <= 3 * data.len());
    let _ = format!("{reply:?}");
});
