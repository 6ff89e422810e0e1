//! Error labels that mean something to the driver.

use core::fmt;
use core::ops::BitOr;

/// The names of the labels.
pub mod label {
    /// The write may be sent again.
    pub const RETRYABLE_WRITE: &str = "RetryableWriteError";
    /// The server has not begun with the command: it may be sent again, whatever it is.
    pub const RETRYABLE: &str = "RetryableError";
    /// The server has too much to do.
    pub const SYSTEM_OVERLOADED: &str = "SystemOverloadedError";
    /// The write has changed nothing.
    pub const NO_WRITES_PERFORMED: &str = "NoWritesPerformed";
    /// The whole transaction may be tried again.
    pub const TRANSIENT_TRANSACTION: &str = "TransientTransactionError";
    /// Nobody knows whether the transaction was committed: the commit may be repeated.
    pub const UNKNOWN_COMMIT_RESULT: &str = "UnknownTransactionCommitResult";
}

/// A set of the labels that mean something to the driver.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Labels(u8);

const NAMES: [(&str, Labels); 6] = [
    (label::RETRYABLE_WRITE, Labels::RETRYABLE_WRITE),
    (label::RETRYABLE, Labels::RETRYABLE),
    (label::SYSTEM_OVERLOADED, Labels::SYSTEM_OVERLOADED),
    (label::NO_WRITES_PERFORMED, Labels::NO_WRITES_PERFORMED),
    (label::TRANSIENT_TRANSACTION, Labels::TRANSIENT_TRANSACTION),
    (label::UNKNOWN_COMMIT_RESULT, Labels::UNKNOWN_COMMIT_RESULT),
];

impl Labels {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// [`label::RETRYABLE_WRITE`].
    pub const RETRYABLE_WRITE: Self = Self(1);
    /// [`label::RETRYABLE`].
    pub const RETRYABLE: Self = Self(2);
    /// [`label::SYSTEM_OVERLOADED`].
    pub const SYSTEM_OVERLOADED: Self = Self(4);
    /// [`label::NO_WRITES_PERFORMED`].
    pub const NO_WRITES_PERFORMED: Self = Self(8);
    /// [`label::TRANSIENT_TRANSACTION`].
    pub const TRANSIENT_TRANSACTION: Self = Self(16);
    /// [`label::UNKNOWN_COMMIT_RESULT`].
    pub const UNKNOWN_COMMIT_RESULT: Self = Self(32);

    /// Those that `has` says are there.
    pub fn find(has: impl Fn(&str) -> bool) -> Self {
        NAMES.iter().filter(|(name, _)| has(name)).fold(Self::NONE, |all, (_, label)| all | *label)
    }

    /// The label of this name; none of them if the name means nothing to the driver.
    pub fn of_name(name: &str) -> Self {
        Self::find(|known| known == name)
    }

    /// Whether all of `other` are there.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that are not in `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether an overloaded server has refused the command and will take it later ("retryable overload error").
    pub const fn is_retryable_overload(self) -> bool {
        self.contains(Self(Self::SYSTEM_OVERLOADED.0 | Self::RETRYABLE.0))
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(_, label)| self.contains(*label)).map(|(name, _)| *name)
    }
}

impl BitOr for Labels {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
