//! Who takes part.

use stator_async_std::AsyncStd;
use stator_smol::Smol;
use stator_tokio::Tokio;

use super::driven::Driven;
use super::{Direct, Failure, Runner, Stator, codec, floor, official, process};
use crate::Task;
use crate::driver::Settings;
use crate::host::{OnAsyncStd, OnSmol, OnThreads, OnTokio};
use crate::task::As;

/// A runner that is not there yet.
#[derive(Clone, Copy, Debug)]
pub struct Contender {
    /// The name in reports and on the command line.
    pub name: &'static str,
    /// Whom it is compared with: the official driver in the same place, driven the same way.
    pub peer: &'static str,
    /// The floor that it is compared with: the one of the same kind of sockets.
    pub floor: &'static str,
    /// Whether it can do a task.
    pub can: fn(Task) -> bool,
    /// Makes it. Connections are made on first use.
    pub make: fn(&Settings) -> Result<Box<dyn Runner>, Failure>,
}

/// Everybody who talks to a server in this build, and the peers in other programs that are found.
pub fn all() -> Vec<Contender> {
    let mut all = vec![
        Contender { name: "floor", peer: "official-ct", floor: "floor", can: floor::can, make: floor::on_thread },
        Contender {
            name: "floor-walk",
            peer: "official-ct",
            floor: "floor",
            can: floor::can_walk,
            make: floor::walking,
        },
        Contender { name: "floor-tokio", peer: "official-ct", floor: "floor", can: floor::can, make: floor::on_tokio },
        Contender { name: "stator-mt", peer: "official-mt", floor: "floor-tokio", can: of_client, make: on_tokio_mt },
        Contender { name: "stator-ct", peer: "official-ct", floor: "floor-tokio", can: of_client, make: on_tokio_ct },
        Contender { name: "stator-smol", peer: "official-mt", floor: "floor", can: of_client, make: on_smol },
        Contender { name: "stator-async-std", peer: "official-mt", floor: "floor", can: of_client, make: on_async_std },
        Contender { name: "stator-blocking", peer: "official-ct", floor: "floor", can: of_client, make: on_threads },
    ];
    all.extend(official::contenders());
    all.extend(process::contenders());
    all
}

/// Everybody who encodes and decodes.
pub fn codecs() -> Vec<Contender> {
    let mut all = vec![
        Contender { name: "floor", peer: "official", floor: "floor", can: Task::is_bson, make: codec::floor },
        Contender { name: "stator", peer: "official", floor: "floor", can: Task::is_bson, make: codec::stator },
        Contender { name: "official", peer: "official", floor: "floor", can: Task::is_bson, make: codec::official },
    ];
    all.extend(process::codecs());
    all
}

impl Contender {
    /// The floor of a task: raw documents are walked, so they are compared with the one that walks them too.
    pub fn floor_of(&self, task: Task) -> &'static str {
        if task == Task::FindMany(As::Raw) { "floor-walk" } else { self.floor }
    }

    /// Whether it is of this project.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with("stator")
    }
}

/// What a client can do.
pub const fn of_client(task: Task) -> bool {
    !task.is_bson() && !matches!(task, Task::Build)
}

/// The official driver's collections have no bulkWrite, and it decodes every reply.
pub const fn of_official(task: Task) -> bool {
    of_client(task) && !matches!(task, Task::BulkWrite(_) | Task::BulkMixed | Task::RunCommand(As::Raw))
}

fn on_tokio_mt(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Stator<Tokio>, _>::new("stator-mt", OnTokio::multi_thread()?, settings).spawning()))
}

fn on_tokio_ct(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Stator<Tokio>, _>::new("stator-ct", OnTokio::current_thread()?, settings)))
}

fn on_smol(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Stator<Smol>, _>::new("stator-smol", OnSmol, settings).spawning()))
}

fn on_async_std(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Stator<AsyncStd>, _>::new("stator-async-std", OnAsyncStd, settings).spawning()))
}

fn on_threads(settings: &Settings) -> Result<Box<dyn Runner>, Failure> {
    Ok(Box::new(Driven::<Direct, _>::new("stator-blocking", OnThreads, settings)))
}
