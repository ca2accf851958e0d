//! A marketplace in this process, on SQLite in a temporary folder.

use std::{future::Future, sync::LazyLock};

use sordino_server::{Config, serve};
use tokio::runtime::Runtime;

/// One runtime for all tests: a server that one test starts must outlive the test.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
});

/// Runs a test's future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// A running marketplace and its folder.
pub struct TestApp {
    /// The marketplace.
    pub running: serve::Running,
    /// Where everything is kept; removed when dropped.
    pub folder: tempfile::TempDir,
}

impl TestApp {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts one with other settings.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = config(folder.path());
        change(&mut config);
        let running = serve::start(config).await.expect("the marketplace starts");
        Self { running, folder }
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.running.url()
    }
}

/// Settings of a marketplace below `folder`, on a free port, without limits on the rate.
pub fn config(folder: &std::path::Path) -> Config {
    let mut config = Config::default();
    config.server.listen.set_port(0);
    config.server.data_dir = folder.join("data");
    config.server.threads = 2;
    config.limits.sign_ins_per_minute = 10_000;
    config.limits.quotes_per_minute = 10_000;
    config.limits.predictions_per_minute = 10_000;
    config
}
