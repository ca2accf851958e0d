//! Categorical naive Bayes: counts of the codes of dimensions by class, in one round.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Expression, GroupKey},
    schema::{ColumnId, Domain, Schema},
};

use super::{
    Procedure, Turn,
    ask::{Ask, Table},
    columns,
    error::TrainError,
    task::{Source, Task},
    trained::{Fitted, ParameterError},
};
use crate::model::{Affine, Categorical, Encoding, Estimator, Feature, Format, LinearFamily, Link, Model};

/// A categorical naive Bayes classifier.
pub(super) struct CategoricalBayes {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    /// Codes of each input, null left out.
    sizes: Vec<u32>,
    label: ColumnId,
    classes: Vec<String>,
    alpha: f64,
}

impl CategoricalBayes {
    pub(super) fn new(source: &Source, task: &Task, alpha: f64) -> Result<Self, TrainError> {
        if !(alpha.is_finite() && alpha > 0.0) {
            return Err(TrainError::option(
                "alpha",
                "a number above 0: without it, a code that a class lacks rules it out",
            ));
        }
        let (label, classes) = columns::classes(source, task)?;
        let inputs = columns::inputs(source, task)?;
        let size = |id: &ColumnId| columns::dimension(source.schema.column(*id)).map(Domain::size);
        let sizes = inputs.iter().map(size).collect::<Result<Vec<_>, _>>()?;
        let rows = columns::complete(source, inputs.iter().copied().chain([label]));
        Ok(Self { rows, inputs, sizes, label, classes, alpha })
    }

    fn ask(&self, schema: &Schema) -> Ask {
        let mut expressions = vec![Expression::Count(Predicate::All)];
        for (id, size) in self.inputs.iter().zip(&self.sizes) {
            let count =
                |code| Expression::Count(Predicate::column_in(schema, *id, CodeSet::from_codes([code])));
            expressions.extend((0..*size).map(count));
        }
        Ask { rows: self.rows.clone(), groups: vec![GroupKey::Codes(self.label)], expressions }
    }

    fn fit(&self, schema: &Schema, table: &Table) -> Result<Fitted, TrainError> {
        let rows = |class: usize| table.count(0, class).or_zero();
        let kept: Vec<usize> = (0..self.classes.len()).filter(|class| rows(*class) > 0).collect();
        if kept.is_empty() {
            return Err(TrainError::NothingReleased("no class has enough rows".to_owned()));
        }
        let all: i64 = kept.iter().map(|class| rows(*class)).sum();
        let (mut classes, mut parameters) = (Vec::new(), Vec::new());
        for class in &kept {
            let mut tables = Vec::with_capacity(self.inputs.len());
            let mut first = 1;
            for (id, size) in self.inputs.iter().zip(&self.sizes) {
                let cells: Vec<_> =
                    (0..*size as usize).map(|code| table.count(first + code, *class)).collect();
                first += *size as usize;
                // Noise may leave a count below 0.
                let counts: Vec<f64> =
                    cells.iter().map(|cell| cell.or_zero().max(0) as f64 + self.alpha).collect();
                let sum: f64 = counts.iter().sum();
                for (code, (count, cell)) in counts.iter().zip(&cells).enumerate() {
                    let column = schema.column(*id);
                    let value = column.label(code as u32).unwrap_or_default();
                    parameters.push(ParameterError {
                        name: format!("`{}` = {value} in class {}", column.name, self.classes[*class]),
                        value: (count / sum).ln(),
                        error: cell.deviation / count,
                    });
                }
                tables.push(counts.iter().map(|count| (count / sum).ln()).collect());
            }
            classes.push(Categorical { log_prior: (rows(*class) as f64 / all as f64).ln(), tables });
        }
        let used = self.inputs.iter().copied().chain([self.label]);
        let mut notes: Vec<String> = columns::incomplete_note(schema, used).into_iter().collect();
        notes.extend(columns::dropped_note(&self.classes, &kept));
        let mut fitted = Fitted::new(self.model(schema, &kept, classes)?, notes);
        if matches!(fitted.model.estimator, Estimator::Linear { .. }) {
            let note = "written as a linear model over indicators of buckets, which has the same scores";
            fitted.notes.push(note.to_owned());
        }
        fitted.parameters = parameters;
        Ok(fitted)
    }

    fn model(&self, schema: &Schema, kept: &[usize], fitted: Vec<Categorical>) -> Result<Model, TrainError> {
        let domains = self.inputs.iter().map(|id| columns::dimension(schema.column(*id)));
        let domains = domains.collect::<Result<Vec<_>, _>>()?;
        let (features, estimator) = if domains.iter().all(|domain| domain.is_exact()) {
            let features = domains.iter().enumerate().map(|(input, domain)| ordinal(input, domain)).collect();
            (features, Estimator::CategoricalBayes { classes: fitted })
        } else {
            // No code can be read back from a number in a bucket, but an indicator can.
            let of = |(input, domain): (usize, &&Domain)| {
                let domain: Domain = (*domain).clone();
                (0..domain.size()).map(move |code| columns::indicator(input, &domain, code, code + 1))
            };
            let features = domains.iter().enumerate().flat_map(of).collect();
            let outputs = fitted
                .into_iter()
                .map(|class| Affine { intercept: class.log_prior, weights: class.tables.concat() })
                .collect();
            (features, Estimator::Linear { family: LinearFamily::Logistic, outputs, link: Link::Softmax })
        };
        Ok(Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features,
            classes: kept.iter().map(|class| self.classes[*class].clone()).collect(),
            estimator,
        })
    }
}

/// The code of a value of an exact dimension.
pub(super) fn ordinal(input: usize, domain: &Domain) -> Feature {
    let values = (0..domain.size()).filter_map(|code| columns::values(domain, code).into_iter().next());
    let encoding = Encoding::Ordinal { values: values.collect(), unknown: None };
    Feature { input: input as u32, missing: None, encoding, steps: vec![] }
}

impl Procedure for CategoricalBayes {
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
