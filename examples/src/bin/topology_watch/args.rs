//! The command line.

pub(crate) const USAGE: &str = "\
usage: topology_watch [CONNECTION STRING] [--demo] [--plain] [--frames N]

Draws a deployment as the client sees it, under a small load. Without a connection string it starts a replica set of three.
The load writes into a database of its own, which is dropped at the end. q quits.

  --demo       steps members of the set down, kills and restarts them in turn; only for a set that is started here
  --plain      prints lines instead of drawing
  --frames N   ends after N redraws";

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Args {
    pub(crate) help: bool,
    pub(crate) uri: Option<String>,
    pub(crate) demo: bool,
    pub(crate) plain: bool,
    pub(crate) frames: Option<u64>,
}

impl Args {
    /// Reads the arguments; the error is what to tell the user.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut found = Self::default();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--help" | "-h" => found.help = true,
                "--demo" => found.demo = true,
                "--plain" => found.plain = true,
                "--frames" => {
                    let frames = args.next().and_then(|number| number.parse().ok());
                    found.frames = Some(frames.ok_or_else(|| format!("--frames needs a number\n\n{USAGE}"))?);
                }
                _ if arg.starts_with("mongodb") && found.uri.is_none() => found.uri = Some(arg),
                _ => return Err(format!("unknown argument {arg}\n\n{USAGE}")),
            }
        }
        if found.demo && found.uri.is_some() {
            return Err(format!("--demo kills servers: it takes no connection string\n\n{USAGE}"));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn arguments_are_understood_or_refused() {
        let all = Args { demo: true, plain: true, frames: Some(3), ..Args::default() };
        assert_eq!(parse("--demo --plain --frames 3"), Ok(all));
        assert_eq!(parse("mongodb://a").map(|args| args.uri), Ok(Some("mongodb://a".into())));
        for wrong in ["--frames", "--frames x", "--colour", "mongodb://a mongodb://b", "mongodb://a --demo"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
