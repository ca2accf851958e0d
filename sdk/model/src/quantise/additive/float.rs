//! Sums over columns in floating point: a table over the codes of a dimension, or a polynomial in a
//! measure.

use sordino_protocol::schema::{ColumnId, Schema};

use super::Terms;
use crate::{
    float::code_of,
    model::{Feature, Model},
    quantise::{
        Mapped, Problem, QuantiseError, Source,
        columns::{CodeValue, check_known, code_values, feature_values},
        problem::{ENTRIES, check_work},
    },
    scalar::Scalar,
};

/// A score before rounding.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::quantise) struct FloatScore {
    pub(in crate::quantise) intercept: f64,
    pub(in crate::quantise) terms: Vec<FloatTerm>,
    /// The largest error because buckets stand for all their values.
    pub(in crate::quantise) buckets: f64,
}

/// What one column adds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::quantise) enum FloatTerm {
    /// One number per code.
    Codes { column: ColumnId, values: Vec<f64> },
    /// A polynomial in units of the measure; `ends` are its smallest and largest value.
    Measure { column: ColumnId, weight: f64, square: f64, null: f64, ends: (f64, f64) },
}

/// What a feature adds to a score.
#[derive(Debug, Clone, Copy)]
pub(in crate::quantise) enum Quadratic<'a> {
    /// `constant + linear * x + square * x^2`.
    Polynomial { constant: f64, linear: f64, square: f64 },
    /// The entry at the code `x`.
    Table(&'a [f64]),
}

impl Quadratic<'_> {
    pub(in crate::quantise) const fn linear(weight: f64) -> Self {
        Self::Polynomial { constant: 0.0, linear: weight, square: 0.0 }
    }

    /// `factor * (x - centre)^2`.
    pub(in crate::quantise) fn distance(centre: f64, factor: f64) -> Self {
        Self::Polynomial {
            constant: factor * centre * centre,
            linear: -2.0 * factor * centre,
            square: factor,
        }
    }

    /// `None` where a table has no such entry.
    fn at(&self, x: f64) -> Option<f64> {
        match self {
            Self::Polynomial { constant, linear, square } => Some((square * x + linear) * x + constant),
            Self::Table(entries) => code_of(x).and_then(|code| entries.get(code)).copied(),
        }
    }
}

impl FloatScore {
    /// Two scores of one model, each times a factor of 1 or -1.
    pub(in crate::quantise) fn combined(one: &Self, other: &Self, factors: [f64; 2]) -> Self {
        let sum = |a: f64, b: f64| factors[0] * a + factors[1] * b;
        let term = |(one, other): (&FloatTerm, &FloatTerm)| match (one, other) {
            (FloatTerm::Codes { column, values }, FloatTerm::Codes { values: others, .. }) => {
                let values = values.iter().zip(others).map(|(a, b)| sum(*a, *b)).collect();
                FloatTerm::Codes { column: *column, values }
            }
            (
                FloatTerm::Measure { column, weight, square, null, ends },
                FloatTerm::Measure { weight: w, square: s, null: n, ends: e, .. },
            ) => {
                let corners = [sum(ends.0, e.1), sum(ends.1, e.0), sum(ends.0, e.0), sum(ends.1, e.1)];
                let low = corners.into_iter().fold(f64::INFINITY, f64::min);
                let high = corners.into_iter().fold(f64::NEG_INFINITY, f64::max);
                FloatTerm::Measure {
                    column: *column,
                    weight: sum(*weight, *w),
                    square: sum(*square, *s),
                    null: sum(*null, *n),
                    ends: (low, high),
                }
            }
            // Every score of a model reads a column in the same way.
            (one, _) => one.clone(),
        };
        Self {
            intercept: sum(one.intercept, other.intercept),
            terms: one.terms.iter().zip(&other.terms).map(term).collect(),
            buckets: one.buckets + other.buckets,
        }
    }

    /// The largest value minus the smallest one.
    pub(in crate::quantise) fn width(&self) -> f64 {
        let width = |term: &FloatTerm| match term {
            FloatTerm::Codes { values, .. } => {
                let low = values.iter().copied().fold(f64::INFINITY, f64::min);
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low
            }
            FloatTerm::Measure { ends, .. } => ends.1 - ends.0,
        };
        self.terms.iter().map(width).sum()
    }
}

/// The sums of a model over the columns of a schema.
pub(in crate::quantise) fn additive(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    terms: &Terms,
) -> Result<Vec<FloatScore>, QuantiseError> {
    let new = |intercept: &f64| FloatScore { intercept: *intercept, terms: Vec::new(), buckets: 0.0 };
    let mut scores: Vec<FloatScore> = terms.intercepts.iter().map(new).collect();
    let codes = mapped.iter().map(|input| schema.column(input.column).codes() as usize).max().unwrap_or(0);
    check_work(model.features.len().saturating_mul(scores.len()), codes, ENTRIES)?;
    let mut problems = Vec::new();
    for (index, input) in mapped.iter().enumerate() {
        let features: Vec<(usize, &Feature)> = model
            .features
            .iter()
            .enumerate()
            .filter(|(_, feature)| feature.input as usize == index)
            .collect();
        if features.is_empty() {
            continue;
        }
        let added = match input.source {
            Source::Codes => by_code(model, schema, input, &features, terms, &mut scores),
            Source::Measure => by_measure(model, schema, input, &features, terms, &mut scores),
        };
        if let Err(problem) = added {
            problems.push(problem);
        }
    }
    if problems.is_empty() { Ok(scores) } else { Err(QuantiseError::Problems(problems)) }
}

/// Adds a table over codes to every score.
fn by_code(
    model: &Model,
    schema: &Schema,
    input: &Mapped,
    features: &[(usize, &Feature)],
    terms: &Terms,
    scores: &mut [FloatScore],
) -> Result<(), Problem> {
    let column = schema.column(input.column);
    let codes = code_values(column);
    check_known(model, features[0].1, column, &codes)?;
    let mut tables = vec![vec![0.0; codes.len()]; scores.len()];
    // What the ends of each bucket would add instead.
    let mut ends = vec![vec![(0.0, 0.0); codes.len()]; if input.bucketed { scores.len() } else { 0 }];
    for (index, feature) in features {
        let values = feature_values(model, feature, &codes)?;
        for (score, table) in tables.iter_mut().enumerate() {
            let term = (terms.term)(score, *index);
            for (code, value) in values.iter().enumerate() {
                let missing = || Problem::Nullable { input: input.input.clone() };
                let value = value.ok_or_else(missing)?;
                let unknown = || Problem::Value {
                    input: input.input.clone(),
                    reason: format!("the model has no table entry for code {value}"),
                };
                table[code] += term.at(value).ok_or_else(unknown)?;
                if let Some(ends) = ends.get_mut(score) {
                    let (low, high) = at_ends(feature, &term, &codes[code], value);
                    ends[code].0 += low;
                    ends[code].1 += high;
                }
            }
        }
    }
    for (index, (score, values)) in scores.iter_mut().zip(tables).enumerate() {
        if let Some(ends) = ends.get(index) {
            let off =
                |((low, high), value): (&(f64, f64), &f64)| (low - value).abs().max((high - value).abs());
            score.buckets += ends.iter().zip(&values).map(off).fold(0.0, f64::max);
        }
        score.terms.push(FloatTerm::Codes { column: input.column, values });
    }
    Ok(())
}

/// What the smallest and the largest value of a bucket add.
fn at_ends(feature: &Feature, term: &Quadratic, code: &CodeValue, middle: f64) -> (f64, f64) {
    let at = |number: f64| {
        let value = feature.apply(&Scalar::Number(number)).ok().flatten().unwrap_or(middle);
        term.at(value).unwrap_or(0.0)
    };
    match code.ends {
        Some((low, high)) => (at(low), at(high)),
        None => (term.at(middle).unwrap_or(0.0), term.at(middle).unwrap_or(0.0)),
    }
}

/// Adds a polynomial in a measure to every score.
fn by_measure(
    model: &Model,
    schema: &Schema,
    input: &Mapped,
    features: &[(usize, &Feature)],
    terms: &Terms,
    scores: &mut [FloatScore],
) -> Result<(), Problem> {
    let column = schema.column(input.column);
    let not_readable = || Problem::NotReadable {
        input: input.input.clone(),
        reason: "the model needs a dimension of this column".to_owned(),
    };
    let measure = column.measure.as_ref().ok_or_else(not_readable)?;
    if model.inputs[features[0].1.input as usize].values.is_some() {
        return Err(not_readable());
    }
    let per_unit = 10f64.powi(-i32::from(measure.scale));
    for (score, found) in scores.iter_mut().enumerate() {
        let (mut weight, mut square, mut constant, mut null) = (0.0, 0.0, 0.0, 0.0);
        for (index, feature) in features {
            let (factor, offset) = feature.affine().ok_or_else(not_readable)?;
            let term = (terms.term)(score, *index);
            let Quadratic::Polynomial { constant: c, linear: b, square: a } = term else {
                return Err(not_readable());
            };
            // x = factor * 10^-scale * v + offset, put into the polynomial.
            let factor = factor * per_unit;
            weight += factor * (b + 2.0 * a * offset);
            square += a * factor * factor;
            constant += (a * offset + b) * offset + c;
            if column.nullable {
                let missing = || Problem::Nullable { input: input.input.clone() };
                let stand_in = feature.apply(&Scalar::Null).ok().flatten().ok_or_else(missing)?;
                null += term.at(stand_in).unwrap_or(0.0);
            }
        }
        found.intercept += constant;
        let at = |value: f64| (square * value + weight) * value;
        let mut values = vec![at(measure.min as f64), at(measure.max as f64)];
        let vertex = -weight / (2.0 * square);
        if vertex > measure.min as f64 && vertex < measure.max as f64 {
            values.push(at(vertex));
        }
        if column.nullable {
            // The constant went into the intercept, which rows without a value have, too.
            null -= constant;
            values.push(null);
        }
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        found.terms.push(FloatTerm::Measure {
            column: input.column,
            weight,
            square,
            null,
            ends: (low, high),
        });
    }
    Ok(())
}
