//! The types of an answer's columns, and what must be said of them.

use super::{AnswerColumn, AnswerType};
use crate::{
    query::{Expression, GroupKey, LabelKind, Output, Query, Rank, Value},
    schema::{ColumnId, Domain, Schema},
};

pub(super) fn column(schema: &Schema, query: &Query, output: &Output, min_cohort: u32) -> AnswerColumn {
    let (kind, scale, note) = match &output.expression {
        Expression::Group(key) => {
            let (kind, scale) = key_type(schema, &query.groups[usize::from(*key)]);
            (kind, scale, None)
        }
        Expression::Count(_) | Expression::Distinct { .. } => (AnswerType::Integer, 0, None),
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
            (kind, scale, note(schema, *rank, *column, min_cohort))
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

fn note(schema: &Schema, rank: Rank, column: ColumnId, min_cohort: u32) -> Option<String> {
    let described = schema.column(column);
    let domain = described.dimension.as_ref()?;
    let mut notes = Vec::new();
    if !domain.is_exact() && !matches!(domain, Domain::Category { .. } | Domain::Boolean) {
        notes.push(format!("resolution: the {} of `{}`", domain.describe(), described.name));
    }
    if min_cohort > 1 {
        match rank {
            Rank::Lowest => notes.push(format!("the smallest value that {min_cohort} rows do not exceed")),
            Rank::Highest => notes.push(format!("the largest value that {min_cohort} rows reach")),
            Rank::Median | Rank::Percentile(_) => {}
        }
    }
    if matches!(rank, Rank::Median)
        && matches!(code_type(schema, column).0, AnswerType::Date | AnswerType::Label | AnswerType::Boolean)
    {
        notes.push("of two middle values, the lower one".to_owned());
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
