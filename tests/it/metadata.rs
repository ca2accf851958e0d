//! What `cargo metadata` says of the workspace, as far as the tests ask. (The crate `cargo_metadata`
//! turns on a feature of serde_json, and everything would be built twice: for tests and for running.)

use std::{path::PathBuf, process::Command};

use serde::Deserialize;

/// The workspace's folder.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A workspace, and with its dependencies the whole graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// In no order.
    pub(crate) packages: Vec<Package>,
}

/// A package of the graph.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    /// None for packages of the workspace.
    pub(crate) source: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as the manifest states it, of any kind.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
}

impl Metadata {
    /// Our packages only.
    pub(crate) fn of_the_workspace() -> Self {
        Self::ask(&["--no-deps"])
    }

    /// The packages compiled on this machine's platform, so that nothing is downloaded for others.
    pub(crate) fn of_the_graph() -> Self {
        Self::ask(&["--filter-platform", "host-tuple"])
    }

    fn ask(arguments: &[&str]) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1"])
            .args(arguments)
            .current_dir(ROOT)
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("cargo writes what it documents")
    }
}

impl Package {
    /// The name without the prefix `sordino-`.
    pub(crate) fn short(&self) -> &str {
        self.name.strip_prefix("sordino-").expect("our crates are named sordino-*")
    }

    /// The folder of the package.
    pub(crate) fn folder(&self) -> PathBuf {
        self.manifest_path.parent().expect("a manifest lies in a folder").to_owned()
    }
}
