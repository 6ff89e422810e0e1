//! What collections contain before a case, and what they must contain after it.

use bson::{Bson, Document, doc};

use super::deployments::Deployment;
use super::matching::same_documents;
use super::schema::CollectionData;

/// More than any file has; so one batch is enough.
const ALL: i32 = 10_000;

/// Makes the collections anew.
pub(super) fn prepare(deployment: &Deployment, collections: &[CollectionData]) -> Result<(), String> {
    for data in collections {
        let (database, name) = (data.database_name.as_str(), data.collection_name.as_str());
        for dropped in [name.to_owned(), format!("enxcol_.{name}.esc"), format!("enxcol_.{name}.ecoc")] {
            drop_collection(deployment, database, &dropped)?;
        }
        if data.create_options.is_some() || data.documents.is_empty() {
            let mut create = doc! { "create": name };
            create.extend(data.create_options.clone().unwrap_or_default());
            create.insert("writeConcern", doc! { "w": "majority" });
            deployment.run(database, create)?;
        }
        if !data.documents.is_empty() {
            let insert = doc! { "insert": name, "documents": &data.documents, "writeConcern": { "w": "majority" } };
            let reply = deployment.run(database, insert)?;
            if let Some(failed) = reply.get("writeErrors").or_else(|| reply.get("writeConcernError")) {
                return Err(format!("the initial data of {database}.{name}: {failed}"));
            }
        }
    }
    Ok(())
}

fn drop_collection(deployment: &Deployment, database: &str, name: &str) -> Result<(), String> {
    // Before 7.0, a collection that is not there is an error.
    match deployment.run(database, doc! { "drop": name, "writeConcern": { "w": "majority" } }) {
        Err(error) if !error.contains("ns not found") => Err(error),
        _ => Ok(()),
    }
}

/// Compares a collection with what it must contain, exactly.
pub(super) fn compare(deployment: &Deployment, expected: &CollectionData) -> Result<(), String> {
    let (database, name) = (expected.database_name.as_str(), expected.collection_name.as_str());
    let find = doc! { "find": name, "sort": { "_id": 1 }, "batchSize": ALL, "readConcern": { "level": "local" } };
    let reply = deployment.run(database, find)?;
    let cursor = reply.get_document("cursor").map_err(|error| error.to_string())?;
    let found = cursor.get_array("firstBatch").map_err(|error| error.to_string())?;
    let found: Vec<&Document> = found.iter().filter_map(Bson::as_document).collect();
    let equal = found.len() == expected.documents.len()
        && found.iter().zip(&expected.documents).all(|(found, expected)| same_documents(found, expected));
    if equal {
        return Ok(());
    }
    let show = |documents: &mut dyn Iterator<Item = &Document>| {
        documents.map(|document| format!("\n    {document}")).collect::<String>()
    };
    let (wanted, is) = (show(&mut expected.documents.iter()), show(&mut found.into_iter()));
    Err(format!("{database}.{name} should contain:{wanted}\n  but contains:{is}"))
}
