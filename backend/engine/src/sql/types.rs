//! Type checks before DataFusion coerces. SQL engines guess what `age = 'thirty'` means; a buyer who
//! pays for the answer should rather be told.

use datafusion::{
    arrow::datatypes::DataType,
    common::{
        ScalarValue,
        tree_node::{TreeNode, TreeNodeRecursion},
    },
    logical_expr::{BinaryExpr, Expr, Operator},
};
use sordino_protocol::schema::Column;

use super::{constant, context, error::SqlError, fragment, table::Scope};

/// The kinds of values SQL tells apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    Date,
    /// Fits everything: NULL, and what is judged elsewhere.
    Any,
}

/// Checks a condition as it was written: that it is one, and that it compares like with like.
pub(super) fn condition(scope: &Scope<'_>, expr: &Expr) -> Result<(), SqlError> {
    everywhere(scope, expr)?;
    boolean(scope, expr)
}

/// Checks that every comparison within an expression compares like with like.
pub(super) fn everywhere(scope: &Scope<'_>, expr: &Expr) -> Result<(), SqlError> {
    let mut found = Ok(());
    let walked = expr.apply(|part| {
        found = one(scope, part);
        Ok(if found.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    });
    if walked.is_err() { Err(SqlError::Failed) } else { found }
}

fn one(scope: &Scope<'_>, expr: &Expr) -> Result<(), SqlError> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            boolean(scope, left)?;
            boolean(scope, right)
        }
        Expr::Not(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner) => boolean(scope, inner),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
            comparable(scope, expr, left, right)
        }
        Expr::Between(between) => {
            comparable(scope, expr, &between.expr, &between.low)?;
            comparable(scope, expr, &between.expr, &between.high)
        }
        Expr::InList(list) => list.list.iter().try_for_each(|item| comparable(scope, expr, &list.expr, item)),
        Expr::Case(case) => match &case.expr {
            Some(base) => {
                case.when_then_expr.iter().try_for_each(|(when, _)| comparable(scope, expr, base, when))
            }
            None => case.when_then_expr.iter().try_for_each(|(when, _)| boolean(scope, when)),
        },
        Expr::Like(like) => match kind(scope, &like.expr) {
            Kind::Text | Kind::Any => Ok(()),
            found => {
                let reason = format!("`{}` is {}, not a text", fragment::of(&like.expr), found.article());
                Err(SqlError::mismatch(fragment::of(expr), reason, "LIKE compares texts"))
            }
        },
        _ => Ok(()),
    }
}

/// Whether an expression is a condition.
fn boolean(scope: &Scope<'_>, expr: &Expr) -> Result<(), SqlError> {
    match kind(scope, expr) {
        Kind::Boolean | Kind::Any => Ok(()),
        found => {
            let reason = format!("this is {}, not a condition", found.article());
            Err(SqlError::mismatch(fragment::of(expr), reason, "compare it with a constant"))
        }
    }
}

pub(super) const fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

fn comparable(scope: &Scope<'_>, whole: &Expr, left: &Expr, right: &Expr) -> Result<(), SqlError> {
    let (a, b) = (kind(scope, left), kind(scope, right));
    let fits = a == b || a == Kind::Any || b == Kind::Any;
    let dated = match (a, b) {
        (Kind::Date, Kind::Text) => is_date(right),
        (Kind::Text, Kind::Date) => is_date(left),
        _ => false,
    };
    if fits || dated {
        return Ok(());
    }
    let column = [left, right].into_iter().find_map(|side| match side {
        Expr::Column(column) => scope.schema.find(&column.name).map(|id| scope.schema.column(id)),
        _ => None,
    });
    let reason = format!(
        "`{}` is {} and `{}` is {}",
        fragment::of(left),
        a.article(),
        fragment::of(right),
        b.article()
    );
    Err(SqlError::mismatch(fragment::of(whole), reason, &column.map(advice).unwrap_or_default()))
}

/// How to write a constant of a column.
pub(super) fn advice(column: &Column) -> String {
    let example = column.label(0).unwrap_or_default();
    let domain = column.dimension.as_ref().map(|domain| domain.describe()).unwrap_or_default();
    match context::data_type(column) {
        Some(DataType::Utf8) => format!(
            "compare `{}` with a text in single quotes, for example '{}'",
            column.name,
            example.replace('\'', "''")
        ),
        Some(DataType::Boolean) => format!("compare `{}` with true or false", column.name),
        Some(DataType::Date32) => {
            format!("compare `{}` with a date such as DATE '2020-01-31' ({domain})", column.name)
        }
        _ if domain.is_empty() => format!("compare `{}` with a number without quotes", column.name),
        _ => format!("compare `{}` with a number without quotes ({domain})", column.name),
    }
}

fn is_date(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value, _) => constant::text(value).is_some_and(|text| {
            text.parse::<chrono::NaiveDate>().is_ok_and(|date| date.to_string() == *text)
        }),
        _ => false,
    }
}

/// What kind of value an expression has.
pub(super) fn kind(scope: &Scope<'_>, expr: &Expr) -> Kind {
    match expr {
        Expr::Literal(ScalarValue::Null, _) => Kind::Any,
        other => scope.data_type(other).map_or(Kind::Any, |data_type| Kind::of(&data_type)),
    }
}

impl Kind {
    fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Self::Date,
            numeric if numeric.is_numeric() => Self::Number,
            _ => Self::Any,
        }
    }

    pub(super) const fn article(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Date => "a date",
            Self::Any => "something else",
        }
    }
}
