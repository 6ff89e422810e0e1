//! The specifications' data on connection strings, credentials and concerns.

use std::path::PathBuf;

use serde_json::Value;
use stator_proto::uri::{Config, Secret};
use stator_testkit::conformance::files::{for_each_case, json_files};
use stator_testkit::conformance::{AREAS, Report, spec_dir};

const MINE: [&str; 4] = ["auth", "connection-string", "read-write-concern", "uri-options"];

/// The data, or `None` with a word on how to get it.
fn data() -> Option<PathBuf> {
    let dir = spec_dir();
    if dir.is_none() {
        eprintln!(
            "skipped: no specification data. Clone https://github.com/mongodb/specifications and set STATOR_SPEC_DIR to \
             its folder `source`."
        );
    }
    dir
}

#[test]
fn every_case_of_the_string_areas_passes() {
    let Some(dir) = data() else { return };
    for area in MINE {
        let runner = AREAS.iter().find(|(name, _)| *name == area).expect("each of these areas has a runner").1;
        let report = runner(&dir.join(area));
        assert!(report.failed.is_empty(), "{area}: {:#?}", report.failed);
        assert!(report.passed > 0, "{area}: no case was run");
    }
}

/// Every string of the data, of other areas too.
fn strings(dir: &std::path::Path) -> Vec<String> {
    let mut uris = Vec::new();
    for_each_case(dir, "", &mut Report::default(), |_, _, case| {
        uris.extend(case.get("uri").and_then(Value::as_str).map(str::to_owned));
    });
    uris
}

#[test]
fn every_valid_string_survives_being_written_and_parsed_again() {
    let Some(dir) = data() else { return };
    let (mut valid, mut shown_again) = (0, 0);
    for uri in strings(&dir) {
        let Ok(config) = uri.parse::<Config>() else { continue };
        valid += 1;

        let exact = config.to_uri_with_secrets();
        let again = Config::parse(&exact).unwrap_or_else(|error| panic!("{uri} was written as {exact}: {error}"));
        assert_eq!(again.config, config, "{uri} was written as {exact}");
        assert!(again.warnings.is_empty(), "{uri} was written as {exact}: {:?}", again.warnings);

        let shown = config.to_string();
        let again = shown.parse::<Config>().unwrap_or_else(|error| panic!("{uri} is shown as {shown}: {error}"));
        let mut hidden = config.clone();
        for secret in secrets(&mut hidden) {
            *secret = Secret::new("***");
            shown_again += 1;
        }
        assert_eq!(again, hidden, "{uri} is shown as {shown}");
    }
    assert!(valid > 150, "only {valid} valid strings were found in {} files", json_files(&dir).unwrap().len());
    assert!(shown_again > 20, "only {shown_again} secrets were found");
}

fn secrets(config: &mut Config) -> impl Iterator<Item = &mut Secret> {
    let password = config.credential.as_mut().and_then(|credential| credential.password.as_mut());
    let proxy = config.proxy.password.as_mut();
    password.into_iter().chain(proxy).chain(config.tls.certificate_key_file_password.as_mut())
}
