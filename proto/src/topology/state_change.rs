//! Which of a server's errors say that it is not, or no more, what it was thought to be.

/// A server's error that is news about the server itself (specification *SDAM*, "not writable primary" and "node is
/// recovering").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StateChange {
    /// "Not writable primary".
    NotWritablePrimary,
    /// "Node is recovering".
    Recovering,
    /// "Node is shutting down": a recovering node whose connections are about to end.
    ShuttingDown,
}

/// Codes and what they mean.
const CODES: [(i32, StateChange); 8] = [
    (10107, StateChange::NotWritablePrimary), // NotWritablePrimary
    (13435, StateChange::NotWritablePrimary), // NotPrimaryNoSecondaryOk
    (10058, StateChange::NotWritablePrimary), // LegacyNotPrimary
    (11602, StateChange::Recovering),         // InterruptedDueToReplStateChange
    (13436, StateChange::Recovering),         // NotPrimaryOrSecondary
    (189, StateChange::Recovering),           // PrimarySteppedDown
    (11600, StateChange::ShuttingDown),       // InterruptedAtShutdown
    (91, StateChange::ShuttingDown),          // ShutdownInProgress
];

impl StateChange {
    /// What an error says about its server, if anything. The message counts only where there is no code (0).
    pub fn of(code: i32, message: &str) -> Option<Self> {
        if code != 0 {
            return CODES.iter().find(|(known, _)| *known == code).map(|(_, change)| *change);
        }
        if message.contains("node is recovering") || message.contains("not master or secondary") {
            Some(Self::Recovering)
        } else if message.contains("not master") {
            Some(Self::NotWritablePrimary)
        } else {
            None
        }
    }

    /// Whether the server's pool is to be cleared.
    pub const fn clears_pool(self) -> bool {
        matches!(self, Self::ShuttingDown)
    }
}

#[cfg(test)]
mod tests {
    use super::StateChange;

    #[test]
    fn a_code_decides_alone_and_a_message_only_without_one() {
        assert_eq!(StateChange::of(91, ""), Some(StateChange::ShuttingDown));
        assert_eq!(StateChange::of(1, "not master"), None);
        assert_eq!(StateChange::of(0, "not master"), Some(StateChange::NotWritablePrimary));
        assert_eq!(StateChange::of(0, "not master or secondary"), Some(StateChange::Recovering));
        assert_eq!(StateChange::of(0, "the node is recovering"), Some(StateChange::Recovering));
        assert_eq!(StateChange::of(0, "no"), None);
    }
}
