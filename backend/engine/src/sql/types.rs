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
use sordino_protocol::schema::{Column, Schema};

use super::{constant, context, error::SqlError, fragment};

/// The kinds of values SQL tells apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Date,
    /// Fits everything: NULL, and what is judged elsewhere.
    Any,
}

/// Checks a condition as it was written: that it is one, and that it compares like with like.
pub(super) fn check(schema: &Schema, expr: &Expr) -> Result<(), SqlError> {
    let mut cast = None;
    let seen = expr.apply(|part| {
        let of_column = matches!(part, Expr::Cast(_) | Expr::TryCast(_)) && !part.column_refs().is_empty();
        if of_column {
            cast = Some(part.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    match (seen, cast) {
        // The simplifier would take some of these off again, and not always exactly.
        (_, Some(cast)) => {
            let hint = "write the constant in the column's own type";
            Err(SqlError::unsupported(fragment::of(&cast), "casts of columns are not answered", hint))
        }
        (Err(_), None) => Err(SqlError::Failed),
        (Ok(_), None) => check_condition(schema, expr),
    }
}

fn check_condition(schema: &Schema, expr: &Expr) -> Result<(), SqlError> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            check_condition(schema, left)?;
            check_condition(schema, right)
        }
        Expr::Not(inner)
        | Expr::IsTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsNotUnknown(inner) => check_condition(schema, inner),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
            check_operands(schema, left)?;
            check_operands(schema, right)?;
            comparable(schema, expr, left, right)
        }
        Expr::Between(between) => {
            comparable(schema, expr, &between.expr, &between.low)?;
            comparable(schema, expr, &between.expr, &between.high)
        }
        Expr::InList(list) => {
            list.list.iter().try_for_each(|item| comparable(schema, expr, &list.expr, item))
        }
        _ => match kind(schema, expr) {
            Kind::Boolean | Kind::Any => Ok(()),
            found => {
                let reason = format!("this is {}, not a condition", found.article());
                Err(SqlError::mismatch(fragment::of(expr), reason, "compare it with a constant"))
            }
        },
    }
}

/// A comparison may itself be compared (`(a = 1) = true`).
fn check_operands(schema: &Schema, expr: &Expr) -> Result<(), SqlError> {
    match expr {
        Expr::BinaryExpr(binary) if is_comparison(binary.op) => check_condition(schema, expr),
        _ => Ok(()),
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

fn comparable(schema: &Schema, whole: &Expr, left: &Expr, right: &Expr) -> Result<(), SqlError> {
    let (a, b) = (kind(schema, left), kind(schema, right));
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
        Expr::Column(column) => schema.find(&column.name).map(|id| schema.column(id)),
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

fn kind(schema: &Schema, expr: &Expr) -> Kind {
    match expr {
        Expr::Alias(alias) => kind(schema, &alias.expr),
        Expr::Column(column) => schema
            .find(&column.name)
            .and_then(|id| context::data_type(schema.column(id)))
            .map_or(Kind::Any, |data_type| Kind::of(&data_type)),
        Expr::Literal(ScalarValue::Null, _) => Kind::Any,
        Expr::Literal(value, _) => Kind::of(&value.data_type()),
        Expr::Cast(cast) => Kind::of(cast.field.data_type()),
        Expr::TryCast(cast) => Kind::of(cast.field.data_type()),
        Expr::Negative(inner) => kind(schema, inner),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And | Operator::Or => Kind::Boolean,
            op if is_comparison(*op) => Kind::Boolean,
            Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo => {
                match (kind(schema, left), kind(schema, right)) {
                    (Kind::Number, Kind::Number) => Kind::Number,
                    (Kind::Date, _) | (_, Kind::Date) => Kind::Date,
                    _ => Kind::Any,
                }
            }
            _ => Kind::Any,
        },
        Expr::Between(_) | Expr::InList(_) | Expr::Like(_) | Expr::IsNull(_) | Expr::IsNotNull(_) => {
            Kind::Boolean
        }
        _ => Kind::Any,
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

    const fn article(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::Date => "a date",
            Self::Any => "something else",
        }
    }
}
