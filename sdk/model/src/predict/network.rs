//! Networks of one hidden layer: a polynomial over the few levels of each unit's sum.

use sordino_protocol::{
    predict::{
        Evaluation, Input, InputEncoding, MAX_GROUPS, MAX_NETWORK_SCORES, MAX_UNIT_LEVELS, MAX_UNITS,
        Network, NetworkSlots, Packing, Unit, Weights,
    },
    schema::Schema,
};

use super::{
    Compiled, PredictError, Serving, Target,
    line::centred,
    linear::{Sum, public, sum},
};
use crate::{
    quantise::score_bounds,
    quantised::{IntegerLayer, Score, Table, look_up},
};

pub(super) fn compile(
    first: &[Score],
    layers: &[IntegerLayer],
    schema: &Schema,
    encoding: InputEncoding,
    serving: Serving,
    target: Target,
) -> Result<Compiled, PredictError> {
    let layer = check(first, layers)?;
    let sums: Vec<Sum> = first.iter().map(|score| sum(score, schema)).collect::<Result<_, _>>()?;
    let mut inputs: Vec<Input> = sums.iter().flat_map(|sum| sum.terms.keys().cloned()).collect();
    if encoding == InputEncoding::Edges {
        inputs.extend(public(schema, &inputs));
    }
    inputs.sort_unstable();
    inputs.dedup();
    let modulus = target.numbers.plaintext_modulus;
    let units = first
        .iter()
        .zip(&sums)
        .zip(&layer.tables)
        .map(|((score, sum), table)| {
            let (low, outputs) = levels(score, table, schema, modulus)?;
            let weight = |input| centred(sum.terms.get(input).copied().unwrap_or(0), modulus);
            let constant = centred(sum.constant - i128::from(low), modulus);
            Ok(Unit { sum: Weights { weights: inputs.iter().map(weight).collect(), constant }, outputs })
        })
        .collect::<Result<Vec<_>, PredictError>>()?;
    let reduced = |number: &i64| centred(i128::from(*number), modulus);
    let scores = layer.units.iter().map(|unit| Weights {
        weights: unit.weights.iter().map(reduced).collect(),
        constant: reduced(&unit.intercept),
    });
    let groups = groups(first.len(), inputs.len(), serving);
    let packing = Packing::Network { inputs, units: units.len() as u32, groups: groups as u32 };
    Ok((packing, Evaluation::Network(Network { units, scores: scores.collect() })))
}

/// As few slots for a row as there can be, or the fewest with which the ciphertexts are as few as there can
/// be.
fn groups(units: usize, inputs: usize, serving: Serving) -> usize {
    let mut groups = NetworkSlots::fewest_groups(units);
    while serving == Serving::Single && inputs.div_ceil(groups) > inputs.div_ceil(MAX_GROUPS) {
        groups *= 4;
    }
    groups
}

/// The only layer after the hidden one, if it goes with that and both are as small as is supported.
pub(super) fn check<'a>(
    first: &[Score],
    layers: &'a [IntegerLayer],
) -> Result<&'a IntegerLayer, PredictError> {
    let [layer] = layers else { return Err(PredictError::Layers { found: layers.len() }) };
    if layer.tables.len() != first.len() || layer.units.iter().any(|unit| unit.weights.len() != first.len()) {
        return Err(PredictError::Model("a layer has a table and a weight for each unit before it"));
    }
    if !(1..=MAX_UNITS).contains(&first.len()) {
        return Err(PredictError::Units { found: first.len(), limit: MAX_UNITS });
    }
    if layer.units.len() > MAX_NETWORK_SCORES {
        return Err(PredictError::Classes { found: layer.units.len(), limit: MAX_NETWORK_SCORES });
    }
    Ok(layer)
}

/// The lowest sum of a unit over all rows that fit the schema, and its output at each from there on.
fn levels(
    score: &Score,
    table: &Table,
    schema: &Schema,
    modulus: u64,
) -> Result<(i64, Vec<i64>), PredictError> {
    let (low, high) =
        score_bounds(score, schema).map_err(|_| PredictError::Model("a sum is beyond +-2^53"))?;
    let found = high.abs_diff(low).saturating_add(1);
    if found > MAX_UNIT_LEVELS as u64 {
        return Err(PredictError::Levels { found, limit: MAX_UNIT_LEVELS });
    }
    let output = |sum| {
        let output = look_up(table, sum).map_err(|_| PredictError::Model("a table has no entry"))?;
        Ok(centred(i128::from(output), modulus))
    };
    Ok((low, (low..=high).map(output).collect::<Result<_, PredictError>>()?))
}
