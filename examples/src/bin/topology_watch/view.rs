//! What is shown, as text; how it is shown is the business of `plain` and `screen`.

use std::sync::Arc;

use stator_examples::human;
use stator_tokio::Client;
use stator_tokio::topology::{PoolSnapshot, ServerDescription};

use crate::load::{Load, Worker};
use crate::news::News;

pub(crate) const SERVER_COLUMNS: [&str; 4] = ["server", "kind", "round trip", "last error"];
pub(crate) const POOL_COLUMNS: [&str; 9] =
    ["pool", "state", "in use", "idle", "owing", "pending", "waiting", "mean wait", "generation"];
pub(crate) const LOAD_COLUMNS: [&str; 5] = ["load", "ops/s", "done", "errors", "last error"];

/// Longer texts are cut.
const SHORT: usize = 72;

/// One frame.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) title: String,
    pub(crate) servers: Vec<[String; 4]>,
    pub(crate) pools: Vec<[String; 9]>,
    pub(crate) load: Vec<[String; 5]>,
    /// How many there were.
    pub(crate) told: u64,
    pub(crate) news: Vec<String>,
}

impl View {
    pub(crate) fn of(client: &Client, load: &Load, news: &News) -> Self {
        let topology = client.topology();
        let set = topology.set_name.as_deref().unwrap_or("no set");
        let (told, lines) = news.last();
        Self {
            title: format!("{} ({set}), {} servers", topology.kind.as_str(), topology.servers.len()),
            servers: topology.servers.values().map(server).collect(),
            pools: client.pools().iter().map(pool).collect(),
            load: load.workers.iter().map(|of| worker(of)).collect(),
            told,
            news: lines,
        }
    }
}

fn server(server: &Arc<ServerDescription>) -> [String; 4] {
    let round_trip = server.round_trip_time.average.map_or_else(|| "-".into(), human);
    let error = server.error.as_ref().map_or_else(String::new, |error| shorten(&error.to_string()));
    [server.address.to_string(), server.kind.as_str().into(), round_trip, error]
}

fn pool(pool: &PoolSnapshot) -> [String; 9] {
    let stats = &pool.stats;
    let [in_use, idle, owing, pending, waiting] =
        [stats.in_use, stats.idle, stats.owing, stats.pending, stats.waiting].map(|count| count.to_string());
    let (state, generation) = (format!("{:?}", pool.state), pool.generation.0.to_string());
    [pool.address.to_string(), state, in_use, idle, owing, pending, waiting, human(stats.mean_wait()), generation]
}

fn worker(worker: &Worker) -> [String; 5] {
    let error = worker.last_error().map_or_else(String::new, |error| shorten(&error));
    let (done, errors) = (worker.done().to_string(), worker.errors().to_string());
    [worker.name.into(), format!("{:.0}", worker.per_second()), done, errors, error]
}

/// On one line, and not longer than is readable.
fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::{SHORT, shorten};

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shorten("a\n  b"), "a b");
        assert_eq!(shorten(&"ü".repeat(SHORT)), "ü".repeat(SHORT));
        assert_eq!(shorten(&"ü".repeat(SHORT + 1)), format!("{} …", "ü".repeat(SHORT)));
    }
}
