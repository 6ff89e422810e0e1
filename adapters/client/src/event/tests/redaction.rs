//! Sensitive commands show nothing.

use bson::doc;
use stator_proto::Instant;
use stator_wire::bson::DocWriter;

use super::world::{Clock, document, reply, request};
use super::{Log, connection, network_error};
use crate::error::ErrorKind;
use crate::event::redact::{HELLO, REDACTED, SENSITIVE, is_sensitive};
use crate::event::{CommandEvent, Event, Watch};

const SECRET: &str = "pencil";

fn secret(body: &mut DocWriter<'_>) {
    body.str("payload", SECRET);
}

fn speculative(body: &mut DocWriter<'_>) {
    secret(&mut body.document("speculativeAuthenticate"));
}

/// All events of a command that is answered well, refused, and cut off.
fn events(name: &str, body: &dyn Fn(&mut DocWriter<'_>)) -> Vec<Event> {
    let (log, clock) = (Log::default(), Clock::new());
    let listeners = log.listeners();
    let watch = || Watch::start(&clock, &listeners, Instant::ORIGIN, &request(name, body, &[]), 1, connection);
    watch().replied(&reply(|d| {
        d.f64("ok", 1.0).str("payload", SECRET);
    }));
    watch().replied(&reply(|d| {
        d.f64("ok", 0.0).i32("code", 18).str("codeName", "AuthenticationFailed").str("errmsg", SECRET);
        d.array_of("errorLabels").str("Odd");
        d.document("extra").str("payload", SECRET);
    }));
    watch().failed(&network_error());
    log.take()
}

/// A command's name and what makes it sensitive.
type Sample = (String, &'static dyn Fn(&mut DocWriter<'_>));

fn all_sensitive() -> Vec<Sample> {
    // The specification's table, spelled again here so that a slip in the list is seen.
    let table =
        "authenticate saslStart saslContinue getnonce createUser updateUser copydbgetnonce copydbsaslstart copydb";
    assert_eq!(table.split(' ').collect::<Vec<_>>(), SENSITIVE);
    let mut all: Vec<Sample> = Vec::new();
    all.extend(SENSITIVE.iter().map(|name| ((*name).to_owned(), &secret as _)));
    all.extend(["hello", "isMaster", "ismaster"].map(|name| (name.to_owned(), &speculative as _)));
    let upper: Vec<_> = all.iter().map(|(name, body)| (name.to_uppercase(), *body)).collect();
    all.extend(upper);
    all
}

#[test]
fn command_reply_and_failure_of_every_sensitive_command() {
    for (name, body) in all_sensitive() {
        let events = events(&name, body);
        let shown = format!("{events:?}");
        assert!(!shown.contains(SECRET), "{name}: {shown}");
        let mut kinds = Vec::new();
        for event in &events {
            let Event::Command(event) = event else { panic!("{event:?}") };
            kinds.push(event.name());
            assert_eq!(event.info().command_name, name, "the name is no secret");
            match event {
                CommandEvent::Started { command: document, .. } | CommandEvent::Succeeded { reply: document, .. } => {
                    assert!(document.is_empty(), "{name}: {document:?}");
                }
                CommandEvent::Failed { failure, .. } if failure.is_network() => {
                    assert_eq!(failure.to_string(), network_error().to_string(), "the network has no secrets");
                }
                CommandEvent::Failed { failure, .. } => {
                    let ErrorKind::Command(said) = failure.kind() else { panic!("{failure:?}") };
                    assert_eq!((said.code, said.code_name.as_str()), (18, "AuthenticationFailed"));
                    assert_eq!(said.message, REDACTED);
                    assert_eq!(failure.labels().collect::<Vec<_>>(), ["Odd"]);
                    let left =
                        doc! { "ok": 0.0, "code": 18, "codeName": "AuthenticationFailed", "errorLabels": ["Odd"] };
                    assert_eq!(bson::deserialize_from_slice::<bson::Document>(said.reply.as_bytes()).unwrap(), left);
                    assert_eq!(failure.server(), Some(&connection().address));
                }
            }
        }
        let (started, ended) = ("CommandStartedEvent", ["CommandSucceededEvent", "CommandFailedEvent"]);
        assert_eq!(kinds, [started, ended[0], started, ended[1], started, ended[1]]);
    }
}

#[test]
fn other_commands_are_shown() {
    for name in ["find", "hello", "isMaster", "ismaster", "saslStarter"] {
        let shown = format!("{:?}", events(name, &secret));
        assert_eq!(
            shown.matches(SECRET).count(),
            3 + 1 + 3,
            "{name}: commands, a reply, an error, twice in its reply: {shown}"
        );
    }
}

#[test]
fn a_hello_that_cannot_be_read_is_not_shown() {
    let mut broken = document(|d| {
        d.str("hello", "x");
    });
    // A string that claims to be longer than the document.
    broken[11] = 0x7f;
    let doc = stator_wire::bson::Doc::new(&broken).unwrap();
    for name in HELLO {
        assert!(is_sensitive(name, doc));
    }
}
