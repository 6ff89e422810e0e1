//! Cases that contradict what they test, which no driver can pass. They are skipped with that reason, and looked at again
//! when the data change.

/// What the end of the file's name and the description are, and what is wrong.
const CASES: &[(&str, &str, &str)] = &[
    (
        "runCursorCommand.json",
        "Non-tailable cursor iteration timeoutMS is refreshed for getMore if timeoutMode is iteration - failure",
        TOO_SHORT,
    ),
    ("runCursorCommand.json", "Tailable cursor iteration timeoutMS is refreshed for getMore - failure", TOO_SHORT),
    (
        "runCursorCommand.json",
        "Tailable cursor awaitData iteration timeoutMS is refreshed for getMore - failure",
        TOO_SHORT,
    ),
];

const TOO_SHORT: &str =
    "the case contradicts itself: getMore is to time out, but is blocked for less than its timeout (DRIVERS-2965)";

/// What is wrong with a case, if that is known.
pub(super) fn of(file: &str, case: &str) -> Option<&'static str> {
    let found = CASES.iter().find(|(name, description, _)| file.ends_with(name) && *description == case);
    found.map(|(_, _, reason)| *reason)
}
