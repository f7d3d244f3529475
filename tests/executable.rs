//! The real executable: started, spoken to over HTTP, and ended; and its commands.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use serde_json::Value;

/// The variable that turns all limits on or off.
const LIMITS: &str = "SARYNO_LIMITS__ENABLED";

/// The real executable, serving a directory on a port of its own.
pub(crate) struct Binary {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// What it prints after the line that says where it listens.
    pub(crate) output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Binary {
    /// Starts it and waits for the line that says where it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[], &[])
    }

    pub(crate) fn start_with(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = saryno(data, &["serve", "--port", "0"]);
        command.args(arguments).envs(variables.iter().copied());
        Self::start_command(&mut command, &data.with_extension("log"))
    }

    /// Starts it under limits of open files, `SOFT:HARD`; a hard one that is left out stays as it is.
    pub(crate) fn start_limited(data: &Path, limits: &str) -> Self {
        let inner = saryno(data, &["serve", "--port", "0"]);
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--nofile={limits}"))
            .arg(inner.get_program())
            .args(inner.get_args())
            .current_dir(data.parent().unwrap());
        Self::start_command(&mut command, &data.with_extension("log"))
    }

    /// Starts a server by this command, whose standard error goes to this file.
    pub(crate) fn start_command(command: &mut Command, log: &Path) -> Self {
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        // Most tests ask more often than anybody may.
        if !command.get_envs().any(|(name, _)| name == LIMITS) {
            command.env(LIMITS, "false");
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .map(ToOwned::to_owned);
        let url = url
            .unwrap_or_else(|| panic!("did not start: {}", std::fs::read_to_string(log).unwrap()));
        Self {
            child,
            url,
            output,
            log: log.to_owned(),
        }
    }

    /// Starts it on an empty directory, and reads the link with which the first admin is made.
    pub(crate) fn start_without_admin(data: &Path) -> (Self, String) {
        let mut server = Self::start(data);
        let mut lines = server.output.by_ref().lines().map(Result::unwrap);
        let link = lines.find(|line| line.starts_with(&server.url)).unwrap();
        (server, link)
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The most memory it has had so far, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<u64>().unwrap() / 1024
    }

    /// How many files and connections it has open.
    pub(crate) fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(path).unwrap().count()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Ends it the way an operator does and waits.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Ends it the way a power cut does and waits.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The real executable with these arguments, on this directory, without the settings of the machine it runs on.
pub(crate) fn saryno(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saryno"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SARYNO_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .arg("--data")
        .arg(data)
        .current_dir(data.parent().unwrap());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    saryno(data, arguments).output().unwrap()
}

/// Runs a command with a line on its standard input.
pub(crate) fn run_with_input(data: &Path, arguments: &[&str], input: &str) -> Output {
    let piped = || Stdio::piped();
    let mut child = saryno(data, arguments)
        .stdin(piped())
        .stdout(piped())
        .stderr(piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a command that must succeed, with `--json`, and reads what it printed.
#[track_caller]
pub(crate) fn run_json(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, &[arguments, &["--json"]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An HTTP client that takes every status as an answer.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_idle_connections_per_host(256)
        .build()
        .new_agent()
}

/// One request to a real server; the status and the body.
pub(crate) fn http(
    agent: &ureq::Agent,
    method: &str,
    url: &str,
    token: &str,
    body: &str,
) -> Result<(u16, Value), ureq::Error> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(body.to_owned())?;
    let mut response = agent.run(request)?;
    let text = response.body_mut().read_to_string()?;
    Ok((
        response.status().as_u16(),
        serde_json::from_str(&text).unwrap_or(Value::Null),
    ))
}
