//! The last things that have happened, as the client's listeners and the demonstration tell them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use stator_tokio::event::{Listener, PoolEventKind, TopologyEvent};

/// How many are kept.
const KEPT: usize = 100;

#[derive(Clone, Debug)]
pub(crate) struct News {
    start: Instant,
    lines: Arc<Mutex<(u64, VecDeque<String>)>>,
}

impl News {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), lines: Arc::default() }
    }

    pub(crate) fn tell(&self, line: impl AsRef<str>) {
        let line = format!("{:>7.2}  {}", self.start.elapsed().as_secs_f64(), line.as_ref());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.0 += 1;
        lines.1.push_back(line);
        if lines.1.len() > KEPT {
            lines.1.pop_front();
        }
    }

    /// How many there were so far, and the last of them, oldest first.
    pub(crate) fn last(&self) -> (u64, Vec<String>) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.0, lines.1.iter().cloned().collect())
    }

    /// Listeners for what is worth a line: heartbeats and check-outs are not.
    pub(crate) fn listeners(&self) -> Vec<Listener> {
        let (topology, pools) = (self.clone(), self.clone());
        vec![
            Listener::topology(move |event| topology.topology_event(event)),
            Listener::pools(move |event| {
                let address = &event.address;
                match &event.kind {
                    PoolEventKind::PoolReady => pools.tell(format!("{address}: pool ready")),
                    PoolEventKind::PoolCleared { .. } => pools.tell(format!("{address}: pool cleared")),
                    PoolEventKind::PoolClosed => pools.tell(format!("{address}: pool closed")),
                    _ => {}
                }
            }),
        ]
    }

    fn topology_event(&self, event: &TopologyEvent) {
        match event {
            TopologyEvent::TopologyDescriptionChanged { previous_description: old, new_description: new, .. }
                if old.kind != new.kind =>
            {
                self.tell(format!("topology: {} -> {}", old.kind.as_str(), new.kind.as_str()));
            }
            TopologyEvent::ServerDescriptionChanged {
                address,
                previous_description: old,
                new_description: new,
                ..
            } if old.kind != new.kind => {
                self.tell(format!("{address}: {} -> {}", old.kind.as_str(), new.kind.as_str()));
            }
            TopologyEvent::ServerOpening { address, .. } => self.tell(format!("{address}: part of the topology")),
            TopologyEvent::ServerClosed { address, .. } => self.tell(format!("{address}: no longer part of it")),
            _ => {}
        }
    }
}
