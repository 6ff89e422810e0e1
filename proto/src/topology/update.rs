//! The tables: what a server that was seen means for the deployment.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::change::Change;
use super::{Election, Rejection, ServerDescription, Topology, TopologyDescription, TopologyKind};
use crate::hello::{HelloReply, ServerKind};
use crate::{Instant, ServerAddress};

impl<C: Clone + PartialEq> Topology<C> {
    /// Why a server that is reached directly is not what was asked for.
    pub(super) fn misfit(&self, server: &ServerDescription<C>) -> Option<Rejection> {
        let wanted = self.options.set_name.as_ref().filter(|_| self.description.kind == TopologyKind::Single)?;
        let found = server.hello.as_ref()?.set_name.as_ref();
        let misfit = || Rejection::SetName { wanted: wanted.clone(), found: found.cloned() };
        (found != Some(wanted)).then(misfit)
    }

    /// A server was seen, or found missing: SDAM's table.
    pub(super) fn update(&mut self, now: Instant, server: ServerDescription<C>) {
        // A seed that is named twice is one.
        let only_seed = self.options.seeds.iter().all(|seed| Some(seed) == self.options.seeds.first());
        self.change(now, |change| {
            let address = server.address.clone();
            let kind = server.kind;
            change.replace(server);
            match change.description.kind {
                TopologyKind::Single | TopologyKind::LoadBalanced => {}
                TopologyKind::Unknown => match kind {
                    ServerKind::Unknown | ServerKind::RsGhost | ServerKind::LoadBalancer => {}
                    ServerKind::Standalone if only_seed => change.description.kind = TopologyKind::Single,
                    ServerKind::Standalone => change.remove(&address),
                    ServerKind::Mongos => change.description.kind = TopologyKind::Sharded,
                    ServerKind::RsPrimary => change.follow_primary(&address),
                    ServerKind::RsSecondary | ServerKind::RsArbiter | ServerKind::RsOther => {
                        change.description.kind = TopologyKind::ReplicaSetNoPrimary;
                        change.without_primary(&address);
                    }
                },
                TopologyKind::Sharded => {
                    if !matches!(kind, ServerKind::Unknown | ServerKind::Mongos) {
                        change.remove(&address);
                    }
                }
                TopologyKind::ReplicaSetNoPrimary => match kind {
                    ServerKind::Unknown | ServerKind::RsGhost | ServerKind::LoadBalancer => {}
                    ServerKind::Standalone | ServerKind::Mongos => change.remove(&address),
                    ServerKind::RsPrimary => change.follow_primary(&address),
                    ServerKind::RsSecondary | ServerKind::RsArbiter | ServerKind::RsOther => {
                        change.without_primary(&address);
                    }
                },
                TopologyKind::ReplicaSetWithPrimary => match kind {
                    ServerKind::Unknown | ServerKind::RsGhost | ServerKind::LoadBalancer => {
                        change.check_if_has_primary();
                    }
                    ServerKind::Standalone | ServerKind::Mongos => {
                        change.remove(&address);
                        change.check_if_has_primary();
                    }
                    ServerKind::RsPrimary => change.follow_primary(&address),
                    ServerKind::RsSecondary | ServerKind::RsArbiter | ServerKind::RsOther => {
                        change.with_primary_from_member(&address);
                    }
                },
            }
        });
    }
}

impl<C> Change<C> {
    fn hello(&self, address: &ServerAddress) -> Option<alloc::sync::Arc<HelloReply>> {
        self.description.server(address)?.hello.clone()
    }

    /// Whether the server belongs to the set; the first that is asked gives the set its name.
    fn belongs(&mut self, hello: &HelloReply) -> bool {
        match (&self.description.set_name, &hello.set_name) {
            (None, name) => {
                self.description.set_name.clone_from(name);
                true
            }
            (Some(known), name) => name.as_ref() == Some(known),
        }
    }

    /// `updateRSWithoutPrimary`.
    fn without_primary(&mut self, address: &ServerAddress) {
        let Some(hello) = self.hello(address) else { return };
        if !self.belongs(&hello) {
            return self.remove(address);
        }
        members(&hello).iter().for_each(|member| self.add(member));
        if !knows_itself(address, &hello) {
            self.remove(address);
        }
    }

    /// `updateRSWithPrimaryFromMember`.
    fn with_primary_from_member(&mut self, address: &ServerAddress) {
        let Some(hello) = self.hello(address) else { return };
        if self.description.set_name != hello.set_name || !knows_itself(address, &hello) {
            self.remove(address);
        }
        self.check_if_has_primary();
    }

    /// `updateRSFromPrimary`.
    fn follow_primary(&mut self, address: &ServerAddress) {
        let Some(hello) = self.hello(address) else { return };
        if !self.belongs(&hello) {
            self.remove(address);
            return self.check_if_has_primary();
        }
        if let Err(rejection) = self.succeed(&hello) {
            let unknown = ServerDescription::unknown(self.now, address.clone());
            self.replace(ServerDescription { rejection: Some(rejection), ..unknown });
            return self.check_if_has_primary();
        }
        let others = self.description.servers.values();
        let deposed: Vec<ServerAddress> = others
            .filter(|other| other.kind == ServerKind::RsPrimary && other.address != *address)
            .map(|other| other.address.clone())
            .collect();
        for other in deposed {
            // It is up and knows better; its pool stays.
            self.check_now.push(other.clone());
            let unknown = ServerDescription::unknown(self.now, other);
            self.replace(ServerDescription { rejection: Some(Rejection::Deposed), ..unknown });
        }
        let members = members(&hello);
        members.iter().for_each(|member| self.add(member));
        self.retain(|known| members.contains(known));
        self.check_if_has_primary();
    }

    /// Remembers by what the primary's term is known, unless a later one is known.
    fn succeed(&mut self, hello: &HelloReply) -> Result<(), Rejection> {
        let TopologyDescription { max_election_id, max_set_version, .. } = &mut self.description;
        let newest = Election { election_id: *max_election_id, set_version: *max_set_version };
        let reported = Election { election_id: hello.election_id, set_version: hello.set_version };
        let latest = reported.succeed(newest, hello.max_wire_version);
        let Election { election_id, set_version } = latest.ok_or(Rejection::StalePrimary { reported, newest })?;
        (*max_election_id, *max_set_version) = (election_id, set_version);
        Ok(())
    }
}

/// The addresses of all members that a member names; what is no address is left out.
fn members(hello: &HelloReply) -> BTreeSet<ServerAddress> {
    let all = hello.hosts.iter().chain(&hello.passives).chain(&hello.arbiters);
    all.filter_map(|member: &String| ServerAddress::parse(member)).collect()
}

/// Whether a member calls itself by the address at which it was reached.
fn knows_itself(address: &ServerAddress, hello: &HelloReply) -> bool {
    hello.me.as_ref().is_none_or(|me| ServerAddress::parse(me).as_ref() == Some(address))
}
