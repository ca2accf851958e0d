//! The real binaries as processes of their own, to be killed.

use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

/// Builds the two binaries, once per test run, and returns the folder they are in.
///
/// # Panics
/// When they do not compile.
pub fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--workspace", "--bins", "--quiet"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the binaries compile");
        // The test binary is in `deps`, the others one folder up.
        let test = std::env::current_exe().expect("a path");
        test.ancestors().nth(2).expect("target/debug").to_owned()
    })
}

/// A process that is killed, not asked, when it is dropped.
pub struct Process(Child);

impl Process {
    /// Starts one of the binaries; its output goes to `log`.
    pub fn start<S: AsRef<OsStr>>(
        binary: &str,
        arguments: &[S],
        environment: &[(&str, &OsStr)],
        log: &Path,
    ) -> Self {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let mut command = Command::new(binaries().join(binary));
        command
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log);
        Self(command.spawn().expect("the binary starts"))
    }

    /// Kills it with SIGKILL: no handler runs, nothing is flushed.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

/// Waits until `url` answers.
///
/// # Panics
/// When it does not within a minute.
pub async fn until_it_answers(url: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while reqwest::get(format!("{url}/healthz")).await.is_err() {
        assert!(Instant::now() < deadline, "{url} does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
