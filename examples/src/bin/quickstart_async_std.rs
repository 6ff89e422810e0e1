//! The same few lines as in the other `quickstart_*` examples, on async-std.
//!
//! Needs: stator-async-std, async-std.

use std::process::ExitCode;

use stator_async_std::{Client, Document, doc};
use stator_examples::{Result, Server, database_name, with_server};

fn main() -> ExitCode {
    with_server(|server| async_std::task::block_on(run(server)))
}

async fn run(server: &Server) -> Result {
    let client = Client::new(server.uri())?;
    let notes = client.database(&database_name("async_std")).collection::<Document>("notes");
    notes.insert_one(doc! { "_id": 1, "text": "written and read on async-std" }).await?;
    let note = notes.find_one(doc! { "_id": 1 }).await?;
    notes.database().drop().await?;

    println!("async-std: {}", note.ok_or("the note is gone")?);
    Ok(())
}
