//! A deployment live in the terminal: its servers, the client's pools, what has happened last, and a small load. All of it comes
//! from the client itself: `topology()`, `watch_topology()`, `pools()` and listeners.
//!
//! Needs: stator-tokio, tokio, ratatui. Without a connection string a replica set of three is started.
//!
//! ```text
//! cargo run --release -p stator-examples --bin topology_watch -- --demo
//! ```

mod args;
mod load;
#[cfg_attr(not(unix), path = "members_elsewhere.rs")]
mod members;
mod news;
mod plain;
mod screen;
mod view;

use std::io;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use stator_examples::{Result, database_name, exit_code};
use stator_tokio::{Client, ClientOptions};
use tokio::runtime::Runtime;

use args::Args;
use load::Load;
use members::Members;
use news::News;
use plain::Plain;
use screen::Screen;
use view::View;

/// The longest time without a redraw.
const REDRAW: Duration = Duration::from_millis(250);

/// Why the drawing thread is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    Redraw,
    Quit,
}

fn main() -> ExitCode {
    exit_code(Args::parse(std::env::args().skip(1)).map_err(Into::into).and_then(run))
}

fn run(args: Args) -> Result {
    if args.help {
        println!("{}", args::USAGE);
        return Ok(());
    }
    let news = News::new();
    let mut members = None;
    let uri = match args.uri.clone() {
        Some(uri) => uri,
        None => {
            eprintln!("Starting a replica set of three (downloaded first if this machine has no mongod) ...");
            members.insert(Members::start()?).uri()
        }
    };
    let mut options = ClientOptions::parse(&uri)?;
    options.listeners = news.listeners();
    let runtime = Runtime::new()?;
    let client = Client::with_options(options)?;
    let database = database_name("topology_watch");
    let load = Load::start(runtime.handle(), &client, &database);

    let (wake, woken) = mpsc::channel();
    watch(&runtime, &client, wake.clone());
    // Dropped at the end, which ends the demonstration. If a step is under way then, the process does not wait for it: the
    // servers end with the process in any case.
    let (_stop, stopped) = mpsc::channel();
    if args.demo
        && let Some(members) = members.take()
    {
        let news = news.clone();
        std::thread::spawn(move || members.demonstrate(&news, &stopped));
    }
    let mut surface = Surface::open(args.plain, wake)?;
    let shown = surface.show_all(&woken, args.frames, || View::of(&client, &load, &news));
    drop(surface);
    load.stop();

    for worker in &load.workers {
        println!("{}: {} operations, {} errors", worker.name, worker.done(), worker.errors());
    }
    // Nothing stays behind on a deployment that is not ours; ours is gone in a moment.
    let dropped = match args.uri {
        Some(_) => runtime.block_on(async { client.database(&database).drop().await }),
        None => Ok(()),
    };
    runtime.block_on(client.close());
    shown?;
    Ok(dropped?)
}

/// Wakes the drawing thread whenever something was learnt.
fn watch(runtime: &Runtime, client: &Client, wake: Sender<Wake>) {
    let mut watch = client.watch_topology();
    runtime.spawn(async move {
        while watch.next().await.is_some() {
            if wake.send(Wake::Redraw).is_err() {
                return;
            }
        }
    });
}

/// Where frames go.
enum Surface {
    Plain(Plain),
    Screen(Screen),
}

impl Surface {
    fn open(plain: bool, wake: Sender<Wake>) -> io::Result<Self> {
        Ok(if plain { Self::Plain(Plain::default()) } else { Self::Screen(Screen::open(wake)?) })
    }

    /// Frame after frame, until somebody wants to quit or there were `limit`.
    fn show_all(&mut self, woken: &Receiver<Wake>, limit: Option<u64>, view: impl Fn() -> View) -> io::Result<()> {
        for _ in 0..limit.unwrap_or(u64::MAX) {
            match woken.recv_timeout(REDRAW) {
                Ok(Wake::Quit) => return Ok(()),
                Ok(Wake::Redraw) | Err(RecvTimeoutError::Timeout) => {}
                // The client was closed, which only we do.
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            match self {
                Self::Plain(plain) => plain.show(&view())?,
                Self::Screen(screen) => screen.show(&view())?,
            }
        }
        Ok(())
    }
}
