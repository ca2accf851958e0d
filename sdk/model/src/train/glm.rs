//! Logistic and Poisson regression: the likelihood depends on rows through their cell only, so counts and
//! sums of the label by cell are enough, and the Newton steps need no further round.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Expression, Value},
    schema::{ColumnId, Schema},
};

use super::{
    Procedure, Turn,
    ask::{Ask, Table},
    cells::Cells,
    columns,
    error::TrainError,
    newton::{Family, Fit, Weighted},
    task::{Source, Task},
    trained::{Fitted, ParameterError},
};
use crate::model::{Affine, Estimator, Feature, Format, LinearFamily, Link, Model};

/// A regression on cells.
pub(super) struct CellRegression {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    cells: Cells,
    features: Vec<Feature>,
    label: ColumnId,
    /// None for a number.
    classes: Vec<String>,
    family: Family,
    strength: f64,
}

impl CellRegression {
    /// A logistic regression; `c` as in scikit-learn.
    pub(super) fn logistic(source: &Source, task: &Task, c: f64, bins: u32) -> Result<Self, TrainError> {
        if !(c.is_finite() && c > 0.0) {
            return Err(TrainError::option("c", "a number above 0"));
        }
        let (label, classes) = columns::classes(source, task)?;
        if classes.len() != 2 {
            let name = &source.schema.column(label).name;
            let reason = "it has other than two values: use naive Bayes or a tree";
            return Err(TrainError::column(name, reason));
        }
        Self::new(source, task, (label, classes), Family::Logistic, 1.0 / c, bins)
    }

    /// A Poisson regression; `alpha` as in scikit-learn.
    pub(super) fn poisson(source: &Source, task: &Task, alpha: f64, bins: u32) -> Result<Self, TrainError> {
        if !(alpha.is_finite() && alpha >= 0.0) {
            return Err(TrainError::option("alpha", "a number of at least 0"));
        }
        let label = columns::measured_label(source, task)?;
        let column = source.schema.column(label);
        if column.measure.as_ref().is_some_and(|measure| measure.min < 0) {
            return Err(TrainError::column(&column.name, "it may be below 0: use linear regression"));
        }
        Self::new(source, task, (label, vec![]), Family::Poisson, alpha, bins)
    }

    fn new(
        source: &Source,
        task: &Task,
        (label, classes): (ColumnId, Vec<String>),
        family: Family,
        strength: f64,
        bins: u32,
    ) -> Result<Self, TrainError> {
        let inputs = columns::inputs(source, task)?;
        let cells = Cells::new(&source.schema, &inputs, bins)?;
        let of_axes = cells.axes.iter().enumerate();
        let features = of_axes.map(|(input, axis)| axis.features(&source.schema, input));
        let features = features.collect::<Result<Vec<_>, _>>()?.concat();
        let rows = columns::complete(source, inputs.iter().copied().chain([label]));
        Ok(Self { rows, inputs, cells, features, label, classes, family, strength })
    }

    fn ask(&self, source: &Source) -> Ask {
        let schema = &source.schema;
        let label = match self.family {
            // The rows of the second class.
            Family::Logistic => {
                Expression::Count(Predicate::column_in(schema, self.label, CodeSet::from_codes([1])))
            }
            Family::Poisson => Expression::Sum(Value::measure(schema, self.label)),
        };
        self.cells.ask(source, self.rows.clone(), &[label])
    }

    /// The cells that are released and have rows, and the rows of those whose label is withheld.
    fn weighted(&self, schema: &Schema, table: &Table) -> (Vec<Weighted>, i64) {
        let mut without_label = 0;
        let unit = columns::unit(schema, self.label);
        let unit = if self.family == Family::Poisson { unit } else { 1.0 };
        let label = self.cells.first_more();
        let mut cells = Vec::new();
        for cell in 0..table.groups() {
            let rows = table.count(0, cell);
            let Some(sum) = table.parts(label, cell).last() else { continue };
            let count = rows.or_zero();
            // Noise alone makes cells of rows where there are none.
            if count <= 0 || (count as f64) < 2.0 * rows.deviation {
                continue;
            }
            if sum.value.is_none() {
                without_label += count;
            }
            // Taken as 0, rare labels would seem rarer still.
            let sum_of = sum.value.map_or(table.middle_of_withheld(count), |sum| sum as f64) * unit;
            // Noise may leave more of the second class than there are rows.
            let most = if self.family == Family::Logistic { count as f64 } else { f64::INFINITY };
            cells.push(Weighted {
                features: self.cells.features(schema, table, cell),
                rows: count as f64,
                sum: sum_of.clamp(0.0, most),
                noise: [rows.deviation.powi(2), (sum.deviation * unit).powi(2)],
            });
        }
        (cells, without_label)
    }

    fn fit(&self, schema: &Schema, table: &Table) -> Result<Fitted, TrainError> {
        let (cells, without_label) = self.weighted(schema, table);
        let rows: f64 = cells.iter().map(|cell| cell.rows).sum();
        let sum: f64 = cells.iter().map(|cell| cell.sum).sum();
        if rows <= 0.0 || sum <= 0.0 || (self.family == Family::Logistic && sum >= rows) {
            let reason = "no cells with both labels have enough rows: use fewer or coarser inputs";
            return Err(TrainError::NothingReleased(reason.to_owned()));
        }
        // scikit-learn's losses: the sum plus a penalty over c, or the mean plus a penalty of alpha.
        let penalty = if self.family == Family::Logistic { self.strength } else { self.strength * rows };
        let fit = self.family.fit(&cells, penalty);
        let used = self.inputs.iter().copied().chain([self.label]);
        let mut notes: Vec<String> = columns::incomplete_note(schema, used).into_iter().collect();
        notes.push(format!("fitted to {rows} rows in {} of {} cells", cells.len(), self.cells.count()));
        if table.deviation() > 0.0 {
            notes.push(
                "cells with fewer rows than twice the deviation of their noise are left out".to_owned(),
            );
        }
        if without_label > 0 {
            notes.push(format!("{without_label} rows are in cells whose label is withheld: taken as half of the most it may be"));
        }
        if !fit.converged {
            notes.push("the steps did not come to rest: use a stronger penalty".to_owned());
        }
        let mut fitted = Fitted::new(self.model(schema, &fit), notes);
        fitted.parameters = self.parameters(schema, &fit);
        Ok(fitted)
    }

    fn model(&self, schema: &Schema, fit: &Fit) -> Model {
        let (family, link) = match self.family {
            Family::Logistic => (LinearFamily::Logistic, Link::Sigmoid),
            Family::Poisson => (LinearFamily::Poisson, Link::Exp),
        };
        let outputs = vec![Affine { intercept: fit.parameters[0], weights: fit.parameters[1..].to_vec() }];
        Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: self.features.clone(),
            classes: self.classes.clone(),
            estimator: Estimator::Linear { family, outputs, link },
        }
    }

    fn parameters(&self, schema: &Schema, fit: &Fit) -> Vec<ParameterError> {
        let mut names = vec!["the intercept".to_owned()];
        for axis in &self.cells.axes {
            let column = schema.column(axis.column);
            if axis.number {
                names.push(format!("`{}`", column.name));
                continue;
            }
            let value = |(low, _): &(u32, u32)| column.label(*low).unwrap_or_default();
            names.extend(axis.classes.iter().map(|class| format!("`{}` = {}", column.name, value(class))));
        }
        let values = fit.parameters.iter().zip(&fit.errors);
        let named = names.into_iter().zip(values);
        named.map(|(name, (value, error))| ParameterError { name, value: *value, error: *error }).collect()
    }
}

impl Procedure for CellRegression {
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        Ok(vec![vec![self.ask(source)]])
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        match answers.first() {
            None => Ok(Turn::Ask(vec![self.ask(source)])),
            Some(table) => Ok(Turn::Done(Box::new(self.fit(&source.schema, table)?))),
        }
    }
}
