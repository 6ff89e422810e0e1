//! A ping by Stator on RUNTIME, and nothing else.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).ok_or("a connection string")?;
    let ping = async {
        let client = stator::Client::new(uri)?;
        client.database("admin").run_command(stator::bson::doc! { "ping": 1 }).await
    };
    println!("{}", block_on(ping)?);
    Ok(())
}
