//! k-means: each round asks rows and sums of every cluster. A cluster is a set of joint cells, each given
//! to the centre that is nearest to the means of its classes, so inputs are ordered dimensions that are measures, too:
//! finer dimensions make clusters whose borders are finer.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Class, Expression, GroupKey, LabelKind, Value},
    schema::{ColumnId, Schema},
};

use super::{
    Procedure, Turn,
    ask::{Ask, Table},
    cells::{Axis, Cells},
    columns,
    error::TrainError,
    moments::{Moments, Term},
    start,
    task::{KMeansOptions, Source, Task},
    trained::{Fitted, ParameterError},
};
use crate::model::{Estimator, Feature, Format, Model};

/// The most clusters.
const MAX_CLUSTERS: u32 = 64;
/// The most rounds.
const MAX_ROUNDS: u32 = 300;

/// A search for clusters.
pub(super) struct KMeans {
    rows: Predicate,
    inputs: Vec<ColumnId>,
    cells: Cells,
    moments: Moments,
    options: KMeansOptions,
    /// By axis and class, the number that stands for it.
    means: Vec<Vec<f64>>,
    /// None before the first answer.
    centres: Vec<Vec<f64>>,
    errors: Vec<Vec<f64>>,
    /// The cluster of each cell that was asked last.
    asked: Vec<usize>,
    round: u32,
    kept: u32,
}

impl KMeans {
    pub(super) fn new(source: &Source, task: &Task, options: &KMeansOptions) -> Result<Self, TrainError> {
        if !(2..=MAX_CLUSTERS).contains(&options.clusters) {
            return Err(TrainError::option("clusters", format!("2 to {MAX_CLUSTERS}")));
        }
        if !(1..=MAX_ROUNDS).contains(&options.max_iter) {
            return Err(TrainError::option("max_iter", format!("1 to {MAX_ROUNDS}")));
        }
        if task.label.is_some() {
            return Err(TrainError::option("label", "clusters have none: leave it out"));
        }
        let schema = &source.schema;
        let inputs = columns::inputs(source, task)?;
        for id in &inputs {
            let column = schema.column(*id);
            let ordered = column.dimension.as_ref().is_some_and(|domain| domain.is_ordered());
            if !(ordered && column.measure.is_some()) {
                let reason = "clusters need an ordered dimension, which tells them apart, that is a measure, \
                              which gives their centres";
                return Err(TrainError::column(&column.name, reason));
            }
        }
        let cells = Cells::new(schema, &inputs, options.bins)?;
        let moments = Moments::new(schema, inputs.iter().map(|id| Term::Measure(*id)).collect())?;
        let rows = columns::complete(source, inputs.iter().copied());
        let middles = |axis: &Axis| (0..axis.classes.len()).map(|class| axis.middle(schema, class)).collect();
        let means = cells.axes.iter().map(middles).collect();
        let (centres, errors, asked) = (vec![], vec![], vec![]);
        let options = options.clone();
        Ok(Self { rows, inputs, cells, moments, options, means, centres, errors, asked, round: 0, kept: 0 })
    }

    /// Cross moments of the inputs, then the rows and sum of every class of each.
    fn first_ask(&self, schema: &Schema) -> Ask {
        let mut expressions = self.moments.expressions().to_vec();
        for axis in &self.cells.axes {
            let value = Value::measure(schema, axis.column);
            let sum = |class| Expression::Sum(value.filtered(schema, &axis.when(schema, class)));
            expressions.extend((0..axis.classes.len()).map(sum));
        }
        Ask { rows: self.rows.clone(), groups: vec![], expressions }
    }

    /// Takes the means of classes, and starts.
    fn start(&mut self, schema: &Schema, table: &Table) -> Result<(), TrainError> {
        let mut next = self.moments.expressions().len();
        for (axis, means) in self.cells.axes.iter().zip(&mut self.means) {
            let unit = columns::unit(schema, axis.column);
            for (class, mean) in means.iter_mut().enumerate() {
                let parts = table.parts(next, 0);
                next += 1;
                if let (Some(rows @ 1..), Some(sum)) = (parts[0].value, parts[1].value) {
                    // Noise may carry a mean out of its class.
                    let (low, high) = axis.ends(schema, class);
                    *mean = (sum as f64 / rows as f64 * unit).clamp(low, high);
                }
            }
        }
        let unit: Vec<f64> = self.inputs.iter().map(|id| columns::unit(schema, *id)).collect();
        self.centres = start::centres(&self.moments.read(table), &unit, self.options.clusters as usize)?;
        self.errors = vec![vec![0.0; self.inputs.len()]; self.centres.len()];
        Ok(())
    }

    /// Rows and sums of each cluster.
    fn ask(&self, schema: &Schema, assigned: &[usize]) -> Ask {
        let class = |cluster: usize| Class {
            label: Some(cluster.to_string()),
            when: self.region(schema, 0, &|cell| assigned[cell] == cluster, 0),
        };
        let classes = (0..self.options.clusters as usize).map(class).collect();
        let sums = self.inputs.iter().map(|id| Expression::Sum(Value::measure(schema, *id)));
        Ask {
            rows: self.rows.clone(),
            groups: vec![GroupKey::Classes { kind: LabelKind::Integer, classes }],
            expressions: [Expression::Count(Predicate::All)].into_iter().chain(sums).collect(),
        }
    }

    /// The rows of some cells, by the axes from number `axis`; `first` is the first cell of the classes of
    /// the axes before. Classes that go on alike are one condition.
    fn region(
        &self,
        schema: &Schema,
        axis: usize,
        inside: &impl Fn(usize) -> bool,
        first: usize,
    ) -> Predicate {
        let Some(own) = self.cells.axes.get(axis) else {
            return if inside(first) { Predicate::All } else { Predicate::Nothing };
        };
        let after: usize = self.cells.axes[axis + 1..].iter().map(|axis| axis.classes.len()).product();
        let mut alike: Vec<(Predicate, Vec<(u32, u32)>)> = Vec::new();
        for (index, codes) in own.classes.iter().enumerate() {
            let rest = self.region(schema, axis + 1, inside, first + index * after);
            match alike.iter_mut().find(|(other, _)| *other == rest) {
                Some((_, ranges)) => ranges.push(*codes),
                None => alike.push((rest, vec![*codes])),
            }
        }
        let parts = alike.into_iter().map(|(rest, ranges)| {
            let codes = CodeSet::from_ranges(ranges);
            Predicate::and(schema, vec![Predicate::column_in(schema, own.column, codes), rest])
        });
        Predicate::or(schema, parts.collect())
    }

    /// The nearest of these centres to each cell.
    fn assign(&self, centres: &[Vec<f64>]) -> Vec<usize> {
        let nearest = |cell: usize| {
            let classes = self.cells.classes(cell);
            let at: Vec<f64> = self.means.iter().zip(classes).map(|(means, class)| means[class]).collect();
            let distance =
                |centre: &[f64]| -> f64 { centre.iter().zip(&at).map(|(a, b)| (a - b).powi(2)).sum() };
            let all = centres.iter().map(|centre| distance(centre)).enumerate();
            all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(cluster, _)| cluster)
        };
        (0..self.cells.count() as usize).map(nearest).collect()
    }

    /// Moves every centre to the mean of its cluster.
    fn update(&mut self, schema: &Schema, table: &Table) {
        for cluster in 0..self.centres.len() {
            let rows = table.count(0, cluster);
            let sums: Vec<_> = (1..=self.inputs.len()).map(|input| table.parts(input, cluster)[1]).collect();
            if rows.or_zero() <= 0 || sums.iter().any(|sum| sum.value.is_none()) {
                self.kept += 1;
                continue;
            }
            let count = rows.or_zero() as f64;
            for (input, sum) in sums.iter().enumerate() {
                let unit = columns::unit(schema, self.inputs[input]);
                let mean = sum.or_zero() as f64 / count;
                self.centres[cluster][input] = mean * unit;
                self.errors[cluster][input] = sum.deviation.hypot(mean * rows.deviation) / count * unit;
            }
        }
    }

    fn fitted(&self, schema: &Schema, settled: bool) -> Fitted {
        let mut notes: Vec<String> =
            columns::incomplete_note(schema, self.inputs.iter().copied()).into_iter().collect();
        notes.push("clusters are told apart by the buckets of the inputs, not by single values".to_owned());
        if !settled {
            notes.push(format!("clusters still moved after {} rounds: raise `max_iter`", self.round));
        }
        if self.kept > 0 {
            notes.push(format!(
                "centres stayed in place {} times, because too few rows were nearest",
                self.kept
            ));
        }
        let model = Model {
            format: Format::V1,
            inputs: columns::model_inputs(schema, &self.inputs),
            features: (0..self.inputs.len()).map(|input| Feature::number(input as u32)).collect(),
            classes: (0..self.centres.len()).map(|cluster| cluster.to_string()).collect(),
            estimator: Estimator::KMeans { centres: self.centres.clone() },
        };
        let mut fitted = Fitted::new(model, notes);
        for (cluster, (centre, errors)) in self.centres.iter().zip(&self.errors).enumerate() {
            for (input, (value, error)) in centre.iter().zip(errors).enumerate() {
                let name = format!("`{}` of cluster {cluster}", schema.column(self.inputs[input]).name);
                fitted.parameters.push(ParameterError { name, value: *value, error: *error });
            }
        }
        fitted
    }
}

impl Procedure for KMeans {
    fn plan(&self, source: &Source) -> Result<Vec<Vec<Ask>>, TrainError> {
        let schema = &source.schema;
        let clusters = self.options.clusters as usize;
        let across =
            |cluster: usize| self.means.iter().map(|means| means[cluster * means.len() / clusters]).collect();
        let typical = self.assign(&(0..clusters).map(across).collect::<Vec<_>>());
        let mut rounds = vec![vec![self.first_ask(schema)]];
        rounds.extend((0..self.options.max_iter).map(|_| vec![self.ask(schema, &typical)]));
        Ok(rounds)
    }

    fn turn(&mut self, source: &Source, answers: Vec<Table>) -> Result<Turn, TrainError> {
        let schema = &source.schema;
        let Some(table) = answers.first() else { return Ok(Turn::Ask(vec![self.first_ask(schema)])) };
        if self.centres.is_empty() {
            self.start(schema, table)?;
        } else {
            self.round += 1;
            self.update(schema, table);
        }
        let assigned = self.assign(&self.centres);
        let settled = assigned == self.asked;
        if settled || self.round == self.options.max_iter {
            return Ok(Turn::Done(Box::new(self.fitted(schema, settled))));
        }
        self.asked = assigned;
        Ok(Turn::Ask(vec![self.ask(schema, &self.asked)]))
    }
}
