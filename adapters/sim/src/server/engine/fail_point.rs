//! The fail point `failCommand`.

use core::time::Duration;

use bson::{Bson, Document, doc};

use super::error::{Failed, error_reply};
use super::value::{integer, truthy};
use crate::server::request::Request;

/// What a fail point does to one command, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effect {
    /// The command waits first.
    pub block: Option<Duration>,
    /// The connection is closed without a reply, and the command does not run.
    pub close: bool,
    /// The command does not run, and this is its reply.
    pub error: Option<Document>,
    /// The command runs, and this is added to its reply as `writeConcernError`.
    pub write_concern_error: Option<Document>,
}

#[derive(Clone, Debug)]
pub(super) struct FailPoint {
    /// Matching commands that still pass.
    skip: u64,
    /// Matching commands that are still affected.
    times: u64,
    commands: Vec<String>,
    effect: Effect,
}

impl FailPoint {
    /// The fail point of a `configureFailPoint` command; `None` turns it off.
    pub(super) fn parse(command: &Document) -> Result<Option<Self>, Failed> {
        let (mut skip, mut times) = (0, u64::MAX);
        match command.get("mode") {
            Some(Bson::String(mode)) if mode == "off" => return Ok(None),
            Some(Bson::String(mode)) if mode == "alwaysOn" => {}
            Some(Bson::Document(mode)) => {
                let count = |field| mode.get(field).and_then(integer).and_then(|count| u64::try_from(count).ok());
                skip = count("skip").unwrap_or(0);
                times = count("times").unwrap_or(u64::MAX);
            }
            _ => return Err(Failed::bad_value("the mode of a fail point is off, alwaysOn, {times} or {skip}")),
        }
        let data = command.get_document("data").map_err(|_| Failed::field("data"))?;
        let commands = data.get_array("failCommands").map_err(|_| Failed::field("failCommands"))?;
        let labels = data.get_array("errorLabels").ok();
        let millis = data.get("blockTimeMS").and_then(integer).and_then(|millis| u64::try_from(millis).ok());
        let error = data.get("errorCode").and_then(integer).and_then(|code| i32::try_from(code).ok()).map(|code| {
            let mut reply = error_reply(code, "Failing command via 'failCommand' failpoint");
            if let Some(labels) = labels {
                reply.insert("errorLabels", labels.clone());
            }
            reply
        });
        let effect = Effect {
            block: millis.filter(|_| truthy(data.get("blockConnection"))).map(Duration::from_millis),
            close: truthy(data.get("closeConnection")),
            error,
            write_concern_error: data.get_document("writeConcernError").ok().cloned(),
        };
        let commands = commands.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Ok(Some(Self { skip, times, commands, effect }))
    }

    pub(super) fn effect(&mut self, request: &Request) -> Option<Effect> {
        if !self.commands.iter().any(|name| name == request.name()) || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times = if self.times == u64::MAX { u64::MAX } else { self.times - 1 };
        Some(self.effect.clone())
    }
}

impl Effect {
    /// Adds what the effect adds to the reply of a command that ran.
    pub fn decorate(&self, reply: &mut Document) {
        if let Some(error) = &self.write_concern_error {
            reply.extend(doc! { "writeConcernError": error.clone() });
        }
    }
}
