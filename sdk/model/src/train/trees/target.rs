//! What trees predict, and how sums of it are asked by node.

use sordino_protocol::{
    predicate::Predicate,
    query::{Class, Expression, GroupKey, LabelKind, Value},
    schema::{ColumnId, Schema},
};

use super::{gain::Sums, pieces::Dimension, split::Histogram};
use crate::train::{
    ask::{Ask, Table},
    task::Source,
};

/// The label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A dimension.
    Classes {
        column: ColumnId,
        names: Vec<String>,
        /// Codes, null included.
        codes: usize,
    },
    /// A measure.
    Measure(ColumnId),
}

/// Groups that leave room for as many statistics as a query may have.
const GROUPS: u64 = 256;

impl Target {
    /// A class label.
    pub(super) fn classes(schema: &Schema, (column, names): (ColumnId, Vec<String>)) -> Self {
        Self::Classes { column, names, codes: schema.column(column).codes() as usize }
    }

    pub(super) const fn column(&self) -> ColumnId {
        match self {
            Self::Classes { column, .. } | Self::Measure(column) => *column,
        }
    }

    /// Questions about parts of nodes, so many nodes each that their queries stay within the limits.
    pub(super) fn asks(
        &self,
        source: &Source,
        rows: &Predicate,
        nodes: &[Predicate],
        dimensions: &[Dimension],
    ) -> Vec<Ask> {
        let groups = GROUPS.min(source.max_released_values / 64);
        let size = (groups as usize / self.codes()).max(1);
        nodes.chunks(size).map(|nodes| self.ask(&source.schema, rows, node_key(nodes), dimensions)).collect()
    }

    /// One question about the groups of some keys.
    pub(super) fn ask(
        &self,
        schema: &Schema,
        rows: &Predicate,
        groups: Vec<GroupKey>,
        dimensions: &[Dimension],
    ) -> Ask {
        let parts = dimensions.iter().flat_map(|dimension| dimension.counted(schema));
        self.ask_parts(schema, rows, groups, [Predicate::All].into_iter().chain(parts).collect())
    }

    /// One question about some parts of the groups of some keys.
    pub(super) fn ask_parts(
        &self,
        schema: &Schema,
        rows: &Predicate,
        mut groups: Vec<GroupKey>,
        parts: Vec<Predicate>,
    ) -> Ask {
        let expressions = parts.into_iter().map(|part| match self {
            Self::Classes { .. } => Expression::Count(part),
            Self::Measure(column) => Expression::Sum(Value::measure(schema, *column).filtered(schema, &part)),
        });
        let expressions = expressions.collect();
        if let Self::Classes { column, .. } = self {
            groups.push(GroupKey::Codes(*column));
        }
        Ask { rows: rows.clone(), groups, expressions }
    }

    /// Groups of each node.
    pub(super) const fn codes(&self) -> usize {
        match self {
            Self::Classes { codes, .. } => *codes,
            Self::Measure(_) => 1,
        }
    }

    /// The sums of node number `node` of an answer.
    pub(super) fn histogram(&self, table: &Table, node: usize, dimensions: &[Dimension]) -> Histogram {
        let mut next = 1;
        let parts = dimensions.iter().map(|dimension| {
            let count = dimension.parts.len() + usize::from(dimension.null.is_some());
            next += count;
            (next - count..next).map(|expression| self.sums(table, expression, node)).collect()
        });
        let parts = parts.collect();
        let total = self.sums(table, 0, node);
        let width = self.width();
        Histogram { total: total.unwrap_or_else(|| vec![0.0; width]), parts, noise: self.noise(table) }
    }

    /// The deviations of the noise in sums.
    pub(super) fn noise(&self, table: &Table) -> Vec<f64> {
        (0..self.width()).map(|position| self.deviation(table, position)).collect()
    }

    /// Numbers in the sums.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Classes { names, .. } => names.len(),
            Self::Measure(_) => 2,
        }
    }

    /// `None` where nothing of it is released; what is withheld beside something released counts as 0.
    pub(super) fn sums(&self, table: &Table, expression: usize, node: usize) -> Option<Sums> {
        let cells: Vec<_> = match self {
            Self::Classes { names, codes, .. } => {
                (0..names.len()).map(|class| table.count(expression, node * codes + class)).collect()
            }
            Self::Measure(_) => table.parts(expression, node).to_vec(),
        };
        let released = match self {
            Self::Classes { .. } => cells.iter().any(|cell| cell.value.is_some()),
            Self::Measure(_) => cells.iter().all(|cell| cell.value.is_some()),
        };
        released.then(|| cells.iter().map(|cell| cell.or_zero() as f64).collect())
    }

    fn deviation(&self, table: &Table, position: usize) -> f64 {
        match self {
            Self::Classes { .. } => table.count(0, 0).deviation,
            Self::Measure(_) => table.parts(0, 0)[position].deviation,
        }
    }
}

/// A key with a class for every node.
pub(super) fn node_key(nodes: &[Predicate]) -> Vec<GroupKey> {
    let class =
        |(index, when): (usize, &Predicate)| Class { label: Some(index.to_string()), when: when.clone() };
    let classes = nodes.iter().enumerate().map(class).collect();
    vec![GroupKey::Classes { kind: LabelKind::Integer, classes }]
}
