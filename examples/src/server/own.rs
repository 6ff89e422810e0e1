//! A server of our own, from `stator-testkit`.

use stator_testkit::server::{Mongod, MongodOptions, ServerError};

use super::Access;

#[derive(Debug)]
pub(super) struct Own(Mongod);

impl Own {
    pub(super) fn start(access: Access) -> Result<Self, ServerError> {
        MongodOptions::new().auth(access == Access::Protected).start().map(Self)
    }

    pub(super) fn uri(&self) -> String {
        self.0.uri()
    }
}
