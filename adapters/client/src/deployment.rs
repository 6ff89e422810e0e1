//! From the configuration to what the cluster machine is told.

use stator_proto::Config;
use stator_proto::cluster::{ClusterOptions, MIN_RESCAN};
use stator_proto::pool::PoolOptions;
use stator_proto::select::SelectOptions;
use stator_proto::topology::TopologyOptions;

use crate::event::{Category, Listeners};

/// What the cluster machine is told.
pub(crate) fn options(config: &Config, keep_owing_connections: bool, listeners: &Listeners) -> ClusterOptions {
    ClusterOptions {
        topology: TopologyOptions {
            seeds: config.hosts.clone(),
            set_name: config.replica_set.clone(),
            direct: config.direct_connection(),
            load_balanced: config.load_balanced(),
            srv_max_hosts: config.srv_max_hosts(),
            events: listeners.may_want(Category::Topology),
        },
        pool: PoolOptions {
            max_pool_size: config.max_pool_size().unwrap_or(0),
            min_pool_size: config.min_pool_size(),
            max_idle_time: config.max_idle_time(),
            max_connecting: config.max_connecting(),
            events: listeners.may_want(Category::Pool),
            owing: keep_owing_connections,
            load_balanced: config.load_balanced(),
            ..PoolOptions::default()
        },
        select: SelectOptions {
            heartbeat_frequency: config.heartbeat_frequency(),
            local_threshold: config.local_threshold(),
        },
        srv_rescan: config.srv.as_ref().map(|_| MIN_RESCAN),
    }
}
