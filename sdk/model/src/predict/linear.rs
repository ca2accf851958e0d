//! Models that are sums over columns: linear combinations of inputs, without any product.

use std::collections::BTreeMap;

use sordino_protocol::{
    predict::{Evaluation, Input, InputEncoding, Output, Packing, Weights},
    schema::Schema,
};

use super::{Compiled, PredictError, Serving, Target, line::Line, line::centred, splits::codes};
use crate::quantised::{Score, Term};

/// Inputs that are read at a time if there are several scores, so that not all are held at once.
const INPUTS_AT_ONCE: usize = 32;

/// A score as a constant and the coefficient of each input.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) constant: i128,
    pub(super) terms: BTreeMap<Input, i128>,
}

pub(super) fn compile(
    scores: &[Score],
    schema: &Schema,
    encoding: InputEncoding,
    serving: Serving,
    target: Target,
) -> Result<Compiled, PredictError> {
    let sums: Vec<Sum> = scores.iter().map(|score| sum(score, schema)).collect::<Result<_, _>>()?;
    let mut inputs: Vec<Input> = sums.iter().flat_map(|sum| sum.terms.keys().cloned()).collect();
    if encoding == InputEncoding::Edges {
        inputs.extend(public(schema, &inputs));
    }
    inputs.sort_unstable();
    inputs.dedup();
    let modulus = target.numbers.plaintext_modulus;
    if serving == Serving::Single {
        let weights = |sum: &Sum| Weights {
            weights: inputs
                .iter()
                .map(|i| centred(sum.terms.get(i).copied().unwrap_or(0), modulus))
                .collect(),
            constant: centred(sum.constant, modulus),
        };
        let weights = sums.iter().map(weights).collect();
        return Ok((Packing::Rows { inputs }, Evaluation::Weights(weights)));
    }
    let mut line = Line::new(inputs.len(), modulus);
    let at_once = if sums.len() == 1 { inputs.len().max(1) } else { INPUTS_AT_ONCE };
    let mut registers = vec![None; sums.len()];
    for (start, some) in (0u32..).step_by(at_once).zip(inputs.chunks(at_once)) {
        for (sum, so_far) in sums.iter().zip(&mut registers) {
            let coefficient = |(place, input)| Some((place, *sum.terms.get(input)?));
            let mut terms: BTreeMap<u32, i128> = (start..).zip(some).filter_map(coefficient).collect();
            terms.extend(so_far.map(|register| (register, 1)));
            *so_far = line.combine(&terms)?;
        }
    }
    let (steps, registers) = line.finish(&registers);
    let output =
        |(sum, register): (&Sum, Option<u32>)| Output { register, constant: centred(sum.constant, modulus) };
    let outputs = sums.iter().zip(registers).map(output).collect();
    Ok((Packing::Batch { inputs }, Evaluation::Steps { steps, outputs }))
}

/// What the schema alone says of the inputs: all edges of dimensions that are read by their code, and
/// measures that are read by their value, in the same ways as the model reads some measure.
pub(super) fn public(schema: &Schema, read: &[Input]) -> Vec<Input> {
    let squares = read.iter().any(|input| matches!(input, Input::Square(_)));
    let values = read.iter().any(|input| matches!(input, Input::Value(_) | Input::Square(_)));
    let mut inputs = Vec::new();
    for column in schema.ids() {
        let described = schema.column(column);
        let by_value = described.measure.is_some()
            && (described.dimension.is_none()
                || read.iter().any(|i| i.column() == column && !matches!(i, Input::AtLeast { .. })));
        if by_value && values {
            inputs.push(Input::Value(column));
            inputs.extend(squares.then_some(Input::Square(column)));
            inputs.extend(described.nullable.then_some(Input::Present(column)));
        } else if described.dimension.is_some() {
            inputs.extend((1..described.codes()).map(|code| Input::AtLeast { column, code }));
        }
    }
    inputs
}

pub(super) fn sum(score: &Score, schema: &Schema) -> Result<Sum, PredictError> {
    let mut sum = Sum { constant: i128::from(score.intercept), ..Sum::default() };
    for term in &score.terms {
        match term {
            Term::Codes { column, weights } => {
                let column = *column;
                if weights.len() != codes(schema, column)? as usize {
                    return Err(PredictError::Model("a term has a weight for each code"));
                }
                sum.constant += weights.first().map_or(0, |weight| i128::from(*weight));
                for (code, pair) in (1..).zip(weights.windows(2)) {
                    sum.add(Input::AtLeast { column, code }, i128::from(pair[1]) - i128::from(pair[0]));
                }
            }
            Term::Measure { column, weight, square, null } => {
                let column = *column;
                let described = schema.columns.get(column.index()).filter(|c| c.measure.is_some());
                let described = described.ok_or(PredictError::Column { column, wanted: "measure" })?;
                sum.add(Input::Value(column), i128::from(*weight));
                sum.add(Input::Square(column), i128::from(*square));
                if described.nullable {
                    sum.constant += i128::from(*null);
                    sum.add(Input::Present(column), -i128::from(*null));
                }
            }
        }
    }
    Ok(sum)
}

impl Sum {
    fn add(&mut self, input: Input, coefficient: i128) {
        if coefficient != 0 {
            *self.terms.entry(input).or_default() += coefficient;
        }
    }
}
