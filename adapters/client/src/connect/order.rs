//! The order in which a host's addresses are tried.

use std::net::SocketAddr;

/// The addresses without repetitions, their families in turn, beginning with that of the first (RFC 8305, section 4). Within a
/// family the resolver's order stays.
pub(super) fn interleave(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut unique: Vec<SocketAddr> = Vec::with_capacity(found.len());
    for address in found {
        if !unique.contains(&address) {
            unique.push(address);
        }
    }
    let Some(first) = unique.first().map(SocketAddr::is_ipv6) else { return unique };
    let (favoured, others): (Vec<_>, Vec<_>) = unique.into_iter().partition(|address| address.is_ipv6() == first);
    let (mut favoured, mut others) = (favoured.into_iter(), others.into_iter());
    let mut order = Vec::with_capacity(favoured.len() + others.len());
    loop {
        let before = order.len();
        order.extend(favoured.next());
        order.extend(others.next());
        if order.len() == before {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(found: &[&str]) -> Vec<String> {
        let found = found.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 1)).collect();
        interleave(found).iter().map(|address| address.ip().to_string()).collect()
    }

    #[test]
    fn families_take_turns_and_the_first_one_begins() {
        assert_eq!(order(&["::1", "::2", "::3", "1.1.1.1"]), ["::1", "1.1.1.1", "::2", "::3"]);
        assert_eq!(order(&["1.1.1.1", "::1", "::2", "1.1.1.2"]), ["1.1.1.1", "::1", "1.1.1.2", "::2"]);
        assert_eq!(order(&["1.1.1.1", "1.1.1.2"]), ["1.1.1.1", "1.1.1.2"]);
        assert_eq!(order(&["1.1.1.1", "::1", "1.1.1.1", "::1"]), ["1.1.1.1", "::1"]);
        assert!(order(&[]).is_empty());
    }
}
