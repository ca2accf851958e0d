//! What the demonstration prints.

use serde::Serialize;
use serde_json::Value;
use sordino_client::{publish::Plan, render};
use sordino_protocol::presentation::Table;

use super::parties::Buyer;

/// The JSON of `demo --json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) queries: Vec<Summary>,
    pub(super) ledger_balanced: bool,
    pub(super) publish_s: f64,
    pub(super) upload_bytes: u64,
}

/// One query of the report.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) sql: String,
    pub(super) layout: &'static str,
    pub(super) answer: Vec<Vec<Value>>,
    pub(super) expected: Vec<Vec<Value>>,
    pub(super) equal: bool,
    pub(super) evaluate_ms: u64,
    pub(super) total_ms: u64,
    pub(super) price_minor: i64,
    pub(super) receipt_valid: bool,
}

/// An answered query with what only the story shows.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) summary: Summary,
    pub(super) answer: Table,
    pub(super) expected: Table,
    pub(super) understood: String,
    pub(super) price: String,
    pub(super) ciphertext_bytes: u64,
    pub(super) sealed_bytes: u64,
    pub(super) reevaluated: bool,
}

impl Report {
    pub(super) fn new(publish_s: f64, upload_bytes: u64) -> Self {
        Self { queries: vec![], ledger_balanced: false, publish_s, upload_bytes }
    }

    pub(super) fn is_good(&self) -> bool {
        !self.queries.is_empty()
            && self.ledger_balanced
            && self.queries.iter().all(|query| query.equal && query.receipt_valid)
    }
}

/// What will be encrypted and what stays public.
pub(super) fn plan(plan: &Plan, show: &dyn Fn(&str)) {
    let dimensions = plan.encrypted.iter().filter(|column| column.dimension.is_some()).count();
    let measures = plan.encrypted.iter().filter(|column| column.measure.is_some()).count();
    show(&format!(
        "        {} rows; {dimensions} dimensions and {measures} measures are encrypted, {} columns left out;",
        plan.rows,
        plan.left_out.len()
    ));
    show("        public are the schema (names, dictionaries, bounds) and the number of rows.");
}

/// One query, as each party saw it.
pub(super) fn answered(answered: &Answered, show: &dyn Fn(&str)) {
    let Answered { summary, .. } = answered;
    show(&format!("\nBUYER   asks, layout {}: {}", summary.layout, summary.sql));
    show(&format!("        understood as: {}", answered.understood));
    show(&format!("        price known before: {}", answered.price));
    show(&format!(
        "PLATFORM saw {} bytes of ciphertext in, a sealed answer of {} bytes out; evaluated in {} ms.",
        answered.ciphertext_bytes, answered.sealed_bytes, summary.evaluate_ms
    ));
    let again = if answered.reevaluated { "evaluated it again, found the same, and " } else { "" };
    show(&format!("GATE    verified the receipt, recompiled the program, {again}released."));
    show(&format!("BUYER   opened the answer, {} ms after asking:", summary.total_ms));
    indent(&render::table(&answered.answer), show);
    if summary.equal {
        let receipt = if summary.receipt_valid { "valid" } else { "NOT VALID" };
        show(&format!("        equal to the answer on the plaintext; receipt {receipt}."));
    } else {
        show("        DIFFERENT from the answer on the plaintext:");
        indent(&render::table(&answered.expected), show);
    }
}

fn indent(text: &str, show: &dyn Fn(&str)) {
    text.lines().for_each(|line| show(&format!("          {line}")));
}

/// The result in a line.
pub(super) fn verdict(report: &Report) {
    let equal = report.queries.iter().filter(|query| query.equal).count();
    let valid = report.queries.iter().filter(|query| query.receipt_valid).count();
    println!(
        "\n{equal} of {} answers equal the plaintext's, {valid} receipts valid, ledger balanced: {}.",
        report.queries.len(),
        report.ledger_balanced
    );
}

/// What can be done next.
pub(super) fn stay_open(url: &str, buyer: &Buyer) {
    println!("\nThe portal is open at {url}");
    println!("Sign in as {} with the password {}", buyer.email, buyer.shown_password());
    println!("Stop with Ctrl-C.");
}
