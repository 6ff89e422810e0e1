//! The latency window, and the choice in it.

use alloc::sync::Arc;
use core::time::Duration;

use crate::ServerAddress;
use crate::topology::ServerDescription;

/// The longest average round trip that is near enough.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    end: Duration,
}

/// The window of these servers. Where no round trip was measured at all, all are in it.
pub(super) fn of<'t, C: 't>(
    servers: impl Iterator<Item = &'t Arc<ServerDescription<C>>>,
    local_threshold: Duration,
) -> Window {
    let nearest = servers.filter_map(|server| server.round_trip_time.average).min();
    Window { end: nearest.map_or(Duration::MAX, |nearest| nearest.saturating_add(local_threshold)) }
}

impl Window {
    /// A server that was never measured is out while others were.
    pub(super) fn contains<C>(self, server: &ServerDescription<C>) -> bool {
        server.round_trip_time.average.unwrap_or(Duration::MAX) <= self.end
    }
}

/// Two at random, and of them the one with less to do.
pub(super) fn choose<'t, C: 't>(
    mut servers: impl Iterator<Item = &'t Arc<ServerDescription<C>>> + Clone,
    operation_count: impl Fn(&ServerAddress) -> u32,
    random: u64,
) -> Option<&'t Arc<ServerDescription<C>>> {
    let count = servers.clone().count();
    if count < 2 {
        return servers.next();
    }
    // One half of the bits for each; the second choice is among all but the first. The order of the two is random too,
    // so that a tie prefers nobody.
    let first = scale(random >> 32, count);
    let second = scale(random & 0xffff_ffff, count - 1);
    let second = if second < first { second } else { second + 1 };
    let (first, second) = (servers.clone().nth(first)?, servers.nth(second)?);
    Some(if operation_count(&first.address) <= operation_count(&second.address) { first } else { second })
}

/// From 32 random bits to a number below `below`.
fn scale(bits: u64, below: usize) -> usize {
    // A product of two 32-bit numbers fits, and its upper half is below `below`.
    ((bits * below.min(u32::MAX as usize) as u64) >> 32) as usize
}
