//! The hello of a monitor.

use stator_wire::bson::DocWriter;

use super::MonitorOptions;
use crate::hello::TopologyVersion;
use crate::operation::stamps::write_server_api;

/// Which hello.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hello {
    /// The first on its connection: says who we are.
    pub(super) first: bool,
    /// The server knows `hello`.
    pub(super) modern: bool,
    /// The server is to wait until it knows better than this.
    pub(super) newer_than: Option<TopologyVersion>,
}

impl Hello {
    pub(super) const fn name(self) -> &'static str {
        if self.modern { "hello" } else { "isMaster" }
    }

    pub(super) fn write(self, options: &MonitorOptions, body: &mut DocWriter<'_>) {
        body.i32(self.name(), 1).bool("helloOk", true);
        if self.first {
            body.str("backpressure", "2").doc("client", options.metadata.as_doc());
            let mut compression = body.array_of("compression");
            for name in &options.compressors {
                compression.str(name);
            }
        }
        if let Some(TopologyVersion { process_id, counter }) = self.newer_than {
            body.document("topologyVersion").object_id("processId", process_id).i64("counter", counter);
            let patience = i64::try_from(options.heartbeat_frequency.as_millis()).unwrap_or(i64::MAX);
            body.i64("maxAwaitTimeMS", patience);
        }
        body.str("$db", "admin");
        if let Some(api) = &options.server_api {
            write_server_api(api, body);
        }
    }
}
