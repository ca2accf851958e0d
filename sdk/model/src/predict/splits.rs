//! The tests of trees as combinations of inputs.

use std::collections::{BTreeMap, BTreeSet};

use sordino_protocol::{
    predicate::CodeSet,
    predict::{Input, InputEncoding},
    program::Register,
    schema::{ColumnId, Schema},
};

use super::{PredictError, value::Value};
use crate::quantised::{IntegerNode, IntegerTree};

/// The inputs that the tests of some trees are made of.
pub(super) struct Splits<'a> {
    schema: &'a Schema,
    encoding: InputEncoding,
    pub(super) inputs: Vec<Input>,
    places: BTreeMap<Input, Register>,
}

/// For every dimension, whether the code is at least 1, 2, and so on.
pub(super) fn edges(schema: &Schema) -> Vec<Input> {
    let dimensions = schema.dimensions();
    dimensions
        .flat_map(|column| {
            (1..schema.column(column).codes()).map(move |code| Input::AtLeast { column, code })
        })
        .collect()
}

/// How many codes a dimension has.
pub(super) fn codes(schema: &Schema, column: ColumnId) -> Result<u32, PredictError> {
    let described = schema.columns.get(column.index());
    let codes = described.filter(|column| column.dimension.is_some()).map(|column| column.codes());
    codes.ok_or(PredictError::Column { column, wanted: "dimension" })
}

impl<'a> Splits<'a> {
    pub(super) fn new(
        trees: &[IntegerTree],
        schema: &'a Schema,
        encoding: InputEncoding,
    ) -> Result<Self, PredictError> {
        let mut inputs = BTreeSet::new();
        for node in trees.iter().flat_map(|tree| &tree.nodes) {
            if let IntegerNode::Split { column, codes: set, .. } = node {
                let size = codes(schema, *column)?;
                inputs.insert(test(*column, set, size).0);
            }
        }
        let inputs: Vec<Input> = match encoding {
            InputEncoding::Edges => edges(schema),
            InputEncoding::Tests => inputs.into_iter().collect(),
        };
        let places = inputs.iter().cloned().zip(0..).collect();
        Ok(Self { schema, encoding, inputs, places })
    }

    /// 1 where the code is in the set.
    pub(super) fn passes(&self, column: ColumnId, set: &CodeSet) -> Result<Value, PredictError> {
        let size = codes(self.schema, column)?;
        let lost = PredictError::Model("a test has no input");
        let place = |input: &Input| self.places.get(input).copied().map(Value::register).ok_or(lost.clone());
        match self.encoding {
            InputEncoding::Tests => {
                let (input, negated) = test(column, set, size);
                let value = place(&input)?;
                Ok(if negated { Value::constant(1).minus(&value) } else { value })
            }
            InputEncoding::Edges => {
                let mut sum = Value::default();
                for (from, to) in set.ranges() {
                    // Codes from 0 on are everything, and no code is at least the number of codes.
                    match from {
                        0 => sum.add(&Value::constant(1), 1),
                        code => sum.add(&place(&Input::AtLeast { column, code: *code })?, 1),
                    }
                    if *to < size {
                        sum.add(&place(&Input::AtLeast { column, code: *to })?, -1);
                    }
                }
                Ok(sum)
            }
        }
    }
}

/// A test and its negation are one input: that without code 0, and whether it is the negation.
fn test(column: ColumnId, set: &CodeSet, size: u32) -> (Input, bool) {
    let negated = set.contains(0);
    let set = if negated { set.complement(size) } else { set.clone() };
    let input = match set.ranges() {
        [(from, to)] if *to == size => Input::AtLeast { column, code: *from },
        _ => Input::In { column, codes: set },
    };
    (input, negated)
}
