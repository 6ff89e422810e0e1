//! The entities of a case, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bson::{Bson, Document};
use stator_client::event::TopologyDescription;
use stator_client::{Client, ClientSession, Collection, Cursor, Database, Runtime};

use super::matching::Lookup;
use super::recorder::Recorder;
use super::signal::lock;
use super::threads::Thread;

/// A client entity.
#[derive(Debug)]
pub(super) struct ClientUnderTest<R: Runtime> {
    pub(super) client: Client<R>,
    pub(super) recorder: Arc<Recorder>,
}

/// A cursor, which is away while it is iterated.
pub(super) type CursorSlot<R> = Arc<Mutex<Option<Box<Cursor<R, Document>>>>>;

/// One entity. Buckets belong here once the client has them.
#[derive(Debug)]
pub(super) enum Entity<R: Runtime> {
    Client(Arc<ClientUnderTest<R>>),
    Database(Database<R>),
    Collection(Collection<R>),
    Session(ClientSession<R>),
    Cursor(CursorSlot<R>),
    Thread(Arc<Thread>),
    Topology(Arc<TopologyDescription>),
    Value(Bson),
}

impl<R: Runtime> Clone for Entity<R> {
    fn clone(&self) -> Self {
        match self {
            Self::Client(client) => Self::Client(Arc::clone(client)),
            Self::Database(database) => Self::Database(database.clone()),
            Self::Collection(collection) => Self::Collection(collection.clone()),
            Self::Session(session) => Self::Session(session.clone()),
            Self::Cursor(cursor) => Self::Cursor(Arc::clone(cursor)),
            Self::Thread(thread) => Self::Thread(Arc::clone(thread)),
            Self::Topology(topology) => Self::Topology(Arc::clone(topology)),
            Self::Value(value) => Self::Value(value.clone()),
        }
    }
}

impl<R: Runtime> Entity<R> {
    const fn what(&self) -> &'static str {
        match self {
            Self::Client(_) => "client",
            Self::Database(_) => "database",
            Self::Collection(_) => "collection",
            Self::Session(_) => "session",
            Self::Cursor(_) => "cursor",
            Self::Thread(_) => "thread",
            Self::Topology(_) => "topology description",
            Self::Value(_) => "value",
        }
    }
}

/// All entities of a case. Threads share it.
#[derive(Debug)]
pub(super) struct Entities<R: Runtime> {
    map: Mutex<BTreeMap<String, Entity<R>>>,
}

impl<R: Runtime> Entities<R> {
    pub(super) const fn new() -> Self {
        Self { map: Mutex::new(BTreeMap::new()) }
    }

    /// Adds an entity; names are unique.
    pub(super) fn add(&self, name: &str, entity: Entity<R>) -> Result<(), String> {
        let mut map = lock(&self.map);
        if map.contains_key(name) {
            return Err(format!("there is an entity {name} already"));
        }
        map.insert(name.to_owned(), entity);
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Result<Entity<R>, String> {
        lock(&self.map).get(name).cloned().ok_or_else(|| format!("there is no entity {name}"))
    }

    fn expect<T>(&self, name: &str, what: &str, of: impl FnOnce(Entity<R>) -> Option<T>) -> Result<T, String> {
        let entity = self.get(name)?;
        let is = entity.what();
        of(entity).ok_or_else(|| format!("entity {name} is a {is}, not a {what}"))
    }

    pub(super) fn client(&self, name: &str) -> Result<Arc<ClientUnderTest<R>>, String> {
        self.expect(name, "client", |entity| match entity {
            Entity::Client(client) => Some(client),
            _ => None,
        })
    }

    pub(super) fn database(&self, name: &str) -> Result<Database<R>, String> {
        self.expect(name, "database", |entity| match entity {
            Entity::Database(database) => Some(database),
            _ => None,
        })
    }

    pub(super) fn session(&self, name: &str) -> Result<ClientSession<R>, String> {
        self.expect(name, "session", |entity| match entity {
            Entity::Session(session) => Some(session),
            _ => None,
        })
    }

    pub(super) fn thread(&self, name: &str) -> Result<Arc<Thread>, String> {
        self.expect(name, "thread", |entity| match entity {
            Entity::Thread(thread) => Some(thread),
            _ => None,
        })
    }

    pub(super) fn topology(&self, name: &str) -> Result<Arc<TopologyDescription>, String> {
        self.expect(name, "topology description", |entity| match entity {
            Entity::Topology(topology) => Some(topology),
            _ => None,
        })
    }

    /// Calls `act` with each client.
    pub(super) fn for_each_client(&self, mut act: impl FnMut(&ClientUnderTest<R>)) {
        for entity in lock(&self.map).values() {
            if let Entity::Client(client) = entity {
                act(client);
            }
        }
    }

    /// Takes everything out.
    pub(super) fn clear(&self) -> Vec<Entity<R>> {
        std::mem::take(&mut *lock(&self.map)).into_values().collect()
    }
}

impl<R: Runtime> Lookup for Entities<R> {
    fn bson(&self, name: &str) -> Result<Bson, String> {
        self.expect(name, "value", |entity| match entity {
            Entity::Value(value) => Some(value),
            _ => None,
        })
    }

    fn lsid(&self, name: &str) -> Result<Document, String> {
        self.session(name).map(|session| session.id())
    }
}
