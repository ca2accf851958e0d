//! The joint cells of inputs: rows that agree in the class of every input. Whatever depends on rows only
//! through these classes can be fitted from the totals of the cells, in one round.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Class, Expression, GroupKey, LabelKind, MAX_GROUP_KEYS, MAX_GROUPS, Value},
    schema::{ColumnId, Domain, Schema},
};

use super::{
    ask::{Ask, Cell, Table},
    columns,
    error::TrainError,
    task::Source,
};
use crate::model::Feature;

/// An input and its classes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) column: ColumnId,
    /// Half-open ranges of codes.
    pub(super) classes: Vec<(u32, u32)>,
    /// Whether the values are numbers; else each class is a category.
    pub(super) number: bool,
    /// Whether sums of the values are asked, so that the means of cells are known.
    pub(super) measured: bool,
}

/// The product of the classes of some inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cells {
    pub(super) axes: Vec<Axis>,
}

impl Axis {
    /// Of a dimension, with at most so many classes if it is ordered.
    ///
    /// # Errors
    /// When it is no dimension.
    pub(super) fn new(schema: &Schema, column: ColumnId, bins: u32) -> Result<Self, TrainError> {
        let described = schema.column(column);
        let domain = columns::dimension(described)?;
        let codes = domain.size();
        let number = domain.is_ordered();
        let bins = if number { bins.clamp(1, codes) } else { codes };
        let end = |i: u32| (u64::from(codes) * u64::from(i) / u64::from(bins)) as u32;
        let classes = (0..bins).map(|bin| (end(bin), end(bin + 1))).collect();
        Ok(Self { column, classes, number, measured: number && described.measure.is_some() })
    }

    /// The rows of a class.
    pub(super) fn when(&self, schema: &Schema, class: usize) -> Predicate {
        Predicate::column_in(schema, self.column, CodeSet::from_ranges(vec![self.classes[class]]))
    }

    fn key(&self, schema: &Schema) -> GroupKey {
        let single = self.classes.iter().all(|(low, high)| high - low == 1);
        // With nulls, the codes have one more that no row is in.
        if single && !schema.column(self.column).nullable {
            return GroupKey::Codes(self.column);
        }
        let class = |index: usize| Class { label: Some(index.to_string()), when: self.when(schema, index) };
        GroupKey::Classes { kind: LabelKind::Integer, classes: (0..self.classes.len()).map(class).collect() }
    }

    /// The number that stands for a class: the middle of its interval.
    pub(super) fn middle(&self, schema: &Schema, class: usize) -> f64 {
        let (low, high) = self.ends(schema, class);
        f64::midpoint(low, high)
    }

    /// The smallest and the largest number of a class.
    pub(super) fn ends(&self, schema: &Schema, class: usize) -> (f64, f64) {
        let (low, high) = self.classes[class];
        let domain = schema.column(self.column).dimension.as_ref();
        let ends = domain.and_then(|d| Some((d, d.interval(low)?.0, d.interval(high - 1)?.1)));
        ends.map_or((0.0, 0.0), |(domain, low, high)| {
            (columns::edge(domain, low), columns::edge(domain, high - 1))
        })
    }

    /// The features of it in a model, as input number `input`; of a category, one for each class from the
    /// number `first`.
    ///
    /// # Errors
    /// When it is no dimension.
    pub(super) fn features(&self, schema: &Schema, input: usize) -> Result<Vec<Feature>, TrainError> {
        if self.number {
            return Ok(vec![Feature::number(input as u32)]);
        }
        let domain: &Domain = columns::dimension(schema.column(self.column))?;
        Ok(self.classes.iter().map(|(low, high)| columns::indicator(input, domain, *low, *high)).collect())
    }
}

impl Cells {
    /// Of these inputs.
    ///
    /// # Errors
    /// When they have too many cells, with the inputs that have most classes.
    pub(super) fn new(schema: &Schema, inputs: &[ColumnId], bins: u32) -> Result<Self, TrainError> {
        let axes = inputs.iter().map(|id| Axis::new(schema, *id, bins)).collect::<Result<Vec<_>, _>>()?;
        let cells = Self { axes };
        if inputs.len() > MAX_GROUP_KEYS || cells.count() > MAX_GROUPS {
            let mut sizes: Vec<(usize, &str)> = cells
                .axes
                .iter()
                .map(|axis| (axis.classes.len(), schema.column(axis.column).name.as_str()))
                .collect();
            sizes.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
            let named: Vec<String> = sizes.iter().map(|(size, name)| format!("`{name}` ({size})")).collect();
            return Err(TrainError::Cells {
                inputs: named.join(" x "),
                cells: cells.count(),
                limit: MAX_GROUPS,
                instead: format!(
                    "name at most {MAX_GROUP_KEYS} inputs, drop `{}`, or merge numbers into fewer `bins`",
                    sizes[0].1
                ),
            });
        }
        Ok(cells)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.axes.iter().map(|axis| axis.classes.len() as u64).fold(1, u64::saturating_mul)
    }

    /// Counts of the cells, sums of numbers that are measures, and what else is asked.
    pub(super) fn ask(&self, source: &Source, rows: Predicate, more: &[Expression]) -> Ask {
        let schema = &source.schema;
        let mut expressions = vec![Expression::Count(Predicate::All)];
        let measured = self.axes.iter().filter(|axis| axis.measured);
        expressions.extend(measured.map(|axis| Expression::Sum(Value::measure(schema, axis.column))));
        expressions.extend_from_slice(more);
        let groups = self.axes.iter().map(|axis| axis.key(schema)).collect();
        Ask { rows, groups, expressions }
    }

    /// The position of the first of what else is asked.
    pub(super) fn first_more(&self) -> usize {
        1 + self.axes.iter().filter(|axis| axis.measured).count()
    }

    /// The class of each input in a cell.
    pub(super) fn classes(&self, mut cell: usize) -> Vec<usize> {
        let mut classes = vec![0; self.axes.len()];
        for (class, axis) in classes.iter_mut().zip(&self.axes).rev() {
            *class = cell % axis.classes.len();
            cell /= axis.classes.len();
        }
        classes
    }

    /// The features of a cell: means of numbers where they are released, else middles; ones for classes.
    pub(super) fn features(&self, schema: &Schema, table: &Table, cell: usize) -> Vec<f64> {
        let mut features = Vec::new();
        let mut next = 1;
        for (axis, class) in self.axes.iter().zip(self.classes(cell)) {
            if !axis.number {
                features.extend((0..axis.classes.len()).map(|other| f64::from(other == class)));
                continue;
            }
            let middle = axis.middle(schema, class);
            let mean = axis.measured.then(|| {
                next += 1;
                mean(table.parts(next - 1, cell), columns::unit(schema, axis.column))
            });
            features.push(mean.flatten().unwrap_or(middle));
        }
        features
    }
}

/// The mean of `[rows, sum]`, unless it is withheld or noise may have made it.
fn mean(parts: &[Cell], unit: f64) -> Option<f64> {
    let (rows, sum) = (parts[0].value?, parts[1].value?);
    (rows > 0 && parts.iter().all(|cell| cell.deviation == 0.0)).then(|| sum as f64 / rows as f64 * unit)
}
