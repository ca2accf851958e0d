//! Training runs in lines to read.

use std::fmt::Write;

use sordino_model::train::Trained;
use sordino_protocol::money::Currency;

use super::{Finished, Quality, Rehearsal, Run, RunQuote};
use crate::explain;

/// Without control characters, which could hide what follows on a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What is fitted, to what.
pub fn described(run: &Run) -> String {
    let names = |names: &[String]| printable(&names.join(", "));
    let mut text = String::new();
    let method = serde_json::to_value(&run.task.method).ok();
    let method =
        method.as_ref().and_then(|method| method.as_object()).and_then(|method| method.iter().next());
    if let Some((name, options)) = method {
        let options: Vec<String> = options
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={}", value.to_string().trim_matches('"')))
            .collect();
        // Writing to a String does not fail.
        let _ = writeln!(text, "  method    {} ({})", name.replace('_', " "), options.join(", "));
    }
    if let Some(label) = &run.task.label {
        let _ = writeln!(text, "  label     {}", printable(label));
    }
    let _ = writeln!(text, "  reads     {}", names(&run.task.inputs));
    let rows = explain::predicate(&run.source.schema, &run.source.rows);
    let _ = writeln!(
        text,
        "  rows      {}",
        rows.map_or_else(|| "all".to_owned(), |rows| format!("where {rows}"))
    );
    text
}

/// What a run costs at most.
pub fn quoted(quote: &RunQuote) -> String {
    let mut text = format!(
        "  rounds    at most {}; queries {}, released values {}\n  price     at most {} {}\n",
        quote.rounds, quote.queries, quote.released_values, quote.price, quote.currency
    );
    if quote.noise_millis > 0 {
        let of = quote.epsilon_budget.map(|budget| format!(" of {budget} for all buyers together"));
        let _ = writeln!(
            text,
            "  noise     standard deviation up to {:.1}; the run costs epsilon {}{}",
            quote.noise_millis as f64 / 1e3,
            quote.epsilon,
            of.unwrap_or_default(),
        );
    } else {
        text.push_str("  noise     none: statistics are exact\n");
    }
    let _ = writeln!(text, "  time      about {:.1} s of evaluation", quote.expected_ms as f64 / 1e3);
    text
}

/// What a run may be expected to give.
pub fn rehearsed(rehearsal: &Rehearsal) -> String {
    let mut text = match rehearsal.quality {
        Quality::Accuracy { rows, value, most_frequent } => format!(
            "  expected  accuracy {value:.4} on {rows} sandbox rows that it was not fitted to (always the most \
             frequent class: {most_frequent:.4})\n"
        ),
        Quality::R2 { rows, value } => {
            format!("  expected  R2 {value:.4} on {rows} sandbox rows that it was not fitted to\n")
        }
        Quality::Inertia { rows, value } => format!(
            "  expected  a mean squared distance of {value:.4} to the nearest centre, on {rows} sandbox rows that it \
             was not fitted to\n"
        ),
    };
    text.push_str(&notes(&rehearsal.trained));
    text
}

/// What came of a run.
pub fn fitted(finished: &Finished, currency: Currency) -> String {
    let trained = &finished.trained;
    let mut text = format!(
        "fitted from released statistics: rounds {}, queries {}, paid {} {currency}\n",
        trained.rounds, trained.queries, finished.paid,
    );
    text.push_str(&notes(trained));
    text
}

fn notes(trained: &Trained) -> String {
    trained.notes.iter().map(|note| format!("  note      {}\n", printable(note))).collect()
}
