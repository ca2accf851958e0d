//! Models and their metrics in lines to read.

use std::fmt::Write;

use sordino_model::{
    audition::{
        Classification, ClassificationGroup, Clustering, Metrics, Ranking, Regression, RegressionGroup,
    },
    metrics::Bounds,
    preflight::Preflight,
};
use sordino_protocol::schema::Schema;

/// Without control characters, which could hide what follows on a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// What a model is, what it reads, and how far its integers may be off.
pub fn described(preflight: &Preflight, schema: &Schema) -> String {
    let size = &preflight.size;
    let kind = serde_json::to_value(preflight.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default().replace('_', " ");
    let mut parts = vec![kind];
    if size.trees > 0 {
        let trees = if size.trees == 1 { String::new() } else { format!("{} trees, ", size.trees) };
        parts.push(format!("{trees}{} leaves, depth {}", size.leaves, size.depth));
    }
    if size.classes > 0 {
        parts.push(format!("{} classes", size.classes));
    }
    let mut text = format!("  model     {}\n", parts.join(", "));
    let reads: Vec<String> = preflight
        .inputs
        .iter()
        .map(|input| {
            let column = &schema.column(input.column).name;
            let buckets = if input.bucketed { " (buckets)" } else { "" };
            format!("{}{buckets}", printable(column))
        })
        .collect();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "  reads     {}",
        if reads.is_empty() { "nothing".to_owned() } else { reads.join(", ") }
    );
    if let Some(report) = &preflight.report {
        let worst = |errors: &[f64]| errors.iter().copied().fold(0.0, f64::max);
        let off = match (&report.rounding, &report.buckets) {
            (None, None) => "how far a score is off is not known beforehand".to_owned(),
            (rounding, buckets) => format!(
                "a score is off by at most {:.2e} by rounding, {:.2e} by buckets",
                worst(rounding.as_deref().unwrap_or_default()),
                worst(buckets.as_deref().unwrap_or_default()),
            ),
        };
        let _ = writeln!(text, "  integers  {off}; {} thresholds cut a bucket", report.cuts.len());
    }
    if let Some(rows) = &preflight.rows {
        let same = rows.equal_classes.map(|equal| format!(", {:.1} % get the same class", 100.0 * equal));
        let _ = writeln!(
            text,
            "  rows      {} compared: a score is off by at most {:.2e}{}",
            rows.rows,
            rows.max_score_difference,
            same.unwrap_or_default(),
        );
        if let Some(share) = rows.other_class_at_most {
            let _ = writeln!(
                text,
                "            of rows like these, at most {:.1} % get another class than in floating point: so far \
                 accuracy may be off",
                100.0 * share
            );
        }
        if let Some(rms) = rows.rms_at_most {
            let _ = writeln!(
                text,
                "            of rows like these, predictions are off by at most {rms:.3e} (root mean square): so far \
                 RMSE may be"
            );
        }
    }
    for advice in &preflight.advice {
        let _ = writeln!(text, "  note      {}", printable(advice));
    }
    text
}

/// Metrics as tables.
pub fn measured(metrics: &Metrics) -> String {
    match metrics {
        Metrics::Classification(found) => classification(found),
        Metrics::Clustering(found) => clustering(found),
        Metrics::Regression(found) => regression(found),
    }
}

/// Clusters against the label.
fn clustering(found: &Clustering) -> String {
    let names: Vec<String> = found.clusters.iter().map(|name| printable(name)).collect();
    let labels: Vec<String> = found.labels.iter().map(|name| printable(name)).collect();
    let title = "cluster \\ label";
    let first = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(title.chars().count());
    let mut text = format!("{title:first$}");
    let width = |label: usize| labels[label].chars().count().max(8);
    for (label, name) in labels.iter().enumerate() {
        let _ = write!(text, "  {name:>width$}", width = width(label));
    }
    text.push('\n');
    for (cluster, name) in names.iter().enumerate() {
        let _ = write!(text, "{name:first$}");
        for label in 0..labels.len() {
            let rows = found.all.rows[cluster][label];
            let cell = match (found.all.withheld[cluster][label], rows) {
                (0, rows) => rows.to_string(),
                (_, 0) => "withheld".to_owned(),
                (_, rows) => format!("{rows}+"),
            };
            let _ = write!(text, "  {cell:>width$}", width = width(label));
        }
        text.push('\n');
    }
    if let Some(purity) = found.all.purity {
        let _ = writeln!(text, "\npurity  {purity:.4}");
    }
    for group in &found.groups {
        let purity = group.purity.map_or_else(|| "-".to_owned(), |purity| format!("{purity:.4}"));
        let rows: i64 = group.rows.iter().flatten().sum();
        let _ = writeln!(text, "{}: {rows} rows shown, purity {purity}", printable(&group.group));
    }
    if found.noise > 0.0 {
        let _ = writeln!(text, "every count carries noise of standard deviation {:.1}", found.noise);
    }
    text
}

fn classification(found: &Classification) -> String {
    let names: Vec<String> = found.classes.iter().map(|class| printable(class)).collect();
    let mut text = matrix(&names, &found.all, found.min_cohort);
    let error = |error: Option<f64>| error.map(|error| format!(" +- {error:.4}")).unwrap_or_default();
    let errors = found.all.standard_errors.as_ref();
    let _ = writeln!(
        text,
        "\naccuracy  {}{}",
        interval(found.all.intervals.accuracy),
        error(errors.and_then(|errors| errors.accuracy))
    );
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    let _ = writeln!(text, "\n{:width$}  {:>15}  {:>15}  {:>15}", "class", "precision", "recall", "F1");
    for (class, name) in names.iter().enumerate() {
        let of = &found.all.intervals;
        let _ = writeln!(
            text,
            "{name:width$}  {:>15}  {:>15}  {:>15}",
            interval(of.precision[class]),
            interval(of.recall[class]),
            interval(of.f1[class]),
        );
    }
    if !found.groups.is_empty() {
        let width = found.groups.iter().map(|group| group.group.chars().count()).max().unwrap_or(0).max(5);
        let _ =
            writeln!(text, "\n{:width$}  {:>10}  {:>15}  withheld cells", "group", "rows shown", "accuracy");
        for group in &found.groups {
            let rows: i64 = group.confusion.iter().flatten().sum();
            let accuracy = interval(group.intervals.accuracy);
            let name = printable(&group.group);
            let _ = writeln!(text, "{name:width$}  {rows:>10}  {accuracy:>15}  {}", group.cells_withheld);
        }
    }
    if let Some(gaps) = found.fairness.filter(|_| found.compared.len() > 1) {
        let _ = writeln!(
            text,
            "\nlargest differences between {} groups, of class {}: accuracy {:.4}, selected {:.4}, recall {:.4}, false \
             positives {:.4}",
            found.compared.len(),
            names.last().map(String::as_str).unwrap_or_default(),
            gaps.accuracy,
            gaps.selected,
            gaps.recall,
            gaps.false_positive_rate,
        );
    }
    if found.all.other_labels != 0 {
        let _ = writeln!(text, "{} rows have a label that is no class of the model", found.all.other_labels);
    }
    if let Some(ranking) = &found.ranking {
        text.push_str(&curves(ranking));
    }
    if found.noise > 0.0 {
        let _ = writeln!(text, "every count carries noise of standard deviation {:.1}", found.noise);
    }
    text
}

/// AUC, log loss and lift.
fn curves(ranking: &Ranking) -> String {
    let mut text = format!("\nAUC       {}\n", interval(ranking.auc));
    if ranking.log_loss.is_some() {
        let _ = writeln!(text, "log loss  {}", interval(ranking.log_loss));
    }
    let _ = writeln!(text, "\ndecile  of second class  lift  captured");
    for tenth in &ranking.lift {
        let _ = writeln!(
            text,
            "{:>6}  {:>13.1} %  {:>4.2}  {:>6.1} %",
            tenth.decile,
            100.0 * tenth.rate,
            tenth.lift,
            100.0 * tenth.captured
        );
    }
    if ranking.bands_withheld > 0 {
        let _ = writeln!(
            text,
            "{} bands of the score are withheld: the above is of the rows that are shown",
            ranking.bands_withheld
        );
    }
    text
}

/// The confusion matrix.
fn matrix(names: &[String], group: &ClassificationGroup, min_cohort: u32) -> String {
    let cell = |actual: usize, predicted: usize| {
        let rows = group.confusion[actual][predicted];
        match (group.withheld[actual][predicted], rows) {
            (false, rows) => rows.to_string(),
            (true, 0) => "withheld".to_owned(),
            (true, rows) => format!("{rows} or more"),
        }
    };
    let title = "actual \\ predicted";
    let first = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(title.chars().count());
    let width = |class: usize| {
        let cells = (0..names.len()).map(|actual| cell(actual, class).chars().count());
        cells.max().unwrap_or(0).max(names[class].chars().count())
    };
    let mut text = format!("{title:first$}");
    for (class, name) in names.iter().enumerate() {
        let _ = write!(text, "  {name:>width$}", width = width(class));
    }
    text.push('\n');
    for (actual, name) in names.iter().enumerate() {
        let _ = write!(text, "{name:first$}");
        for predicted in 0..names.len() {
            let _ = write!(text, "  {:>width$}", cell(actual, predicted), width = width(predicted));
        }
        text.push('\n');
    }
    if group.cells_withheld > 0 {
        let _ = writeln!(
            text,
            "{} of the answer's cells are withheld: fewer than {min_cohort} rows stand behind each, or none",
            group.cells_withheld
        );
    }
    text
}

fn interval(bounds: Option<Bounds>) -> String {
    match bounds {
        None => "-".to_owned(),
        Some(Bounds { lower, upper }) if upper - lower < 5e-5 => format!("{lower:.4}"),
        Some(Bounds { lower, upper }) => format!("{lower:.4}..{upper:.4}"),
    }
}

fn regression(found: &Regression) -> String {
    let mut text = format!(
        "{:16}  {:>8}  {:>12}  {:>8}  {:>12}  mean absolute error\n",
        "group", "rows", "RMSE", "R2", "mean error"
    );
    let mut line = |group: &RegressionGroup, name: &str| {
        let r2 = group.r2.map_or_else(|| "-".to_owned(), |r2| format!("{r2:.4}"));
        let _ = writeln!(
            text,
            "{:16}  {:>8.0}  {:>12.4}  {r2:>8}  {:>12.4}  {:.4} to {:.4}",
            printable(name),
            group.rows,
            group.rmse,
            group.mean_error,
            group.mae.lower,
            group.mae.upper
        );
    };
    for group in &found.groups {
        line(group, &group.group);
    }
    if let Some(all) = &found.all {
        line(all, if found.withheld.is_empty() { "all" } else { "all shown" });
        if let Some(deviance) = all.deviance {
            let _ = writeln!(text, "mean Poisson deviance {}", interval(Some(deviance)));
        }
        if let (Some(mse), r2) = (all.mse_standard_error, all.r2_standard_error) {
            let _ = writeln!(
                text,
                "by noise: MSE {:.4} +- {mse:.4}, R2 +- {:.4}",
                all.mse,
                r2.unwrap_or_default()
            );
        }
    }
    if found.cells_withheld > 0 {
        let _ = writeln!(
            text,
            "{} sums by predicted number are withheld: fewer than {} rows stand behind each; the above is of the others",
            found.cells_withheld, found.min_cohort
        );
    }
    if !found.withheld.is_empty() {
        let _ = writeln!(
            text,
            "withheld, because fewer than {} rows stand behind a sum: {}",
            found.min_cohort,
            printable(&found.withheld.join(", "))
        );
    }
    text
}
