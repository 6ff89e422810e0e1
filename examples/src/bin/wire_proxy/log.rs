//! Lines on standard output.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::describe::{Direction, Line};

/// Prints lines, whole ones even when connections speak at the same time.
pub(crate) struct Log {
    bodies: bool,
}

impl Log {
    pub(crate) fn new(bodies: bool) -> Self {
        Self { bodies }
    }

    /// What the columns are.
    pub(crate) fn head(&self) {
        let (id, answers) = ("id", "answers");
        print(format_args!(
            "{:<12} {:>4} {:<2} {id:>7} {answers:>7} {:<13} {:>9} {:>9}  {}",
            "time (UTC)", "conn", "", "kind", "bytes", "latency", "message"
        ));
    }

    /// Something that happened to a connection.
    pub(crate) fn event(&self, connection: u64, what: &str) {
        print(format_args!("{} {connection:>4} -- {what}", time_of_day()));
    }

    /// A message.
    pub(crate) fn message(&self, connection: u64, direction: Direction, line: &Line) {
        let Line { id, answers, kind, bytes, latency, text, body } = line;
        let answers = answers.map(|id| id.to_string()).unwrap_or_default();
        let latency = latency.map(milliseconds).unwrap_or_default();
        let (time, arrow) = (time_of_day(), direction.arrow());
        let body = body.as_deref().filter(|_| self.bodies).map(|body| format!("\n{:19}{body}", "")).unwrap_or_default();
        print(format_args!(
            "{time} {connection:>4} {arrow} {id:>7} {answers:>7} {kind:<13} {bytes:>9} {latency:>9}  {text}{body}"
        ));
    }
}

/// Nobody may be reading any more (`| head`); clients still want to be served.
fn print(line: Arguments<'_>) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// `12:34:56.789`
fn time_of_day() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = now.as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, now.subsec_millis())
}
