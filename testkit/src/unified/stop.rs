//! Why a case does not go on.

/// Why a case does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It cannot be run; says what it needs.
    Skip(String),
    /// It failed; says how.
    Fail(String),
}

/// What is there unless the case stops.
pub(super) type Outcome<T = ()> = Result<T, Stop>;

impl Stop {
    /// Skipped, because something is not there yet.
    pub(super) fn needs(what: &str) -> Self {
        Self::Skip(format!("needs {what}"))
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
