//! Models for people.

use std::fmt::Write;

use sordino_model::quantised::Reading;
use sordino_protocol::{
    api::{
        ListingState,
        models::{ModelKind, ModelListing},
    },
    predict::Packing,
};

use crate::output;

/// In a line.
pub(super) fn line(model: &ModelListing<Reading>) -> String {
    format!(
        "{}  {:>3} columns  {:>3} classes  {} {} a prediction  {}{}",
        model.id,
        model.schema.columns.len(),
        model.reading.classes.len(),
        model.price,
        model.currency,
        model.title,
        if model.state == ListingState::Withdrawn { "  (withdrawn)" } else { "" },
    )
}

/// All of it.
pub(super) fn one(model: &ModelListing<Reading>) -> String {
    let kind = match model.kind {
        ModelKind::Sums => "sums over columns",
        ModelKind::Trees => "trees",
        ModelKind::Network => "a network",
    };
    let answer = match model.reading.classes.as_slice() {
        [] => "a number".to_owned(),
        classes if probable(&model.reading) => format!("{}, with probabilities", classes.join(", ")),
        classes => classes.join(", "),
    };
    let mut text = format!(
        "{}\n{}\n  model     {}\n  vendor    {}\n  kind      {kind}\n  predicts  {answer}\n  price     {} {} a \
         prediction\n  allowed   {} samples a request, {} a client and day\n  digest    {}\n",
        model.title,
        model.description,
        model.id,
        model.vendor,
        model.price,
        model.currency,
        model.quota.samples_per_request,
        model.quota.samples_per_day,
        model.model,
    );
    for form in &model.forms {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "  {:<8}  up to {} a request: {} for one; keys {} once ({})\n            clients learn {}",
            match &form.form.packing {
                Packing::Batch { .. } => "batch",
                Packing::Network { .. } => "network",
                Packing::Rows { .. } | Packing::Trees { .. } => "few rows",
            },
            output::count(u64::from(form.rows), "row"),
            output::bytes(form.input_bytes),
            output::bytes(form.key_bytes),
            form.form.parameter_set,
            form.reveals,
        );
    }
    text.push_str("\nColumns\n");
    for column in &model.schema.columns {
        let dimension = column.dimension.as_ref().map(|dimension| dimension.describe());
        let measure = column.measure.as_ref().map(|_| "a number".to_owned());
        let reads: Vec<String> = dimension.into_iter().chain(measure).collect();
        let null = if column.nullable { ", nullable" } else { "" };
        let _ = writeln!(text, "  {:32} {}{null}", column.name, reads.join(", "));
    }
    text
}

/// Whether scores are read as probabilities.
fn probable(reading: &Reading) -> bool {
    let zeros = vec![0; reading.link.scores(reading.classes.len()).unwrap_or(0)];
    reading.read(&zeros).probabilities.is_some()
}
