//! Trees: every split becomes the set of codes that go left. Splits that all codes answer alike are
//! left out, because a split costs a multiplication under encryption.

use sordino_protocol::{predicate::CodeSet, schema::Schema};

use super::{
    Mapped, Options, Outcome, Problem, QuantiseError, Report,
    columns::{CodeValue, check_known, code_values, feature_values},
    fixed::{finest, narrow, round},
    problem::{Cut, ENTRIES, SPLITS, check_work},
};
use crate::{
    float::rounded,
    model::{Combine, Encoding, Estimator, Feature, Link, Model, Node, Precision, Side, Test, Tree},
    quantised::{Format, IntegerNode, IntegerTree, Quantised, Shape, unit},
    scalar::Scalar,
};

/// How many cuts are reported.
const CUTS: usize = 100;

/// Integers for a model of trees.
pub(super) fn quantise(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    let Estimator::Trees { precision, combine, base, trees, .. } = &model.estimator else {
        return Err(QuantiseError::Problems(Vec::new()));
    };
    let splits = trees.iter().flat_map(|tree| &tree.nodes).count();
    let codes = mapped.iter().map(|input| schema.column(input.column).codes() as usize).max().unwrap_or(0);
    check_work(splits, codes, SPLITS)?;
    check_work(model.features.len(), codes, ENTRIES)?;
    let mut sets = Sets::new(model, schema, mapped, *precision);
    let mut routed: Vec<Routed> = trees.iter().map(|tree| sets.route(tree)).collect();
    if options.exact_splits {
        sets.problems.extend(sets.cuts.iter().cloned().map(Problem::Cut));
    }
    if !sets.problems.is_empty() {
        return Err(QuantiseError::Problems(sets.problems));
    }
    let (mut base, mut link) = (base.clone(), model.link());
    if let (Some((factors, of_difference)), [first, second]) = (options.of_two(model), base.as_slice()) {
        base = vec![factors[0] * first + factors[1] * second];
        routed.iter_mut().for_each(|tree| tree.combine(factors));
        link = of_difference;
    }
    let share = match combine {
        Combine::Sum => 1.0,
        Combine::Mean => 1.0 / trees.len() as f64,
    };
    let width = (0..base.len()).map(|score| width(score, &routed, share)).fold(0.0, f64::max);
    let (shape, bounds, fraction_bits) =
        finest(options, width, |bits| integers(&base, &routed, share, bits))?;
    let rounding =
        (0..base.len()).map(|score| rounding(score, &base, &routed, share, fraction_bits)).collect();
    let link = match link {
        Link::Cutoff { at } => Link::Cutoff { at: round("the cutoff", at, fraction_bits)? },
        other => other.map(|_| 0),
    };
    let factors = options.of_two(model).map(|(factors, _)| factors);
    let buckets = (0..base.len()).map(|score| {
        let one = |(tree, routed): (&Tree, &Routed)| routed.detour(tree, score, factors) * share;
        trees.iter().zip(&routed).map(one).sum()
    });
    let report = Report { rounding: Some(rounding), buckets: Some(buckets.collect()), cuts: sets.cuts };
    let model =
        Quantised { format: Format::V1, shape, link, classes: model.classes.clone(), fraction_bits, bounds };
    Ok(Outcome { model, report })
}

/// A tree over codes, its leaves still in floating point.
struct Routed {
    score: usize,
    nodes: Vec<RoutedNode>,
    /// By node of the tree, what codes do there; `None` where no code comes.
    passed: Vec<Option<Passed>>,
}

/// What codes do at a node.
#[derive(Clone, Copy)]
struct Passed {
    /// Whether some go left, and some right.
    sides: [bool; 2],
    /// Whether values of a code go another way than it does.
    cut: bool,
}

enum RoutedNode {
    Split(IntegerNode),
    Leaf(Vec<f64>),
}

/// The codes that go left at each split.
struct Sets<'a> {
    model: &'a Model,
    schema: &'a Schema,
    mapped: &'a [Mapped],
    precision: Precision,
    codes: Vec<Option<Vec<CodeValue>>>,
    features: Vec<Option<Vec<Option<f64>>>>,
    cuts: Vec<Cut>,
    problems: Vec<Problem>,
}

impl<'a> Sets<'a> {
    fn new(model: &'a Model, schema: &'a Schema, mapped: &'a [Mapped], precision: Precision) -> Self {
        let (codes, features) = (vec![None; model.inputs.len()], vec![None; model.features.len()]);
        let (cuts, problems) = (Vec::new(), Vec::new());
        Self { model, schema, mapped, precision, codes, features, cuts, problems }
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < CUTS && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The codes of a feature's column that answer a test with yes, and whether a bucket is cut by it.
    fn left(&mut self, index: usize, test: &Test, missing: Option<Side>) -> (CodeSet, bool) {
        let feature = &self.model.features[index];
        let input = feature.input as usize;
        let column = self.schema.column(self.mapped[input].column);
        if self.codes[input].is_none() {
            let codes = code_values(column);
            if let Err(problem) = check_known(self.model, feature, column, &codes) {
                self.problem(problem);
            }
            self.codes[input] = Some(codes);
        }
        let codes = self.codes[input].as_deref().unwrap_or_default();
        if self.features[index].is_none() {
            match feature_values(self.model, feature, codes) {
                Ok(values) => self.features[index] = Some(values),
                Err(problem) => {
                    self.features[index] = Some(vec![Some(0.0); codes.len()]);
                    self.problem(problem);
                }
            }
        }
        let values = self.features[index].clone().unwrap_or_default();
        let (mut left, mut cut) = (Vec::new(), false);
        for (code, value) in values.into_iter().enumerate() {
            let goes_left = match (value, missing) {
                (Some(value), _) => test.holds(rounded(value, self.precision)),
                (None, Some(side)) => side == Side::Left,
                (None, None) => {
                    let input = self.mapped[input].input.clone();
                    self.problem(Problem::Nullable { input });
                    false
                }
            };
            if goes_left {
                left.push(code as u32);
            }
            if value.is_some() && self.is_cut(index, test, code, goes_left) {
                self.report_cut(index, test, code);
                cut = true;
            }
        }
        (CodeSet::from_codes(left), cut)
    }

    /// Whether some value of a bucket answers otherwise than the value that represents it.
    fn is_cut(&self, index: usize, test: &Test, code: usize, answer: bool) -> bool {
        let feature: &Feature = &self.model.features[index];
        let Some(ends) = self.codes[feature.input as usize].as_ref().and_then(|codes| codes[code].ends)
        else {
            return false;
        };
        let mut probes = vec![ends.0, ends.1];
        // A range may begin and end inside a bucket.
        if let Encoding::Within { low, high } = &feature.encoding {
            probes.extend(low.iter().chain(high).filter(|edge| (ends.0..=ends.1).contains(*edge)));
        }
        probes.into_iter().any(|probe| {
            let value = feature.apply(&Scalar::Number(probe)).ok().flatten();
            value.is_some_and(|value| test.holds(rounded(value, self.precision)) != answer)
        })
    }

    fn report_cut(&mut self, index: usize, test: &Test, code: usize) {
        let input = &self.mapped[self.model.features[index].input as usize];
        let (Test::AtMost(threshold) | Test::Below(threshold)) = test else { return };
        let cut = Cut {
            input: input.input.clone(),
            threshold: *threshold,
            bucket: self.schema.column(input.column).label(code as u32).unwrap_or_default(),
        };
        if self.cuts.len() < CUTS && !self.cuts.contains(&cut) {
            self.cuts.push(cut);
        }
    }

    /// A tree over codes, without splits that all codes answer alike.
    fn route(&mut self, tree: &Tree) -> Routed {
        let mut nodes: Vec<RoutedNode> = Vec::with_capacity(tree.nodes.len());
        let mut open = vec![(0usize, None::<(usize, Side)>)];
        let mut passed = vec![None; tree.nodes.len()];
        while let Some((at, parent)) = open.pop() {
            let node = match &tree.nodes[at] {
                Node::Leaf(values) => RoutedNode::Leaf(values.clone()),
                Node::Split { feature, test, left, right, missing } => {
                    let (codes, cut) = self.left(*feature as usize, test, *missing);
                    let column = self.mapped[self.model.features[*feature as usize].input as usize].column;
                    let size = self.schema.column(column).codes();
                    passed[at] = Some(Passed { sides: [!codes.is_empty(), codes.len() < size], cut });
                    if codes.is_empty() || codes.len() == size {
                        open.push((if codes.is_empty() { *right } else { *left } as usize, parent));
                        continue;
                    }
                    open.push((*right as usize, Some((nodes.len(), Side::Right))));
                    open.push((*left as usize, Some((nodes.len(), Side::Left))));
                    RoutedNode::Split(IntegerNode::Split { column, codes, left: 0, right: 0 })
                }
            };
            let number = nodes.len() as u32;
            if let Some((parent, side)) = parent
                && let RoutedNode::Split(IntegerNode::Split { left, right, .. }) = &mut nodes[parent]
            {
                *(if side == Side::Left { left } else { right }) = number;
            }
            nodes.push(node);
        }
        Routed { score: tree.score as usize, nodes, passed }
    }
}

impl Routed {
    /// Makes what its leaves add to two scores, each times a factor, one value.
    fn combine(&mut self, factors: [f64; 2]) {
        let factors = factors.get(self.score..).unwrap_or_default();
        for node in &mut self.nodes {
            if let RoutedNode::Leaf(values) = node {
                *values = vec![values.iter().zip(factors).map(|(value, factor)| value * factor).sum()];
            }
        }
        self.score = 0;
    }

    /// The most that a row changes a score by which leaves the way of its bucket at a cut; of two scores
    /// times factors, where given.
    fn detour(&self, tree: &Tree, score: usize, factors: Option<[f64; 2]>) -> f64 {
        let first = tree.score as usize;
        let value = |leaf: &[f64]| match factors {
            Some(factors) => {
                leaf.iter().zip(&factors[first.min(2)..]).map(|(leaf, factor)| leaf * factor).sum()
            }
            None => score.checked_sub(first).and_then(|at| leaf.get(at)).copied().unwrap_or(0.0),
        };
        // Of every node the range of leaves below, and the most by which a row is off there.
        let mut below = vec![(0.0f64, 0.0f64, 0.0f64); tree.nodes.len()];
        for (at, node) in tree.nodes.iter().enumerate().rev() {
            below[at] = match node {
                Node::Leaf(leaf) => (value(leaf), value(leaf), 0.0),
                Node::Split { left, right, .. } => {
                    let (left, right) = (below[*left as usize], below[*right as usize]);
                    let Passed { sides, cut } =
                        self.passed[at].unwrap_or(Passed { sides: [false; 2], cut: false });
                    let mut off = 0.0f64;
                    for (_, (.., of_side)) in sides.iter().zip([left, right]).filter(|(passed, _)| **passed) {
                        off = off.max(of_side);
                    }
                    if cut {
                        off = off.max(left.1 - right.0).max(right.1 - left.0);
                    }
                    (left.0.min(right.0), left.1.max(right.1), off)
                }
            };
        }
        below.first().map_or(0.0, |root| root.2)
    }

    /// What its leaves add to a score; empty where it adds nothing to it.
    fn adds(&self, score: usize) -> impl Iterator<Item = f64> + '_ {
        let at = score.checked_sub(self.score);
        self.nodes.iter().filter_map(move |node| match node {
            RoutedNode::Leaf(values) => at.and_then(|at| values.get(at)).copied(),
            RoutedNode::Split(_) => None,
        })
    }
}

fn width(score: usize, trees: &[Routed], share: f64) -> f64 {
    let one = |tree: &Routed| {
        let low = tree.adds(score).fold(f64::INFINITY, f64::min);
        let high = tree.adds(score).fold(f64::NEG_INFINITY, f64::max);
        if high >= low { (high - low) * share } else { 0.0 }
    };
    trees.iter().map(one).sum()
}

type Integers = (Shape, Vec<(i64, i64)>);

fn integers(base: &[f64], routed: &[Routed], share: f64, bits: i32) -> Result<Integers, QuantiseError> {
    let base: Vec<i64> = base.iter().map(|base| round("a base", *base, bits)).collect::<Result<_, _>>()?;
    let mut trees = Vec::with_capacity(routed.len());
    for tree in routed {
        let node = |node: &RoutedNode| match node {
            RoutedNode::Split(split) => Ok(split.clone()),
            RoutedNode::Leaf(values) => {
                let values = values.iter().map(|value| round("a leaf", value * share, bits));
                Ok(IntegerNode::Leaf(values.collect::<Result<_, _>>()?))
            }
        };
        let nodes = tree.nodes.iter().map(node).collect::<Result<_, QuantiseError>>()?;
        trees.push(IntegerTree { score: tree.score as u32, nodes });
    }
    let mut bounds: Vec<(i128, i128)> =
        base.iter().map(|base| (i128::from(*base), i128::from(*base))).collect();
    for tree in &trees {
        for (score, (low, high)) in bounds.iter_mut().enumerate() {
            let at = score.checked_sub(tree.score as usize);
            let values = tree.nodes.iter().filter_map(|node| match node {
                IntegerNode::Leaf(values) => at.and_then(|at| values.get(at)),
                IntegerNode::Split { .. } => None,
            });
            let (smallest, largest) = values.fold((None::<i64>, None::<i64>), |(low, high), value| {
                (
                    Some(low.map_or(*value, |low| low.min(*value))),
                    Some(high.map_or(*value, |high| high.max(*value))),
                )
            });
            *low += i128::from(smallest.unwrap_or(0));
            *high += i128::from(largest.unwrap_or(0));
        }
    }
    let bounds = bounds.into_iter().map(|range| narrow("a score", range)).collect::<Result<_, _>>()?;
    Ok((Shape::Trees { base, trees }, bounds))
}

/// The largest error of a score by rounding.
fn rounding(score: usize, base: &[f64], trees: &[Routed], share: f64, bits: i32) -> f64 {
    let unit = unit(bits);
    let off = |value: f64| ((value / unit).round() * unit - value).abs();
    let one = |tree: &Routed| tree.adds(score).map(|value| off(value * share)).fold(0.0, f64::max);
    off(base[score]) + trees.iter().map(one).sum::<f64>()
}
