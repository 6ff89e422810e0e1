//! Something to see: a server with access control, and a client that talks to it through the proxy.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stator_blocking::options::{Compressor, Config};
use stator_blocking::{BlockOn, Client, ClientOptions, Database, ServerAddress, doc};
use stator_examples::{Access, Result, Server, database_name};

use crate::Proxy;

pub(crate) fn run(bodies: bool) -> Result {
    let server = Server::find(Access::Protected)?;
    let mut config = ClientOptions::parse(server.uri())?.config;
    let behind = config.hosts.first().ok_or("the connection string names no host")?.to_string();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let here = listener.local_addr()?;
    config.hosts = vec![ServerAddress::Tcp { host: here.ip().to_string(), port: here.port() }];
    config.direct_connection = Some(true);
    config.replica_set = None;

    println!("Proxy on {here} for {behind}\n");
    let (proxy, stop) = (Proxy::new(behind, bodies), AtomicBool::new(false));
    thread::scope(|scope| {
        let serving = scope.spawn(|| proxy.serve(&listener, &stop));
        let outcome = drive(&config);
        stop.store(true, Ordering::Release);
        // Wakes the proxy, which then waits until the last connection has ended.
        drop(TcpStream::connect(here)?);
        serving.join().map_err(|_| "the proxy has panicked")??;
        outcome
    })?;
    println!("\nThe self-test has passed.");
    Ok(())
}

fn drive(config: &Config) -> Result {
    let client = Client::with_options(config.clone().into())?;
    let database = client.database(&database_name("wire_proxy"));
    let outcome = talk(&database);
    outcome.and(database.drop().run().map_err(Into::into))?;
    client.runtime().block_on(client.close());

    // The same, compressed.
    let compressors = vec![Compressor::Zlib];
    let client = Client::with_options(Config { compressors, ..config.clone() }.into())?;
    client.database("admin").run_command(doc! { "ping": 1 }).run()?;
    client.runtime().block_on(client.close());
    Ok(())
}

fn talk(database: &Database) -> Result {
    let numbers = database.collection("numbers");
    numbers.insert_many((0..10).map(|n| doc! { "_id": n, "square": n * n })).run()?;
    let mut squares = Vec::new();
    for document in numbers.find(doc! {}).batch_size(4).run()? {
        squares.push(document?.get_i32("square")?);
    }
    if squares.len() != 10 {
        return Err(format!("10 documents went in, {} came out", squares.len()).into());
    }
    // What goes wrong is worth a line, too.
    if numbers.insert_one(doc! { "_id": 1 }).run().is_ok() || numbers.find(doc! { "$no": 1 }).run().is_ok() {
        return Err("the server took what it must refuse".into());
    }
    Ok(())
}
