//! Linear and ridge regression: the normal equations need cross moments only, so one round is enough.

use sordino_protocol::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

use super::{
    Procedure, Turn,
    ask::{Ask, Table},
    columns,
    error::TrainError,
    moments::{Moments, Released, Term},
    solve::{self, Inverse, Matrix},
    task::{Source, Task},
    trained::{Fitted, ParameterError},
};
use crate::model::{Affine, Estimator, Feature, Format, LinearFamily, Link, Model};

/// The most terms: their moments grow with the square.
const MAX_TERMS: usize = 128;

/// A linear regression.
pub(super) struct Linear {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    /// One per feature; the label is the last term of the moments.
    terms: Vec<Term>,
    features: Vec<Feature>,
    label: ColumnId,
    moments: Moments,
    ridge: f64,
}

/// Terms without a coefficient.
#[derive(Clone, Copy)]
struct LeftOut<'a> {
    terms: &'a [usize],
    /// Those among them that nothing is released of.
    withheld: &'a [usize],
    /// Whether the moments are the true ones: what depends on others then does so in the rows.
    is_exact: bool,
}

impl Linear {
    pub(super) fn new(source: &Source, task: &Task, ridge: f64) -> Result<Self, TrainError> {
        if !(ridge.is_finite() && ridge >= 0.0) {
            return Err(TrainError::option("ridge", "a number of at least 0"));
        }
        let schema = &source.schema;
        let (inputs, label) = (columns::inputs(source, task)?, columns::measured_label(source, task)?);
        let (mut terms, mut features) = (Vec::new(), Vec::new());
        for (input, id) in inputs.iter().enumerate() {
            let column = schema.column(*id);
            if column.measure.is_some() {
                terms.push(Term::Measure(*id));
                features.push(Feature::number(input as u32));
                continue;
            }
            let domain = columns::dimension(column)?;
            // Without a penalty, the codes of a dimension and the intercept depend on each other: the first
            // code is the one that the others are compared with.
            let first = u32::from(ridge == 0.0);
            for code in first..domain.size() {
                if terms.len() == MAX_TERMS {
                    let reason = format!("more than {MAX_TERMS} terms: leave it out, or ask for fewer codes");
                    return Err(TrainError::column(&column.name, reason));
                }
                terms.push(Term::Code(*id, code));
                features.push(columns::indicator(input, domain, code, code + 1));
            }
        }
        let with_label = [terms.as_slice(), &[Term::Measure(label)]].concat();
        let moments = Moments::new(schema, with_label)?;
        let rows = columns::complete(source, inputs.iter().copied().chain([label]));
        Ok(Self { rows, inputs, terms, features, label, moments, ridge })
    }

    fn ask(&self) -> Ask {
        Ask { rows: self.rows.clone(), groups: vec![], expressions: self.moments.expressions().to_vec() }
    }

    fn fit(&self, schema: &Schema, released: &Released) -> Result<Fitted, TrainError> {
        let label = self.terms.len();
        if released.rows.or_zero() <= 0 || released.sums[label].value.is_none() {
            return Err(TrainError::NothingReleased("too few rows: widen the predicate".to_owned()));
        }
        let unit: Vec<f64> = self.units(schema);
        let mut matrix = released.centred();
        for (i, row) in matrix.iter_mut().enumerate() {
            row.iter_mut().zip(&unit).for_each(|(value, other)| *value *= unit[i] * other);
        }
        let total = matrix[label][label];
        let mut right: Vec<f64> = matrix[..label].iter().map(|row| row[label]).collect();
        matrix.truncate(label);
        matrix.iter_mut().for_each(|row| row.truncate(label));
        let withheld: Vec<usize> = (0..label).filter(|i| released.products[*i][*i].value.is_none()).collect();
        for i in &withheld {
            // Nothing is known of it: its coefficient is 0.
            matrix.iter_mut().for_each(|row| row[*i] = 0.0);
            matrix[*i].fill(0.0);
            right[*i] = 0.0;
        }
        let explained = matrix.clone();
        (0..label).filter(|i| !withheld.contains(i)).for_each(|i| matrix[i][i] += self.ridge);
        let inverse = solve::invert(&matrix);
        let weights = solve::times(&inverse.matrix, &right);
        let means: Vec<f64> = released.means().iter().zip(&unit).map(|(mean, unit)| mean * unit).collect();
        let intercept = means[label] - solve::dot(&weights, &means[..label]);
        let left = total - 2.0 * solve::dot(&weights, &right)
            + solve::dot(&weights, &solve::times(&explained, &weights));
        let left_out =
            LeftOut { terms: &inverse.dependent, withheld: &withheld, is_exact: released.is_exact };
        let mut fitted = Fitted::new(self.model(schema, intercept, &weights), self.notes(schema, left_out));
        if total > 0.0 {
            fitted.notes.push(format!("R2 on the rows it is fitted to: {:.4}", 1.0 - left / total));
        }
        fitted.parameters = self.errors(schema, released, &inverse, &weights, intercept, &means);
        Ok(fitted)
    }

    fn units(&self, schema: &Schema) -> Vec<f64> {
        let unit = |term: &Term| match term {
            Term::Measure(column) => columns::unit(schema, *column),
            Term::Code(..) => 1.0,
        };
        self.terms.iter().map(unit).chain([columns::unit(schema, self.label)]).collect()
    }

    fn model(&self, schema: &Schema, intercept: f64, weights: &[f64]) -> Model {
        Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: self.features.clone(),
            classes: vec![],
            estimator: Estimator::Linear {
                family: LinearFamily::Regression,
                outputs: vec![Affine { intercept, weights: weights.to_vec() }],
                link: Link::Identity,
            },
        }
    }

    fn name(&self, schema: &Schema, term: usize) -> String {
        match self.terms[term] {
            Term::Measure(id) => format!("`{}`", schema.column(id).name),
            Term::Code(id, code) => {
                let column = schema.column(id);
                format!("`{}` = {}", column.name, column.label(code).unwrap_or_default())
            }
        }
    }

    fn notes(&self, schema: &Schema, left_out: LeftOut<'_>) -> Vec<String> {
        let used = self.inputs.iter().copied().chain([self.label]);
        let mut notes: Vec<String> = columns::incomplete_note(schema, used).into_iter().collect();
        for term in left_out.terms {
            let name = self.name(schema, *term);
            notes.push(if left_out.withheld.contains(term) {
                format!("{name} has too few rows: its coefficient is 0")
            } else if left_out.is_exact {
                format!("{name} depends on the other inputs: its coefficient is 0")
            } else {
                format!(
                    "{name} cannot be told from the other inputs by what is released, because some of it is withheld or \
                     noised: its coefficient is 0"
                )
            });
        }
        notes
    }

    /// What noise does to the coefficients, to first order: a moment that is off by d moves them by
    /// `inverse * (d_right - d_matrix * weights)`, the intercept's row and column included.
    fn errors(
        &self,
        schema: &Schema,
        released: &Released,
        inverse: &Inverse,
        weights: &[f64],
        intercept: f64,
        means: &[f64],
    ) -> Vec<ParameterError> {
        let (n, unit) = (weights.len(), self.units(schema));
        let rows = released.rows.or_zero() as f64;
        // Position 0 is the constant 1, the last one the label, whose weight is -1.
        let weight = |i: usize| {
            if i == 0 {
                intercept
            } else if i > n {
                -1.0
            } else {
                weights[i - 1]
            }
        };
        let deviation = |i: usize, j: usize| match (i.min(j), i.max(j)) {
            (0, 0) => released.rows.deviation,
            (0, j) => released.sums[j - 1].deviation * unit[j - 1],
            (i, j) => released.products[i - 1][j - 1].deviation * unit[i - 1] * unit[j - 1],
        };
        let covariance = |i: usize, j: usize| {
            if i == j {
                return (0..n + 2).map(|k| (deviation(i, k) * weight(k)).powi(2)).sum();
            }
            deviation(i, j).powi(2) * weight(i) * weight(j)
        };
        let middle: Matrix = (0..=n).map(|i| (0..=n).map(|j| covariance(i, j)).collect()).collect();
        // The inverse with the intercept, from the inverse of the centred matrix.
        let shift = solve::times(&inverse.matrix, &means[..n]);
        let mut full: Matrix = vec![vec![1.0 / rows + solve::dot(&means[..n], &shift)]];
        full[0].extend(shift.iter().map(|value| -value));
        for (row, value) in inverse.matrix.iter().zip(&shift) {
            full.push([&[-value], row.as_slice()].concat());
        }
        let errors = solve::sandwich(&full, &middle);
        let name = |i: usize| if i == 0 { "the intercept".to_owned() } else { self.name(schema, i - 1) };
        let named = errors.into_iter().enumerate();
        named.map(|(i, error)| ParameterError { name: name(i), value: weight(i), error }).collect()
    }
}

impl Procedure for Linear {
    fn plan(&self, _: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        Ok(vec![vec![self.ask()]])
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        match answers.first() {
            None => Ok(Turn::Ask(vec![self.ask()])),
            Some(table) => {
                let released = self.moments.read(table);
                Ok(Turn::Done(Box::new(self.fit(&source.schema, &released)?)))
            }
        }
    }
}
