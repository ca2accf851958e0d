//! Masks of a single dimension: a set of codes over the slices of its digits.
//!
//! On one digit a set is a sum of slices. Over several, the values of the leading digit are sorted
//! by which codes of the remaining digits go with them: values with the same remainder share one
//! product, so a range costs `[hi > c] + [hi = c] * [lo >= d]`.

use std::collections::BTreeMap;

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
    if digits.bases.len() == 1 {
        return Cover { builder, digits }.masks(0, codes).unwrap_or_default();
    }
    // No row has a code beyond the last: counting those in when the last is in makes ranges whole.
    let reach = digits.bases.iter().fold(1, |reach: u32, base| reach.saturating_mul(*base));
    let ceiling = CodeSet::from_ranges(vec![(size, reach)]);
    let codes = if codes.contains(size - 1) { codes.union(&ceiling) } else { codes.clone() };
    let rest = codes.complement(reach);
    let effort = |codes: &CodeSet, negated: bool| {
        let mut trial = Builder::default();
        let masks = Cover { builder: &mut trial, digits }.masks(0, codes).unwrap_or_default();
        let mask = trial.conjunction(masks);
        if negated {
            trial.complement(mask);
        }
        trial.effort()
    };
    if effort(&rest, true) < effort(&codes, false) {
        let masks = Cover { builder, digits }.masks(0, &rest).unwrap_or_default();
        let mask = builder.conjunction(masks);
        return vec![builder.complement(mask)];
    }
    Cover { builder, digits }.masks(0, &codes).unwrap_or_default()
}

/// The masks, one a digit, whose conjunction selects the rows with one code.
pub(super) fn equal(builder: &mut Builder, digits: &DimensionDigits, code: u32) -> Vec<Node> {
    let values = digits.digits_of(code);
    let mut masks = Vec::with_capacity(values.len());
    for (position, value) in values.into_iter().enumerate() {
        // A digit that is always 0 says nothing.
        if digits.bases[position] > 1 {
            masks.push(builder.load(slice(digits, position, value)));
        }
    }
    masks
}

fn slice(digits: &DimensionDigits, position: usize, value: u32) -> Slice {
    Slice::Digit { column: digits.column, digit: u8::try_from(position).unwrap_or(u8::MAX), value }
}

struct Cover<'a> {
    builder: &'a mut Builder,
    digits: &'a DimensionDigits,
}

impl Cover<'_> {
    /// The masks for a set of codes of the digits from `position` on; `None` for the empty set, no
    /// mask for all codes.
    fn masks(&mut self, position: usize, codes: &CodeSet) -> Option<Vec<Node>> {
        if codes.is_empty() {
            return None;
        }
        let Some(base) = self.digits.bases.get(position).copied() else { return Some(Vec::new()) };
        let below =
            self.digits.bases[position + 1..].iter().fold(1, |size: u32, base| size.saturating_mul(*base));
        let mut by_rest: BTreeMap<CodeSet, Vec<u32>> = BTreeMap::new();
        for value in 0..base {
            by_rest.entry(window(codes, value.saturating_mul(below), below)).or_default().push(value);
        }
        let mut terms = Vec::new();
        for (rest, values) in by_rest {
            if let Some(mut masks) = self.masks(position + 1, &rest) {
                masks.extend(self.any_of(position, base, &values));
                terms.push(masks);
            }
        }
        if terms.len() == 1 {
            return terms.pop();
        }
        let nodes = terms.into_iter().map(|masks| self.builder.conjunction(masks)).collect();
        Some(vec![self.builder.sum(nodes)])
    }

    /// The mask of a digit having one of some values; `None` when these are all.
    fn any_of(&mut self, position: usize, base: u32, values: &[u32]) -> Option<Node> {
        let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
        if count == base {
            return None;
        }
        if count <= base - count + 1 {
            let loads = values.iter().map(|value| self.builder.load(slice(self.digits, position, *value)));
            let loads = loads.collect();
            return Some(self.builder.sum(loads));
        }
        let others = (0..base).filter(|value| values.binary_search(value).is_err());
        let loads = others.map(|value| self.builder.load(slice(self.digits, position, value))).collect();
        let rest = self.builder.sum(loads);
        Some(self.builder.complement(rest))
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
