//! Naive Bayes and k-means have no operator of their own: they are recognised from the arithmetic that
//! converters write for them, and the constants that must agree with each other are checked.

use super::{
    Run, columns,
    flow::{Estimated, Flow, Partial, Progress},
    misplaced,
    proto::{Node, Tensor},
};
use crate::{
    import::{ImportError, numbers::expect_length},
    limits::at_most,
    model::{Categorical, Estimator, Feature, Gaussian},
};

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-3 * expected.abs().max(1.0)
}

fn rows(numbers: &[f64], width: usize) -> Vec<Vec<f64>> {
    numbers.chunks(width.max(1)).map(<[f64]>::to_vec).collect()
}

/// `x - mean`, for each class.
pub(super) fn difference(features: &[Feature], means: &Tensor) -> Result<Flow, ImportError> {
    expect_length("the means of naive Bayes", means.dims[2], features.len())?;
    Ok(Flow::Partial(Partial::Gaussian {
        features: features.to_vec(),
        means: rows(&means.numbers, features.len()),
        variances: None,
        progress: Progress::Difference,
    }))
}

/// A step of a model that is not complete, with a constant.
pub(super) fn arithmetic(
    node: &Node,
    partial: &Partial,
    constant: &Tensor,
    constant_is_second: bool,
) -> Result<Flow, ImportError> {
    let unknown =
        || misplaced(node, &Flow::Partial(partial.clone()), "this is no naive Bayes or k-means we know");
    match (partial.clone(), node.operator.as_str()) {
        (Partial::Gaussian { features, means, variances, progress }, operator) => {
            let next = match (progress, operator, constant_is_second) {
                (Progress::Square, "Div", true) => {
                    expect_length("variances", constant.numbers.len(), means.len() * features.len())?;
                    let variances = Some(rows(&constant.numbers, features.len()));
                    let progress = Progress::Quotient;
                    return Ok(Flow::Partial(Partial::Gaussian { features, means, variances, progress }));
                }
                (Progress::Sum, "Mul", _) if constant.numbers == [0.5] => Progress::Half,
                (Progress::Half, "Sub", false) => {
                    check_spread(variances.as_deref().unwrap_or_default(), &constant.numbers)?;
                    Progress::Likelihood
                }
                (Progress::Likelihood, "Add", _) => {
                    return gaussian(features, means, variances.unwrap_or_default(), &constant.numbers);
                }
                _ => return Err(unknown()),
            };
            Ok(Flow::Partial(Partial::Gaussian { features, means, variances, progress: next }))
        }
        (Partial::Tables { features, tables }, "Add") => categorical(features, tables, &constant.numbers),
        (Partial::Squares { features }, "Mul") => Ok(Flow::Partial(Partial::Squares { features })),
        (Partial::Distances { features, centres }, "Add") => {
            let squares = centres.iter().map(|centre| centre.iter().map(|x| x * x).sum::<f64>());
            let agree = constant.numbers.len() == centres.len()
                && squares.zip(&constant.numbers).all(|(square, found)| close(*found, square));
            if !agree {
                return Err(ImportError::at("k-means", "the squares of its centres do not belong to them"));
            }
            let estimator = Estimator::KMeans { centres };
            Ok(Flow::Done(Box::new(Estimated { features, estimator, classes: Vec::new() })))
        }
        _ => Err(unknown()),
    }
}

/// The constant `-log(2 pi variance) / 2`, summed, belongs to the variances.
fn check_spread(variances: &[Vec<f64>], found: &[f64]) -> Result<(), ImportError> {
    let expected = variances.iter().map(|class| {
        -0.5 * class.iter().map(|variance| (std::f64::consts::TAU * variance).ln()).sum::<f64>()
    });
    if found.len() == variances.len() && expected.zip(found).all(|(expected, found)| close(*found, expected))
    {
        return Ok(());
    }
    Err(ImportError::at("naive Bayes", "its normalising constants do not belong to its variances"))
}

fn gaussian(
    features: Vec<Feature>,
    means: Vec<Vec<f64>>,
    variances: Vec<Vec<f64>>,
    priors: &[f64],
) -> Result<Flow, ImportError> {
    expect_length("class priors", priors.len(), means.len())?;
    let class = |((means, variances), log_prior): ((Vec<f64>, Vec<f64>), &f64)| Gaussian {
        log_prior: *log_prior,
        means,
        variances,
    };
    let classes = means.into_iter().zip(variances).zip(priors).map(class).collect();
    let estimator = Estimator::GaussianBayes { classes };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes: Vec::new() })))
}

/// Features chosen by a constant; a constant table looked up by a feature; or a class label.
pub(super) fn extract(run: &mut Run, node: &Node) -> Result<Flow, ImportError> {
    match (run.value(node, 0)?, run.value(node, 1)?) {
        (Flow::Features(_), Flow::Constant(_)) => columns::gather(run, node),
        (Flow::Constant(table), Flow::Features(feature)) => {
            let [classes, codes] = table.dims.as_slice() else {
                return Err(ImportError::at(
                    &node.operator,
                    "a table has a row per class and a column per code",
                ));
            };
            at_most("classes", *classes, run.limits.classes)?;
            at_most("codes of a feature", *codes, run.limits.values)?;
            expect_length("the feature of a table", feature.len(), 1)?;
            let tables = vec![rows(&table.numbers, *codes)];
            Ok(Flow::Partial(Partial::Tables { features: feature.clone(), tables }))
        }
        // The names of classes, looked up by a label.
        (Flow::Constant(names), Flow::Aside | Flow::Done(_)) => {
            let numbers = names.numbers.iter().map(f64::to_string);
            let labels = names.texts.iter().cloned().chain(numbers).collect();
            let done = run.value(node, 1)?.clone();
            run.labels = Some(labels);
            Ok(if matches!(done, Flow::Done(_)) { done } else { Flow::Aside })
        }
        // The score of the second class.
        (done @ Flow::Done(_), Flow::Constant(_)) => Ok(done.clone()),
        (other, _) => Err(misplaced(node, other, "it chooses columns, or the names of classes")),
    }
}

/// Tables of several features, added.
pub(super) fn sum(run: &Run, node: &Node) -> Result<Flow, ImportError> {
    let (mut features, mut tables) = (Vec::new(), Vec::new());
    for index in 0..node.inputs.len() {
        match run.value(node, index)? {
            Flow::Partial(Partial::Tables { features: more, tables: of }) => {
                features.extend(more.iter().cloned());
                tables.extend(of.iter().cloned());
                at_most("features", features.len(), run.limits.features)?;
            }
            other => return Err(misplaced(node, other, "it adds the tables of naive Bayes")),
        }
    }
    Ok(Flow::Partial(Partial::Tables { features, tables }))
}

fn categorical(
    features: Vec<Feature>,
    tables: Vec<Vec<Vec<f64>>>,
    priors: &[f64],
) -> Result<Flow, ImportError> {
    for table in &tables {
        expect_length("classes of a table", table.len(), priors.len())?;
    }
    let class = |(class, log_prior): (usize, &f64)| Categorical {
        log_prior: *log_prior,
        tables: tables.iter().map(|table| table[class].clone()).collect(),
    };
    let classes = priors.iter().enumerate().map(class).collect();
    let estimator = Estimator::CategoricalBayes { classes };
    Ok(Flow::Done(Box::new(Estimated { features, estimator, classes: Vec::new() })))
}

/// `-2 * x . centre + x . x`: distances to centres, but for the squares of the centres.
pub(super) fn distances(
    run: &Run,
    node: &Node,
    squares: &[Feature],
    centres: Vec<Vec<f64>>,
    alpha: f64,
) -> Result<Flow, ImportError> {
    at_most("classes", centres.len(), run.limits.classes)?;
    let value = run.value(node, 0)?;
    match value {
        Flow::Features(features) if features.as_slice() == squares && alpha == -2.0 => {
            expect_length("a centre", centres.first().map_or(0, Vec::len), features.len())?;
            Ok(Flow::Partial(Partial::Distances { features: features.clone(), centres }))
        }
        other => Err(misplaced(node, other, "this is no k-means we know")),
    }
}
