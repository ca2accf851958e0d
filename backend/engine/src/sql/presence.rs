//! The rows for which an expression is not NULL.

use datafusion::{arrow::datatypes::DataType, logical_expr::Expr};
use sordino_protocol::predicate::Predicate;

use super::{constant::Constant, error::SqlError, number, predicate, table::Scope};

/// The rows for which `expr` has a value.
pub(super) fn of(scope: &Scope<'_>, expr: &Expr) -> Result<Predicate, SqlError> {
    match expr {
        Expr::Alias(alias) => of(scope, &alias.expr),
        Expr::Column(column) => Ok(match scope.schema.find(&column.name) {
            Some(id) => Predicate::present(scope.schema, id),
            None => return Err(SqlError::Failed),
        }),
        other if scope.data_type(other) == Some(DataType::Boolean) => {
            let truth = predicate::truth(scope, other)?;
            Ok(Predicate::or(scope.schema, vec![truth.yes, truth.no]))
        }
        other if scope.is_small(other) => {
            Ok(scope.tabulate(other)?.rows(scope.schema, |value| *value != Constant::Null))
        }
        other => Ok(number::of(scope, other)?.rows(scope.schema)),
    }
}
