//! The documents stay true in what a program can check: links lead somewhere, and paths that the
//! text names exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::metadata::ROOT;

/// Folders without documents of ours.
const SKIPPED: &[&str] = &["target", ".git", "sordino-data", "node_modules"];
/// A path in backticks that starts with one of these is a claim that it exists.
const TREES: &[&str] =
    &["sdk/", "backend/", "frontend-templates/", "migrations/", "tests/", "deploy/", "fuzz/", ".ci/"];

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
            found.extend(markdown(&path));
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
    found
}

/// The text outside code blocks.
fn prose(text: &str) -> String {
    let mut code = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            code = !code;
        } else if !code {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// The targets of `[text](target)`.
fn links(text: &str) -> Vec<&str> {
    text.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

/// What stands in single backticks on one line.
fn quoted(text: &str) -> Vec<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// The anchors of a document's headings, as repository hosts make them.
fn anchors(text: &str) -> Vec<String> {
    prose(text)
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn links_inside_the_repository_lead_somewhere() {
    let documents = markdown(Path::new(ROOT));
    assert!(documents.iter().any(|d| d.ends_with("README.md")));
    for document in documents {
        let text = fs::read_to_string(&document).expect("UTF-8");
        for link in links(&prose(&text)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match path {
                "" => document.clone(),
                path => document.parent().expect("a document lies in a folder").join(path),
            };
            assert!(target.exists(), "{}: `{link}` leads nowhere", document.display());
            if !anchor.is_empty() {
                let known = anchors(&fs::read_to_string(&target).expect("a document"));
                assert!(known.iter().any(|a| a == anchor), "{}: no heading for `{link}`", document.display());
            }
        }
    }
}

#[test]
fn paths_that_documents_name_exist() {
    for name in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join(name)).expect("the document exists");
        for path in quoted(&prose(&text)) {
            let names_a_path = TREES.iter().any(|tree| path.starts_with(tree));
            if names_a_path && !path.contains([' ', '*', '{']) {
                assert!(Path::new(ROOT).join(path).exists(), "{name} names `{path}`, which does not exist");
            }
        }
    }
}

#[test]
fn the_container_file_copies_every_member() {
    let manifest: toml::Table =
        fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).expect("readable").parse().expect("TOML");
    let recipe = fs::read_to_string(Path::new(ROOT).join("deploy/Dockerfile")).expect("readable");
    let copied: Vec<_> =
        recipe.lines().filter(|l| l.starts_with("COPY ")).flat_map(str::split_whitespace).collect();
    for member in manifest["workspace"]["members"].as_array().expect("a list") {
        let folder = member.as_str().and_then(|m| m.split('/').next()).expect("a path");
        assert!(copied.contains(&folder), "deploy/Dockerfile does not copy {folder}");
    }
}
