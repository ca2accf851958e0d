//! Scores of a model as queries have them: sums over the codes of columns and the leaves of trees.

use std::collections::BTreeMap;

use sordino_protocol::{
    query::{MAX_COMPARED, Score, ScoreNode, ScoreTerm, score::MAX_LEVELS},
    schema::{ColumnId, Schema},
};

use super::{AuditionError, cells};
use crate::{
    model::Link,
    quantised::{self, Quantised, Shape, Term},
};

/// The score that tells two classes apart, and the largest that is still of the first: for one raw score itself,
/// for two the second less the first.
pub(super) fn of_two(model: &Quantised, schema: &Schema) -> Result<(Score, i64), AuditionError> {
    let (weights, at): (&[i64], i64) = match model.link {
        Link::Cutoff { at } => (&[1], at),
        Link::Sigmoid => (&[1], 0),
        Link::Largest | Link::Softmax | Link::Probabilities | Link::OneVsRest => (&[-1, 1], 0),
        // The smaller wins, and of equals the first.
        Link::Smallest => (&[1, -1], 0),
        Link::Identity | Link::Exp => return Err(AuditionError::Model("a classifier predicts no class")),
    };
    if model.classes.len() != 2 || model.bounds.len() != weights.len() {
        return Err(AuditionError::Model("a score with a threshold tells two classes apart"));
    }
    Ok((weighted(model, schema, weights, false)?, at))
}

/// For every class of a model a score, the largest of which tells the class, the first of equals. Of two
/// classes the first has the threshold, which is the same for all rows.
pub(super) fn of_classes(model: &Quantised, schema: &Schema) -> Result<Vec<Score>, AuditionError> {
    let scores = if model.classes.len() == 2 {
        let (score, at) = of_two(model, schema)?;
        vec![Score { intercept: at, terms: Vec::new() }, score]
    } else {
        of_many(model, schema)?
    };
    for (at, score) in scores.iter().enumerate() {
        for other in &scores[..at] {
            let levels = score.minus(other).map_or(u64::MAX, |difference| difference.levels());
            if levels > MAX_LEVELS {
                return Err(AuditionError::Levels { levels });
            }
        }
    }
    Ok(scores)
}

fn of_many(model: &Quantised, schema: &Schema) -> Result<Vec<Score>, AuditionError> {
    let sign = match model.link {
        Link::Largest | Link::Softmax | Link::Probabilities | Link::OneVsRest => 1,
        Link::Smallest => -1,
        Link::Cutoff { .. } | Link::Sigmoid | Link::Identity | Link::Exp => {
            return Err(AuditionError::Model("a class has no score"));
        }
    };
    let classes = model.classes.len();
    if classes > MAX_COMPARED || model.bounds.len() != classes {
        return Err(AuditionError::TooManyClasses { classes });
    }
    let of_class = |class: usize| {
        let mut weights = vec![0; classes];
        weights[class] = sign;
        // Trees of one model are alike for all classes: their differences are trees again.
        weighted(model, schema, &weights, true)
    };
    (0..classes).map(of_class).collect()
}

/// A sum of the model's scores, each times a weight.
pub(super) fn weighted(
    model: &Quantised,
    schema: &Schema,
    weights: &[i64],
    keep: bool,
) -> Result<Score, AuditionError> {
    match &model.shape {
        Shape::Scores(scores) => of_columns(schema, scores.iter().zip(weights).filter(|(_, w)| **w != 0)),
        Shape::Trees { base, trees } => {
            let intercept = base.iter().zip(weights).map(|(base, weight)| base * weight).sum();
            let mut score = Score { intercept, terms: Vec::with_capacity(trees.len()) };
            for tree in trees {
                let weights = weights.get(tree.score as usize..).unwrap_or_default();
                let leaf =
                    |leaf: &[i64]| Ok(leaf.iter().zip(weights).map(|(value, weight)| value * weight).sum());
                match cells::preorder(schema, tree, keep, leaf)?.as_slice() {
                    [ScoreNode::Leaf(value)] => score.intercept += value,
                    nodes => score.terms.push(ScoreTerm::Tree(nodes.to_vec())),
                }
            }
            Ok(score)
        }
        Shape::Network { .. } => Err(AuditionError::NetworkOfManyInputs),
    }
}

fn of_columns<'a>(
    schema: &Schema,
    scores: impl Iterator<Item = (&'a quantised::Score, &'a i64)>,
) -> Result<Score, AuditionError> {
    let mut intercept = 0;
    let mut columns: BTreeMap<ColumnId, Vec<i64>> = Default::default();
    for (score, weight) in scores {
        intercept += score.intercept * weight;
        for term in &score.terms {
            match term {
                Term::Codes { column, weights } => {
                    let values = columns.entry(*column).or_insert_with(|| vec![0; weights.len()]);
                    values.iter_mut().zip(weights).for_each(|(value, more)| *value += more * weight);
                }
                Term::Measure { column, .. } => {
                    let column = schema.column(*column).name.clone();
                    return Err(AuditionError::ThresholdOfMeasure { column });
                }
            }
        }
    }
    let terms = columns.into_iter().map(|(column, values)| ScoreTerm::Codes { column, values });
    Ok(Score { intercept, terms: terms.collect() })
}
