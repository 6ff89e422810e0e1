//! The prose tests of the specification *Command Logging and Monitoring*.
//!
//! The unit of the maximum document length is a Unicode code point. Servers' answers to failures are not attached to messages of
//! failed commands as they came, so there is nothing to cut in those.
#![cfg(unix)]

use std::sync::{Arc, Mutex};

use stator_blocking::{Blocking, Client};
use stator_client::event::Listener;
use stator_client::logging::{LogLevel, LogOptions, record};
use stator_client::{ClientOptions, Document, doc};
use stator_testkit::prose;
use stator_testkit::server::unique_db;

/// What a document that was cut ends with.
const ELLIPSIS: usize = "...".len();

/// The log messages of a client's commands.
#[derive(Clone, Default)]
struct Messages(Arc<Mutex<Vec<Document>>>);

impl Messages {
    /// A client whose commands are logged, documents cut at `max_document_length` or where they are by default.
    fn client(&self, max_document_length: Option<usize>) -> Client {
        let mut log = LogOptions::default();
        log.command = Some(LogLevel::Debug);
        log.max_document_length = max_document_length.unwrap_or(log.max_document_length);
        let mut options = ClientOptions::parse(&prose::standalone().uri()).unwrap();
        let messages = self.clone();
        options.listeners.push(Listener::commands(move |event| {
            if let Some(message) = record(&event.clone().into(), &log) {
                messages.0.lock().unwrap().push(message.to_document());
            }
        }));
        Client::with_runtime(Blocking, options).unwrap()
    }

    /// The text `key` of the last message `message` about the command `command`.
    fn last(&self, command: &str, message: &str, key: &str) -> String {
        let messages = self.0.lock().unwrap();
        let is_it = |found: &&Document| {
            found.get_str("message").is_ok_and(|text| text == message)
                && found.get_str("commandName").is_ok_and(|name| name == command)
        };
        let found = messages.iter().rev().find(is_it).unwrap_or_else(|| panic!("{message} of {command}"));
        found.get_str(key).unwrap_or_else(|_| panic!("{key} in {found}")).to_owned()
    }
}

/// Test 1: Default truncation limit.
#[test]
fn prose_1_default_truncation_limit() {
    let messages = Messages::default();
    let client = messages.client(None);
    let things = client.database(&unique_db("log")).collection::<Document>("things");
    things.insert_many(vec![doc! { "x": "y" }; 100]).run().unwrap();
    let command = messages.last("insert", "Command started", "command");
    assert_eq!(command.chars().count(), 1000 + ELLIPSIS);
    assert!(command.ends_with("..."), "{command}");
    let reply = messages.last("insert", "Command succeeded", "reply");
    assert!(reply.chars().count() <= 1000 + ELLIPSIS);
    assert_eq!(things.find(doc! {}).run().unwrap().count(), 100);
    let reply = messages.last("find", "Command succeeded", "reply");
    assert_eq!(reply.chars().count(), 1000 + ELLIPSIS);
}

/// Test 2: Explicitly configured truncation limit.
#[test]
fn prose_2_explicitly_configured_truncation_limit() {
    let messages = Messages::default();
    let client = messages.client(Some(5));
    client.database("admin").run_command(doc! { "hello": true }).run().unwrap();
    assert_eq!(messages.last("hello", "Command started", "command").chars().count(), 5 + ELLIPSIS);
    assert_eq!(messages.last("hello", "Command succeeded", "reply").chars().count(), 5 + ELLIPSIS);
    client.database("admin").run_command(doc! { "notARealCommand": true }).run().unwrap_err();
    let failure = messages.last("notARealCommand", "Command failed", "failure");
    assert!(failure.contains("notARealCommand"), "{failure}");
}

/// Test 3: Truncation with multi-byte codepoints: wherever the limit falls, code points stay whole and are counted as one.
#[test]
fn prose_3_truncation_with_multi_byte_codepoints() {
    let messages = Messages::default();
    let whole = messages.client(Some(usize::MAX));
    let things = |client: &Client| client.database("prose_log").collection::<Document>("things");
    things(&whole).drop().run().unwrap();
    let text = "aß漢🦀".repeat(10);
    things(&whole).insert_one(doc! { "_id": 1, "text": &text }).run().unwrap();
    let command = messages.last("insert", "Command started", "command");
    assert!(command.contains(&text), "{command}");
    things(&whole).find_one(doc! {}).run().unwrap();
    let reply = messages.last("find", "Command succeeded", "reply");
    assert!(reply.contains(&text));
    let start = command.chars().position(|found| found == 'ß').unwrap();
    for length in start - 2..start + 12 {
        let client = messages.client(Some(length));
        let error = things(&client).insert_one(doc! { "_id": 1, "text": &text }).run().unwrap_err();
        assert!(error.is_duplicate_key());
        let cut = messages.last("insert", "Command started", "command");
        // Before the text there is a session's id, which is another each time.
        let tail = |from: &str| from.chars().skip(start - 3).collect::<String>();
        let expected: String = tail(&command).chars().take(length + 3 - start).chain("...".chars()).collect();
        assert_eq!((tail(&cut), cut.chars().count()), (expected, length + ELLIPSIS));
    }
    let start = reply.chars().position(|found| found == 'ß').unwrap();
    for length in start - 2..start + 12 {
        things(&messages.client(Some(length))).find_one(doc! {}).run().unwrap();
        let cut: String = reply.chars().take(length).chain("...".chars()).collect();
        assert_eq!(messages.last("find", "Command succeeded", "reply"), cut);
    }
}
