//! Servers shared by the tests of one process.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use super::{Mongod, MongodOptions, ServerError};

static PLAIN: OnceLock<Result<Mongod, ServerError>> = OnceLock::new();
static AUTH: OnceLock<Result<Mongod, ServerError>> = OnceLock::new();

impl Mongod {
    /// The standalone server that all tests of this process share, started by the first that asks.
    ///
    /// Keep to a database of your own, see [`unique_db`]. Statics are never dropped: the supervisor stops the server when
    /// the process ends.
    pub fn shared() -> Result<&'static Self, ServerError> {
        shared(&PLAIN, MongodOptions::new())
    }

    /// As [`shared`](Self::shared), with access control and the [`USERS`](super::USERS).
    pub fn shared_auth() -> Result<&'static Self, ServerError> {
        shared(&AUTH, MongodOptions::new().auth(true))
    }
}

fn shared(
    cell: &'static OnceLock<Result<Mongod, ServerError>>,
    options: MongodOptions,
) -> Result<&'static Mongod, ServerError> {
    cell.get_or_init(|| options.start()).as_ref().map_err(Clone::clone)
}

/// A database name that nobody else uses: `name`, cut and cleaned for the server, plus a suffix of this process and call.
pub fn unique_db(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // A database's name has at most 63 bytes; the suffix takes at most 22.
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
    format!("{name}_{}_{number}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::unique_db;

    #[test]
    fn names_are_valid_and_differ() {
        let long = "a::path/with every.bad$char ".repeat(5);
        let (one, other) = (unique_db(&long), unique_db(&long));
        assert_ne!(one, other);
        assert!(one.len() <= 63, "{one}");
        assert!(one.starts_with("apathwitheverybadchar"), "{one}");
        assert!(!one.contains(['/', '.', ' ', '$', ':']), "{one}");
    }
}
