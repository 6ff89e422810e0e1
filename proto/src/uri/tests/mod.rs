mod checks;
mod display;
mod grammar;
mod options;
mod robustness;
mod srv;

use super::{Config, Parsed, UriError, Warning};

/// The config of a string that must be valid and earn no warning.
fn quiet(uri: &str) -> Config {
    let Parsed { config, warnings } = Config::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
    assert_eq!(warnings, [], "{uri}");
    config
}

/// `quiet` for options after `mongodb://h/?`.
fn with(options: &str) -> Config {
    quiet(&alloc::format!("mongodb://h/?{options}"))
}

fn error(uri: &str) -> UriError {
    match Config::parse(uri) {
        Err(error) => error,
        Ok(parsed) => panic!("{uri} was accepted: {parsed:?}"),
    }
}

/// The only warning of options after `mongodb://h/?`, with the config.
fn warned(options: &str) -> (Config, Warning) {
    let uri = alloc::format!("mongodb://h/?{options}");
    let Parsed { config, mut warnings } = Config::parse(&uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
    assert_eq!(warnings.len(), 1, "{uri}: {warnings:?}");
    (config, warnings.remove(0))
}
