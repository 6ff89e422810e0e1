//! The areas whose cases are connection strings.

use std::path::Path;

use super::Report;

pub(super) fn auth(_dir: &Path) -> Report {
    Report::default()
}

pub(super) fn connection_string(_dir: &Path) -> Report {
    Report::default()
}

pub(super) fn read_write_concern(_dir: &Path) -> Report {
    Report::default()
}

pub(super) fn uri_options(_dir: &Path) -> Report {
    Report::default()
}
