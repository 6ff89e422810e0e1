use super::*;

fn routers(most: Option<u32>, seeds: &[&str]) -> Topology<Error> {
    let mut topology = open(TopologyOptions { srv_max_hosts: most, ..options(seeds) });
    for seed in seeds {
        see(&mut topology, seed, hello(ServerKind::Mongos));
    }
    actions(&mut topology);
    topology
}

fn resolve(topology: &mut Topology<Error>, names: &[&str], random: u64) {
    topology.handle_srv_hosts(NOW, names.iter().map(|name| at(name)).collect(), random);
}

#[test]
fn what_is_gone_is_removed_what_is_new_added_and_the_rest_left_alone() {
    let mut topology = routers(None, &["a", "b"]);
    resolve(&mut topology, &["b", "c"], 0);
    assert_eq!(actions(&mut topology), ["remove a", "add c", "changed"]);
    assert_eq!((kind(&topology, "b"), kind(&topology, "c")), (Some(ServerKind::Mongos), Some(ServerKind::Unknown)));
    assert_eq!(topology.description().kind, TopologyKind::Sharded);
}

#[test]
fn no_hosts_at_all_change_nothing() {
    let mut topology = routers(None, &["a"]);
    resolve(&mut topology, &[], 0);
    assert_eq!((actions(&mut topology), hosts(&topology).len()), (Vec::new(), 1));
}

#[test]
fn the_most_hosts_are_kept_and_filled_up_by_chance() {
    let mut seen = Vec::new();
    for random in 0..64_u64 {
        let mut topology = routers(Some(2), &["a", "b"]);
        resolve(&mut topology, &["b", "c", "d", "e"], random.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let hosts = hosts(&topology);
        assert_eq!((hosts.len(), &hosts[0][..]), (2, "b:27017"));
        seen.push(hosts[1].clone());
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["c:27017", "d:27017", "e:27017"]);
}

#[test]
fn a_host_with_two_records_counts_once() {
    for random in 0..16 {
        let mut topology = routers(Some(2), &["a"]);
        resolve(&mut topology, &["b", "b", "c", "c"], random << 60);
        assert_eq!(hosts(&topology), ["b:27017", "c:27017"]);
    }
}

#[test]
fn zero_is_no_limit() {
    let mut topology = routers(Some(0), &["a"]);
    resolve(&mut topology, &["a", "b", "c"], 0);
    assert_eq!(hosts(&topology).len(), 3);
}

#[test]
fn only_routers_and_the_unknown_follow_dns() {
    let mut topology = replica_set();
    resolve(&mut topology, &["c"], 0);
    assert_eq!(hosts(&topology), ["a:27017", "b:27017"]);

    let mut topology = open(options(&["a"]));
    see(&mut topology, "a", hello(ServerKind::Standalone));
    resolve(&mut topology, &["c"], 0);
    assert_eq!(hosts(&topology), ["a:27017"]);

    let mut topology = open(TopologyOptions { load_balanced: true, ..options(&["a"]) });
    resolve(&mut topology, &["c"], 0);
    assert_eq!(hosts(&topology), ["a:27017"]);

    let mut topology = open(options(&["a"]));
    resolve(&mut topology, &["c"], 0);
    assert_eq!(hosts(&topology), ["c:27017"]);

    topology.close(NOW);
    resolve(&mut topology, &["d"], 0);
    assert_eq!(hosts(&topology), Vec::<String>::new());
}
