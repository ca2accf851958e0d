//! The best split of a node, from the sums of its parts.

use sordino_protocol::predicate::CodeSet;

use super::{
    gain::{Gain, Sums, minus, multiple, plus},
    pieces::Dimension,
    region::Region,
};

/// Sums over a node and over each part of each dimension within it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Histogram {
    pub(super) total: Sums,
    /// By dimension, in the order of its counted parts; `None` where all of a part is withheld.
    pub(super) parts: Vec<Vec<Option<Sums>>>,
    /// Standard deviations of the noise in each sum.
    pub(super) noise: Vec<f64>,
}

/// Which splits are allowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) gain: Gain,
    /// Rows that each side has at least.
    pub(super) leaf: f64,
}

/// A split, with the sums of its sides.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Split {
    pub(super) dimension: usize,
    /// The codes that go left.
    pub(super) codes: CodeSet,
    pub(super) left: Sums,
    pub(super) right: Sums,
    gain: f64,
}

/// What became of a node.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Found {
    Split(Split),
    /// Nothing is gained by any split.
    Nothing,
    /// What the best one gains is within noise.
    WithinNoise,
}

/// The best split; of equals the first.
pub(super) fn best(
    dimensions: &[Dimension],
    region: &Region,
    histogram: &Histogram,
    rules: Rules,
    allowed: &impl Fn(usize, &CodeSet) -> bool,
) -> Found {
    let mut best: Option<Split> = None;
    let mut tried = 0;
    for (index, dimension) in dimensions.iter().enumerate() {
        for (codes, left) in candidates(region, index, dimension, &histogram.parts[index], rules.gain) {
            let right = minus(&histogram.total, &left);
            if rules.gain.rows(&left) < rules.leaf || rules.gain.rows(&right) < rules.leaf {
                continue;
            }
            tried += 1;
            let gain = rules.gain.of(&histogram.total, &left);
            if gain > best.as_ref().map_or(0.0, |best| best.gain * (1.0 + 1e-12)) && allowed(index, &codes) {
                best = Some(Split { dimension: index, codes, left, right, gain });
            }
        }
    }
    // Rounding alone gains this much.
    let least = 1e-10 * rules.gain.rows(&histogram.total).max(rules.gain.impurity(&histogram.total).abs());
    match best {
        Some(split) if split.gain > least => {
            let deviation = rules.gain.deviation(&histogram.total, &split.left, &histogram.noise);
            if deviation > 0.0 && split.gain < multiple(tried) * deviation {
                return Found::WithinNoise;
            }
            Found::Split(split)
        }
        _ => Found::Nothing,
    }
}

/// Codes that may go left, with their sums. With noise, parts outside the node seem to have rows: only
/// sets that cut its region are tried.
fn candidates(
    region: &Region,
    index: usize,
    dimension: &Dimension,
    parts: &[Option<Sums>],
    gain: Gain,
) -> Vec<(CodeSet, Sums)> {
    let (parts, null) = parts.split_at(dimension.parts.len());
    let known = dimension.parts.iter().zip(parts);
    let known = known.filter_map(|(codes, sums)| Some((codes.clone(), sums.clone()?)));
    let mut known: Vec<(CodeSet, Sums)> = known.filter(|(codes, _)| region.meets(index, codes)).collect();
    if !dimension.ordered {
        known.retain(|(_, sums)| gain.rows(sums) > 0.0);
        known = subsets(known, gain);
    }
    // Rows without a value go to the side where they gain more.
    if let (Some(code), Some(Some(sums))) = (dimension.null, null.first()) {
        let code = CodeSet::from_codes([code]);
        if gain.rows(sums) > 0.0 && region.meets(index, &code) {
            let with = known.iter().map(|(codes, left)| (codes.union(&code), plus(left, sums)));
            let with: Vec<_> = with.collect();
            known.extend(with);
            known.push((code, sums.clone()));
        }
    }
    known.retain(|(codes, _)| region.meets(index, &codes.complement(dimension.size)));
    known
}

/// Unions of single codes. With codes in the order of their means, the best of all subsets is one of the
/// first ones (Breiman et al. 1984, for two classes and for squared deviations); with more classes, each
/// code is tried against the rest.
fn subsets(mut single: Vec<(CodeSet, Sums)>, gain: Gain) -> Vec<(CodeSet, Sums)> {
    let width = single.first().map_or(0, |(_, sums)| sums.len());
    if matches!(gain, Gain::Gini | Gain::Entropy) && width != 2 {
        return single;
    }
    let mean = |sums: &Sums| sums[1] / gain.rows(sums);
    single.sort_by(|(_, a), (_, b)| mean(a).total_cmp(&mean(b)));
    let mut grown: Vec<(CodeSet, Sums)> = Vec::with_capacity(single.len());
    for (codes, sums) in single {
        let next = match grown.last() {
            Some((before, of_before)) => (before.union(&codes), plus(of_before, &sums)),
            None => (codes, sums),
        };
        grown.push(next);
    }
    grown
}
