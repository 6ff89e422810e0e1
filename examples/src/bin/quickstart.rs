//! The main job on tokio: insert, query, aggregate, iterate, update, delete, with types of your own.
//!
//! Needs: stator-tokio, tokio, serde. A server is started (and downloaded, if need be) unless `MONGODB_URI` names one.
//!
//! ```text
//! cargo run --release -p stator-examples --bin quickstart
//! ```

use std::process::ExitCode;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stator_examples::{Result, Server, database_name, heading, human, with_server};
use stator_tokio::{Client, Database, doc};

/// A document of the collection, as a type. The name is the key.
#[derive(Debug, Deserialize, Serialize)]
struct Peak {
    #[serde(rename = "_id")]
    name: String,
    country: String,
    /// In metres above the sea.
    height: i32,
    /// The year of the first ascent.
    climbed: i32,
}

/// A result of the aggregation.
#[derive(Deserialize)]
struct Country {
    #[serde(rename = "_id")]
    name: String,
    peaks: i32,
    highest: String,
    height: i32,
}

fn main() -> ExitCode {
    with_server(|server| tokio::runtime::Runtime::new()?.block_on(run(server)))
}

async fn run(server: &Server) -> Result {
    let start = Instant::now();
    // Making a client does nothing yet; the first operation connects.
    let client = Client::new(server.uri())?;
    let database = client.database(&database_name("quickstart"));
    let build = client.database("admin").run_command(doc! { "buildInfo": 1 }).await?;

    println!("Stator quickstart, on tokio");
    println!("   server    {server}");
    println!("   version   MongoDB {}, reached in {}", build.get_str("version")?, human(start.elapsed()));
    println!("   database  {}, dropped at the end", database.name());
    for warning in client.warnings() {
        println!("   warning   {warning}");
    }

    let outcome = tour(&database).await;
    // Whatever has happened: nothing stays behind.
    let start = Instant::now();
    let dropped = database.drop().await;
    outcome?;
    dropped?;
    heading(8, "Drop the database", human(start.elapsed()));
    println!("\nDone.");
    Ok(())
}

async fn tour(database: &Database) -> Result {
    let peaks = database.collection::<Peak>("peaks");

    let start = Instant::now();
    let inserted = peaks.insert_many(alps()).await?;
    heading(1, "Insert: one command for all documents", human(start.elapsed()));
    println!("   {} peaks; the server has made database and collection on the way", inserted.inserted_ids.len());

    let start = Instant::now();
    let mut cursor = peaks.find(doc! { "height": { "$gte": 4000 } }).sort(doc! { "climbed": 1 }).limit(5).await?;
    let oldest: Vec<Peak> = cursor.to_list(None).await?;
    heading(2, "Query: the four-thousanders that were climbed first", human(start.elapsed()));
    for peak in &oldest {
        println!("   {:<20} {:<12} {:>5} m {:>6}", peak.name, peak.country, peak.height, peak.climbed);
    }

    let start = Instant::now();
    let pipeline = [
        doc! { "$sort": { "height": -1 } },
        doc! { "$group": {
            "_id": "$country",
            "peaks": { "$sum": 1 },
            "highest": { "$first": "$_id" },
            "height": { "$max": "$height" },
        } },
        doc! { "$sort": { "height": -1 } },
    ];
    let countries = peaks.aggregate(pipeline).with_type::<Country>().await?.to_list(None).await?;
    heading(3, "Aggregate: the highest peak of each country", human(start.elapsed()));
    for country in &countries {
        let Country { name, peaks, highest, height } = country;
        println!("   {name:<12} {highest:<20} {height:>5} m   {peaks} in the list");
    }

    let start = Instant::now();
    let mut cursor = peaks.find(doc! {}).sort(doc! { "_id": 1 }).batch_size(5).await?;
    let mut names = Vec::new();
    // The next batch is fetched when the last one is used up.
    while let Some(peak) = cursor.try_next().await? {
        names.push(peak.name);
    }
    heading(4, "Iterate: a cursor over all, in batches of five", human(start.elapsed()));
    for batch in names.chunks(5) {
        println!("   {}", batch.join(", "));
    }

    let start = Instant::now();
    let measured = doc! { "$set": { "height": 4806 } };
    let updated = peaks.update_one(doc! { "_id": "Mont Blanc" }, measured).await?;
    let found = peaks.find_one(doc! { "_id": "Mont Blanc" }).await?.ok_or("Mont Blanc is gone")?;
    heading(5, "Update: Mont Blanc was measured again", human(start.elapsed()));
    println!("   {} matched, {} modified: now {} m", updated.matched_count, updated.modified_count, found.height);

    let start = Instant::now();
    let deleted = peaks.delete_many(doc! { "height": { "$lt": 3000 } }).await?;
    let left = peaks.count_documents(doc! {}).await?;
    heading(6, "Delete: what is lower than 3000 m", human(start.elapsed()));
    println!("   {} deleted, {left} left", deleted.deleted_count);

    let start = Instant::now();
    let again = Peak { name: "Matterhorn".into(), country: "Switzerland".into(), height: 4478, climbed: 1865 };
    let refused = peaks.insert_one(again).await;
    heading(7, "Errors: a second Matterhorn", human(start.elapsed()));
    match refused {
        Err(error) if error.is_duplicate_key() => println!("   refused, as it should be:\n   {error}"),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err("the server took a second Matterhorn".into()),
    }
    Ok(())
}

fn alps() -> Vec<Peak> {
    [
        ("Mont Blanc", "France", 4808, 1786),
        ("Dufourspitze", "Switzerland", 4634, 1855),
        ("Weisshorn", "Switzerland", 4506, 1861),
        ("Matterhorn", "Switzerland", 4478, 1865),
        ("Jungfrau", "Switzerland", 4158, 1811),
        ("Barre des Écrins", "France", 4102, 1864),
        ("Gran Paradiso", "Italy", 4061, 1860),
        ("Piz Bernina", "Switzerland", 4049, 1850),
        ("La Meije", "France", 3984, 1877),
        ("Großglockner", "Austria", 3798, 1800),
        ("Wildspitze", "Austria", 3768, 1861),
        ("Zugspitze", "Germany", 2962, 1820),
        ("Triglav", "Slovenia", 2864, 1778),
    ]
    .map(|(name, country, height, climbed)| Peak { name: name.into(), country: country.into(), height, climbed })
    .into()
}
