//! Listing and dropping databases.

use bson::doc;
use stator_client::Runtime;

use super::Fixture;

pub(super) async fn list_and_drop<R: Runtime>(t: &Fixture<'_, R>) {
    t.numbered(1).await;
    let name = t.database.name();
    assert!(t.client.list_database_names().await.unwrap().iter().any(|known| known == name));
    let of_name = || doc! { "name": name };
    let listed = t.client.list_databases().filter(of_name()).await.unwrap();
    let [listed] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((listed.get_str("name").unwrap(), listed.get_bool("empty").unwrap()), (name, false));
    let briefly = t.client.list_databases().filter(of_name()).name_only(true).authorized_databases(true).await.unwrap();
    assert!(!briefly[0].contains_key("sizeOnDisk"), "{briefly:?}");
    assert_eq!(t.client.list_database_names().filter(of_name()).await.unwrap(), [name]);
    t.database.drop().await.unwrap();
    t.database.drop().await.unwrap();
    assert_eq!(t.client.list_database_names().filter(of_name()).await.unwrap(), Vec::<String>::new());
}

pub(super) async fn default_database<R: Runtime>(t: &Fixture<'_, R>) {
    assert!(t.client.default_database().is_none());
    // The name stands between the host and the options.
    assert_eq!(t.client.clone().database("other").name(), "other");
    assert_eq!(t.database.client().list_database_names().filter(doc! { "name": "no such" }).await.unwrap().len(), 0);
}
