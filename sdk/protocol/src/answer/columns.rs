//! The types of an answer's columns.

use super::{
    AnswerColumn, AnswerType,
    notes::{self, Counts},
};
use crate::{
    query::{Expression, GroupKey, LabelKind, Output, Query, Rank, Value},
    schema::{ColumnId, Domain, Schema},
};

/// The column of an output; `counts` are those that it is made of, if it is of counts of codes.
pub(super) fn column(schema: &Schema, query: &Query, output: &Output, counts: Counts) -> AnswerColumn {
    let (kind, scale, note) = match &output.expression {
        Expression::Group(key) => {
            let (kind, scale) = key_type(schema, &query.groups[usize::from(*key)]);
            (kind, scale, None)
        }
        Expression::Count(_) | Expression::Band { .. } => (AnswerType::Integer, 0, None),
        Expression::Distinct { .. } => (AnswerType::Integer, 0, notes::distinct(counts)),
        Expression::Sum(value) => {
            let (kind, scale) = exact(value);
            (kind, scale, None)
        }
        Expression::Average(_) | Expression::Spread { .. } | Expression::Pair { .. } => {
            (AnswerType::Float, 0, None)
        }
        Expression::Quantile { rank, column, .. } => {
            let (kind, scale) = code_type(schema, *column);
            let kind = match (rank, kind) {
                (Rank::Median, AnswerType::Integer | AnswerType::Decimal) => AnswerType::Float,
                _ => kind,
            };
            let scale = if kind == AnswerType::Decimal { scale } else { 0 };
            (kind, scale, notes::rank(schema, *rank, *column, counts))
        }
    };
    AnswerColumn { name: output.name.clone(), kind, scale, note }
}

fn exact(value: &Value) -> (AnswerType, u8) {
    if value.scale == 0 { (AnswerType::Integer, 0) } else { (AnswerType::Decimal, value.scale) }
}

fn key_type(schema: &Schema, key: &GroupKey) -> (AnswerType, u8) {
    match key {
        GroupKey::Codes(id) => code_type(schema, *id),
        GroupKey::Largest { .. } => (AnswerType::Label, 0),
        GroupKey::Classes { kind, .. } => match kind {
            LabelKind::Text => (AnswerType::Label, 0),
            LabelKind::Integer => (AnswerType::Integer, 0),
            // The labels of a decimal may have different numbers of places; as a float they compare.
            LabelKind::Decimal => (AnswerType::Float, 0),
            LabelKind::Boolean => (AnswerType::Boolean, 0),
            LabelKind::Date => (AnswerType::Date, 0),
        },
    }
}

/// The type of a dimension's codes, and its decimal places: of a domain in wide buckets it is a label.
pub(super) fn code_type(schema: &Schema, id: ColumnId) -> (AnswerType, u8) {
    let Some(domain) = &schema.column(id).dimension else { return (AnswerType::Label, 0) };
    match domain {
        Domain::Boolean => (AnswerType::Boolean, 0),
        _ if !domain.is_exact() => (AnswerType::Label, 0),
        Domain::Integer { .. } => (AnswerType::Integer, 0),
        Domain::Buckets { scale: 0, .. } => (AnswerType::Integer, 0),
        Domain::Buckets { scale, .. } => (AnswerType::Decimal, *scale),
        Domain::Date { .. } => (AnswerType::Date, 0),
        Domain::Category { .. } | Domain::Order { .. } => (AnswerType::Label, 0),
    }
}
