//! The tour names files and what they declare; this says when something has moved.

use std::fs;
use std::path::Path;

/// Text and target of each relative link of a Markdown file.
fn links(markdown: &str) -> Vec<(&str, &str)> {
    let mut links = Vec::new();
    for (at, _) in markdown.match_indices("](") {
        let text = markdown[..at].rsplit('[').next().unwrap_or_default();
        let target = markdown[at + 2..].split(')').next().unwrap_or_default();
        if !target.contains("://") && !target.starts_with('#') {
            links.push((text, target));
        }
    }
    links
}

/// Whether `source` declares `name`, or, for a trait's method on a type, implements it.
fn declares(source: &str, name: &str) -> bool {
    ["fn ", "struct ", "enum ", "trait ", "macro_rules! "].iter().any(|keyword| {
        source.match_indices(&format!("{keyword}{name}")).any(|(at, found)| {
            let next = source[at + found.len()..].chars().next();
            next.is_none_or(|next| !next.is_alphanumeric() && next != '_')
        })
    })
}

#[test]
fn every_name_in_the_tour_is_declared_where_its_link_leads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tour = fs::read_to_string(root.join("TOUR.md")).unwrap();
    let (mut names, mut wrong) = (0, Vec::new());
    for (text, target) in links(&tour) {
        let Ok(source) = fs::read_to_string(root.join(target)) else {
            wrong.push(format!("{target}: no such file"));
            continue;
        };
        let code = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
        let Some(name) = code.filter(|code| !code.contains(['.', '/'])).and_then(|code| code.rsplit("::").next())
        else {
            continue;
        };
        names += 1;
        if !declares(&source, name) {
            wrong.push(format!("{target} does not declare `{name}`"));
        }
    }
    assert!(wrong.is_empty(), "TOUR.md:\n{}", wrong.join("\n"));
    assert!(names > 40, "only {names} names were found: has the way of linking changed?");
}
