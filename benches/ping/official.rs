//! A ping by the official driver, and nothing else.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1).ok_or("a connection string")?;
    let ping = async {
        let client = mongodb::Client::with_uri_str(uri).await?;
        client.database("admin").run_command(mongodb::bson::doc! { "ping": 1 }).await
    };
    println!("{}", tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ping)?);
    Ok(())
}
