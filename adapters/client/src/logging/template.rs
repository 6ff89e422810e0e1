//! Sentences with gaps, so that they can be read beside the specifications.
//!
//! - `{key}` is the value of a key.
//! - `[...]` is left out if a key in it has no value.
//! - `{*}` is every key that the sentence does not name, as `key=value, key=value`; none of them counts as no value.

use core::fmt::Write as _;

use super::Record;

/// Fills the gaps of a sentence.
pub(super) fn fill(template: &str, record: &Record) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        let close = from.find(']').unwrap_or(from.len() - 1);
        let kept = out.len();
        if segment(before, template, record, &mut out).is_none() {
            out.truncate(kept);
        }
        let kept = out.len();
        if segment(&from[1..close], template, record, &mut out).is_none() {
            out.truncate(kept);
        }
        rest = &from[close + 1..];
    }
    // Outside of brackets stand only keys that always have a value.
    let _ = segment(rest, template, record, &mut out);
    out
}

/// Writes a part of a sentence; `None` if a value is missing, and then only part of it is written.
fn segment(part: &str, template: &str, record: &Record, out: &mut String) -> Option<()> {
    let mut rest = part;
    while let Some(open) = rest.find('{') {
        let close = open + rest[open..].find('}')?;
        out.push_str(&rest[..open]);
        // Writing to a string cannot fail.
        match &rest[open + 1..close] {
            "*" => others(template, record, out)?,
            key => write!(out, "{}", record.get(key)?).ok()?,
        }
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    Some(())
}

fn others(template: &str, record: &Record, out: &mut String) -> Option<()> {
    let mut separator = "";
    for (key, value) in &record.fields {
        if !template.contains(&format!("{{{key}}}")) {
            write!(out, "{separator}{key}={value}").ok()?;
            separator = ", ";
        }
    }
    (!separator.is_empty()).then_some(())
}
