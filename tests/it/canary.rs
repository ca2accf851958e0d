//! Nobody reads what they should not: after a whole loop, nothing that the platform stored and nothing
//! that crossed its HTTP interface contains a row value or an answer.

use std::path::Path;

use sordino_protocol::{layout::LayoutKind, policy::Policy};
use sordino_tests::{
    app::{TestApp, block_on},
    parties::traders,
    proxy::Proxy,
    tables,
};

/// A value of one row. It is not in the public schema, whose bounds are 0 and 10,000,000.
const CANARY: u64 = 7_654_321;
/// The answer of the query below: the canary and what else is in its group.
const ANSWER: u64 = 8_244_911;
const SECRETS: [(&str, u64); 2] = [("the canary", CANARY), ("the answer", ANSWER)];

#[test]
fn no_row_value_and_no_answer_is_stored_or_sent() {
    block_on(async {
        let app = TestApp::start().await;
        let proxy = Proxy::start(app.url()).await;
        let home = app.folder.path().join("parties");
        let (owner, buyer) = traders(&app.running, &home, &proxy.url(), 10_000).await;

        let csv = home.join("people.csv");
        let rows = tables::small_rows().chain([("Oslo", 4, CANARY)]);
        tables::write_small(&csv, rows);
        let policy = Policy { min_cohort: 1, ..Policy::default() };
        let listing = owner.publish(&csv, tables::small_schema(), policy).await.expect("published").listing;
        let gate = owner.run_gate().await;
        let sql = "SELECT SUM(income) AS total FROM people WHERE city = 'Oslo'";
        for layout in [LayoutKind::Rollup, LayoutKind::Scan] {
            let (.., opened) = buyer.ask(&listing, sql, Some(layout)).await.expect("answered");
            assert_eq!(opened.answer.rows, vec![vec![serde_json::json!(ANSWER)]]);
        }
        gate.abort();

        let crossed = proxy.crossed();
        let sent: usize = crossed.iter().map(Vec::len).sum();
        assert!(sent > 1_000_000, "the proxy kept what crossed: {sent} bytes");
        for (stream, bytes) in crossed.iter().enumerate() {
            assert_silent(bytes, &format!("stream {stream}"), &SECRETS);
        }
        let stored = search(app.running.data_dir(), &SECRETS);
        assert!(stored > 1_000_000, "the platform's folder was read: {stored} bytes");
        // The search itself works: it finds the canary where it must be, on the owner's machine.
        let found = std::fs::read(&csv).expect("the table");
        assert!(patterns(CANARY).iter().any(|pattern| contains(&found, pattern)));
    });
}

/// Asserts silence of every file below a folder; returns how many bytes were read.
pub(crate) fn search(folder: &Path, secrets: &[(&str, u64)]) -> u64 {
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read += search(&path, secrets);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            assert_silent(&bytes, &path.display().to_string(), secrets);
            read += bytes.len() as u64;
        }
    }
    read
}

/// Asserts that no secret is there, however it is written.
pub(crate) fn assert_silent(bytes: &[u8], place: &str, secrets: &[(&str, u64)]) {
    for (name, value) in secrets {
        for pattern in patterns(*value) {
            assert!(!contains(bytes, &pattern), "{place} contains {name} as {pattern:?}");
        }
    }
}

/// The ways a value could be written: digits, and integers and floats of eight bytes.
fn patterns(value: u64) -> Vec<Vec<u8>> {
    vec![
        value.to_string().into_bytes(),
        value.to_le_bytes().to_vec(),
        value.to_be_bytes().to_vec(),
        (value as f64).to_le_bytes().to_vec(),
        (value as f64).to_be_bytes().to_vec(),
    ]
}

fn contains(bytes: &[u8], pattern: &[u8]) -> bool {
    memchr::memmem::find(bytes, pattern).is_some()
}
