//! Cases that ask for what cannot be: they contradict themselves, or a server that they are content with. They are skipped with
//! that reason, and looked at again when the data change.

use super::schema::Version;

/// Something that cannot be.
struct Contradiction {
    /// On which servers: those before this one; `None`: on all.
    before: Option<Version>,
    /// What is wrong.
    reason: &'static str,
    /// The ends of the names of files, and the descriptions of their cases.
    cases: &'static [(&'static str, &'static str)],
}

const ALL: &[Contradiction] = &[
    Contradiction {
        before: None,
        reason: "the case contradicts itself: getMore is to time out, but is blocked for less than its timeout (DRIVERS-2965)",
        cases: &[
            (
                "runCursorCommand.json",
                "Non-tailable cursor iteration timeoutMS is refreshed for getMore if timeoutMode is iteration - failure",
            ),
            ("runCursorCommand.json", "Tailable cursor iteration timeoutMS is refreshed for getMore - failure"),
            (
                "runCursorCommand.json",
                "Tailable cursor awaitData iteration timeoutMS is refreshed for getMore - failure",
            ),
        ],
    },
    // The file hello-command-error says so and asks for 4.4.7; these files do the same and ask for 4.4. Seen without a driver: with
    // such a fail point 4.4.2 answers the first hello of a connection, and closes the connection at the second; 5.0 at the first.
    Contradiction {
        before: Some(Version { major: 4, minor: 4, patch: 7 }),
        reason: "before 4.4.7 fail points with an appName do not touch the first hello of a connection (SERVER-49336)",
        cases: &[
            (
                "backpressure-network-error-fail-replicaset.json",
                "apply backpressure on network connection errors during connection establishment",
            ),
            (
                "backpressure-network-error-fail-single.json",
                "apply backpressure on network connection errors during connection establishment",
            ),
            (
                "backpressure-network-timeout-fail-replicaset.json",
                "apply backpressure on network timeout error during connection establishment",
            ),
            (
                "backpressure-network-timeout-fail-single.json",
                "apply backpressure on network timeout error during connection establishment",
            ),
            (
                "backpressure-server-description-unchanged-on-min-pool-size-population-error.json",
                "the server description is not changed on handshake error during minPoolSize population",
            ),
            (
                "pool-clear-min-pool-size-error.json",
                "Pool is not cleared on handshake error during minPoolSize population",
            ),
            ("logging/standalone.json", "Failure due to unreachable server"),
            // The monitor's new connection passes and its second hello is blocked: the retry is interrupted as well.
            (
                "interruptInUse-pool-clear.json",
                "Error returned from connection pool clear with interruptInUseConnections=true is retryable",
            ),
        ],
    },
];

/// What is wrong with a case on a server of this version, if that is known.
pub(super) fn of(file: &str, case: &str, version: Version) -> Option<&'static str> {
    let applies = |found: &&Contradiction| {
        found.before.is_none_or(|limit| version < limit)
            && found.cases.iter().any(|(name, description)| file.ends_with(name) && *description == case)
    };
    ALL.iter().find(applies).map(|found| found.reason)
}
