//! GROUP BY: the classes that an expression sorts rows into.

use std::collections::HashMap;

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};
use sordino_protocol::{
    predicate::Predicate,
    query::{Class, GroupKey, LabelKind, groups::MAX_CLASSES},
};

use super::{
    case::{self, Arm},
    constant::Constant,
    error::SqlError,
    fragment, names, predicate,
    table::Scope,
    types,
};

/// Values with the rows that have them: disjoint, and together all rows.
type Parts = Vec<(Constant, Predicate)>;

/// The key that groups by an expression.
pub(super) fn key(scope: &Scope<'_>, expr: &Expr) -> Result<GroupKey, SqlError> {
    if let Expr::Column(column) = expr {
        let id = scope.schema.find(&column.name).ok_or(SqlError::Failed)?;
        let column = scope.schema.column(id);
        if column.dimension.is_none() {
            let hint = format!("group by a dimension: {}", names::dimensions(scope.schema));
            let reason = "it is a measure: it can be summed and averaged, not grouped by";
            return Err(SqlError::unsupported(format!("GROUP BY {}", column.name), reason, &hint));
        }
        return Ok(GroupKey::Codes(id));
    }
    types::everywhere(scope, expr)?;
    let parts = parts(scope, expr)?;
    let kind = kind(&parts).ok_or_else(|| {
        let reason = "its values have different types";
        SqlError::mismatch(fragment::of(expr), reason, "give every WHEN a value of the same type")
    })?;
    let classes: Vec<_> =
        parts.into_iter().map(|(value, when)| Class { label: value.label(), when }).collect();
    if classes.is_empty() || classes.len() > MAX_CLASSES {
        let reason = format!("{} groups, at most {MAX_CLASSES} are answered", classes.len());
        return Err(SqlError::unsupported(fragment::of(expr), reason, "make fewer groups"));
    }
    Ok(GroupKey::Classes { kind, classes })
}

/// The type of the labels.
fn kind(parts: &[(Constant, Predicate)]) -> Option<LabelKind> {
    let mut kinds = parts.iter().filter_map(|(value, _)| match value {
        Constant::Null => None,
        Constant::Text(_) => Some(LabelKind::Text),
        Constant::Boolean(_) => Some(LabelKind::Boolean),
        Constant::Date(_) => Some(LabelKind::Date),
        Constant::Number { scale, .. } if *scale > 0 => Some(LabelKind::Decimal),
        Constant::Number { .. } => Some(LabelKind::Integer),
    });
    let first = kinds.next().unwrap_or(LabelKind::Text);
    kinds.try_fold(first, |all, one| match (all, one) {
        (all, one) if all == one => Some(all),
        (LabelKind::Integer, LabelKind::Decimal) | (LabelKind::Decimal, LabelKind::Integer) => {
            Some(LabelKind::Decimal)
        }
        _ => None,
    })
}

/// Every value with its rows: those of CASE in the order of its WHENs, numbers and dates ascending,
/// texts as the domain has them; NULL last.
fn parts(scope: &Scope<'_>, expr: &Expr) -> Result<Parts, SqlError> {
    let mut found = match expr {
        Expr::Alias(alias) => return parts(scope, &alias.expr),
        Expr::Case(written) => {
            let mut all = Vec::new();
            for Arm { when, then } in case::disjoint(scope.schema, case::arms(scope, written)?) {
                if when == Predicate::Nothing {
                    continue;
                }
                for (value, rows) in parts(scope, then)? {
                    all.push((value, Predicate::and(scope.schema, vec![when.clone(), rows])));
                }
            }
            merged(scope, all)
        }
        other if scope.is_small(other) => {
            let table = scope.tabulate(other)?;
            let mut values: Vec<Constant> = table.values().into_iter().cloned().collect();
            if !matches!(values.first(), Some(Constant::Text(_))) {
                values.sort_by(Constant::compare);
            }
            let rows = |value: &Constant| table.rows(scope.schema, |other| other == value);
            values.into_iter().map(|value| (value.clone(), rows(&value))).collect()
        }
        other if scope.data_type(other) == Some(DataType::Boolean) => {
            let truth = predicate::truth(scope, other)?;
            let known = Predicate::or(scope.schema, vec![truth.yes.clone(), truth.no.clone()]);
            vec![
                (Constant::Boolean(false), truth.no),
                (Constant::Boolean(true), truth.yes),
                (Constant::Null, known.negated(scope.schema)),
            ]
        }
        other => return Err(refused(scope, other)),
    };
    found.retain(|(_, rows)| *rows != Predicate::Nothing);
    // A stable sort: only NULL moves.
    found.sort_by_key(|(value, _)| *value == Constant::Null);
    Ok(found)
}

/// Equal values become one.
fn merged(scope: &Scope<'_>, all: Parts) -> Parts {
    let mut order: Vec<Constant> = Vec::new();
    let mut rows: HashMap<Constant, Vec<Predicate>> = HashMap::new();
    for (value, when) in all {
        if !rows.contains_key(&value) {
            order.push(value.clone());
        }
        rows.entry(value).or_default().push(when);
    }
    let union = |value: &Constant| Predicate::or(scope.schema, rows.get(value).cloned().unwrap_or_default());
    order.into_iter().map(|value| (value.clone(), union(&value))).collect()
}

fn refused(scope: &Scope<'_>, expr: &Expr) -> SqlError {
    let ids = scope.columns_of(expr);
    if let Some(id) = ids.iter().find(|id| scope.schema.column(**id).dimension.is_none()) {
        let reason = format!("`{}` is a measure: it cannot be grouped by", scope.schema.column(*id).name);
        let hint = format!("group by a dimension: {}", names::dimensions(scope.schema));
        return SqlError::unsupported(fragment::of(expr), reason, &hint);
    }
    let reason = "its columns have too many values to sort rows into groups by each of them";
    let hint = "group by one column, by width_bucket or date_trunc of it, or by a CASE of conditions";
    SqlError::unsupported(fragment::of(expr), reason, hint)
}
