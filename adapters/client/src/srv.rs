//! SRV records: the seeds of `mongodb+srv` clients, and asking again later.

use crate::error::{Error, ErrorKind, Phase, Result};
use crate::inner::Core;
use crate::runtime::Runtime;

/// Asks for the seeds.
pub(crate) fn start_first<R: Runtime>(_core: &Core<R>) -> Result<()> {
    Err(Error::new(Phase::Prepare, ErrorKind::Unsupported("mongodb+srv is not implemented yet: name the hosts".into())))
}

/// Asks for the routers of a sharded cluster again.
pub(crate) fn start_polling<R: Runtime>(_core: &Core<R>) {}
