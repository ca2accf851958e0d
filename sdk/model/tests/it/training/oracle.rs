//! Answers as a gate would release them, from plaintext.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use sordino_model::{
    float::{self, Outcome},
    model::Model,
    scalar::Scalar,
    train::{Source, Step, Task, Trained, Trainer},
};
use sordino_protocol::{
    answer::{Answer, AnswerGroup},
    canonical::Canonical,
    coded::CodedTable,
    digest::Digest,
    noise, plaintext,
    policy::{Epsilon, Noise},
    predicate::Predicate,
    query::Query,
    release_values,
    schema::Schema,
    testing,
};

/// A table, a task, and what scikit-learn made of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) table: String,
    pub(crate) schema: Schema,
    pub(crate) task: Task,
    pub(crate) expected: Expected,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expected {
    pub(crate) accuracy: Option<f64>,
    pub(crate) r2: Option<f64>,
    pub(crate) inertia: Option<f64>,
    pub(crate) weights: Vec<f64>,
    pub(crate) intercept: Option<f64>,
}

/// How answers are protected.
#[derive(Debug, Clone)]
pub(crate) struct Protection {
    pub(crate) cohort: u32,
    pub(crate) noise: Noise,
    pub(crate) seed: u64,
}

impl Protection {
    pub(crate) fn cohort(cohort: u32) -> Self {
        Self { cohort, noise: Noise::None, seed: 1 }
    }

    pub(crate) fn noise(epsilon: f64) -> Self {
        let epsilon_per_query = Epsilon::millionths((epsilon * 1e6) as u64);
        Self { cohort: 1, noise: Noise::DiscreteGaussian { epsilon_per_query, delta_exponent: 6 }, seed: 1 }
    }
}

/// Rows as texts, and as the evaluator reads them.
pub(crate) struct Rows {
    pub(crate) cells: Vec<BTreeMap<String, Option<String>>>,
    pub(crate) coded: CodedTable,
}

pub(crate) fn cases() -> BTreeMap<String, Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/training.json");
    serde_json::from_slice(&std::fs::read(path).expect("the cases")).expect("cases")
}

impl Case {
    pub(crate) fn rows(&self) -> Rows {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../../tests/data")
            .join(format!("{}.csv", self.table));
        let text = std::fs::read_to_string(path).expect("a table");
        let mut lines = text.lines().map(split);
        let header = lines.next().expect("a header");
        let mut rows = Rows { cells: Vec::new(), coded: CodedTable::new(&self.schema) };
        for (number, line) in lines.enumerate() {
            let cell = |name: &str| {
                let position = header.iter().position(|column| column == name).expect("a column");
                Some(line[position].clone()).filter(|text| !self.schema.is_null(text))
            };
            let cells: BTreeMap<_, _> =
                self.schema.columns.iter().map(|column| (column.name.clone(), cell(&column.name))).collect();
            let texts: Vec<Option<&str>> =
                self.schema.columns.iter().map(|column| cells[&column.name].as_deref()).collect();
            rows.coded.push(&self.schema, number as u64 + 1, &texts).expect("a row that fits");
            rows.cells.push(cells);
        }
        rows
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            dataset: Digest::from_bytes([0; 32]),
            schema: self.schema.clone(),
            rows: Predicate::All,
            max_released_values: 10_000,
            max_sums: u64::MAX,
        }
    }

    /// Trains, and checks that the plan was an upper bound.
    pub(crate) fn train(&self, rows: &Rows, protection: &Protection) -> Trained {
        self.train_from(self.source(), rows, protection)
    }

    /// As [`Self::train`], within the limits of this source.
    pub(crate) fn train_from(&self, source: Source, rows: &Rows, protection: &Protection) -> Trained {
        let mut trainer = Trainer::new(source, &self.task).expect("a task");
        let plan = trainer.plan().expect("a plan");
        let mut protection = protection.clone();
        let (mut rounds, mut released) = (0, 0);
        loop {
            match trainer.next().expect("a step") {
                Step::Done(trained) => {
                    assert_eq!(trained.rounds, rounds);
                    return *trained;
                }
                Step::Ask(queries) => {
                    let planned = &plan.rounds[rounds as usize];
                    assert!(queries.len() <= planned.len(), "round {rounds}: {} queries", queries.len());
                    let values = |queries: &[Query]| {
                        queries.iter().map(|query| query.released_values(&self.schema)).sum::<u64>()
                    };
                    assert!(values(&queries) <= values(planned), "round {rounds}");
                    released += values(&queries);
                    assert!(released <= plan.released_values(&self.schema));
                    rounds += 1;
                    let answers: Vec<Answer> = queries
                        .iter()
                        .map(|query| {
                            protection.seed += 1;
                            answer(&self.schema, query, &rows.coded, &protection)
                        })
                        .collect();
                    trainer.answer(&answers).expect("answers to the queries");
                }
            }
        }
    }
}

/// The released answer to a query.
pub(crate) fn answer(schema: &Schema, query: &Query, table: &CodedTable, protection: &Protection) -> Answer {
    query.validate(schema).expect("a valid query");
    let needs = query.requirements(schema);
    let scales = noise::scales(schema, query, &protection.noise);
    let mut next = testing::sequence(protection.seed);
    let mut uniform = || (next() >> 11) as f64 / (1u64 << 53) as f64;
    let mut normal = || (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
    let groups = plaintext::evaluate(schema, query, table)
        .into_iter()
        .map(|mut totals| {
            // Every quantity of a trainer is one integer.
            for (value, scale) in totals.values.iter_mut().zip(&scales) {
                *value += (normal() * scale).round() as i64;
            }
            let values = release_values::release(schema, &needs, &totals, &scales, protection.cohort);
            AnswerGroup { key: totals.key, values: Some(values) }
        })
        .collect();
    let digest = query.digest().expect("a digest");
    Answer::new(schema, query, digest, groups, scales, protection.cohort)
}

/// Accuracy, R2 or inertia of a model on the rows that it has an answer for.
pub(crate) fn quality(case: &Case, rows: &Rows, model: &Model) -> Expected {
    let (mut right, mut all) = (0.0, 0.0);
    let (mut squares, mut inertia) = (0.0, 0.0);
    let mut labels = Vec::new();
    for cells in &rows.cells {
        let label = case.task.label.as_ref().map(|label| cells[label].clone());
        let row: Vec<Scalar> =
            model.inputs.iter().map(|input| Scalar::from_cell(cells[&input.name].as_deref())).collect();
        if label == Some(None) || (row.iter().any(Scalar::is_null)) {
            continue;
        }
        let label = label.flatten().unwrap_or_default();
        let prediction = float::evaluate(model, &row).expect("a prediction");
        all += 1.0;
        match prediction.outcome {
            Outcome::Number(number) => {
                let label: f64 = label.parse().expect("a number");
                squares += (number - label).powi(2);
                labels.push(label);
            }
            Outcome::Class { class, .. } if case.task.label.is_some() => {
                right += f64::from(model.classes[class] == label);
            }
            Outcome::Class { class, .. } => inertia += prediction.scores[class],
        }
    }
    let mean = labels.iter().sum::<f64>() / all;
    let total: f64 = labels.iter().map(|label| (label - mean).powi(2)).sum();
    Expected {
        accuracy: Some(right / all),
        r2: Some(1.0 - squares / total),
        inertia: Some(inertia),
        ..Expected::default()
    }
}

/// The cells of a line of CSV.
fn split(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for character in line.trim_end().chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("a cell").push(other),
        }
    }
    cells
}
