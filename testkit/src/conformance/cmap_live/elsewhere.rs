//! Where no server can be started.

use serde_json::Value;

/// Runs nothing.
#[derive(Debug, Default)]
pub(super) struct Live;

/// How a file came out.
pub(super) enum Verdict {
    /// It was run.
    #[expect(dead_code, reason = "made where there are servers")]
    Ran(Result<(), String>),
    /// It was not, for this reason.
    Unfit(String),
}

impl Live {
    pub(super) fn run(&self, _test: &Value) -> Verdict {
        Verdict::Unfit("wants a server, and servers are started on Unix only".into())
    }
}
