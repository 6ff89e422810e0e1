//! The official driver is not part of this build: feature `official`.

use super::Driver;

/// None.
pub fn driver() -> Option<Driver> {
    None
}
