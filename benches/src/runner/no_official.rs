//! The official driver is not part of this build: feature `official`.

use super::Contender;

/// None.
pub(super) fn contenders() -> Vec<Contender> {
    Vec::new()
}
