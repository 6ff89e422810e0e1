//! The command line.

pub(crate) const USAGE: &str = "\
usage: wire_proxy [--listen ADDRESS] [--server ADDRESS] [--bodies]
       wire_proxy --self-test [--bodies]

Passes messages between MongoDB clients and a server, and prints a line for each.

  --listen ADDRESS   where clients connect; default 127.0.0.1:27018
  --server ADDRESS   the server; default 127.0.0.1:27017
  --bodies           also print the commands and replies, up to 512 bytes of each; those with credentials are left out
  --self-test        starts a server, and drives a client through the proxy

A client of a replica set asks for the members and goes past the proxy; directConnection=true keeps it here.";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Args {
    Help,
    SelfTest { bodies: bool },
    Serve { listen: String, server: String, bodies: bool },
}

impl Args {
    /// Reads the arguments; the error is what to tell the user.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut listen, mut server) = ("127.0.0.1:27018".to_owned(), "127.0.0.1:27017".to_owned());
        let (mut bodies, mut self_test) = (false, false);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs an address\n\n{USAGE}"));
            match arg.as_str() {
                "--listen" => listen = value()?,
                "--server" => server = value()?,
                "--bodies" => bodies = true,
                "--self-test" => self_test = true,
                "--help" | "-h" => return Ok(Self::Help),
                _ => return Err(format!("unknown argument {arg}\n\n{USAGE}")),
            }
        }
        Ok(if self_test { Self::SelfTest { bodies } } else { Self::Serve { listen, server, bodies } })
    }
}
