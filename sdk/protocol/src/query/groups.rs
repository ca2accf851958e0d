//! GROUP BY: each key sorts the rows into classes, and every combination of classes is a group.

use serde::{Deserialize, Serialize};

use super::score::Score;
use crate::{
    predicate::{CodeSet, Predicate},
    schema::{ColumnId, Schema},
};

/// The most scores whose largest is a class: each is compared with every other.
pub const MAX_COMPARED: usize = 8;
/// The most classes of a key, as many as the codes of a dimension.
pub const MAX_CLASSES: usize = 4_096;

/// How rows are sorted into classes. A row is in at most one class of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum GroupKey {
    /// A class for every code of a dimension, in order.
    Codes(ColumnId),
    /// Stated classes, as `date_trunc`, `width_bucket` or CASE make them. The first that takes a row
    /// has it.
    Classes {
        /// What the labels are.
        kind: LabelKind,
        /// The classes in the order of the answer.
        classes: Vec<Class>,
    },
    /// A class for each of several scores: the rows that have the largest there, the first of equals.
    Largest {
        /// How the classes are shown.
        labels: Vec<String>,
        /// The scores.
        scores: Vec<Score>,
    },
}

/// A class of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// How it is shown; `None` is NULL.
    pub label: Option<String>,
    /// Which rows it takes.
    pub when: Predicate,
}

/// The type of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelKind {
    /// Any text.
    Text,
    /// Integers.
    Integer,
    /// Decimal numbers.
    Decimal,
    /// `true` and `false`.
    Boolean,
    /// Dates as YYYY-MM-DD.
    Date,
}

impl GroupKey {
    /// Number of classes.
    pub fn size(&self, schema: &Schema) -> u64 {
        match self {
            Self::Codes(id) => u64::from(schema.column(*id).codes()),
            Self::Classes { classes, .. } => classes.len() as u64,
            Self::Largest { scores, .. } => scores.len() as u64,
        }
    }

    /// The rows of class number `index`: what it takes and no class before it does. Which score is the
    /// largest is no condition on codes: of that, all rows.
    pub fn rows(&self, schema: &Schema, index: u32) -> Predicate {
        match self {
            Self::Codes(id) => Predicate::column_in(schema, *id, CodeSet::from_codes([index])),
            Self::Classes { classes, .. } => {
                let (before, class) = classes.split_at((index as usize).min(classes.len()));
                let Some(class) = class.first() else { return Predicate::Nothing };
                let earlier = before.iter().filter(|other| !other.when.excludes(&class.when));
                let mut parts = vec![class.when.clone()];
                parts.extend(earlier.map(|other| other.when.negated(schema)));
                Predicate::and(schema, parts)
            }
            Self::Largest { .. } => Predicate::All,
        }
    }

    /// The class of a row, given its code of each column.
    pub fn class_of(&self, code: &impl Fn(ColumnId) -> u32) -> Option<u32> {
        match self {
            Self::Codes(id) => Some(code(*id)),
            Self::Classes { classes, .. } => {
                let position = classes.iter().position(|class| class.when.holds(code))?;
                u32::try_from(position).ok()
            }
            Self::Largest { scores, .. } => {
                let mut largest: Option<(i64, u32)> = None;
                for (position, score) in (0u32..).zip(scores) {
                    let score = score.at(code);
                    if largest.is_none_or(|(known, _)| score > known) {
                        largest = Some((score, position));
                    }
                }
                largest.map(|(_, position)| position)
            }
        }
    }

    /// The columns it looks at, sorted, each once.
    pub fn columns(&self) -> Vec<ColumnId> {
        match self {
            Self::Codes(id) => vec![*id],
            Self::Classes { classes, .. } => {
                let mut columns: Vec<_> = classes.iter().flat_map(|class| class.when.columns()).collect();
                columns.sort_unstable();
                columns.dedup();
                columns
            }
            Self::Largest { scores, .. } => {
                let mut columns: Vec<_> = scores.iter().flat_map(Score::columns).collect();
                columns.sort_unstable();
                columns.dedup();
                columns
            }
        }
    }

    /// How a class is shown; `None` is NULL.
    pub fn label(&self, schema: &Schema, index: u32) -> Option<String> {
        match self {
            Self::Codes(id) => schema.column(*id).label(index),
            Self::Classes { classes, .. } => classes.get(index as usize)?.label.clone(),
            Self::Largest { labels, .. } => labels.get(index as usize).cloned(),
        }
    }
}
