//! Masks of a single dimension: a set of codes over the slices of its digits.
//!
//! On one digit a set is a sum of ranges, each the difference of two slices. Several digits are cut
//! into a leading and a trailing half, and the values of the leading half sorted by which of the
//! trailing half go with them: values with the same remainder share one product, so a range costs
//! `[hi > c] + [hi = c] * [lo >= d]`, and the depth is the logarithm of the number of digits.

use std::{collections::BTreeMap, ops::Range};

use super::builder::{Builder, Node};
use crate::{
    layout::{DimensionDigits, Slice},
    predicate::CodeSet,
};

/// The masks whose conjunction selects the rows with a code in `codes`, which is neither empty nor
/// all `size` codes. Takes the cheaper of the set and its complement.
pub(super) fn masks(
    builder: &mut Builder,
    digits: &DimensionDigits,
    size: u32,
    codes: &CodeSet,
) -> Vec<Node> {
    let codes = digits.numbers(codes, size);
    let all = 0..digits.bases.len();
    if all.len() == 1 {
        return Cover { builder, digits }.masks(all, &codes).unwrap_or_default();
    }
    let rest = codes.complement(digits.reach());
    let effort = |codes: &CodeSet, negated: bool| {
        let mut trial = Builder::default();
        let masks = Cover { builder: &mut trial, digits }.masks(all.clone(), codes).unwrap_or_default();
        let mask = trial.conjunction(masks);
        if negated {
            trial.complement(mask);
        }
        trial.effort()
    };
    if effort(&rest, true) < effort(&codes, false) {
        let masks = Cover { builder, digits }.masks(all, &rest).unwrap_or_default();
        let mask = builder.conjunction(masks);
        return vec![builder.complement(mask)];
    }
    Cover { builder, digits }.masks(all, &codes).unwrap_or_default()
}

/// The masks, one a digit, whose conjunction selects the rows with one code.
pub(super) fn equal(builder: &mut Builder, digits: &DimensionDigits, code: u32) -> Vec<Node> {
    let values = digits.digits_of(code);
    let mut masks = Vec::with_capacity(values.len());
    for (position, value) in values.into_iter().enumerate() {
        // A digit that is always 0 says nothing.
        if digits.bases[position] > 1 {
            masks.push(ranges(builder, digits, position, &[value]));
        }
    }
    masks
}

/// The mask of a digit having one of some values: sorted, neither none nor all of them.
fn ranges(builder: &mut Builder, digits: &DimensionDigits, position: usize, values: &[u32]) -> Node {
    let digit = u8::try_from(position).unwrap_or(u8::MAX);
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    for range in values.chunk_by(|a, b| a + 1 == *b) {
        let (low, high) = (range[0], range[range.len() - 1] + 1);
        let column = digits.column;
        starts.push(match low {
            0 => builder.exists(),
            value => builder.load(Slice::AtLeast { column, digit, value }),
        });
        if high < digits.bases[position] {
            ends.push(builder.load(Slice::AtLeast { column, digit, value: high }));
        }
    }
    let starts = builder.sum(starts);
    if ends.is_empty() {
        return starts;
    }
    let ends = builder.sum(ends);
    builder.difference(starts, ends)
}

struct Cover<'a> {
    builder: &'a mut Builder,
    digits: &'a DimensionDigits,
}

impl Cover<'_> {
    /// The masks for a set of numbers written with the digits of `positions`; `None` for the empty
    /// set, no mask for all numbers.
    fn masks(&mut self, positions: Range<usize>, numbers: &CodeSet) -> Option<Vec<Node>> {
        if numbers.is_empty() {
            return None;
        }
        if positions.len() == 1 {
            let values: Vec<u32> = numbers.codes().collect();
            let all = values.len() == self.digits.bases[positions.start] as usize;
            return Some(if all {
                Vec::new()
            } else {
                vec![ranges(self.builder, self.digits, positions.start, &values)]
            });
        }
        let middle = positions.start + positions.len() / 2;
        let reach = |positions: Range<usize>| self.digits.bases[positions].iter().product::<u32>();
        let (high, low) = (reach(positions.start..middle), reach(middle..positions.end));
        let mut by_rest: BTreeMap<CodeSet, Vec<u32>> = BTreeMap::new();
        for value in 0..high {
            by_rest.entry(window(numbers, value * low, low)).or_default().push(value);
        }
        let mut terms = Vec::new();
        for (rest, values) in by_rest {
            if let Some(mut masks) = self.masks(middle..positions.end, &rest) {
                let values = CodeSet::from_codes(values);
                masks.extend(self.masks(positions.start..middle, &values).unwrap_or_default());
                terms.push(masks);
            }
        }
        if terms.len() == 1 {
            return terms.pop();
        }
        let nodes = terms.into_iter().map(|masks| self.builder.conjunction(masks)).collect();
        Some(vec![self.builder.sum(nodes)])
    }
}

/// The codes of `codes` within `low..low + size`, counted from `low`.
fn window(codes: &CodeSet, low: u32, size: u32) -> CodeSet {
    let high = low.saturating_add(size);
    let cut = |(from, to): &(u32, u32)| {
        let (from, to) = ((*from).max(low), (*to).min(high));
        (from < to).then(|| (from - low, to - low))
    };
    CodeSet::from_ranges(codes.ranges().iter().filter_map(cut).collect())
}
