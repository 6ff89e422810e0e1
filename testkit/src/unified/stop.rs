//! Why a case does not go on.

/// Why a case does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot be run; says why.
    Skip(String),
    /// It failed; says how.
    Fail(String),
}

/// What is there unless the case stops.
pub(super) type Outcome<T = ()> = Result<T, Stop>;

impl Stop {
    /// Skipped, because the client does not have something yet.
    pub(super) fn not_yet(what: &str) -> Self {
        Self::Skip(format!("not yet: {what}"))
    }

    /// Skipped, because it is left out on purpose: deprecated, or optional.
    pub(super) fn not_offered(what: &str) -> Self {
        Self::Skip(format!("not offered: {what}"))
    }

    /// Failed.
    pub(super) fn fail(reason: impl Into<String>) -> Self {
        Self::Fail(reason.into())
    }
}

impl From<String> for Stop {
    fn from(reason: String) -> Self {
        Self::Fail(reason)
    }
}

impl From<&str> for Stop {
    fn from(reason: &str) -> Self {
        Self::Fail(reason.into())
    }
}
