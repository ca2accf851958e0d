//! The two sides of a comparison: a column, through casts that lose nothing, and a constant.

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};
use sordino_protocol::schema::{ColumnId, Schema};

use super::{
    super::{context, error::SqlError},
    constant::{self, Constant},
    fragment,
};

/// Digits of the largest published number, 2^53 - 1.
const DIGITS: i16 = 16;

/// The column of an expression that is a column, or one cast to a type that keeps its values and
/// their order: what coercion does to compare an integer with `29.5`.
pub(super) fn column(schema: &Schema, expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(column) => schema.find(&column.name),
        Expr::Cast(cast) => {
            let Expr::Column(column) = cast.expr.as_ref() else { return None };
            let id = schema.find(&column.name)?;
            let from = context::data_type(schema.column(id))?;
            keeps(&from, cast.field.data_type()).then_some(id)
        }
        _ => None,
    }
}

fn keeps(from: &DataType, to: &DataType) -> bool {
    let scale = match from {
        DataType::Int64 => 0,
        DataType::Decimal128(_, scale) => i16::from(*scale),
        text => {
            return text == to
                || matches!((text, to), (DataType::Utf8, DataType::Utf8View | DataType::LargeUtf8));
        }
    };
    match to {
        DataType::Int64 => scale == 0,
        DataType::Float64 => true,
        DataType::Decimal128(precision, wider) | DataType::Decimal256(precision, wider) => {
            let (precision, wider) = (i16::from(*precision), i16::from(*wider));
            wider >= scale && precision - wider >= DIGITS - scale
        }
        _ => false,
    }
}

/// The constant that `side`, a column, is compared with.
pub(super) fn constant(whole: &Expr, side: &Expr, other: &Expr) -> Result<Constant, SqlError> {
    match other {
        Expr::Literal(value, _) => constant::read(value).ok_or_else(|| {
            let reason = format!("a constant of type {} fits no column", value.data_type());
            SqlError::mismatch(fragment::of(whole), reason, "")
        }),
        Expr::Cast(_) | Expr::TryCast(_) if other.column_refs().is_empty() => {
            let reason = format!("`{}` cannot be computed", fragment::of(other));
            Err(SqlError::mismatch(fragment::of(whole), reason, "write the constant itself"))
        }
        _ => Err(refused(whole, side, other)),
    }
}

/// Neither side is what it should be.
pub(super) fn refused(whole: &Expr, left: &Expr, right: &Expr) -> SqlError {
    let culprit = [left, right].into_iter().find(|side| !matches!(side, Expr::Literal(..) | Expr::Column(_)));
    match culprit {
        Some(side) => super::refused(side),
        None => SqlError::unsupported(
            fragment::of(whole),
            "this comparison is not answered",
            "compare a column with a constant",
        ),
    }
}
