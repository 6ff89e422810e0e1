//! Puts what happens under the lock into the listeners' queue, in its order.

use std::sync::Arc;

use bson::oid::ObjectId;
use stator_proto::Config;
use stator_proto::cluster::Event as Told;

use crate::error::Error;
use crate::event::{Category, Deliveries, Event, TopologyEvent};

/// What events need beside what the cluster says.
#[derive(Debug)]
pub(crate) struct Teller {
    deliveries: Arc<Deliveries>,
    topology_id: ObjectId,
    config: Arc<Config>,
}

impl Teller {
    pub(crate) fn new(deliveries: &Arc<Deliveries>, topology_id: ObjectId, config: &Arc<Config>) -> Self {
        Self { deliveries: Arc::clone(deliveries), topology_id, config: Arc::clone(config) }
    }

    /// Whether anybody wants events of this category now.
    pub(super) fn wants(&self, category: Category) -> bool {
        self.deliveries.listeners().wants(category)
    }

    pub(super) fn tell(&self, event: Told<Error>) {
        let category = match &event {
            Told::Topology(_) => Category::Topology,
            Told::Pool { .. } => Category::Pool,
        };
        self.deliveries.push(category, || Event::of(event, self.topology_id, &self.config));
    }

    /// What a monitor tells.
    pub(crate) fn heartbeat(&self, event: TopologyEvent) {
        self.deliveries.push(Category::Topology, || Event::Topology(event));
    }
}
