//! Auditions against the integer models, row by row: what is released of a table is what the model does
//! on its rows.

use std::collections::{BTreeMap, BTreeSet};

use sordino_model::{
    audition::{self, AuditionError, ChooseError, Chosen, Metrics, ReadError, Subject},
    model::Model,
    quantised::evaluate,
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    coded::CodedTable,
    digest::Digest,
    plaintext,
    query::VeilError,
    release_values,
    schema::{Column, ColumnId, Domain, Measure, Schema},
};

use crate::{
    fixture::{Fixture, fixtures, models},
    tables::{Published, schema},
};

/// Single trees and linear models, whichever way their columns are published.
const EVALUATED: [&str; 10] = [
    "decision_tree",
    "decision_tree_regressor",
    "lasso",
    "linear_regression",
    "onnx_linear",
    "onnx_tree",
    "onnx_tree_regressor",
    "ridge",
    "tree_german_credit",
    "tree_missing",
];

/// A table of a fixture with a label and a group.
struct World {
    schema: Schema,
    table: CodedTable,
    label: ColumnId,
    group: ColumnId,
}

impl World {
    /// Labels are what the model predicts, but for some rows; three rows of a classifier have another.
    fn new(fixture: &Fixture, model: &Model, published: Published) -> Self {
        let mut schema = schema(fixture, published);
        let column = |name: &str, dimension, measure| Column {
            name: name.to_owned(),
            description: String::new(),
            nullable: true,
            dimension,
            measure,
        };
        let classes = || model.classes.iter().cloned().chain(["something else".to_owned()]).collect();
        schema.columns.push(if model.classes.is_empty() {
            column("the label", None, Some(Measure { scale: 1, min: -10_000, max: 100_000 }))
        } else {
            column("the label", Some(Domain::Category { values: classes() }), None)
        });
        let sides = vec!["left".to_owned(), "right".to_owned()];
        schema.columns.push(column("the group", Some(Domain::Category { values: sides }), None));
        let mut table = CodedTable::new(&schema);
        for (index, cells) in fixture.rows.iter().enumerate() {
            let label = Self::label_of(fixture, model, index);
            let group = ["left", "right"][index % 2];
            let mut cells: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
            cells.extend([label.as_deref(), Some(group)]);
            table.push(&schema, index as u64, &cells).expect("fits the schema");
        }
        let id = |name| schema.find(name).expect("a column");
        Self { label: id("the label"), group: id("the group"), schema, table }
    }

    fn label_of(fixture: &Fixture, model: &Model, row: usize) -> Option<String> {
        if row == 7 {
            return None;
        }
        if let Some(numbers) = &fixture.expected.numbers {
            return Some(format!("{:.1}", numbers[row].clamp(-900.0, 9_000.0) + (row % 5) as f64 - 1.5));
        }
        let class = fixture.expected.classes.as_ref().expect("classes")[row];
        Some(match row % 6 {
            3 => "something else".to_owned(),
            5 => model.classes[(class + 1) % model.classes.len()].clone(),
            _ => model.classes[class].clone(),
        })
    }

    fn subject(&self, by: bool) -> Subject {
        Subject {
            dataset: Digest::from_bytes([1; 32]),
            rows: self.table.rows as u64,
            label: self.label,
            by: by.then_some(self.group),
            is_hidden: false,
        }
    }

    /// What a gate without noise releases.
    fn answer(&self, chosen: &Chosen, min_cohort: u32) -> Answer {
        let query = &chosen.audition.query;
        let needs = query.requirements(&self.schema);
        let noise = vec![0.0; needs.quantities.len()];
        let groups = plaintext::evaluate(&self.schema, query, &self.table).into_iter().map(|totals| {
            let shown = totals.rows >= u64::from(min_cohort);
            let release = || release_values::release(&self.schema, &needs, &totals, &noise, min_cohort);
            AnswerGroup { values: shown.then(release), key: totals.key }
        });
        let digest = query.digest().expect("canonical");
        Answer::new(&self.schema, query, digest, groups.collect(), noise.clone(), min_cohort)
    }

    /// The confusion matrix in clear.
    fn confusion(&self, model: &Model, chosen: &Chosen, rows: impl Iterator<Item = usize>) -> Vec<Vec<i64>> {
        let mut counts = vec![vec![0; model.classes.len()]; model.classes.len()];
        for row in rows {
            let predicted = evaluate(&chosen.outcome.model, &self.table, row).expect("a prediction").class;
            let actual = self.schema.column(self.label).label(self.table.codes(self.label)[row]);
            let actual = actual.and_then(|actual| model.classes.iter().position(|class| *class == actual));
            if let Some(actual) = actual {
                counts[actual][predicted.expect("a class")] += 1;
            }
        }
        counts
    }

    /// The probability that a row of the second class has the higher score, in clear.
    fn auc(&self, model: &Model, chosen: &Chosen) -> f64 {
        let mut by_class = [Vec::new(), Vec::new()];
        for row in 0..self.table.rows {
            let scores = evaluate(&chosen.outcome.model, &self.table, row).expect("a prediction").scores;
            let actual = self.schema.column(self.label).label(self.table.codes(self.label)[row]);
            let actual = actual.and_then(|actual| model.classes.iter().position(|class| *class == actual));
            if let Some(class) = actual {
                by_class[class]
                    .push(scores.last().expect("a score") - if scores.len() == 2 { scores[0] } else { 0 });
            }
        }
        let [no, yes] = &by_class;
        let wins = yes.iter().flat_map(|y| {
            no.iter().map(move |n| {
                if y > n {
                    1.0
                } else if y == n {
                    0.5
                } else {
                    0.0
                }
            })
        });
        wins.sum::<f64>() / (no.len() * yes.len()) as f64
    }

    /// Rows, and the sums of errors and of squared errors in units of the label, in clear.
    fn errors(&self, chosen: &Chosen) -> (f64, f64, f64) {
        let mut sums = (0.0, 0.0, 0.0);
        for row in 0..self.table.rows {
            let Some(actual) = self.table.values(self.label)[row] else { continue };
            let scores = evaluate(&chosen.outcome.model, &self.table, row).expect("a prediction").scores;
            let link = chosen.outcome.model.link.map(|at| at as f64);
            let number = link.number(&chosen.outcome.model.scores(&scores)).expect("a number");
            let error = number - actual as f64 / 10.0;
            sums = (sums.0 + 1.0, sums.1 + error, sums.2 + error * error);
        }
        sums
    }
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-6)
}

fn check(name: &str, world: &World, model: &Model, chosen: &Chosen) {
    let metrics = audition::metrics(&chosen.audition, &world.answer(chosen, 1)).expect("metrics");
    match metrics {
        Metrics::Classification(found) => {
            let all = world.confusion(model, chosen, 0..world.table.rows);
            assert_eq!(found.all.confusion, all, "{name}");
            assert_eq!(found.groups.len(), 3, "left, right and no value");
            for (side, group) in found.groups.iter().take(2).enumerate() {
                let rows = (0..world.table.rows).filter(|row| row % 2 == side);
                assert_eq!(group.confusion, world.confusion(model, chosen, rows), "{name} {}", group.group);
            }
            let whole = found.all.metrics.expect("nothing is unknown with a cohort of one");
            if let Some(ranking) = &found.ranking {
                let auc = ranking.auc.expect("both classes");
                let exact = world.auc(model, chosen);
                assert!(auc.lower <= exact + 1e-9 && exact <= auc.upper + 1e-9, "{name}: {exact}, {auc:?}");
                assert!(ranking.bands_withheld == 0 && ranking.roc.len() > 2 && ranking.lift.len() == 10);
            }
            let accuracy = found.all.intervals.accuracy.expect("rows");
            assert!(close(accuracy.lower, whole.accuracy) && close(accuracy.upper, whole.accuracy), "{name}");
        }
        // Their rows have labels that are no classes: see `accepted`.
        Metrics::Clustering(found) => assert!(found.all.purity.is_some(), "{name}"),
        Metrics::Regression(found) => {
            let (rows, errors, squares) = world.errors(chosen);
            let all = found.all.expect("rows");
            assert_eq!(all.rows, rows, "{name}");
            assert!(close(all.mse, squares / rows), "{name}: {} is not {}", all.mse, squares / rows);
            assert!(
                close(all.mean_error, errors / rows),
                "{name}: {} is not {}",
                all.mean_error,
                errors / rows
            );
            assert!(all.mae.lower <= all.rmse && all.r2.is_some(), "{name}");
            assert_eq!((found.groups.len(), found.withheld.len()), (2, 1), "nobody has no group");
        }
    }
    // JSON keeps the question, and the program of a query from outside is checked like this one.
    let text = serde_json::to_string(&chosen.audition).expect("JSON");
    let read: audition::Audition = serde_json::from_str(&text).expect("reads back");
    assert_eq!(read.query.digest().expect("canonical"), chosen.audition.query.digest().expect("canonical"));
}

#[test]
fn released_metrics_are_those_of_the_integer_model() {
    let mut evaluated = BTreeSet::new();
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    for (name, fixture) in fixtures() {
        for (format, model) in models(&fixture) {
            for published in [Published::Measures, Published::Values, Published::Buckets] {
                let world = World::new(&fixture, &model, published);
                match audition::choose(&model, &world.schema, world.subject(true)) {
                    Ok(chosen) => {
                        check(&format!("{name} from {format}"), &world, &model, &chosen);
                        evaluated.insert(name.clone());
                    }
                    Err(error) => {
                        refused.entry(name.clone()).or_default().push_str(&format!("{error}; "));
                    }
                }
            }
        }
    }
    for name in EVALUATED {
        assert!(evaluated.contains(name), "{name}: {:?}", refused.get(name));
    }
    eprintln!("evaluated: {evaluated:?}");
    refused
        .iter()
        .filter(|(name, _)| !evaluated.contains(*name))
        .for_each(|refusal| eprintln!("{refusal:?}"));
    for (name, error) in refused.iter().filter(|(name, _)| !evaluated.contains(*name)) {
        let said = [
            "too fine to be compared",
            "more than its powers have room for",
            "publish it as buckets too",
            "every combination of",
            "has to publish it as a dimension",
            "too many products",
            "needs a dimension",
            "leaves or cells",
        ];
        assert!(said.iter().any(|words| error.contains(words)), "{name}: {error}");
    }
}

/// Whatever classifier can be auditioned can be hidden, too: the gate needs nothing but counts.
#[test]
fn hidden_classifiers_release_the_same_confusion_matrix_and_show_no_score() {
    let mut by_score = BTreeSet::new();
    for (name, fixture) in fixtures() {
        for (format, model) in models(&fixture) {
            let world = World::new(&fixture, &model, Published::Buckets);
            let subject = Subject { is_hidden: true, ..world.subject(true) };
            let hidden = audition::choose(&model, &world.schema, subject);
            if model.classes.is_empty() {
                let refused = matches!(hidden, Err(ChooseError::Audition(AuditionError::HiddenNumber)));
                assert!(refused, "{name} from {format}: {hidden:?}");
                continue;
            }
            let Ok(shown) = audition::choose(&model, &world.schema, world.subject(true)) else { continue };
            let hidden = hidden.unwrap_or_else(|error| panic!("{name} from {format}: {error}"));
            check(&format!("{name} from {format}, hidden"), &world, &model, &hidden);
            let veiled = match hidden.audition.query.veiled() {
                // On these buckets it predicts one class only.
                Err(VeilError::NoConditions) => continue,
                veiled => veiled.expect("only counts by class"),
            };
            assert!(veiled.query.is_veiled() && veiled.query.scores.is_empty());
            if !shown.audition.query.scores.is_empty() {
                // The comparison is deeper than the powers that are counted, so integers may be coarser.
                let bits = |chosen: &Chosen| chosen.outcome.model.fraction_bits;
                assert!((bits(&shown) - 3..=bits(&shown)).contains(&bits(&hidden)), "{name}");
                by_score.insert(name.clone());
            }
        }
    }
    assert!(by_score.len() > 5, "{by_score:?}");
}

#[test]
fn withheld_cells_make_intervals_that_hold_the_metrics() {
    let fixture = fixtures().remove("tree_german_credit").expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    let world = World::new(&fixture, &model, Published::Values);
    let chosen = audition::choose(&model, &world.schema, world.subject(true)).expect("an audition");
    let exact = audition::metrics(&chosen.audition, &world.answer(&chosen, 1)).expect("metrics");
    let withheld = audition::metrics(&chosen.audition, &world.answer(&chosen, 3)).expect("metrics");
    let (Metrics::Classification(exact), Metrics::Classification(found)) = (exact, withheld) else {
        panic!("a classifier")
    };
    assert!(found.all.cells_withheld > 0 && found.all.metrics.is_none(), "{found:?}");
    let whole = exact.all.metrics.expect("metrics");
    let accuracy = found.all.intervals.accuracy.expect("some rows are shown");
    assert!(accuracy.lower < whole.accuracy && whole.accuracy < accuracy.upper, "{accuracy:?}");
    for (class, of) in whole.classes.iter().enumerate() {
        for (interval, value) in [
            (found.all.intervals.precision[class], of.precision),
            (found.all.intervals.recall[class], of.recall),
            (found.all.intervals.f1[class], of.f1),
        ] {
            if let (Some(interval), Some(value)) = (interval, value) {
                assert!(interval.lower <= value && value <= interval.upper, "{interval:?}, {value}");
            }
        }
    }
    let nothing = audition::metrics(&chosen.audition, &world.answer(&chosen, 1_000));
    assert_eq!(nothing, Err(ReadError::Withheld { min_cohort: 1_000 }));
}

#[test]
fn noise_is_stated_as_a_standard_error() {
    for name in ["tree_german_credit", "linear_regression"] {
        let fixture = fixtures().remove(name).expect("the fixture");
        let (_, model) = models(&fixture).remove(0);
        let published = if name == "linear_regression" { Published::Measures } else { Published::Values };
        let world = World::new(&fixture, &model, published);
        let chosen = audition::choose(&model, &world.schema, world.subject(false)).expect("an audition");
        let mut answer = world.answer(&chosen, 1);
        answer.noise.fill(2.0);
        match audition::metrics(&chosen.audition, &answer).expect("metrics") {
            Metrics::Classification(found) => {
                let errors = found.all.standard_errors.expect("noise");
                assert_eq!(found.noise, 2.0);
                assert!(errors.accuracy.is_some_and(|error| error > 0.01 && error < 1.0), "{errors:?}");
            }
            Metrics::Regression(found) => {
                let all = found.all.expect("rows");
                assert!(all.mse_standard_error.is_some_and(|error| error > 0.0));
                assert!(all.r2_standard_error.is_some_and(|error| error > 0.0));
            }
            Metrics::Clustering(found) => panic!("{found:?}"),
        }
    }
}

#[test]
fn what_has_no_audition_is_refused_by_name() {
    let fixture = fixtures().remove("tree_german_credit").expect("the fixture");
    let (_, model) = models(&fixture).remove(0);
    let world = World::new(&fixture, &model, Published::Values);
    let refused = |subject| match audition::choose(&model, &world.schema, subject) {
        Err(ChooseError::Audition(error)) => error,
        other => panic!("{other:?}"),
    };
    let subject = world.subject(false);
    let read = world.schema.find(&model.inputs[0].name).expect("an input");
    assert!(matches!(refused(Subject { label: read, ..subject }), AuditionError::LabelIsInput { .. }));
    assert!(matches!(
        refused(Subject { by: Some(subject.label), ..subject }),
        AuditionError::LabelIsInput { .. }
    ));
    let other = Subject { label: world.group, ..subject };
    assert!(matches!(refused(other), AuditionError::NoCommonClass { .. }), "{}", refused(other));
}
