//! Every kind of model on three tables, as an owner would publish them: what an audition releases is
//! what the integer model does on the rows, exactly, and what the floating-point model does within the
//! error that the preflight states having seen other rows. Prints how each is answered, or why not.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::Deserialize;
use sordino_model::{
    audition::{self, ChooseError, Chosen, Metrics, Subject},
    float::{self, Outcome},
    import,
    limits::Limits,
    model::Model,
    preflight::{self, Comparison, Preflight},
    quantised::{IntegerPrediction, evaluate},
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    coded::CodedTable,
    digest::Digest,
    layout_plan,
    lower::scan,
    manifest::Manifest,
    plaintext,
    query::{GroupKey, Query},
    release_values,
    schema::{ColumnId, Schema},
};

use crate::published::{answering, fit, published};

/// Kinds that have no audition of these tables, and a part of what is said then.
const REFUSED: [(&str, &str); 3] = [
    ("mlp_of_many_inputs", "fewer inputs, or ask the owner for coarser buckets"),
    ("poisson_of_many_inputs", "publish it as a dimension"),
    ("random_forest_regressor", "publish it as a dimension"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    schema: Schema,
    models: BTreeMap<String, Exported>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    label: String,
    export: serde_json::Value,
}

/// A table in clear.
struct Table {
    schema: Schema,
    /// Every fourth row of the file, for the preflight.
    sandbox: Vec<Vec<Option<String>>>,
    /// The others, which are published.
    rows: Vec<Vec<Option<String>>>,
    coded: CodedTable,
}

impl Table {
    fn new(name: &str, schema: Schema) -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/data/{name}.csv"));
        let text = fs::read_to_string(path).expect("a table");
        let mut lines = text.lines().map(cells);
        let header = lines.next().expect("a header");
        let position = |name: &String| header.iter().position(|column| column == name).expect("a column");
        let positions: Vec<usize> = schema.columns.iter().map(|column| position(&column.name)).collect();
        let (mut sandbox, mut rows) = (Vec::new(), Vec::new());
        for (line, cells) in lines.enumerate() {
            let row: Vec<Option<String>> = positions.iter().map(|at| Some(cells[*at].clone())).collect();
            if line % 4 == 0 { &mut sandbox } else { &mut rows }.push(row);
        }
        let mut coded = CodedTable::new(&schema);
        for (index, row) in rows.iter().enumerate() {
            let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
            coded.push(&schema, index as u64, &cells).expect("fits the schema");
        }
        Self { schema, sandbox, rows, coded }
    }

    /// What a gate without noise and cohort releases.
    fn answer(&self, query: &Query) -> Answer {
        let needs = query.requirements(&self.schema);
        let noise = vec![0.0; needs.quantities.len()];
        let groups = plaintext::evaluate(&self.schema, query, &self.coded).into_iter().map(|totals| {
            let values = release_values::release(&self.schema, &needs, &totals, &noise, 1);
            AnswerGroup { key: totals.key, values: Some(values) }
        });
        let digest = query.digest().expect("canonical");
        Answer::new(&self.schema, query, digest, groups.collect(), noise.clone(), 1)
    }

    fn floats(&self, model: &Model) -> Vec<float::Prediction> {
        let one = |row: &Vec<Option<String>>| {
            let cells: Vec<Option<&str>> = row.iter().map(Option::as_deref).collect();
            float::evaluate(model, &preflight::row(model, &self.schema, &cells)).expect("a prediction")
        };
        self.rows.iter().map(one).collect()
    }

    fn integers(&self, chosen: &Chosen) -> Vec<IntegerPrediction> {
        let one = |row| evaluate(&chosen.outcome.model, &self.coded, row).expect("a prediction");
        (0..self.coded.rows).map(one).collect()
    }
}

/// The cells of a line; texts with commas are in quotation marks.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("a cell").push(c),
        }
    }
    cells
}

/// Counts by two positions.
fn counted(pairs: impl Iterator<Item = (usize, usize)>, size: (usize, usize)) -> Vec<Vec<i64>> {
    let mut counts = vec![vec![0; size.1]; size.0];
    pairs.for_each(|(one, other)| counts[one][other] += 1);
    counts
}

/// Compares what is released with both models; what is said of it.
fn check(at: &str, table: &Table, model: &Model, label: ColumnId, chosen: &Chosen) -> String {
    let found = audition::metrics(&chosen.audition, &table.answer(&chosen.audition.query)).expect("metrics");
    let stated = preflight::preflight(model, &table.schema, &table.sandbox, &chosen.options);
    let (integers, floats) = (table.integers(chosen), table.floats(model));
    let compared = stated.rows.as_ref().expect("rows were given");
    assert_eq!(compared.refused, 0, "{at}: {:?}", compared.first_refusal);
    if let Some(bound) = bound(&stated) {
        let published = preflight::preflight(model, &table.schema, &table.rows, &chosen.options);
        let found = published.rows.expect("rows were given").max_score_difference;
        assert!(found <= bound + 1e-6, "{at}: {found}, stated {bound}");
    }
    match found {
        Metrics::Classification(found) => {
            let actual = |row: usize| {
                let text = table.schema.column(label).label(table.coded.codes(label)[row]).expect("a label");
                model.classes.iter().position(|class| *class == text).expect("a class of the model")
            };
            let classes = model.classes.len();
            let pair = |row: usize| (actual(row), integers[row].class.expect("a class"));
            let expected = counted((0..integers.len()).map(pair), (classes, classes));
            assert_eq!(found.all.confusion, expected, "{at}");
            let accuracy = found.all.metrics.as_ref().expect("all is shown").accuracy;
            let right = floats.iter().enumerate().filter(|(row, float)| class(float) == actual(*row)).count();
            let float = right as f64 / floats.len() as f64;
            let same = floats.iter().zip(&integers).filter(|(f, i)| Some(class(f)) == i.class).count();
            let stated = differ(at, compared, same, floats.len());
            assert!((accuracy - float).abs() <= stated, "{at}: {accuracy}, {float}, stated {stated}");
            let auc = found.ranking.and_then(|ranking| ranking.auc);
            let auc = auc.map(|auc| format!(", AUC {:.3} to {:.3}", auc.lower, auc.upper));
            let auc = auc.unwrap_or_default();
            format!("accuracy {accuracy:.4} (float {float:.4}, stated within {stated:.4}){auc}")
        }
        Metrics::Clustering(found) => {
            let codes = table.coded.codes(label);
            let pair = |row: usize| (integers[row].class.expect("a cluster"), codes[row] as usize);
            let size = (model.classes.len(), table.schema.column(label).codes() as usize);
            assert_eq!(found.all.rows, counted((0..integers.len()).map(pair), size), "{at}");
            let same = floats.iter().zip(&integers).filter(|(f, i)| Some(class(f)) == i.class).count();
            differ(at, compared, same, floats.len());
            format!("purity {:.4}, {same} of {} as in float", found.all.purity.expect("shown"), floats.len())
        }
        Metrics::Regression(found) => {
            let scale = table.schema.column(label).measure.as_ref().expect("a measure").scale;
            let actual = |row: usize| {
                table.coded.values(label)[row].expect("a label") as f64 / 10f64.powi(i32::from(scale))
            };
            let mean = |error: &dyn Fn(usize) -> f64| {
                let squares: f64 = (0..floats.len()).map(|row| error(row).powi(2)).sum();
                (squares / floats.len() as f64).sqrt()
            };
            let link = chosen.outcome.model.link.map(|at| at as f64);
            let number = |scores: &[f64]| link.number(scores).expect("a number");
            let integer =
                |row: usize| number(&chosen.outcome.model.scores(&integers[row].scores)) - actual(row);
            let float = |row: usize| match floats[row].outcome {
                Outcome::Number(number) => number - actual(row),
                Outcome::Class { .. } => panic!("{at}: a class"),
            };
            let all = found.all.expect("rows");
            let rmse = all.rmse;
            let (exact, float) = (mean(&integer), mean(&float));
            assert!((rmse - exact).abs() <= 1e-9 * exact.max(1.0), "{at}: {rmse} is not {exact}");
            if let Some(stated) = all.deviance {
                let one = |row: usize| {
                    let (y, mean) = (actual(row), integer(row) + actual(row));
                    2.0 * (if y > 0.0 { y * (y / mean).ln() } else { 0.0 } - (y - mean))
                };
                let exact = (0..floats.len()).map(one).sum::<f64>() / floats.len() as f64;
                assert!(
                    stated.lower <= exact + 1e-9 && exact <= stated.upper + 1e-9,
                    "{at}: {stated:?}, {exact}"
                );
                assert!(stated.upper < 10.0 * stated.lower + 1.0, "{at}: {stated:?} says little");
            }
            let absolute = (0..floats.len()).map(|row| integer(row).abs()).sum::<f64>() / floats.len() as f64;
            assert!(all.mae.lower <= absolute + 1e-9 && absolute <= all.mae.upper + 1e-9, "{at}: {absolute}");
            let stated = compared.rms_at_most.expect("a number");
            assert!((rmse - float).abs() <= stated + 1e-9, "{at}: {rmse}, {float}, stated {stated}");
            let seen = compared.rms_difference.expect("a number");
            assert!(stated < 3.0 * seen + 1e-9, "{at}: {stated} says too little, {seen} seen");
            format!("RMSE {rmse:.4} (float {float:.4}, stated within {stated:.4}, {seen:.4} seen)")
        }
    }
}

fn class(prediction: &float::Prediction) -> usize {
    match prediction.outcome {
        Outcome::Class { class, .. } => class,
        Outcome::Number(_) => panic!("a number"),
    }
}

/// Checks the stated share of rows with another class than in floating point, and gives it.
fn differ(at: &str, compared: &Comparison, same: usize, rows: usize) -> f64 {
    let stated = compared.other_class_at_most.expect("classes");
    let found = 1.0 - same as f64 / rows as f64;
    assert!(found <= stated, "{at}: {found} get another class, stated {stated}");
    let seen = 1.0 - compared.equal_classes.expect("classes");
    assert!(stated < 2.0 * seen + 0.06, "{at}: {stated} says too little, {seen} seen");
    stated
}

/// The largest difference of a score that is stated beforehand.
fn bound(stated: &Preflight) -> Option<f64> {
    let report = stated.report.as_ref()?;
    let worst = |errors: &[f64]| errors.iter().copied().fold(0.0, f64::max);
    Some(worst(report.rounding.as_ref()?) + worst(report.buckets.as_ref()?))
}

/// How a query is answered.
fn answered(table: &Table, manifest: &Manifest, query: &Query) -> String {
    if !query.is_scored() {
        return format!("counts and sums of conditions ({})", answering(manifest, query).expect("some"));
    }
    let rows = table.coded.rows as u64;
    scan::check_scores(&table.schema, rows, query).expect("it fits");
    let set = layout_plan::score(&table.schema).parameter_set;
    match query.groups.first() {
        Some(GroupKey::Largest { scores, .. }) => {
            let levels = |a: &usize| {
                scores[..*a].iter().filter_map(move |b| scores[*a].minus(b)).map(|d| d.levels()).max()
            };
            let most = (0..scores.len()).filter_map(|a| levels(&a)).max().unwrap_or(0);
            format!("largest of {} scores, differences of up to {most} levels ({set})", scores.len())
        }
        _ => format!("{} levels of a score ({set})", query.scores[0].levels()),
    }
}

#[test]
fn every_kind_of_model_on_every_table() {
    let mut refused: Vec<(String, String)> = Vec::new();
    for name in ["german_credit", "breast_cancer", "actg175"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/auditions/{name}.json"));
        let text = fs::read(path).expect("a fixture");
        let fixture: Fixture = serde_json::from_slice(&text).expect("a fixture");
        let table = Table::new(name, fixture.schema);
        assert!(fixture.models.len() >= 18, "{name}");
        let manifest = published(&table.schema, table.coded.rows as u64);
        for (kind, exported) in &fixture.models {
            let at = format!("{name}, {kind}");
            let bytes = serde_json::to_vec(&exported.export).expect("JSON");
            let model = import::any(&bytes, None, &Limits::default()).expect("a model");
            let label = table.schema.find(&exported.label).expect("the label");
            let dataset = Digest::from_bytes([1; 32]);
            let subject =
                Subject { dataset, rows: table.coded.rows as u64, label, by: None, is_hidden: false };
            let started = std::time::Instant::now();
            match audition::choose(&model, &table.schema, subject) {
                Ok(chosen) => {
                    let compiled = started.elapsed();
                    let chosen = fit(&manifest, &model, subject, chosen)
                        .unwrap_or_else(|refused| panic!("{at}: no layout answers: {refused}"));
                    let how = answered(&table, &manifest, &chosen.audition.query);
                    let found = check(&at, &table, &model, label, &chosen);
                    println!("{name:13} | {kind:38} | {how} | {found} | compiled in {compiled:.1?}");
                }
                Err(error) => {
                    println!("{name:13} | {kind:38} | refused: {error}");
                    refused.push((kind.clone(), error.to_string()));
                    assert!(matches!(error, ChooseError::Audition(_)), "{at}: {error}");
                }
            }
        }
    }
    let known = |(kind, error): &&(String, String)| {
        REFUSED.iter().any(|(of, words)| kind == of && error.contains(words))
    };
    let others: Vec<_> = refused.iter().filter(|refusal| !known(refusal)).collect();
    assert!(others.is_empty(), "{others:#?}");
}
