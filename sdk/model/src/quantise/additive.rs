//! Models that are sums over features: linear models, scorecards, naive Bayes, k-means. All features of
//! a column are added up in floating point and rounded once per code.

mod float;

use sordino_protocol::schema::Schema;

pub(super) use self::float::{FloatScore, FloatTerm, Quadratic, additive};
use super::{
    Mapped, Options, Outcome, QuantiseError, Report,
    fixed::{finest, narrow, round},
};
use crate::{
    model::{Affine, Estimator, Model},
    quantised::{Format, Quantised, Score, Shape, Term, polynomial, unit},
};

/// Integers for a model that is a sum.
pub(super) fn quantise(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
    options: &Options,
) -> Result<Outcome, QuantiseError> {
    let mut floats = of_model(model, schema, mapped)?;
    let mut link = model.link();
    if let (Some((factors, of_difference)), [first, second]) = (options.of_two(model), floats.as_slice()) {
        floats = vec![FloatScore::combined(first, second, factors)];
        link = of_difference;
    }
    let width = floats.iter().map(FloatScore::width).fold(0.0, f64::max);
    let (scores, bounds, fraction_bits) = finest(options, width, |bits| {
        let scores: Vec<Score> = floats.iter().map(|score| integer(score, bits)).collect::<Result<_, _>>()?;
        let bounds = scores.iter().map(|score| bounds(score, schema)).collect::<Result<_, _>>()?;
        Ok((scores, bounds))
    })?;
    let rounding =
        floats.iter().zip(&scores).map(|(float, score)| float.rounding(score, schema, fraction_bits));
    let report = Report {
        rounding: Some(rounding.collect()),
        buckets: Some(floats.iter().map(|score| score.buckets).collect()),
        cuts: Vec::new(),
    };
    let cutoff = |at| round("the cutoff", at, fraction_bits);
    let link = match link {
        crate::model::Link::Cutoff { at } => crate::model::Link::Cutoff { at: cutoff(at)? },
        other => other.map(|_| 0),
    };
    let model = Quantised {
        format: Format::V1,
        shape: Shape::Scores(scores),
        link,
        classes: model.classes.clone(),
        fraction_bits,
        bounds,
    };
    Ok(Outcome { model, report })
}

/// The scores of a model that is a sum, before rounding.
pub(super) fn of_model(
    model: &Model,
    schema: &Schema,
    mapped: &[Mapped],
) -> Result<Vec<FloatScore>, QuantiseError> {
    match &model.estimator {
        Estimator::Network { layers, .. } if layers.len() == 1 => {
            additive(model, schema, mapped, &linear(&layers[0]))
        }
        estimator => additive(model, schema, mapped, &terms(estimator)),
    }
}

/// What each feature adds to each score, as a function of the feature.
pub(super) struct Terms<'a> {
    pub(super) intercepts: Vec<f64>,
    /// By score and feature.
    pub(super) term: Box<dyn Fn(usize, usize) -> Quadratic<'a> + 'a>,
}

/// One linear layer.
pub(super) fn linear(outputs: &[Affine]) -> Terms<'_> {
    Terms {
        intercepts: outputs.iter().map(|output| output.intercept).collect(),
        term: Box::new(|score, feature| Quadratic::linear(outputs[score].weights[feature])),
    }
}

fn terms(estimator: &Estimator) -> Terms<'_> {
    match estimator {
        Estimator::Linear { outputs, .. } => linear(outputs),
        Estimator::GaussianBayes { classes } => Terms {
            intercepts: classes
                .iter()
                .map(|class| {
                    let spread =
                        class.variances.iter().map(|v| (std::f64::consts::TAU * v).ln()).sum::<f64>();
                    class.log_prior - 0.5 * spread
                })
                .collect(),
            term: Box::new(|score, feature| {
                Quadratic::distance(classes[score].means[feature], -0.5 / classes[score].variances[feature])
            }),
        },
        Estimator::CategoricalBayes { classes } => Terms {
            intercepts: classes.iter().map(|class| class.log_prior).collect(),
            term: Box::new(|score, feature| Quadratic::Table(&classes[score].tables[feature])),
        },
        Estimator::KMeans { centres } => Terms {
            intercepts: vec![0.0; centres.len()],
            term: Box::new(|score, feature| Quadratic::distance(centres[score][feature], 1.0)),
        },
        Estimator::Trees { .. } | Estimator::Network { .. } => {
            Terms { intercepts: Vec::new(), term: Box::new(|_, _| Quadratic::linear(0.0)) }
        }
    }
}

/// One score in integers.
pub(super) fn integer(float: &FloatScore, fraction_bits: i32) -> Result<Score, QuantiseError> {
    let mut terms = Vec::with_capacity(float.terms.len());
    for term in &float.terms {
        terms.push(match term {
            FloatTerm::Codes { column, values } => Term::Codes {
                column: *column,
                weights: values
                    .iter()
                    .map(|value| round("a table entry", *value, fraction_bits))
                    .collect::<Result<_, _>>()?,
            },
            FloatTerm::Measure { column, weight, square, null, .. } => Term::Measure {
                column: *column,
                weight: round("a weight", *weight, fraction_bits)?,
                square: round("the weight of a square", *square, fraction_bits)?,
                null: round("a weight", *null, fraction_bits)?,
            },
        });
    }
    Ok(Score { intercept: round("an intercept", float.intercept, fraction_bits)?, terms })
}

/// The smallest and largest value of a score over all rows that fit the schema.
pub(crate) fn bounds(score: &Score, schema: &Schema) -> Result<(i64, i64), QuantiseError> {
    let start = i128::from(score.intercept);
    let sum = score.terms.iter().fold((start, start), |(low, high), term| {
        let values: Vec<i128> = match term {
            Term::Codes { weights, .. } => weights.iter().map(|weight| i128::from(*weight)).collect(),
            Term::Measure { column, weight, square, null } => {
                let described = schema.column(*column);
                let mut values: Vec<i128> = described
                    .measure
                    .iter()
                    .flat_map(|measure| turning_points(measure.min, measure.max, *weight, *square))
                    .map(|value| polynomial(value, *weight, *square))
                    .collect();
                if described.nullable {
                    values.push(i128::from(*null));
                }
                values
            }
        };
        let smallest = values.iter().copied().min().unwrap_or(0);
        let largest = values.iter().copied().max().unwrap_or(0);
        (low.saturating_add(smallest), high.saturating_add(largest))
    });
    narrow("a score", sum)
}

/// Where a parabola can be smallest or largest: the ends, and the integers around its vertex.
fn turning_points(min: i64, max: i64, weight: i64, square: i64) -> Vec<i64> {
    let mut points = vec![min, max];
    if square != 0 {
        let vertex = -i128::from(weight) / (2 * i128::from(square));
        points.extend((vertex - 1..=vertex + 1).filter_map(|at| i64::try_from(at).ok()));
    }
    points.retain(|at| (min..=max).contains(at));
    points
}

impl FloatScore {
    /// The largest error by rounding.
    fn rounding(&self, score: &Score, schema: &Schema, fraction_bits: i32) -> f64 {
        let unit = unit(fraction_bits);
        let intercept = (score.intercept as f64 * unit - self.intercept).abs();
        self.terms.iter().zip(&score.terms).fold(intercept, |sum, (float, integer)| {
            sum + match (float, integer) {
                (FloatTerm::Codes { values, .. }, Term::Codes { weights, .. }) => values
                    .iter()
                    .zip(weights)
                    .map(|(value, weight)| (*weight as f64 * unit - value).abs())
                    .fold(0.0, f64::max),
                (
                    FloatTerm::Measure { column, weight, square, .. },
                    Term::Measure { weight: w, square: s, .. },
                ) => {
                    let largest = schema.column(*column).measure.as_ref().map_or(0.0, |measure| {
                        measure.min.unsigned_abs().max(measure.max.unsigned_abs()) as f64
                    });
                    (*w as f64 * unit - weight).abs() * largest
                        + (*s as f64 * unit - square).abs() * largest * largest
                }
                _ => 0.0,
            }
        })
    }
}
