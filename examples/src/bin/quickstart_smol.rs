//! The same few lines as in the other `quickstart_*` examples, on smol.
//!
//! Needs: stator-smol, smol.

use std::process::ExitCode;

use stator_examples::{Result, Server, database_name, with_server};
use stator_smol::{Client, Document, doc};

fn main() -> ExitCode {
    with_server(|server| smol::block_on(run(server)))
}

async fn run(server: &Server) -> Result {
    let client = Client::new(server.uri())?;
    let notes = client.database(&database_name("smol")).collection::<Document>("notes");
    notes.insert_one(doc! { "_id": 1, "text": "written and read on smol" }).await?;
    let note = notes.find_one(doc! { "_id": 1 }).await?;
    notes.database().drop().await?;

    println!("smol: {}", note.ok_or("the note is gone")?);
    Ok(())
}
