//! Client entities: the deployment's connection string with the file's options.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bson::{Bson, Document};
use stator_client::options::{ServerApi, ServerApiVersion};
use stator_client::{Client, ClientOptions, Runtime};

use super::case::Case;
use super::deployments::Deployment;
use super::entities::ClientUnderTest;
use super::observe;
use super::recorder::Recorder;
use super::schema::{ClientEntity, ServerApiEntity};
use super::stop::{Outcome, Stop};
use crate::server::ROOT;

/// Options of connection strings that drivers need not have, and this one does not.
const OPTIONAL: &[&str] = &["waitQueueSize", "waitQueueMultiple"];

/// How often monitors look where fail points are set, so that what they do is seen soon (in ms; the least that is allowed).
const QUICK_HEARTBEAT: i32 = 500;

/// Makes a client entity and connects it.
pub(super) async fn create<R: Runtime>(case: &Case<R>, entity: &ClientEntity) -> Outcome<ClientUnderTest<R>> {
    let runtime = &case.runtime;
    if entity.auto_encrypt_opts.is_some() {
        return Err(Stop::not_yet("in-use encryption"));
    }
    if entity.observe_tracing_messages.is_some() {
        return Err(Stop::not_yet("tracing"));
    }
    if entity.store_events_as_entities.is_some() {
        return Err(Stop::not_offered("storeEventsAsEntities (deprecated)"));
    }
    if let Some(name) =
        OPTIONAL.iter().find(|name| entity.uri_options.iter().flatten().any(|(given, _)| given == *name))
    {
        return Err(Stop::not_offered(&format!("{name} (optional)")));
    }
    let mut given = entity.uri_options.clone().unwrap_or_default();
    if case.quick && !given.contains_key("heartbeatFrequencyMS") {
        given.insert("heartbeatFrequencyMS", QUICK_HEARTBEAT);
    }
    let uri = uri(&case.deployment, &given)?;
    let mut options = ClientOptions::parse(&uri).map_err(|error| Stop::fail(format!("{uri}: {error}")))?;
    if let Some(warning) = options.warnings.first() {
        return Err(Stop::fail(format!("{uri}: {warning}")));
    }
    options.config.server_api = match &entity.server_api {
        Some(given) => Some(server_api(given)?),
        // Whatever declares none is refused there.
        None if case.deployment.requires_api_version() => {
            Some(ServerApi { version: ServerApiVersion::V1, strict: None, deprecation_errors: None })
        }
        None => None,
    };
    let recorder = Arc::new(Recorder::new(entity, case.trace));
    observe::attach(&mut options, &recorder);
    let least = options.config.min_pool_size();
    let client = Client::with_runtime(runtime.clone(), options)
        .map_err(|error| Stop::fail(format!("client {}: {error}", entity.id)))?;
    observe::start(&client).await.map_err(|error| Stop::fail(format!("client {}: {error}", entity.id)))?;
    let made = ClientUnderTest { client, recorder };
    if let Some(limit) = entity.await_min_pool_size_ms {
        observe::await_pools(runtime, &made, least, Duration::from_millis(limit.into())).await?;
        made.recorder.warmed_up();
    }
    Ok(made)
}

fn server_api(entity: &ServerApiEntity) -> Result<ServerApi, String> {
    let version = match entity.version.as_str() {
        "1" => ServerApiVersion::V1,
        other => return Err(format!("serverApi version {other:?} is not known")),
    };
    Ok(ServerApi { version, strict: entity.strict, deprecation_errors: entity.deprecation_errors })
}

/// The deployment's connection string; the file's options win.
fn uri(deployment: &Deployment, given: &Document) -> Outcome<String> {
    let direct = given.get("directConnection") == Some(&Bson::Boolean(true));
    let hosts = deployment.hosts()?;
    // A direct connection has one seed and no set.
    let hosts = if direct { &hosts[..1] } else { &hosts[..] };
    let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let mut options: Vec<(&str, String)> = Vec::new();
    if let Some(name) = deployment.set_name()?.filter(|_| !direct && !given.contains_key("replicaSet")) {
        options.push(("replicaSet", name.into()));
    }
    let mut user = String::new();
    if deployment.auth() {
        user = format!("{}:{}@", ROOT.name, ROOT.password);
        if !given.contains_key("authSource") {
            options.push(("authSource", "admin".into()));
        }
    }
    for (name, value) in given {
        for text in texts(name, value)? {
            options.push((name, text));
        }
    }
    let mut uri = format!("mongodb://{user}{}/", hosts.join(","));
    for (index, (name, value)) in options.iter().enumerate() {
        uri.push(if index == 0 { '?' } else { '&' });
        uri.push_str(name);
        uri.push('=');
        percent_encode(&mut uri, value);
    }
    Ok(uri)
}

/// An option's values as text; only tags have more than one.
fn texts(name: &str, value: &Bson) -> Outcome<Vec<String>> {
    let text = |value: &Bson| match value {
        Bson::String(text) => Ok(text.clone()),
        Bson::Boolean(value) => Ok(value.to_string()),
        Bson::Int32(value) => Ok(value.to_string()),
        Bson::Int64(value) => Ok(value.to_string()),
        Bson::Double(value) => Ok(value.to_string()),
        other => Err(Stop::fail(format!("uriOptions.{name}: {other} is no option's value"))),
    };
    match value {
        Bson::Document(document) if document.contains_key("$$placeholder") => {
            Err(Stop::Skip(format!("there is no value for the placeholder of {name}")))
        }
        Bson::Document(properties) => {
            let mut pairs = Vec::new();
            for (key, value) in properties {
                if value.as_document().is_some_and(|value| value.contains_key("$$placeholder")) {
                    return Err(Stop::Skip(format!("there is no value for the placeholder of {name}.{key}")));
                }
                pairs.push(format!("{key}:{}", text(value)?));
            }
            Ok(vec![pairs.join(",")])
        }
        Bson::Array(values) if name == "readPreferenceTags" => values.iter().map(text).collect(),
        Bson::Array(values) => {
            let texts: Outcome<Vec<String>> = values.iter().map(text).collect();
            Ok(vec![texts?.join(",")])
        }
        value => Ok(vec![text(value)?]),
    }
}

fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b',' => out.push(byte.into()),
            // Writing to a String does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
}
