//! The parts of a node that are counted: what candidates for splits are made of.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::{ColumnId, Schema},
};

use super::super::{columns, error::TrainError};

/// A dimension that nodes are split by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Dimension {
    pub(super) column: ColumnId,
    /// Codes, null included.
    pub(super) size: u32,
    /// The code of no value.
    pub(super) null: Option<u32>,
    /// Its parts that are counted.
    pub(super) parts: Vec<CodeSet>,
    /// Whether the parts are all codes below a threshold, rather than single codes.
    pub(super) ordered: bool,
}

impl Dimension {
    /// Of a column, with at most so many thresholds if its values are ordered.
    ///
    /// # Errors
    /// When it is no dimension.
    pub(super) fn new(schema: &Schema, column: ColumnId, thresholds: u32) -> Result<Self, TrainError> {
        let described = schema.column(column);
        let domain = columns::dimension(described)?;
        let ordered = domain.is_ordered();
        let codes = domain.size();
        let parts = if ordered {
            cuts(codes, thresholds).into_iter().map(|cut| CodeSet::from_ranges(vec![(0, cut)])).collect()
        } else {
            (0..codes).map(|code| CodeSet::from_codes([code])).collect()
        };
        Ok(Self { column, size: described.codes(), null: described.null_code(), parts, ordered })
    }

    /// Classes of codes that splits can tell apart.
    pub(super) fn most_classes(&self) -> usize {
        match (self.ordered, self.null) {
            (true, null) => self.parts.len() + 1 + usize::from(null.is_some()),
            (false, _) => self.size as usize,
        }
    }

    /// The fewest splits that tell so many classes apart. A threshold adds one class; a set of any codes may
    /// cut every class.
    pub(super) fn least_cuts(&self, classes: usize) -> usize {
        if self.ordered && self.null.is_none() {
            classes.saturating_sub(1)
        } else {
            classes.next_power_of_two().trailing_zeros() as usize
        }
    }

    /// What is counted: its parts, then the rows without a value if there may be any.
    pub(super) fn counted(&self, schema: &Schema) -> Vec<Predicate> {
        let sets = self.counted_codes().into_iter();
        sets.map(|codes| Predicate::column_in(schema, self.column, codes)).collect()
    }

    /// As [`Self::counted`], the codes.
    pub(super) fn counted_codes(&self) -> Vec<CodeSet> {
        let null = self.null.map(|code| CodeSet::from_codes([code]));
        self.parts.iter().cloned().chain(null).collect()
    }
}

/// At most `limit` thresholds among so many codes, evenly.
fn cuts(codes: u32, limit: u32) -> Vec<u32> {
    let inner = codes.saturating_sub(1);
    if inner <= limit {
        return (1..codes).collect();
    }
    let at = |i: u32| (u64::from(codes) * u64::from(i) / (u64::from(limit) + 1)) as u32;
    (1..=limit).map(at).collect()
}

/// All inputs of a task.
///
/// # Errors
/// When one of them is no dimension.
pub(super) fn dimensions(
    schema: &Schema,
    inputs: &[ColumnId],
    thresholds: u32,
) -> Result<Vec<Dimension>, TrainError> {
    inputs.iter().map(|id| Dimension::new(schema, *id, thresholds)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_spread_evenly() {
        assert_eq!(cuts(4, 8), [1, 2, 3]);
        assert_eq!(cuts(100, 3), [25, 50, 75]);
        assert_eq!(cuts(1, 3), [0u32; 0]);
    }
}
