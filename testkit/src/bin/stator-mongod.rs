//! Starts a server for as long as this program runs, and prints its connection string.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    unix::main()
}

#[cfg(not(unix))]
fn main() {
    eprintln!("stator-mongod runs on Unix only");
}

#[cfg(unix)]
mod unix {
    use std::{env, error::Error, process::ExitCode, thread};

    use stator_testkit::server::{MongodOptions, ReplicaSet};

    const USAGE: &str = "\
usage: stator-mongod [--version X.Y[.Z]] [--auth] [--replica-set MEMBERS] [-- MONGOD-ARGUMENTS...]

Starts a temporary MongoDB server on a free loopback port, prints its connection string, and runs until it is ended in
any way (Ctrl-C). Nothing is left behind. --auth: see the users in stator_testkit::server::USERS.";

    pub(super) fn main() -> ExitCode {
        match run() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("stator-mongod: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn run() -> Result<(), Box<dyn Error>> {
        let mut options = MongodOptions::new();
        let mut members = None;
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--version" => options = options.version(args.next().ok_or(USAGE)?.parse()?),
                "--auth" => options = options.auth(true),
                "--replica-set" => members = Some(args.next().ok_or(USAGE)?.parse()?),
                "--" => options = options.args(args.by_ref()),
                "--help" | "-h" => {
                    println!("{USAGE}");
                    return Ok(());
                }
                _ => return Err(format!("unknown argument {arg}\n{USAGE}").into()),
            }
        }
        match members {
            Some(members) => {
                let set = ReplicaSet::start(members, options)?;
                println!("{}", set.uri());
                park()
            }
            None => {
                let mongod = options.start()?;
                println!("{}", mongod.uri());
                park()
            }
        }
    }

    /// The end comes from outside, and the supervisors see to the rest.
    fn park() -> ! {
        loop {
            thread::park();
        }
    }
}
