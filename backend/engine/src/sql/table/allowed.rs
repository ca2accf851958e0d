//! Which expressions are computed for the values of a column.

use datafusion::{
    arrow::datatypes::DataType,
    common::tree_node::{TreeNode, TreeNodeRecursion},
    logical_expr::{Expr, Operator},
};

use crate::sql::{error::SqlError, fragment, functions, types};

/// Refuses what could take much memory, or needs more than single values.
pub(super) fn check(expr: &Expr) -> Result<(), SqlError> {
    let mut refused = None;
    let walked = expr.apply(|part| {
        let fine = match part {
            Expr::BinaryExpr(binary) => {
                matches!(
                    binary.op,
                    Operator::And
                        | Operator::Or
                        | Operator::Plus
                        | Operator::Minus
                        | Operator::Multiply
                        | Operator::Divide
                        | Operator::Modulo
                        | Operator::LikeMatch
                        | Operator::NotLikeMatch
                        | Operator::ILikeMatch
                        | Operator::NotILikeMatch
                ) || types::is_comparison(binary.op)
            }
            Expr::Cast(cast) => is_simple(cast.field.data_type()),
            Expr::TryCast(cast) => is_simple(cast.field.data_type()),
            Expr::ScalarFunction(function) => functions::scalar(function.name()).is_some(),
            Expr::Alias(_)
            | Expr::Column(_)
            | Expr::Literal(..)
            | Expr::Like(_)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNotFalse(_)
            | Expr::IsNotUnknown(_)
            | Expr::Negative(_)
            | Expr::Between(_)
            | Expr::InList(_)
            | Expr::Case(_) => true,
            _ => false,
        };
        if fine {
            return Ok(TreeNodeRecursion::Continue);
        }
        refused = Some(fragment::of(part));
        Ok(TreeNodeRecursion::Stop)
    });
    match (walked, refused) {
        (Ok(_), None) => Ok(()),
        (Err(_), None) => Err(SqlError::Failed),
        (_, Some(shown)) => {
            let hint = "use comparisons, arithmetic, LIKE, CASE, and the functions of dates and texts";
            Err(SqlError::unsupported(shown, "this is not computed for the values of a column", hint))
        }
    }
}

fn is_simple(data_type: &DataType) -> bool {
    data_type.is_numeric()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Utf8
                | DataType::Utf8View
                | DataType::LargeUtf8
                | DataType::Date32
                | DataType::Timestamp(_, None)
        )
}

/// Whether the values at both ends of a bucket decide for all between them.
pub(super) fn is_monotone(expr: &Expr) -> bool {
    let constant = |expr: &Expr| expr.column_refs().is_empty();
    match expr {
        Expr::Column(_) => true,
        Expr::Alias(alias) => is_monotone(&alias.expr),
        Expr::Negative(inner) | Expr::IsNull(inner) | Expr::IsNotNull(inner) => is_monotone(inner),
        Expr::BinaryExpr(binary) => {
            let fits = matches!(
                binary.op,
                Operator::Plus
                    | Operator::Minus
                    | Operator::Multiply
                    | Operator::Lt
                    | Operator::LtEq
                    | Operator::Gt
                    | Operator::GtEq
            );
            fits && (is_monotone(&binary.left) && constant(&binary.right)
                || constant(&binary.left) && is_monotone(&binary.right))
        }
        Expr::ScalarFunction(function) => match (function.name(), function.args.as_slice()) {
            ("width_bucket", [value, rest @ ..]) => is_monotone(value) && rest.iter().all(constant),
            ("date_trunc", [grain, value]) => constant(grain) && is_monotone(value),
            _ => false,
        },
        _ => constant(expr),
    }
}
