//! One server process, and the shell that outlives this process just long enough to end it.
//!
//! ```text
//!            stdin (verbs; closes when this process ends in any way)
//! this process ------> sh ------> mongod
//!      ^    ^-- stdout -'           |
//!      '---------- stderr ----------'  (closes when mongod ends)
//! ```
//!
//! Destructors do not run when a process is killed, and a child cannot be tied to its parent without unsafe code. A pipe
//! can: the kernel closes our end whatever happened, the shell's `read` returns, and the shell kills the server and
//! removes its folder. Being the server's parent, only the shell sends signals, so none can reach a reused process id.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use super::ServerError;

/// `$1` is the folder, the rest is the server's command line. The shell ignores signals only after the server is started,
/// which would inherit that.
///
/// `reap` empties `$pid`, so that the end of the script signals nothing that was already waited for.
const SCRIPT: &str = r#"
dir=$1
shift
"$@" </dev/null >&2 &
pid=$!
trap '' HUP INT TERM PIPE
exec 2>/dev/null
echo "$pid"
while read -r verb argument; do
    case $verb in
        signal) kill -s "$argument" "$pid"; echo "$?" ;;
        reap) kill -s KILL "$pid"; wait "$pid"; echo "$?"; pid= ;;
        leave) exit 0 ;;
    esac
done
if [ -n "$pid" ]; then
    kill -s KILL "$pid"
    wait "$pid"
fi
rm -rf -- "$dir"
"#;

/// How much of the server's standard output and error is kept, in bytes. Its log goes to a file.
const KEPT_OUTPUT: usize = 16 * 1024;

/// A running or ended server process. Dropping it kills the server and removes the folder.
#[derive(Debug)]
pub(super) struct Supervisor {
    shell: Child,
    stdin: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    output: Arc<Output>,
    pid: u32,
    exit_code: Option<i32>,
}

/// What the server wrote, and whether it closed its end by ending.
#[derive(Default)]
struct Output {
    state: Mutex<(Vec<u8>, bool)>,
    closed: Condvar,
}

impl Supervisor {
    /// Starts `command` under a shell of its own process group, so that a terminal's Ctrl-C reaches neither.
    pub(super) fn spawn(
        folder: &Path,
        command: &Path,
        args: &[std::ffi::OsString],
        library_path: Option<&std::ffi::OsStr>,
    ) -> Result<Self, ServerError> {
        let mut sh = Command::new("sh");
        sh.args(["-c", SCRIPT, "stator-supervisor"]).arg(folder).arg(command).args(args);
        sh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        if let Some(path) = library_path {
            sh.env("LD_LIBRARY_PATH", path);
        }
        let mut shell = sh.spawn().map_err(ServerError::io("start sh"))?;
        // Invariant: all three were asked for as pipes above.
        let pipes = (shell.stdin.take(), shell.stdout.take(), shell.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else { unreachable!("three pipes were asked for") };
        let output = Arc::new(Output::default());
        let reader = Arc::clone(&output);
        thread::Builder::new()
            .name("stator-mongod-output".into())
            .spawn(move || reader.read_all(stderr))
            .map_err(ServerError::io("start a thread"))?;
        let answers = BufReader::new(stdout);
        let mut supervisor = Self { shell, stdin: Some(stdin), answers, output, pid: 0, exit_code: None };
        supervisor.pid = supervisor.answer()?;
        Ok(supervisor)
    }

    /// The server's process id.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends a signal by its name, such as `STOP`. A server that has ended takes no notice.
    pub(super) fn signal(&mut self, name: &str) -> Result<(), ServerError> {
        if self.exit_code.is_some() {
            return Ok(());
        }
        self.tell(&format!("signal {name}\n"))?;
        self.answer::<i32>().map(drop)
    }

    /// Waits until the server has ended; whether it has within `limit`.
    pub(super) fn wait_ended(&self, limit: Duration) -> bool {
        if self.exit_code.is_some() {
            // The thread that reads its output may not have noticed yet.
            return true;
        }
        let state = self.output.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.output.closed.wait_timeout_while(state, limit, |(_, closed)| !*closed);
        waited.unwrap_or_else(PoisonError::into_inner).0.1
    }

    /// Kills the server if it still runs, and returns its exit code (128 + the signal's number, when a signal ended it).
    pub(super) fn reap(&mut self) -> Result<i32, ServerError> {
        if let Some(code) = self.exit_code {
            return Ok(code);
        }
        self.tell("reap\n")?;
        let code = self.answer()?;
        self.exit_code = Some(code);
        Ok(code)
    }

    /// Ends the shell of a server that was reaped, without removing the folder.
    pub(super) fn leave(mut self) -> Result<(), ServerError> {
        self.reap()?;
        self.tell("leave\n")
    }

    /// What the server wrote to its standard output and error.
    pub(super) fn output(&self) -> String {
        let state = self.output.state.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&state.0).into_owned()
    }

    fn tell(&mut self, line: &str) -> Result<(), ServerError> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let result = self.stdin.as_mut().ok_or_else(gone).and_then(|stdin| stdin.write_all(line.as_bytes()));
        result.map_err(ServerError::io("reach the server's supervisor"))
    }

    fn answer<T: std::str::FromStr>(&mut self) -> Result<T, ServerError> {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        let parse = |_| line.trim().parse().map_err(|_| io::Error::from(io::ErrorKind::UnexpectedEof));
        read.and_then(parse).map_err(ServerError::io("hear the server's supervisor"))
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // The shell ends by itself now that its input is closed; failing to wait for it leaves nothing to do.
        let _ = self.shell.wait();
    }
}

impl Output {
    fn read_all(&self, mut from: impl Read) {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let room = KEPT_OUTPUT.saturating_sub(state.0.len());
            state.0.extend_from_slice(&chunk[..count.min(room)]);
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        self.closed.notify_all();
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;
