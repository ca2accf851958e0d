//! Every crate that is compiled is under a licence that `deny.toml` allows. cargo-deny checks the
//! same and more; this test needs nothing installed and refuses the same licences.

use std::{collections::BTreeSet, fs, path::Path};

use spdx::{Expression, Licensee, ParseMode};

use crate::metadata::{Metadata, ROOT};

struct Rules {
    allowed: Vec<Licensee>,
    clarified: Vec<(String, String)>,
    banned: Vec<String>,
}

impl Rules {
    fn read() -> Self {
        let text = fs::read_to_string(Path::new(ROOT).join("deny.toml")).expect("deny.toml is readable");
        let deny: toml::Table = text.parse().expect("deny.toml is TOML");
        let licences = &deny["licenses"];
        let text = |value: &toml::Value| value.as_str().expect("a string").to_owned();
        let list = |value: &toml::Value| value.as_array().expect("a list").clone();
        Self {
            allowed: list(&licences["allow"])
                .iter()
                .map(|l| Licensee::parse(&text(l)).expect("an SPDX licence"))
                .collect(),
            clarified: list(&licences["clarify"])
                .iter()
                .map(|c| (text(&c["crate"]), text(&c["expression"])))
                .collect(),
            // A ban with exceptions is for cargo-deny, which knows who depends on whom.
            banned: list(&deny["bans"]["deny"])
                .iter()
                .filter(|ban| ban.get("wrappers").is_none())
                .map(|ban| text(&ban["crate"]))
                .collect(),
        }
    }

    fn allow(&self, expression: &str) -> bool {
        Expression::parse_mode(expression, ParseMode::LAX)
            .is_ok_and(|e| e.evaluate(|req| self.allowed.iter().any(|l| l.satisfies(req))))
    }
}

#[test]
fn every_licence_is_allowed() {
    let rules = Rules::read();
    let graph = Metadata::of_the_graph();
    assert!(graph.packages.len() > 100, "the graph is not empty");
    for package in &graph.packages {
        let clarified = rules.clarified.iter().find(|(name, _)| *name == package.name).map(|(_, e)| e);
        let expression = package.license.as_ref().or(clarified);
        let allowed = expression.is_some_and(|e| rules.allow(e));
        assert!(allowed, "{} {}: licence {expression:?}", package.name, package.version);
    }
}

#[test]
fn everything_of_others_comes_from_crates_io() {
    for package in &Metadata::of_the_graph().packages {
        match &package.source {
            // As cargo writes it for crates.io, whatever mirror is configured.
            Some(source) => assert!(
                source == "registry+https://github.com/rust-lang/crates.io-index",
                "{} comes from {source}",
                package.name
            ),
            None => assert!(package.name.starts_with("sordino-"), "{} is not ours", package.name),
        }
    }
}

#[test]
fn banned_crates_are_absent() {
    let graph = Metadata::of_the_graph();
    let names: BTreeSet<_> = graph.packages.iter().map(|p| p.name.as_str()).collect();
    for banned in Rules::read().banned {
        assert!(!names.contains(banned.as_str()), "{banned} is banned by deny.toml");
    }
}

#[test]
fn copyleft_and_source_available_licences_are_refused() {
    let rules = Rules::read();
    for refused in
        ["GPL-3.0-or-later", "AGPL-3.0", "LGPL-2.1-only", "BUSL-1.1", "SSPL-1.0", "MIT AND GPL-2.0"]
    {
        assert!(!rules.allow(refused), "{refused}");
    }
    for allowed in ["MIT/Apache-2.0", "Apache-2.0 OR GPL-2.0-only"] {
        assert!(rules.allow(allowed), "{allowed}");
    }
}
