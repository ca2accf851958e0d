//! Networks: the first layer is a sum over columns; each activation becomes a look-up table; weights
//! become integers. Ranges are bounded layer by layer, so that nothing can overflow.

use sordino_protocol::schema::Schema;

use super::{
    Mapped, Options, Outcome, QuantiseError, Report,
    additive::{self, FloatScore},
    fixed::{finest, narrow, round},
    levels,
};
use crate::{
    model::{Activation, Affine, Estimator, Link, Model},
    quantised::{Format, IntegerLayer, IntegerUnit, Quantised, Score, Shape, Table, unit},
};

/// Bits of the sums that enter a table: enough that rounding them is nothing beside the table's steps.
const SUM_BITS: u32 = 30;

/// Integers for a network.
pub(super) fn quantise(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    let Estimator::Network { activation, layers, .. } = &model.estimator else {
        return Err(QuantiseError::Problems(Vec::new()));
    };
    if options.levels.is_some() && layers.len() != 1 {
        return levels::quantise(model, schema, mapped, options, (*activation, layers));
    }
    if !(2..=16).contains(&options.table_bits) {
        let found = i64::from(options.table_bits);
        return Err(QuantiseError::Options { name: "table_bits", found, expected: "2 to 16" });
    }
    let Some((first, further)) = layers.split_first() else {
        return Err(QuantiseError::Problems(Vec::new()));
    };
    let floats = additive::additive(model, schema, mapped, &additive::linear(first))?;
    // Without hidden layers, the first one gives the scores.
    let hidden = Options { resolution: super::Resolution::ScoreBits(SUM_BITS), ..*options };
    let width = floats.iter().map(FloatScore::width).fold(0.0, f64::max);
    let resolution = if further.is_empty() { options } else { &hidden };
    let (first, mut bounds, mut bits) = finest(resolution, width, |bits| {
        let first: Vec<Score> =
            floats.iter().map(|score| additive::integer(score, bits)).collect::<Result<_, _>>()?;
        let bounds = first.iter().map(|score| additive::bounds(score, schema)).collect::<Result<_, _>>()?;
        Ok((first, bounds))
    })?;
    let mut made = Vec::with_capacity(further.len());
    for (index, units) in further.iter().enumerate() {
        let (tables, table_bits) = tables(*activation, &bounds, bits, options.table_bits)?;
        let outputs: Vec<(i64, i64)> = tables.iter().map(range).collect();
        let last = index + 1 == further.len();
        let resolution = if last { options } else { &hidden };
        let width = widest(units, &outputs) * unit(table_bits);
        let (units, ranges, sum_bits) =
            finest(resolution, width, |bits| weighted(units, &outputs, bits - table_bits, bits))?;
        (bounds, bits) = (ranges, sum_bits);
        made.push(IntegerLayer { tables, units });
    }
    let link = match model.link() {
        Link::Cutoff { at } => Link::Cutoff { at: round("the cutoff", at, bits)? },
        other => other.map(|_| 0),
    };
    let report = Report { rounding: None, buckets: None, cuts: Vec::new() };
    let model = Quantised {
        format: Format::V1,
        shape: Shape::Network { first, layers: made },
        link,
        classes: model.classes.clone(),
        fraction_bits: bits,
        bounds,
    };
    Ok(Outcome { model, report })
}

/// A table for each unit; all outputs have the same fraction bits.
fn tables(
    activation: Activation,
    bounds: &[(i64, i64)],
    bits: i32,
    table_bits: u32,
) -> Result<(Vec<Table>, i32), QuantiseError> {
    let step = unit(bits);
    let ends = bounds.iter().flat_map(|(low, high)| [*low, *high]);
    let largest = ends.map(|x| activation.apply(x as f64 * step).abs()).fold(f64::MIN_POSITIVE, f64::max);
    let output_bits = (f64::from(table_bits) - largest.log2()).floor().clamp(-52.0, 52.0) as i32;
    let table = |(low, high): &(i64, i64)| {
        let width = high.abs_diff(*low);
        let shift = (64 - width.leading_zeros()).saturating_sub(table_bits);
        let entry = |index: u64| {
            // The middle of the values that share the entry.
            let x = *low as f64 + (index as f64 + 0.5) * f64::from(shift).exp2() - 0.5;
            round("an entry of an activation", activation.apply(x * step), output_bits)
        };
        let outputs = (0..=(width >> shift)).map(entry).collect::<Result<_, _>>()?;
        Ok(Table { low: *low, shift, outputs })
    };
    Ok((bounds.iter().map(table).collect::<Result<_, QuantiseError>>()?, output_bits))
}

pub(super) fn range(table: &Table) -> (i64, i64) {
    let low = table.outputs.iter().copied().min().unwrap_or(0);
    (low, table.outputs.iter().copied().max().unwrap_or(0))
}

/// The largest width of a sum, in units of the inputs.
pub(super) fn widest(units: &[Affine], inputs: &[(i64, i64)]) -> f64 {
    let one = |(weight, (low, high)): (&f64, &(i64, i64))| weight.abs() * (high - low) as f64;
    units.iter().map(|of| of.weights.iter().zip(inputs).map(one).sum::<f64>()).fold(0.0, f64::max)
}

pub(super) type Weighted = (Vec<IntegerUnit>, Vec<(i64, i64)>);

/// Integer weights for one layer; its sums have the fraction bits of inputs and weights together.
pub(super) fn weighted(
    units: &[Affine],
    inputs: &[(i64, i64)],
    weight_bits: i32,
    sum_bits: i32,
) -> Result<Weighted, QuantiseError> {
    let mut made = Vec::with_capacity(units.len());
    let mut bounds = Vec::with_capacity(units.len());
    for of in units {
        let weights: Vec<i64> = of
            .weights
            .iter()
            .map(|weight| round("a weight", *weight, weight_bits))
            .collect::<Result<_, _>>()?;
        let intercept = round("an intercept", of.intercept, sum_bits)?;
        let start = i128::from(intercept);
        let sum = weights.iter().zip(inputs).fold((start, start), |(low, high), (weight, input)| {
            let ends = [input.0, input.1].map(|x| i128::from(*weight) * i128::from(x));
            (low + ends[0].min(ends[1]), high + ends[0].max(ends[1]))
        });
        bounds.push(narrow("a sum of a layer", sum)?);
        made.push(IntegerUnit { intercept, weights });
    }
    Ok((made, bounds))
}
