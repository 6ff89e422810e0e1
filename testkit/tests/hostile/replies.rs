//! Every bad reply, one after the other.

use std::time::Instant;

use bson::doc;
use stator_client::{Phase, Runtime};

use crate::cases::CASES;
use crate::expect;
use crate::peer::{client, find, hello, server};

pub(crate) async fn bad_replies<R: Runtime>(runtime: R) {
    let before = memory("VmHWM:");
    for case in CASES {
        let answer = case.answer;
        let uri = server(move |number, mut peer| {
            if number > 0 {
                return peer.behave(&hello());
            }
            // The first connection answers the first find in its own way.
            while let Some((id, request)) = peer.request() {
                if request.contains_key("find") {
                    answer(&mut peer, id);
                    return peer.be_silent();
                }
                peer.answer(id, &request, &hello());
            }
        });
        let client = client(runtime.clone(), &format!("{uri}?maxPoolSize=1&compressors=zlib"));
        // Decoding of requests is not what this server is for: it never offers compression for them.
        let start = Instant::now();
        let error = expect(case.name, find(&client, 1).await, start);
        assert!((case.is)(error.kind()), "{}: {error:?}", case.name);
        assert_eq!(error.phase(), case.phase, "{}: {error:?}", case.name);
        assert_eq!((error.is_network(), error.is_timeout()), (case.network, false), "{}: {error:?}", case.name);
        // Where the connection is sound, only the answer was bad; then it is the fake that has become silent.
        if matches!(case.phase, Phase::Decode | Phase::Reply) {
            assert_eq!(client.pool_stats().idle, 1, "{}", case.name);
            continue;
        }
        assert_eq!(client.pool_stats().total(), 0, "{}: the connection is gone", case.name);
        for id in 2..5 {
            assert_eq!(find(&client, id).await.unwrap(), Some(doc! { "_id": id }), "{}", case.name);
        }
    }
    if let (Some(before), Some(after)) = (before, memory("VmHWM:")) {
        assert!(after < before + 300_000, "from {before} kB to {after} kB");
    }
}

/// A line of the process's status, in kB; `None` where there is none.
pub(crate) fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|text| text.strip_prefix(line))?;
    value.trim().trim_end_matches(" kB").parse().ok()
}
