//! Gaussian naive Bayes: counts, sums and squares of the measures by class, in one round.

use sordino_protocol::{
    predicate::Predicate,
    query::{Expression, GroupKey, Spread, Value},
    schema::{ColumnId, Schema},
};

use super::{
    Procedure, Turn,
    ask::{Ask, Cell, Table},
    columns,
    error::TrainError,
    task::{Source, Task},
    trained::{Fitted, ParameterError},
};
use crate::model::{Estimator, Feature, Format, Gaussian, Model};

/// A Gaussian naive Bayes classifier.
pub(super) struct GaussianBayes {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    label: ColumnId,
    classes: Vec<String>,
    var_smoothing: f64,
}

/// Rows, sum and squares of one measure in one class.
#[derive(Debug, Clone, Copy)]
struct Moments([Cell; 3]);

impl GaussianBayes {
    pub(super) fn new(source: &Source, task: &Task, var_smoothing: f64) -> Result<Self, TrainError> {
        if !(var_smoothing.is_finite() && var_smoothing > 0.0) {
            return Err(TrainError::option("var_smoothing", "a number above 0"));
        }
        let (label, classes) = columns::classes(source, task)?;
        let inputs = columns::inputs(source, task)?;
        for id in &inputs {
            let column = source.schema.column(*id);
            if column.measure.is_none() {
                let reason = "it is no measure: use categorical_bayes for dimensions";
                return Err(TrainError::column(&column.name, reason));
            }
        }
        let rows = columns::complete(source, inputs.iter().copied().chain([label]));
        Ok(Self { rows, inputs, label, classes, var_smoothing })
    }

    fn ask(&self, schema: &Schema) -> Ask {
        let spread = |id: &ColumnId| Expression::Spread {
            statistic: Spread::VariancePopulation,
            value: Value::measure(schema, *id),
        };
        let mut expressions = vec![Expression::Count(Predicate::All)];
        expressions.extend(self.inputs.iter().map(spread));
        Ask { rows: self.rows.clone(), groups: vec![GroupKey::Codes(self.label)], expressions }
    }

    fn fit(&self, schema: &Schema, table: &Table) -> Result<Fitted, TrainError> {
        let known = |class: &usize| {
            let moments =
                (1..=self.inputs.len()).all(|i| table.parts(i, *class).iter().all(|c| c.value.is_some()));
            moments && table.count(0, *class).or_zero() > 0
        };
        let kept: Vec<usize> = (0..self.classes.len()).filter(known).collect();
        if kept.is_empty() {
            return Err(TrainError::NothingReleased("no class has enough rows".to_owned()));
        }
        let moments = |input: usize, class: usize| {
            let parts = table.parts(input + 1, class);
            Moments([parts[0], parts[1], parts[2]])
        };
        let unit = |input: usize| columns::unit(schema, self.inputs[input]);
        let all: i64 = kept.iter().map(|class| table.count(0, *class).or_zero()).sum();
        let largest = (0..self.inputs.len())
            .map(|input| pooled(kept.iter().map(|class| moments(input, *class))) * unit(input).powi(2))
            .fold(0.0, f64::max);
        // Noise may leave a variance of 0 or less; it then has this one.
        let smoothing = (largest * self.var_smoothing).max(f64::MIN_POSITIVE);
        let mut fitted = Fitted::new(self.model(schema, &kept), self.notes(schema, &kept));
        let mut classes = Vec::with_capacity(kept.len());
        for class in &kept {
            let share = table.count(0, *class).or_zero() as f64 / all as f64;
            let (mut means, mut variances) = (Vec::new(), Vec::new());
            for input in 0..self.inputs.len() {
                let found = moments(input, *class);
                let (mean, variance) = (found.mean() * unit(input), found.variance() * unit(input).powi(2));
                let name = &schema.column(self.inputs[input]).name;
                if variance < 0.0 {
                    fitted.notes.push(format!(
                        "the variance of `{name}` in class {} is below 0 by noise, and replaced by the smallest",
                        self.classes[*class]
                    ));
                }
                fitted.parameters.push(ParameterError {
                    name: format!("the mean of `{name}` in class {}", self.classes[*class]),
                    value: mean,
                    error: found.mean_error() * unit(input),
                });
                means.push(mean);
                variances.push(variance.max(0.0) + smoothing);
            }
            classes.push(Gaussian { log_prior: share.ln(), means, variances });
        }
        fitted.model.estimator = Estimator::GaussianBayes { classes };
        Ok(fitted)
    }

    fn model(&self, schema: &Schema, kept: &[usize]) -> Model {
        Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: (0..self.inputs.len()).map(|input| Feature::number(input as u32)).collect(),
            classes: kept.iter().map(|class| self.classes[*class].clone()).collect(),
            estimator: Estimator::GaussianBayes { classes: vec![] },
        }
    }

    fn notes(&self, schema: &Schema, kept: &[usize]) -> Vec<String> {
        let used = self.inputs.iter().copied().chain([self.label]);
        let mut notes: Vec<String> = columns::incomplete_note(schema, used).into_iter().collect();
        notes.extend(columns::dropped_note(&self.classes, kept));
        notes
    }
}

impl Moments {
    fn rows(self) -> f64 {
        self.0[0].or_zero() as f64
    }

    fn mean(self) -> f64 {
        self.0[1].or_zero() as f64 / self.rows()
    }

    /// Between exact integers, so that a large mean costs no precision.
    fn variance(self) -> f64 {
        let [rows, sum, squares] = self.0.map(|cell| i128::from(cell.or_zero()));
        (squares * rows - sum * sum) as f64 / (rows * rows) as f64
    }

    fn mean_error(self) -> f64 {
        self.0[1].deviation.hypot(self.mean() * self.0[0].deviation) / self.rows()
    }
}

/// The variance over all classes.
fn pooled(moments: impl Iterator<Item = Moments>) -> f64 {
    let sums = moments.fold([0i128; 3], |mut sums, found| {
        sums.iter_mut().zip(found.0).for_each(|(sum, cell)| *sum += i128::from(cell.or_zero()));
        sums
    });
    let [rows, sum, squares] = sums;
    (squares * rows - sum * sum) as f64 / (rows * rows) as f64
}

impl Procedure for GaussianBayes {
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        Ok(vec![vec![self.ask(&source.schema)]])
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        match answers.first() {
            None => Ok(Turn::Ask(vec![self.ask(&source.schema)])),
            Some(table) => Ok(Turn::Done(Box::new(self.fit(&source.schema, table)?))),
        }
    }
}
