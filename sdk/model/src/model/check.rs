//! Whether a model is well formed. What passes can be evaluated without a bounds error.

use std::collections::HashSet;

use super::{Affine, Encoding, Estimator, Feature, Input, LinearFamily, Link, Model, ModelError};
use crate::limits::{Limits, at_most};

impl Model {
    /// Checks that the model is well formed and within limits.
    ///
    /// # Errors
    /// The first problem found, with its place.
    pub fn validate(&self, limits: &Limits) -> Result<(), ModelError> {
        at_most("inputs", self.inputs.len(), limits.inputs)?;
        at_most("features", self.features.len(), limits.features)?;
        at_most("classes", self.classes.len(), limits.classes)?;
        if self.inputs.is_empty() || self.features.is_empty() {
            return Err(ModelError::new("inputs", "a model needs at least one input and one feature"));
        }
        let mut names = HashSet::new();
        for (index, input) in self.inputs.iter().enumerate() {
            check_input(index, input, limits)?;
            if !names.insert(&input.name) {
                return Err(ModelError::new(
                    format!("input {index}"),
                    format!("`{}` occurs twice", input.name),
                ));
            }
        }
        for (index, feature) in self.features.iter().enumerate() {
            feature.check(index, self.inputs.len(), limits)?;
        }
        at_most("values of all features and inputs", self.listed_values(), limits.all_values)?;
        let mut labels = HashSet::new();
        for label in &self.classes {
            at_most("characters of a class label", label.len(), limits.text)?;
            if !labels.insert(label) {
                return Err(ModelError::new("classes", format!("`{label}` occurs twice")));
            }
        }
        let scores = self.link().scores(self.classes.len()).ok_or_else(|| {
            let reason = format!("{:?} does not go with {} classes", self.link(), self.classes.len());
            ModelError::new("estimator", reason)
        })?;
        if matches!(self.link(), Link::Cutoff { at } if !at.is_finite()) {
            return Err(ModelError::new("estimator", "the cutoff is not a finite number"));
        }
        at_most("numbers", self.estimator.numbers(), limits.weights)?;
        self.check_estimator(scores, limits)
    }

    /// Values that features and inputs list: each may be compared with every code of a column.
    fn listed_values(&self) -> usize {
        let listed = |feature: &Feature| match &feature.encoding {
            Encoding::OneOf { values } | Encoding::Ordinal { values, .. } => values.len(),
            Encoding::Number | Encoding::Within { .. } => 0,
        };
        let accepted = |input: &Input| input.values.as_ref().map_or(0, Vec::len);
        self.features.iter().map(listed).sum::<usize>() + self.inputs.iter().map(accepted).sum::<usize>()
    }

    fn check_estimator(&self, scores: usize, limits: &Limits) -> Result<(), ModelError> {
        let width = self.features.len();
        match &self.estimator {
            Estimator::Linear { outputs, family, .. } => {
                self.check_family(*family)?;
                check_layer("linear model", outputs, scores, width)
            }
            Estimator::GaussianBayes { classes } => {
                check_length("class distributions", classes.len(), scores)?;
                for class in classes {
                    check_numbers("means", &class.means, width)?;
                    check_numbers("variances", &class.variances, width)?;
                    check_numbers("log prior", &[class.log_prior], 1)?;
                    if class.variances.iter().any(|variance| *variance <= 0.0) {
                        return Err(ModelError::new("variances", "a variance must be above 0"));
                    }
                }
                Ok(())
            }
            Estimator::CategoricalBayes { classes } => {
                check_length("class distributions", classes.len(), scores)?;
                for class in classes {
                    check_numbers("log prior", &[class.log_prior], 1)?;
                    check_length("tables of a class", class.tables.len(), width)?;
                    for (index, table) in class.tables.iter().enumerate() {
                        at_most("codes of a feature", table.len(), limits.values)?;
                        check_numbers("table", table, classes[0].tables[index].len())?;
                    }
                }
                Ok(())
            }
            Estimator::Trees { base, trees, .. } => {
                check_numbers("base", base, scores)?;
                at_most("trees", trees.len(), limits.trees)?;
                at_most("nodes", trees.iter().map(|tree| tree.nodes.len()).sum(), limits.nodes)?;
                if trees.is_empty() {
                    return Err(ModelError::new("trees", "there is none"));
                }
                trees
                    .iter()
                    .enumerate()
                    .try_for_each(|(index, tree)| tree.check(index, width, scores, limits))
            }
            Estimator::KMeans { centres } => {
                check_length("centres", centres.len(), scores)?;
                centres.iter().try_for_each(|centre| check_numbers("centre", centre, width))
            }
            Estimator::Network { layers, .. } => {
                at_most("layers", layers.len(), limits.layers)?;
                let Some((last, hidden)) = layers.split_last() else {
                    return Err(ModelError::new("network", "it has no layer"));
                };
                let mut width = width;
                for layer in hidden {
                    at_most("units of a layer", layer.len(), limits.units)?;
                    check_layer("hidden layer", layer, layer.len(), width)?;
                    width = layer.len();
                }
                check_layer("last layer", last, scores, width)
            }
        }
    }

    /// A scorecard gives points to bins and to nothing else.
    fn check_family(&self, family: LinearFamily) -> Result<(), ModelError> {
        let binned =
            |encoding: &Encoding| matches!(encoding, Encoding::OneOf { .. } | Encoding::Within { .. });
        let unbinned = self.features.iter().position(|feature| !binned(&feature.encoding));
        match (family, unbinned) {
            (LinearFamily::Scorecard, Some(index)) => Err(ModelError::new(
                format!("feature {index}"),
                "a scorecard has bins only: use one_of or within",
            )),
            (LinearFamily::Regression, _) if !matches!(self.link(), Link::Identity) => {
                Err(ModelError::new("estimator", "a linear regression has the link identity"))
            }
            (LinearFamily::Poisson, _) if !matches!(self.link(), Link::Exp) => {
                Err(ModelError::new("estimator", "a Poisson regression has the link exp"))
            }
            _ => Ok(()),
        }
    }
}

fn check_input(index: usize, input: &Input, limits: &Limits) -> Result<(), ModelError> {
    at_most("characters of a name", input.name.len(), limits.text)?;
    at_most("values of an input", input.values.as_ref().map_or(0, Vec::len), limits.values)?;
    if input.name.is_empty() {
        return Err(ModelError::new(format!("input {index}"), "it has no name"));
    }
    Ok(())
}

fn check_length(what: &str, found: usize, expected: usize) -> Result<(), ModelError> {
    if found == expected {
        return Ok(());
    }
    Err(ModelError::new(what, format!("{found}, expected {expected}")))
}

fn check_numbers(what: &str, numbers: &[f64], expected: usize) -> Result<(), ModelError> {
    check_length(what, numbers.len(), expected)?;
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(ModelError::new(what, format!("number {index} is not finite"))),
        None => Ok(()),
    }
}

fn check_layer(what: &str, layer: &[Affine], outputs: usize, width: usize) -> Result<(), ModelError> {
    check_length(what, layer.len(), outputs)?;
    layer.iter().try_for_each(|unit| {
        check_numbers("weights", &unit.weights, width)?;
        check_numbers("intercept", &[unit.intercept], 1)
    })
}
