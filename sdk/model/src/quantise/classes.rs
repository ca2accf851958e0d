//! Models that tell clients the class and nothing more: no score, so no probability and no distance from the
//! border. Of several classes their order is told, which is what comparing them two by two gives.
//!
//! A comparison is a unit of a network whose activation is a step: 1 where the score of the second class is
//! the larger one. Of one tree each leaf has its class already. Sums of many trees and further layers are
//! known only encrypted, and cannot be compared there.

use sordino_protocol::schema::Schema;

use super::{
    Mapped, Options, Outcome, QuantiseError, Report,
    additive::{self, FloatScore},
    levels::Sum,
    trees,
};
use crate::{
    model::{Estimator, Link, Model},
    quantised::{Format, IntegerLayer, IntegerNode, IntegerUnit, Quantised, Shape, Table},
};

/// Two classes, and the score of the second less that of the first.
struct Comparison {
    first: usize,
    second: usize,
    difference: FloatScore,
}

/// Integers for a model that tells classes only.
pub(super) fn quantise(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    match &model.estimator {
        Estimator::Trees { trees, .. } if trees.len() == 1 => of_tree(model, schema, mapped, options),
        Estimator::Trees { .. } => Err(QuantiseError::Classes("of a sum of trees, but of a single one")),
        Estimator::Network { layers, .. } if layers.len() > 1 => {
            Err(QuantiseError::Classes("of a network with a hidden layer"))
        }
        _ => of_sums(model, schema, mapped, options),
    }
}

fn of_sums(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    let floats = additive::of_model(model, schema, mapped)?;
    let comparisons = comparisons(model.link(), floats)?;
    let classes = comparisons.iter().map(|compared| compared.second + 1).max().unwrap_or(0);
    let largest = i64::from(options.levels.unwrap_or(2)).max(2) - 1;
    let mut report =
        Report { rounding: Some(vec![0.0; classes]), buckets: Some(vec![0.0; classes]), cuts: Vec::new() };
    let (mut first, mut tables) = (Vec::new(), Vec::new());
    for compared in &comparisons {
        let sum = Sum::new(&compared.difference, largest, mapped)?;
        for class in [compared.first, compared.second] {
            raise(&mut report.rounding, class, sum.rounding);
            raise(&mut report.buckets, class, compared.difference.buckets);
        }
        let outputs = sum.values().map(|difference| i64::from(difference > 0.0)).collect();
        tables.push(Table { low: 0, shift: 0, outputs });
        first.push(sum.score);
    }
    let wins = |class: usize| {
        let weight =
            |compared: &Comparison| i64::from(compared.second == class) - i64::from(compared.first == class);
        let intercept = comparisons.iter().filter(|compared| compared.first == class).count() as i64;
        IntegerUnit { intercept, weights: comparisons.iter().map(weight).collect() }
    };
    let (units, link) = told(classes, wins);
    for errors in [&mut report.rounding, &mut report.buckets].into_iter().flatten() {
        errors.truncate(units.len());
    }
    let bounds = vec![(0, classes as i64 - 1); units.len()];
    let shape = Shape::Network { first, layers: vec![IntegerLayer { tables, units }] };
    Ok(Outcome { model: integers(model, shape, link, bounds), report })
}

/// Every class with every later one: the second is the larger one where the difference is above 0, so that
/// of equals the first is.
fn comparisons(link: Link, floats: Vec<FloatScore>) -> Result<Vec<Comparison>, QuantiseError> {
    let factors = match (link, floats.as_slice()) {
        (Link::Identity | Link::Exp, _) => {
            return Err(QuantiseError::Classes("of a model that predicts a number, which score bits round"));
        }
        (Link::Cutoff { .. } | Link::Sigmoid, [score]) => {
            let at = if let Link::Cutoff { at } = link { at } else { 0.0 };
            let difference = FloatScore { intercept: score.intercept - at, ..score.clone() };
            return Ok(vec![Comparison { first: 0, second: 1, difference }]);
        }
        (Link::Smallest, _) => [1.0, -1.0],
        _ => [-1.0, 1.0],
    };
    let pairs = (0..floats.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let compared = |(first, second): (usize, usize)| {
        let difference = FloatScore::combined(&floats[first], &floats[second], factors);
        Comparison { first, second, difference }
    };
    let all: Vec<Comparison> = pairs.map(compared).collect();
    if all.is_empty() { Err(QuantiseError::Classes("of a model with a single class")) } else { Ok(all) }
}

fn raise(errors: &mut Option<Vec<f64>>, class: usize, error: f64) {
    let known = errors.as_mut().and_then(|errors| errors.get_mut(class));
    known.into_iter().for_each(|known| *known = known.max(error));
}

/// What is told: of two classes whether it is the second, of more a number for each.
fn told<T>(classes: usize, of: impl Fn(usize) -> T) -> (Vec<T>, Link<i64>) {
    if classes == 2 {
        return (vec![of(1)], Link::Cutoff { at: 0 });
    }
    ((0..classes).map(of).collect(), Link::Largest)
}

/// Each leaf becomes its class.
fn of_tree(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    let Outcome { model: scored, mut report } = trees::quantise(model, schema, mapped, options)?;
    let Shape::Trees { base, mut trees } = scored.shape else {
        return Err(QuantiseError::Classes("of a model that is no tree"));
    };
    let classes = model.classes.len();
    for tree in &mut trees {
        for node in &mut tree.nodes {
            let IntegerNode::Leaf(values) = node else { continue };
            let mut scores = base.clone();
            let added = scores.iter_mut().skip(tree.score as usize).zip(values.iter());
            added.for_each(|(score, value)| *score = score.saturating_add(*value));
            let class = scored.link.class(&scores);
            let class = class.ok_or(QuantiseError::Classes("of a tree that predicts a number"))?;
            *values = told(classes, |other| i64::from(other == class)).0;
        }
        tree.score = 0;
    }
    let (zeros, link) = told(classes, |_| 0);
    let bounds = vec![(0, 1); zeros.len()];
    if let Some(errors) = &mut report.rounding {
        let worst = errors.iter().copied().fold(0.0, f64::max);
        *errors = vec![worst; zeros.len()];
    }
    Ok(Outcome { model: integers(model, Shape::Trees { base: zeros, trees }, link, bounds), report })
}

fn integers(model: &Model, shape: Shape, link: Link<i64>, bounds: Vec<(i64, i64)>) -> Quantised {
    let classes = model.classes.clone();
    Quantised { format: Format::V1, shape, link, classes, fraction_bits: 0, bounds }
}
