//! What the examples share, so that each of them can be about its idea: a server, and readable errors and times.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

mod server;

pub use server::{Access, Server};

/// What can go wrong in an example: anything.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The body of a `main`: finds a server (see [`Server::find`]), hands it to `body`, and says what went wrong.
pub fn with_server(body: impl FnOnce(&Server) -> Result) -> ExitCode {
    exit_code(Server::find(Access::Open).and_then(|server| body(&server)))
}

/// Prints the error, if there is one, with its causes; then the exit code is 1.
pub fn exit_code(outcome: Result) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    let mut said = error.to_string();
    eprintln!("Error: {said}");
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Many errors have told their cause already.
        if !said.contains(&text) {
            eprintln!("  caused by: {text}");
            said = text;
        }
        cause = next.source();
    }
    ExitCode::FAILURE
}

/// A database name for one run of an example.
pub fn database_name(example: &str) -> String {
    format!("stator_{example}_{}", std::process::id())
}

/// A time as people read it: `870 µs`, `3.2 ms`, `1.5 s`.
pub fn human(time: Duration) -> String {
    match time.as_micros() {
        micros @ 0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

/// A section's heading: its title on the left, how long it took on the right.
pub fn heading(number: usize, title: &str, took: impl Display) {
    println!("\n{number}. {title:<60} {took:>9}");
}
