//! What the environment says.

use std::path::PathBuf;

use crate::logging::{Component, LogLevel, LogOptions, LogOutput};

fn read(variables: &[(&str, &str)]) -> LogOptions {
    LogOptions::from_variables(|name| {
        let found = variables.iter().find(|(known, _)| *known == name)?;
        Some(found.1.to_owned())
    })
}

#[test]
fn nothing_is_logged_unless_asked_for() {
    assert_eq!(read(&[]), LogOptions::default());
    assert_eq!(LogOptions::default().max_document_length, 1000);
    assert!(Component::ALL.iter().all(|component| LogOptions::default().level(*component).is_none()));
}

#[test]
fn every_component_has_a_variable() {
    for component in Component::ALL {
        let options = read(&[(component.variable(), "Debug")]);
        for other in Component::ALL {
            assert_eq!(options.level(other), (other == component).then_some(LogLevel::Debug));
        }
    }
    let names = ["command", "topology", "serverSelection", "connection"];
    assert_eq!(Component::ALL.map(Component::as_str), names);
}

#[test]
fn a_component_wins_over_all() {
    let options =
        read(&[("MONGODB_LOG_ALL", "info"), ("MONGODB_LOG_COMMAND", "TRACE"), ("MONGODB_LOG_TOPOLOGY", "off")]);
    assert_eq!(options.command, Some(LogLevel::Trace));
    assert_eq!(options.topology, Some(LogLevel::Off));
    assert_eq!(options.connection, Some(LogLevel::Info));
    assert_eq!(options.server_selection, Some(LogLevel::Info));
}

#[test]
fn every_level_has_its_name() {
    let names = "off emergency alert critical error warn notice info debug trace";
    let read: Vec<_> = names.split(' ').map(|name| LogLevel::from_name(name).unwrap()).collect();
    assert_eq!(read, LogLevel::ALL);
    assert!(read.is_sorted(), "from the most severe to the least");
}

#[test]
fn values_without_a_meaning_say_nothing() {
    let bad = read(&[
        ("MONGODB_LOG_ALL", "debug"),
        ("MONGODB_LOG_COMMAND", "loud"),
        ("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "-1"),
        ("MONGODB_LOG_PATH", ""),
    ]);
    assert_eq!(bad, LogOptions::default().with_level(LogLevel::Debug));
    assert_eq!(read(&[("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "many")]).max_document_length, 1000);
    assert_eq!(read(&[("MONGODB_LOG_MAX_DOCUMENT_LENGTH", "5")]).max_document_length, 5);
}

#[test]
fn the_path_is_a_stream_or_a_file() {
    let output = |path| read(&[("MONGODB_LOG_PATH", path)]).output.unwrap();
    assert_eq!(output("StdOut"), LogOutput::Stdout);
    assert_eq!(output("STDERR"), LogOutput::Stderr);
    assert_eq!(output("/var/log/x.log"), LogOutput::File(PathBuf::from("/var/log/x.log")));
}
