//! All actions of a client, for tests that repeat something for every one of them.

use bson::{Document, doc};
use stator_client::options::InsertOneModel;
use stator_client::session::ClientSession;
use stator_client::{BlockOn, Collection, Error, Result};

type Run<R> = fn(&Collection<R, Document>, Option<&ClientSession<R>>) -> Result<()>;

/// One action of a collection, or of its database or client.
#[derive(Debug)]
pub struct Action<R: BlockOn> {
    /// Its name.
    pub name: &'static str,
    /// The command that it sends.
    pub command: &'static str,
    run: Run<R>,
}

impl<R: BlockOn> Action<R> {
    /// Runs it to its end on this thread.
    ///
    /// # Errors
    ///
    /// As the action.
    pub fn run(&self, things: &Collection<R, Document>, session: Option<&ClientSession<R>>) -> Result<()> {
        (self.run)(things, session)
    }

    /// Its error.
    ///
    /// # Panics
    ///
    /// When it succeeds.
    pub fn fail(&self, things: &Collection<R, Document>, session: Option<&ClientSession<R>>) -> Error {
        match self.run(things, session) {
            Err(error) => error,
            Ok(()) => panic!("{} succeeded", self.name),
        }
    }
}

macro_rules! actions {
    ($($name:ident $command:ident |$things:ident| $action:expr;)*) => {
        vec![$(Action {
            name: stringify!($name),
            command: stringify!($command),
            run: |$things, session| {
                let action = $action;
                match session {
                    Some(session) => action.session(session).run().map(drop),
                    None => action.run().map(drop),
                }
            },
        }),*]
    };
}

/// The actions that have a read concern.
pub fn reads<R: BlockOn>() -> Vec<Action<R>> {
    actions! {
        find find |things| things.find(doc! {});
        find_one find |things| things.find_one(doc! {});
        aggregate aggregate |things| things.aggregate([doc! { "$match": {} }]);
        count_documents aggregate |things| things.count_documents(doc! {});
        estimated_document_count count |things| things.estimated_document_count();
        distinct distinct |things| things.distinct("x", doc! {});
    }
}

/// The actions that write documents. On an empty collection they leave up to three behind.
pub fn writes<R: BlockOn>() -> Vec<Action<R>> {
    actions! {
        insert_one insert |things| things.insert_one(doc! { "x": 1 });
        insert_many insert |things| things.insert_many([doc! { "x": 2 }, doc! { "x": 3 }]);
        bulk_write insert |things| things.bulk_write([InsertOneModel::new(doc! { "x": 5 })]);
        update_one update |things| things.update_one(doc! { "x": 1 }, doc! { "$set": { "y": 1 } });
        update_many update |things| things.update_many(doc! {}, doc! { "$set": { "y": 2 } });
        replace_one update |things| things.replace_one(doc! { "x": 1 }, doc! { "x": 1, "z": 1 });
        find_one_and_update findAndModify
            |things| things.find_one_and_update(doc! { "x": 1 }, doc! { "$set": { "y": 3 } });
        find_one_and_replace findAndModify |things| things.find_one_and_replace(doc! { "x": 1 }, doc! { "x": 1 });
        find_one_and_delete findAndModify |things| things.find_one_and_delete(doc! { "x": 1 });
        delete_one delete |things| things.delete_one(doc! { "x": 2 });
        delete_many delete |things| things.delete_many(doc! { "x": 4 });
    }
}

/// All other actions. They leave an empty collection `made` behind.
pub fn others<R: BlockOn>() -> Vec<Action<R>> {
    actions! {
        create_collection create |things| things.database().create_collection("made");
        list_collections listCollections |things| things.database().list_collections();
        list_collection_names listCollections |things| things.database().list_collection_names();
        list_databases listDatabases |things| things.database().client().list_databases();
        list_database_names listDatabases |things| things.database().client().list_database_names();
        create_index createIndexes |things| things.create_index(doc! { "prose": 1 });
        list_indexes listIndexes |things| things.list_indexes();
        list_index_names listIndexes |things| things.list_index_names();
        drop_indexes dropIndexes |things| things.drop_indexes();
        run_cursor_command listCollections |things| things.database().run_cursor_command(doc! { "listCollections": 1 });
        run_command ping |things| things.database().run_command(doc! { "ping": 1 });
        database_aggregate aggregate
            |things| things.database().client().database("admin").aggregate([doc! { "$listLocalSessions": {} }]);
        drop_collection drop |things| things.database().collection::<Document>("made").drop();
        drop_database dropDatabase |things| things.database().client().database("prose_nobody").drop();
    }
}

/// All actions.
pub fn all<R: BlockOn>() -> Vec<Action<R>> {
    writes().into_iter().chain(reads()).chain(others()).collect()
}
