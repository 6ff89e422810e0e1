//! The files of `cmap-format` that want a server, played on one: threads, blocking sockets, and the pool machine.

use std::cell::OnceCell;
use std::str::FromStr;

use bson::doc;
use serde_json::Value;
use stator_client::extjson;

use super::cmap_judge::judge;
use crate::server::{Admin, AdminError, Mongod, MongodOptions, Version};

mod host;
mod stream;

use host::Play;

/// The server for these files, started by the first that is run. It is nobody else's, since it has only one fail point.
#[derive(Debug, Default)]
pub(super) struct Live {
    server: OnceCell<Result<Server, String>>,
}

#[derive(Debug)]
struct Server {
    mongod: Mongod,
    /// Whether its fail points see the application's name in the first `hello` of a connection. Early releases of 4.4
    /// do not, and so nothing fails there that the files want to fail.
    sees_names: bool,
}

/// How a file came out.
pub(super) enum Verdict {
    /// It was run.
    Ran(Result<(), String>),
    /// The server does not meet the file's `runOn`.
    Unfit(String),
}

impl Live {
    /// Runs one file of style "integration".
    pub(super) fn run(&self, test: &Value) -> Verdict {
        let Server { mongod, sees_names } = match self.server.get_or_init(Server::start) {
            Ok(server) => server,
            Err(error) => return Verdict::Ran(Err(format!("no server: {error}"))),
        };
        match fits(&test["runOn"], mongod.version()) {
            Err(reason) => Verdict::Ran(Err(reason)),
            Ok(true) if *sees_names || test["failPoint"].is_null() => Verdict::Ran(run(test, mongod)),
            Ok(_) => Verdict::Unfit(format!("is not for a server of version {}", mongod.version())),
        }
    }
}

impl Server {
    fn start() -> Result<Self, String> {
        let mongod = MongodOptions::new().start().map_err(|error| error.to_string())?;
        let sees_names = sees_names(&mongod).map_err(|error| error.to_string())?;
        Ok(Self { mongod, sees_names })
    }
}

/// Tries it: a fail point for one application, and a first `hello` of that.
fn sees_names(mongod: &Mongod) -> Result<bool, AdminError> {
    let mut admin = mongod.admin()?;
    let data = doc! { "failCommands": ["isMaster"], "closeConnection": true, "appName": "probe" };
    admin.fail_command(doc! { "times": 1 }, data)?;
    let client = doc! {
        "application": { "name": "probe" }, "driver": { "name": "probe", "version": "1" }, "os": { "type": "Unknown" },
    };
    let greeted = mongod.connect()?.run("admin", doc! { "isMaster": 1, "client": client });
    admin.clear_fail_command()?;
    Ok(greeted.is_err())
}

fn run(test: &Value, mongod: &Mongod) -> Result<(), String> {
    let mut admin = mongod.admin().map_err(|error| error.to_string())?;
    if test["failPoint"].is_object() {
        configure(&mut admin, &test["failPoint"])?;
    }
    let mut play = Play::new(test, mongod.address());
    let thrown = play.operate(test["operations"].as_array().into_iter().flatten());
    let events = play.end();
    let judged = thrown.and_then(|thrown| judge(test, thrown, &events));
    if let Some(name) = test["failPoint"]["configureFailPoint"].as_str() {
        configure(&mut admin, &serde_json::json!({ "configureFailPoint": name, "mode": "off" }))?;
    }
    judged
}

fn configure(admin: &mut Admin, command: &Value) -> Result<(), String> {
    let command = extjson::parse(&command.to_string()).map_err(|error| error.to_string())?;
    admin.run("admin", command).map(drop).map_err(|error| format!("cannot set the fail point: {error}"))
}

/// Whether one of the requirements is met, or there is none.
fn fits(run_on: &Value, version: Version) -> Result<bool, String> {
    let Some(requirements) = run_on.as_array() else { return Ok(true) };
    for requirement in requirements {
        let bound = |name: &str| {
            let bound = requirement[name].as_str().map(Version::from_str).transpose();
            bound.map_err(|error| format!("{name}: {error}"))
        };
        let at_least = bound("minServerVersion")?.is_none_or(|least| least <= version);
        if at_least && bound("maxServerVersion")?.is_none_or(|most| version <= most || most.accepts(version)) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_requirement_of_many_is_enough() {
        let version = Version::release(6, 0, 5);
        let fits = |run_on: Value| fits(&run_on, version);
        assert_eq!(fits(Value::Null), Ok(true));
        assert_eq!(fits(json!([{ "minServerVersion": "4.9.0" }])), Ok(true));
        assert_eq!(fits(json!([{ "minServerVersion": "6.0.6" }])), Ok(false));
        assert_eq!(fits(json!([{ "maxServerVersion": "5.0.99" }])), Ok(false));
        assert_eq!(fits(json!([{ "maxServerVersion": "5.0" }, { "maxServerVersion": "6.0" }])), Ok(true));
        assert!(fits(json!([{ "minServerVersion": "new" }])).is_err());
    }
}
