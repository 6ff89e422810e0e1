//! Which Debian mirror this system uses.

use std::{fs, path::Path};

/// One archive as apt's configuration names it.
#[derive(Debug, PartialEq, Eq)]
struct Archive {
    uri: String,
    suite: String,
    /// The path of a key ring.
    signed_by: Option<String>,
}

/// apt source lines for another release on the mirrors of this one; `None` where this is no Debian with a mirror.
pub(super) fn of_release(codename: &str) -> Option<String> {
    let here = codename_of(&fs::read_to_string("/etc/os-release").ok()?)?;
    let mut archives = Vec::new();
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|file| file.path());
    for path in parts.chain([Path::new("/etc/apt/sources.list").into()]) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("list") => archives.extend(text.lines().filter_map(one_line)),
            Some("sources") => archives.extend(stanzas(&text)),
            _ => {}
        }
    }
    translate(&archives, &here, codename)
}

/// `VERSION_CODENAME` of Debian's `os-release`.
fn codename_of(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"').to_owned())
    };
    value("ID").filter(|id| id == "debian").and_then(|_| value("VERSION_CODENAME"))
}

/// The release itself and its security updates, on the same mirrors and under the same keys.
fn translate(archives: &[Archive], here: &str, codename: &str) -> Option<String> {
    let lines = archives.iter().filter_map(|archive| {
        let suffix = archive.suite.strip_prefix(here).filter(|suffix| ["", "-security"].contains(suffix))?;
        let options = archive.signed_by.as_ref().map(|path| format!("[signed-by={path}] ")).unwrap_or_default();
        Some(format!("deb {options}{} {codename}{suffix} main\n", archive.uri))
    });
    Some(lines.collect::<String>()).filter(|lines| !lines.is_empty())
}

/// `deb [options] uri suite component...`; only archives with a `main`.
fn one_line(line: &str) -> Option<Archive> {
    let mut rest = line.trim().strip_prefix("deb")?.strip_prefix([' ', '\t'])?.trim_start();
    let mut signed_by = None;
    if let Some((options, after)) = rest.strip_prefix('[').and_then(|options| options.split_once(']')) {
        signed_by = options.split_whitespace().find_map(|option| option.strip_prefix("signed-by=")).map(str::to_owned);
        rest = after;
    }
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?.to_owned(), words.next()?.to_owned());
    words.any(|component| component == "main").then_some(Archive { uri, suite, signed_by })
}

/// The stanzas of a deb822 file: `Types`, `URIs`, `Suites`, `Components`, `Signed-By`.
fn stanzas(text: &str) -> Vec<Archive> {
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.split(|line| line.trim().is_empty()).flat_map(stanza).collect()
}

fn stanza(lines: &[&str]) -> Vec<Archive> {
    let fields: Vec<(&str, &str)> = lines.iter().filter_map(|line| line.split_once(':')).collect();
    let field =
        |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value);
    let has = |name: &str, word: &str| field(name).split_whitespace().any(|found| found == word);
    if !has("Types", "deb") || !has("Components", "main") || has("Enabled", "no") {
        return Vec::new();
    }
    // A key inside the file spans lines; then the system's trusted keys have to do.
    let key = field("Signed-By").trim();
    let signed_by = key.starts_with('/').then(|| key.to_owned());
    let pairs = field("URIs")
        .split_whitespace()
        .flat_map(|uri| field("Suites").split_whitespace().map(move |suite| (uri, suite)));
    pairs.map(|(uri, suite)| Archive { uri: uri.into(), suite: suite.into(), signed_by: signed_by.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::{codename_of, one_line, stanzas, translate};

    const DEB822: &str = "\
Types: deb deb-src
# the archive
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/example.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://off.example
Suites: bookworm
Components: main
";

    #[test]
    fn deb822_sources_are_translated() {
        assert_eq!(
            translate(&stanzas(DEB822), "bookworm", "bullseye").unwrap(),
            "deb [signed-by=/usr/share/keyrings/example.gpg] http://mirror.example/debian bullseye main\n\
             deb http://mirror.example/security bullseye-security main\n"
        );
    }

    #[test]
    fn one_line_sources_are_translated() {
        let lines = "# deb http://off.example bookworm main\n\
                     deb [arch=amd64 signed-by=/k.gpg] http://a.example/debian bookworm main\n\
                     deb-src http://a.example/debian bookworm main\n\
                     deb http://tool.example/apt bookworm stable\n\
                     deb http://tool.example/apt tool-bookworm main\n";
        let archives: Vec<_> = lines.lines().filter_map(one_line).collect();
        assert_eq!(
            translate(&archives, "bookworm", "bullseye").unwrap(),
            "deb [signed-by=/k.gpg] http://a.example/debian bullseye main\n"
        );
        assert_eq!(translate(&archives, "trixie", "bullseye"), None);
    }

    #[test]
    fn only_debian_counts() {
        assert_eq!(codename_of("ID=debian\nVERSION_CODENAME=bookworm\n").as_deref(), Some("bookworm"));
        assert_eq!(codename_of("ID=\"ubuntu\"\nVERSION_CODENAME=jammy\n"), None);
    }
}
