//! The same few lines as in the other `quickstart_*` examples, on a plain thread: no `async`, no executor, `run()` instead of `await`.
//!
//! Needs: stator-blocking.

use std::process::ExitCode;

use stator_blocking::{Client, Document, doc};
use stator_examples::{Result, Server, database_name, with_server};

fn main() -> ExitCode {
    with_server(run)
}

fn run(server: &Server) -> Result {
    let client = Client::new(server.uri())?;
    let notes = client.database(&database_name("blocking")).collection::<Document>("notes");
    notes.insert_one(doc! { "_id": 1, "text": "written and read on a plain thread" }).run()?;
    let note = notes.find_one(doc! { "_id": 1 }).run()?;
    notes.database().drop().run()?;

    println!("blocking: {}", note.ok_or("the note is gone")?);
    Ok(())
}
