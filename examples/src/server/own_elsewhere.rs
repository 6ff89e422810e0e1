//! `stator-testkit` starts servers on Unix only.

use super::Access;

#[derive(Debug)]
pub(super) enum Own {}

impl Own {
    pub(super) fn start(_access: Access) -> Result<Self, &'static str> {
        Err("servers can be started on Unix only: set MONGODB_URI to the connection string of one that runs")
    }

    pub(super) fn uri(&self) -> String {
        match *self {}
    }
}
