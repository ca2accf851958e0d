//! The picture in ARCHITECTURE.md, asserted from `cargo metadata` and the manifests: who may depend
//! on whom, who may know which library, and where versions are stated.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::metadata::{Metadata, ROOT};

/// Our crates, without the prefix `sordino-`, and the crates of ours that each may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("fhe", &["protocol"]),
    // The cryptography for tests alone: that encrypted predictions are those in clear.
    ("model", &["protocol", "fhe"]),
    ("client", &["protocol", "fhe", "model"]),
    ("cli", &["protocol", "fhe", "model", "client"]),
    ("domain", &["protocol"]),
    ("migrations", &[]),
    ("storage", &["protocol", "domain", "migrations"]),
    ("engine", &["protocol", "fhe", "model", "domain"]),
    ("frontend-templates", &[]),
    ("web", &["protocol", "model", "domain", "storage", "engine", "frontend-templates"]),
    ("server", &["protocol", "fhe", "model", "client", "domain", "migrations", "storage", "engine", "web"]),
];

/// Libraries that only some of our crates may name. A trailing `*` stands for any ending.
const KNOWN_ONLY_TO: &[(&[&str], &[&str])] = &[
    (&["actix-*"], &["web", "server"]),
    (&["sea-orm*", "sea-query*"], &["storage", "migrations"]),
    (&["sqlx*"], &["client"]),
    (&["tfhe*", "fhe", "fhe-*", "concrete-*"], &["fhe"]),
    (&["opendp*"], &["client"]),
    (&["datafusion*"], &["engine"]),
    (&["reqwest"], &["client"]),
    (&["askama*"], &["frontend-templates"]),
    (&["figment"], &["server"]),
    (&["clap*"], &["cli", "server"]),
    (&["anyhow"], &["cli", "server"]),
];

/// Crates that are pure: no runtime, no network, no database.
const PURE: &[&str] = &["protocol", "fhe", "model", "domain", "frontend-templates"];
const IMPURE: &[&str] =
    &["tokio*", "futures*", "async-*", "reqwest", "hyper*", "actix-*", "sqlx*", "sea-orm*", "object_store"];

/// Exact pins: a new version of these may change ciphertext bytes or noise.
const PINNED: &[&str] = &["tfhe", "fhe", "fhe-math", "fhe-traits", "tfhe-ntt"];

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn manifest(path: &Path) -> toml::Table {
    fs::read_to_string(path).expect("the manifest is readable").parse().expect("cargo has read it before")
}

/// Every dependency table of a manifest, those of targets included.
fn dependency_tables(manifest: &toml::Table) -> Vec<&toml::Table> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let places = targets.into_iter().flat_map(|t| t.values()).filter_map(toml::Value::as_table);
    places
        .chain([manifest])
        .flat_map(|place| KINDS.iter().filter_map(|kind| place.get(*kind)?.as_table()))
        .collect()
}

fn member_manifests() -> Vec<toml::Table> {
    Metadata::of_the_workspace().packages.iter().map(|p| manifest(&p.manifest_path)).collect()
}

#[test]
fn arrows_point_one_way() {
    let allowed: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let metadata = Metadata::of_the_workspace();
    let mut seen = BTreeSet::new();
    for package in &metadata.packages {
        let name = package.short();
        if name == "tests" {
            continue;
        }
        let allowed = allowed.get(name).unwrap_or_else(|| panic!("{name} is not in the table of arrows"));
        for dependency in &package.dependencies {
            if let Some(target) = dependency.name.strip_prefix("sordino-") {
                assert!(allowed.contains(&target), "{name} must not depend on {target}");
            }
        }
        seen.insert(name);
    }
    let listed: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).collect();
    assert_eq!(seen, listed, "the table of arrows lists exactly the crates of the workspace");
}

#[test]
fn the_sdk_never_depends_on_the_backend() {
    let metadata = Metadata::of_the_workspace();
    let (backend, others): (Vec<_>, Vec<_>) =
        metadata.packages.iter().partition(|p| p.folder().parent().is_some_and(|f| f.ends_with("backend")));
    let backend: BTreeSet<_> = backend.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(backend.len(), 5);
    for package in others.iter().filter(|p| p.folder().parent().is_some_and(|f| f.ends_with("sdk"))) {
        for dependency in &package.dependencies {
            assert!(
                !backend.contains(dependency.name.as_str()),
                "{} depends on {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn libraries_are_known_only_where_they_belong() {
    for package in Metadata::of_the_workspace().packages {
        let name = package.short();
        if name == "tests" {
            continue;
        }
        for dependency in &package.dependencies {
            for (libraries, crates) in KNOWN_ONLY_TO {
                let known = libraries.iter().any(|pattern| matches(pattern, &dependency.name));
                assert!(!known || crates.contains(&name), "{name} must not know {}", dependency.name);
            }
            let pure = PURE.contains(&name);
            let impure = IMPURE.iter().any(|pattern| matches(pattern, &dependency.name));
            assert!(!(pure && impure), "{name} is pure and must not know {}", dependency.name);
        }
    }
}

#[test]
fn every_version_is_stated_once_in_the_workspace() {
    for member in member_manifests() {
        for (name, dependency) in dependency_tables(&member).into_iter().flatten() {
            let inherited = dependency.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            let package = &member["package"]["name"];
            assert!(inherited, "{package}: `{name}` must be written `{name}.workspace = true`");
        }
        for field in ["version", "edition", "rust-version", "license"] {
            let inherited = member["package"][field].get("workspace").and_then(toml::Value::as_bool);
            assert_eq!(inherited, Some(true), "{}: `{field}` is the workspace's", member["package"]["name"]);
        }
        assert_eq!(member["lints"]["workspace"].as_bool(), Some(true), "the lints are the workspace's");
    }
}

#[test]
fn every_stated_version_is_used() {
    let root = manifest(&Path::new(ROOT).join("Cargo.toml"));
    let stated = root["workspace"]["dependencies"].as_table().expect("a table");
    let members = member_manifests();
    let used: BTreeSet<_> =
        members.iter().flat_map(|m| dependency_tables(m).into_iter().flat_map(toml::Table::keys)).collect();
    let unused: Vec<_> = stated.keys().filter(|name| !used.contains(name)).collect();
    assert!(unused.is_empty(), "declared in the workspace but used by no member: {unused:?}");
}

#[test]
fn cryptography_is_pinned_exactly() {
    let root = manifest(&Path::new(ROOT).join("Cargo.toml"));
    for name in PINNED {
        let stated = &root["workspace"]["dependencies"][*name];
        let version = stated.as_str().or_else(|| stated.get("version")?.as_str()).expect("a version");
        assert!(version.starts_with('='), "{name} = \"{version}\" must be pinned with `=`");
    }
}

#[test]
fn libraries_do_not_read_the_environment() {
    for package in Metadata::of_the_workspace().packages {
        if matches!(package.short(), "cli" | "server" | "tests") {
            continue;
        }
        let folder = package.folder().join("src");
        for (path, text) in rust_files(&folder) {
            let inside = path.strip_prefix(&*folder.to_string_lossy()).unwrap_or(&path);
            if inside.contains("/tests/") || inside.ends_with("tests.rs") {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for call in ["env::var(", "env::var_os(", "env::vars("] {
                assert!(!code.contains(call), "{path} reads the environment with {call}");
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for package in Metadata::of_the_workspace().packages {
        for (path, text) in ["src", "it"].iter().flat_map(|f| rust_files(&package.folder().join(f))) {
            assert!(text.starts_with("//!"), "{path} does not start with `//!`");
        }
    }
}

/// The Rust files below a folder, with their text; none when there is no such folder.
fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push((path.display().to_string(), fs::read_to_string(&path).expect("UTF-8")));
        }
    }
    files
}
