//! The areas whose cases are connection strings.

mod auth;
mod concerns;
mod observed;
mod strings;

pub(super) use auth::auth;
pub(super) use concerns::read_write_concern;
pub(super) use observed::observed;
pub(super) use strings::{connection_string, uri_options};

/// `Ok` when both are equal, else what was expected and found.
pub(super) fn expect_eq<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}")) }
}
