//! Any text is answered, and whatever is accepted can be written and read again.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::uri::Config;
use crate::uri::options::OPTIONS;

const PIECES: &[&str] = &[
    "mongodb://",
    "mongodb+srv://",
    "@",
    ":",
    "/",
    "?",
    "&",
    "=",
    ",",
    "%",
    "%25",
    "%2F",
    "%40",
    "%2C",
    "%00",
    "%ff",
    "[",
    "]",
    "::1",
    "h",
    "a.b.c",
    ".sock",
    "27017",
    "0",
    "-1",
    "90",
    "500",
    "99999999999999999999",
    "true",
    "false",
    "u",
    "p",
    "admin",
    "$external",
    "MONGODB-X509",
    "GSSAPI",
    "PLAIN",
    "MONGODB-OIDC",
    "ENVIRONMENT:test",
    "nearest",
    "majority",
    "zlib",
    "dc:ny",
    "ü",
    " ",
    "+",
    "*",
    "\0",
    "wtimeout",
    "ssl",
];

/// A small generator; the seed is the whole history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits fit") % sides
    }

    fn piece(&mut self) -> &'static str {
        PIECES[self.roll(PIECES.len())]
    }
}

fn check(uri: &str) -> bool {
    let Ok(parsed) = Config::parse(uri) else { return false };
    let exact = parsed.config.to_uri_with_secrets();
    let again = Config::parse(&exact).unwrap_or_else(|error| panic!("{uri:?} was written as {exact:?}: {error}"));
    assert_eq!(again.config, parsed.config, "{uri:?} was written as {exact:?}");
    assert_eq!(again.warnings, [], "{uri:?} was written as {exact:?}");
    let shown = parsed.config.to_string();
    assert!(shown.parse::<Config>().is_ok(), "{uri:?} is shown as {shown:?}");
    true
}

#[test]
fn loose_pieces() {
    let mut dice = Dice(1);
    for _ in 0..20_000 {
        let mut uri = String::from(PIECES[dice.roll(2)]);
        (0..dice.roll(12)).for_each(|_| uri.push_str(dice.piece()));
        check(&uri);
    }
}

#[test]
fn options_with_any_value() {
    let mut dice = Dice(2);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut uri =
            String::from(["mongodb://h/?", "mongodb://u:p@h,[::1]/d?", "mongodb+srv://u@a.b.c/?"][dice.roll(3)]);
        let options: Vec<_> = (0..1 + dice.roll(4))
            .map(|_| alloc::format!("{}={}{}", OPTIONS[dice.roll(OPTIONS.len())].name, dice.piece(), dice.piece()))
            .collect();
        uri.push_str(&options.join("&"));
        accepted += usize::from(check(&uri));
    }
    assert!(accepted > 5_000, "only {accepted} strings were accepted: the test tests little");
}
