//! Networks of one hidden layer whose sums take few values, so that activations can be evaluated on encrypted
//! inputs: each unit has a scale of its own, and what a code adds is rounded to it.
//!
//! What is not rounded is in the unit's table, exactly: its intercept, the least that each column adds, and
//! the mean of what rounding a column takes away. If there is one score, the unit's weight is in its table,
//! too, so that only sums are rounded coarsely.

use sordino_protocol::schema::{ColumnId, Schema};

use super::{
    Mapped, Options, Outcome, Problem, QuantiseError, Report,
    additive::{self, FloatScore, FloatTerm},
    fixed::{finest, round},
    network::{Weighted, range, weighted, widest},
};
use crate::{
    model::{Activation, Affine, Link, Model},
    quantised::{Format, IntegerLayer, IntegerUnit, Quantised, Score, Shape, Table, Term, unit},
};

/// Bits of the entries of a table that are tried where several scores share it.
const OUTPUT_BITS: std::ops::RangeInclusive<u32> = 3..=10;

/// A sum in integers of few levels.
pub(super) struct Sum {
    pub(super) score: Score,
    /// The largest level; the smallest is 0.
    largest: i64,
    /// A sum of the model is this plus the level over the factor.
    base: f64,
    factor: f64,
    /// The largest error by rounding.
    pub(super) rounding: f64,
}

/// A unit of the hidden layer.
struct Hidden {
    sum: Sum,
    /// The largest error of the activation because the sum is rounded, and because of buckets.
    rounding: f64,
    buckets: f64,
}

/// Weighted sums of what tables give, with the bounds of scores, their fraction bits and their errors.
struct Made {
    layer: IntegerLayer,
    bounds: Vec<(i64, i64)>,
    bits: i32,
    rounding: Vec<f64>,
}

/// Integers for a network of one hidden layer, whose sums have at most `levels` values.
pub(super) fn quantise(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
    (activation, layers): (Activation, &[Vec<Affine>]),
) -> Result<Outcome, QuantiseError> {
    let levels = options.levels.unwrap_or(0);
    if !(2..=65_536).contains(&levels) {
        return Err(QuantiseError::Options {
            name: "levels",
            found: i64::from(levels),
            expected: "2 to 65536",
        });
    }
    let [first, last] = layers else {
        let found = layers.len() as i64 - 1;
        let expected = "1, where sums are to have few levels: fit another network";
        return Err(QuantiseError::Options { name: "hidden layers", found, expected });
    };
    let floats = additive::additive(model, schema, mapped, &additive::linear(first))?;
    let hidden: Vec<Hidden> = floats
        .iter()
        .map(|float| Hidden::new(float, activation, i64::from(levels) - 1, mapped))
        .collect::<Result<_, _>>()?;
    let made = match &last[..] {
        [score] => folded(&hidden, activation, score, options)?,
        scores => {
            let tries = OUTPUT_BITS.map(|bits| shared(&hidden, activation, scores, bits, options));
            let made = tries.collect::<Result<Vec<_>, _>>()?;
            let worst = |made: &Made| made.rounding.iter().copied().fold(0.0, f64::max);
            let best = made.into_iter().min_by(|a, b| worst(a).total_cmp(&worst(b)));
            best.ok_or(QuantiseError::Problems(Vec::new()))?
        }
    };
    let along = |error: fn(&Hidden) -> f64| {
        let of = |score: &Affine| score.weights.iter().zip(&hidden).map(|(w, h)| w.abs() * error(h)).sum();
        last.iter().map(of).collect::<Vec<f64>>()
    };
    let rounding = along(|hidden| hidden.rounding).iter().zip(&made.rounding).map(|(a, b)| a + b).collect();
    let report =
        Report { rounding: Some(rounding), buckets: Some(along(|hidden| hidden.buckets)), cuts: Vec::new() };
    let link = match model.link() {
        Link::Cutoff { at } => Link::Cutoff { at: round("the cutoff", at, made.bits)? },
        other => other.map(|_| 0),
    };
    let first = hidden.into_iter().map(|hidden| hidden.sum.score).collect();
    let model = Quantised {
        format: Format::V1,
        shape: Shape::Network { first, layers: vec![made.layer] },
        link,
        classes: model.classes.clone(),
        fraction_bits: made.bits,
        bounds: made.bounds,
    };
    Ok(Outcome { model, report })
}

impl Sum {
    /// With levels up to `largest`.
    pub(super) fn new(float: &FloatScore, largest: i64, mapped: &[Mapped]) -> Result<Self, QuantiseError> {
        let columns = columns(float, mapped)?;
        let spreads: Vec<f64> = columns.iter().map(|(_, values)| spread(values)).collect();
        let factor = factor(&spreads, largest);
        let (mut base, mut rounding) = (float.intercept, 0.0);
        let mut score = Score { intercept: 0, terms: Vec::with_capacity(columns.len()) };
        for (column, values) in &columns {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let weights: Vec<i64> = values.iter().map(|value| steps(value - least, factor)).collect();
            let missed = values.iter().zip(&weights).map(|(value, w)| value - least - *w as f64 / factor);
            let missed: Vec<f64> = missed.collect();
            let mean = missed.iter().sum::<f64>() / missed.len().max(1) as f64;
            base += least + mean;
            rounding += missed.iter().map(|missed| (missed - mean).abs()).fold(0.0, f64::max);
            if weights.iter().any(|weight| *weight != 0) {
                score.terms.push(Term::Codes { column: *column, weights });
            }
        }
        Ok(Self { score, largest: width(&spreads, factor), base, factor, rounding })
    }

    /// The sum of the model at each level.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        (0..=self.largest).map(|level| self.base + level as f64 / self.factor)
    }
}

impl Hidden {
    fn new(
        float: &FloatScore,
        activation: Activation,
        largest: i64,
        mapped: &[Mapped],
    ) -> Result<Self, QuantiseError> {
        let sum = Sum::new(float, largest, mapped)?;
        let slope = if activation == Activation::Sigmoid { 0.25 } else { 1.0 };
        let (rounding, buckets) = (slope * sum.rounding, slope * float.buckets);
        Ok(Self { sum, rounding, buckets })
    }

    /// The activation at each level of the sum.
    fn outputs(&self, activation: Activation) -> impl Iterator<Item = f64> {
        self.sum.values().map(move |sum| activation.apply(sum))
    }
}

/// What the codes of each column add.
fn columns(float: &FloatScore, mapped: &[Mapped]) -> Result<Vec<(ColumnId, Vec<f64>)>, QuantiseError> {
    let (mut columns, mut problems) = (Vec::new(), Vec::new());
    for term in &float.terms {
        match term {
            FloatTerm::Codes { column, values } => columns.push((*column, values.clone())),
            FloatTerm::Measure { column, .. } => {
                let input = mapped.iter().find(|input| input.column == *column);
                problems.push(Problem::NotReadable {
                    input: input.map_or_else(String::new, |input| input.input.clone()),
                    reason: "the column has a measure only; a network that predicts on encrypted rows reads \
                             dimensions: publish buckets of it"
                        .to_owned(),
                });
            }
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(QuantiseError::Problems(problems)) }
}

/// So many units of an integer.
fn steps(value: f64, factor: f64) -> i64 {
    (value * factor).round() as i64
}

/// The largest value less the smallest one.
fn spread(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if values.is_empty() { 0.0 } else { most - least }
}

/// The largest sum.
fn width(spreads: &[f64], factor: f64) -> i64 {
    spreads.iter().map(|spread| steps(*spread, factor)).fold(0, i64::saturating_add)
}

/// The largest factor at which sums are at most `largest`.
fn factor(spreads: &[f64], largest: i64) -> f64 {
    // Of models whose weights are far beyond all others, nothing is left but a constant.
    let (mut low, mut high) = (1e-30f64, 1e30f64);
    for _ in 0..200 {
        let middle = (low * high).sqrt();
        if width(spreads, middle) <= largest { low = middle } else { high = middle }
    }
    low
}

/// One score: tables hold what each unit adds to it.
fn folded(
    hidden: &[Hidden],
    activation: Activation,
    score: &Affine,
    options: &Options,
) -> Result<Made, QuantiseError> {
    let parts: Vec<Vec<f64>> = hidden
        .iter()
        .zip(&score.weights)
        .map(|(hidden, weight)| hidden.outputs(activation).map(|output| weight * output).collect())
        .collect();
    let (layer, bounds, bits) = finest(options, parts.iter().map(|part| spread(part)).sum(), |bits| {
        let intercept = round("an intercept", score.intercept, bits)?;
        let table = |part: &Vec<f64>| {
            let outputs = part.iter().map(|output| round("what a unit adds", *output, bits));
            Ok(Table { low: 0, shift: 0, outputs: outputs.collect::<Result<_, _>>()? })
        };
        let tables: Vec<Table> = parts.iter().map(table).collect::<Result<_, QuantiseError>>()?;
        let ranges = tables.iter().map(range);
        let bounds = ranges.fold((intercept, intercept), |(l, h), (low, high)| (l + low, h + high));
        let units = vec![IntegerUnit { intercept, weights: vec![1; hidden.len()] }];
        Ok((IntegerLayer { tables, units }, vec![bounds]))
    })?;
    let rounding = vec![0.5 * unit(bits) * (hidden.len() + 1) as f64];
    Ok(Made { layer, bounds, bits, rounding })
}

/// Several scores: tables hold activations, of so many bits.
fn shared(
    hidden: &[Hidden],
    activation: Activation,
    scores: &[Affine],
    output_bits: u32,
    options: &Options,
) -> Result<Made, QuantiseError> {
    let outputs: Vec<Vec<f64>> = hidden.iter().map(|hidden| hidden.outputs(activation).collect()).collect();
    let most = |outputs: &Vec<f64>| outputs.iter().fold(0.0f64, |most, output| most.max(output.abs()));
    let largest = outputs.iter().map(most).fold(f64::MIN_POSITIVE, f64::max);
    let table_bits = (f64::from(output_bits) - largest.log2()).floor().clamp(-52.0, 52.0) as i32;
    let table = |outputs: &Vec<f64>| {
        let outputs = outputs.iter().map(|output| round("an entry of an activation", *output, table_bits));
        Ok(Table { low: 0, shift: 0, outputs: outputs.collect::<Result<_, _>>()? })
    };
    let tables: Vec<Table> = outputs.iter().map(table).collect::<Result<_, QuantiseError>>()?;
    let ranges: Vec<(i64, i64)> = tables.iter().map(range).collect();
    let wide = widest(scores, &ranges) * unit(table_bits);
    let (units, bounds, bits): (Vec<IntegerUnit>, _, _) =
        finest(options, wide, |bits| -> Result<Weighted, QuantiseError> {
            weighted(scores, &ranges, bits - table_bits, bits)
        })?;
    let rounding = scores.iter().zip(&units).map(|(score, integer)| {
        let of_unit = |((weight, made), outputs): ((&f64, &i64), &Vec<f64>)| {
            let made = *made as f64 * unit(bits - table_bits);
            (weight - made).abs() * most(outputs) + made.abs() * 0.5 * unit(table_bits)
        };
        let units = score.weights.iter().zip(&integer.weights).zip(&outputs).map(of_unit);
        units.sum::<f64>() + 0.5 * unit(bits)
    });
    let rounding = rounding.collect();
    Ok(Made { layer: IntegerLayer { tables, units }, bounds, bits, rounding })
}
