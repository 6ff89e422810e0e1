//! Any text is answered; what is accepted is written as a string that says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stator_proto::Config;

fuzz_target!(|text: &str| {
    let Ok(parsed) = Config::parse(text) else { return };
    let exact = parsed.config.to_uri_with_secrets();
    let again = Config::parse(&exact).expect("what is written parses");
    assert_eq!(again.config, parsed.config, "written as {exact:?}");
    assert_eq!(again.warnings, [], "written as {exact:?}");
    assert_eq!(again.config.to_uri_with_secrets(), exact);

    let shown = parsed.config.to_string();
    let hidden = Config::parse(&shown).expect("what is shown parses").config;
    assert_eq!(hidden.to_string(), shown);
    let _ = format!("{parsed:?}");
});
