//! One server.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::{self, Read, Seek, SeekFrom, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Admin, AdminError, Binary, MongodOptions, ROOT, ServerError, ServerTls, Version, supervisor::Supervisor, temp,
    users,
};

/// What a server writes that could bind its port but not listen on it: somebody else had bound it at the same moment. It then aborts.
const CANNOT_LISTEN: &str = "Error listening for new connections";
/// The exit code of a server that could not bind its port.
const EXIT_NET_ERROR: i32 = 48;
/// How often a condition without an event of its own is looked at.
pub(super) const POLL: Duration = Duration::from_millis(10);
/// The time limit of an administrative connection's steps.
const ADMIN_LIMIT: Duration = Duration::from_secs(30);
/// How long a clean shutdown may take before the server is killed.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(20);
/// How much of a log's end an error shows, in bytes.
const LOG_TAIL: u64 = 6 * 1024;

/// A server on a free loopback port, with its data in a temporary folder.
///
/// Dropping it kills the server and removes the folder; so does the end of this process, however it comes about.
#[derive(Debug)]
pub struct Mongod {
    binary: Binary,
    options: MongodOptions,
    folder: PathBuf,
    port: u16,
    /// `None` only before the first start.
    supervisor: Option<Supervisor>,
}

impl Mongod {
    /// Starts a server of the default version without access control. See [`MongodOptions`] for everything else.
    pub fn standalone() -> Result<Self, ServerError> {
        MongodOptions::new().start()
    }

    pub(super) fn start(options: MongodOptions) -> Result<Self, ServerError> {
        let mongod = Self::start_without_users(options)?;
        if mongod.options.auth {
            users::create(&mut mongod.connect()?)?;
        }
        Ok(mongod)
    }

    pub(super) fn start_without_users(options: MongodOptions) -> Result<Self, ServerError> {
        let binary = Binary::locate(options.version)?;
        let folder = temp::new_dir(&std::env::temp_dir(), "stator")?;
        let mut mongod = Self { binary, options, folder, port: 0, supervisor: None };
        let data = mongod.folder.join("db");
        fs::create_dir(&data).map_err(ServerError::path("make the folder", &data))?;
        mongod.write_key_file()?;
        mongod.launch(mongod.options.port)?;
        Ok(mongod)
    }

    /// A connection string for this server alone. With access control it holds the credentials of [`ROOT`].
    pub fn uri(&self) -> String {
        let user = self.options.auth.then_some((ROOT.name, ROOT.password));
        uri(&self.address().to_string(), user, &self.uri_options(None))
    }

    /// A connection string with credentials, which are percent-encoded here. `mechanism` is a SASL mechanism's name;
    /// `None` lets the driver negotiate.
    pub fn uri_for(&self, user: &str, password: &str, mechanism: Option<&str>) -> String {
        uri(&self.address().to_string(), Some((user, password)), &self.uri_options(mechanism))
    }

    fn uri_options(&self, mechanism: Option<&str>) -> Vec<(&'static str, String)> {
        let direct = self.options.replica_set.as_ref().map(|_| ("directConnection", "true".to_owned()));
        let tls = self.options.tls.iter().flat_map(ServerTls::uri_options);
        direct.into_iter().chain(mechanism.map(|name| ("authMechanism", name.to_owned()))).chain(tls).collect()
    }

    /// Where the server listens; it stays the same over restarts.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The server's Unix socket, unless [`MongodOptions::unix_socket`] forbade it.
    pub fn unix_socket(&self) -> Option<PathBuf> {
        self.options.unix_socket.then(|| self.folder.join(format!("mongodb-{}.sock", self.port)))
    }

    /// The release that runs.
    pub fn version(&self) -> Version {
        self.binary.version
    }

    /// The server's log file, for a test that wants to show it.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join("mongod.log")
    }

    /// The process id; 0 before the first start.
    pub fn pid(&self) -> u32 {
        self.supervisor.as_ref().map_or(0, Supervisor::pid)
    }

    /// Whether the process is there, frozen or not.
    pub fn is_running(&self) -> bool {
        self.supervisor.as_ref().is_some_and(|supervisor| !supervisor.wait_ended(Duration::ZERO))
    }

    /// A new administrative connection; with access control it is authenticated as [`ROOT`].
    pub fn admin(&self) -> Result<Admin, AdminError> {
        let mut admin = self.connect()?;
        if self.options.auth {
            admin.authenticate(ROOT.name, ROOT.password)?;
        }
        Ok(admin)
    }

    /// A new administrative connection without credentials.
    pub fn connect(&self) -> Result<Admin, AdminError> {
        self.connect_within(ADMIN_LIMIT)
    }

    /// As [`connect`](Self::connect), with a limit of its own.
    pub(super) fn connect_within(&self, limit: Duration) -> Result<Admin, AdminError> {
        Admin::connect_over(self.options.tls.as_ref(), self.address(), limit)
    }

    /// Ends the server as a crash would (SIGKILL) and waits until it is gone. The folder stays, for [`restart`](Self::restart).
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.supervisor.as_mut().map_or(Ok(()), |supervisor| supervisor.reap().map(drop))
    }

    /// Shuts the server down cleanly (SIGTERM), or kills it when that takes more than 20 s.
    pub fn stop(&mut self) -> Result<(), ServerError> {
        let Some(supervisor) = &mut self.supervisor else { return Ok(()) };
        supervisor.signal("TERM")?;
        supervisor.signal("CONT")?;
        supervisor.wait_ended(SHUTDOWN_LIMIT);
        supervisor.reap().map(drop)
    }

    /// Stops the server in its tracks (SIGSTOP): its connections stay open and nothing is answered.
    pub fn freeze(&mut self) -> Result<(), ServerError> {
        self.running()?.signal("STOP")
    }

    /// Lets a frozen server run on (SIGCONT).
    pub fn thaw(&mut self) -> Result<(), ServerError> {
        self.running()?.signal("CONT")
    }

    /// Starts the server again with the same data and port, after a clean shutdown if it still runs.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.stop()?;
        self.launch(Some(self.port))
    }

    fn running(&mut self) -> Result<&mut Supervisor, ServerError> {
        let gone = || ServerError::Misuse("the server is not running".into());
        self.supervisor.as_mut().filter(|supervisor| !supervisor.wait_ended(Duration::ZERO)).ok_or_else(gone)
    }

    /// Starts the process on `port`, or on ports that seem free until one of them is: between our look and the server's
    /// bind anybody may take it.
    fn launch(&mut self, port: Option<u16>) -> Result<(), ServerError> {
        let deadline = Instant::now() + self.options.limit;
        loop {
            self.port = port.map_or_else(free_port, Ok)?;
            let log_start = fs::metadata(self.log_path()).map_or(0, |log| log.len());
            let library_path = self.binary.library_path();
            let spawned = Supervisor::spawn(&self.folder, &self.binary.path, &self.args(), library_path.as_deref())?;
            // The new one guards the folder before the old one leaves it.
            if let Some(old) = self.supervisor.replace(spawned) {
                old.leave()?;
            }
            if self.wait_ready(log_start, deadline)? {
                return Ok(());
            }
        }
    }

    /// Waits for the server's word that it listens, then for an answer; `false` if the port was taken.
    ///
    /// The word comes first because on a taken port somebody else would answer.
    fn wait_ready(&mut self, log_start: u64, deadline: Instant) -> Result<bool, ServerError> {
        let log_path = self.log_path();
        // Invariant: launch has just put it there.
        let supervisor = self.supervisor.as_mut().expect("the server was spawned");
        let mut listening = false;
        loop {
            if supervisor.wait_ended(POLL) {
                let code = supervisor.reap()?;
                let log = format!("{}{}", supervisor.output(), tail(&log_path));
                let port_taken = code == EXIT_NET_ERROR || read_from(&log_path, log_start).contains(CANNOT_LISTEN);
                if port_taken && Instant::now() < deadline {
                    return Ok(false);
                }
                return Err(ServerError::Start { reason: format!("it ended with exit code {code}"), log });
            }
            // 4.2 writes it with a small letter.
            listening = listening || read_from(&log_path, log_start).contains("aiting for connections");
            let address = (Ipv4Addr::LOCALHOST, self.port).into();
            let left = deadline.saturating_duration_since(Instant::now());
            let answers = || Admin::connect_over(self.options.tls.as_ref(), address, left)?.hello();
            if listening && !left.is_zero() && answers().is_ok() {
                return Ok(true);
            }
            if left.is_zero() {
                let waiting_for = "answer of a new server".to_owned();
                return Err(ServerError::Timeout { waiting_for, after: self.options.limit, log: tail(&log_path) });
            }
        }
    }

    fn args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = ["--bind_ip", "127.0.0.1", "--logappend", "--quiet"].map(Into::into).into();
        let mut option = |name: &str, value: OsString| args.extend([name.into(), value]);
        option("--port", self.port.to_string().into());
        option("--dbpath", self.folder.join("db").into());
        option("--logpath", self.log_path().into());
        option("--wiredTigerCacheSizeGB", "0.25".into());
        option("--setParameter", "enableTestCommands=1".into());
        option("--setParameter", "diagnosticDataCollectionEnabled=false".into());
        for (name, value) in &self.options.parameters {
            option("--setParameter", format!("{name}={value}").into());
        }
        if self.options.unix_socket {
            option("--unixSocketPrefix", self.folder.clone().into());
        }
        if let Some(set) = &self.options.replica_set {
            option("--replSet", set.name.clone().into());
            option("--oplogSize", "64".into());
            if set.key.is_some() {
                option("--keyFile", self.key_path().into());
            }
        }
        if !self.options.unix_socket {
            args.push("--nounixsocket".into());
        }
        if self.options.auth {
            args.push("--auth".into());
        }
        args.extend(self.options.tls.iter().flat_map(ServerTls::args));
        args.extend(self.options.args.iter().cloned());
        args
    }

    fn key_path(&self) -> PathBuf {
        self.folder.join("key")
    }

    fn write_key_file(&self) -> Result<(), ServerError> {
        let Some(key) = self.options.replica_set.as_ref().and_then(|set| set.key.as_ref()) else { return Ok(()) };
        let path = self.key_path();
        // The server refuses a key that others may read.
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(key.as_bytes())).map_err(ServerError::path("write", &path))
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        if self.supervisor.is_none() {
            // The start failed before there was a supervisor to do it.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Builds a connection string; credentials are percent-encoded.
pub(super) fn uri(hosts: &str, user: Option<(&str, &str)>, options: &[(&'static str, String)]) -> String {
    let mut uri = String::from("mongodb://");
    if let Some((name, password)) = user {
        percent_encode(&mut uri, name);
        uri.push(':');
        percent_encode(&mut uri, password);
        uri.push('@');
    }
    uri.push_str(hosts);
    uri.push('/');
    let auth_source = user.map(|_| ("authSource", "admin".to_owned()));
    for (index, (name, value)) in options.iter().chain(&auth_source).enumerate() {
        uri.push(if index == 0 { '?' } else { '&' });
        uri.push_str(name);
        uri.push('=');
        percent_encode(&mut uri, value);
    }
    uri
}

fn percent_encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            // Invariant: writing to a String does not fail.
            _ => write!(out, "%{byte:02X}").expect("a String takes everything"),
        }
    }
}

fn free_port() -> Result<u16, ServerError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(ServerError::io("find a free port"))
}

/// The end of a log, from a line's beginning.
pub(super) fn tail(path: &Path) -> String {
    let length = fs::metadata(path).map_or(0, |log| log.len());
    let text = read_from(path, length.saturating_sub(LOG_TAIL));
    match text.split_once('\n') {
        Some((_, whole_lines)) if length > LOG_TAIL => whole_lines.to_owned(),
        _ => text,
    }
}

/// The text from an offset on; empty as long as there is no file.
fn read_from(path: &Path, offset: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn credentials_are_percent_encoded() {
        let options = [("authMechanism", "SCRAM-SHA-256".to_owned())];
        assert_eq!(
            uri("127.0.0.1:1", Some(("\u{2168}", "a/b@c")), &options),
            "mongodb://%E2%85%A8:a%2Fb%40c@127.0.0.1:1/?authMechanism=SCRAM-SHA-256&authSource=admin"
        );
        assert_eq!(uri("127.0.0.1:1", None, &[]), "mongodb://127.0.0.1:1/");
    }
}
