//! Why a condition cannot be answered, and what to write instead.

use datafusion::logical_expr::{BinaryExpr, Expr};

use crate::sql::{error::SqlError, fragment, names, table::Scope, types};

/// The refusal of a condition that is neither small nor can be taken apart.
pub(super) fn of(scope: &Scope<'_>, expr: &Expr) -> SqlError {
    let schema = scope.schema;
    let ids = scope.columns_of(expr);
    let column = |index: usize| schema.column(ids[index]);
    if let Expr::AggregateFunction(_) = expr {
        let hint = "WHERE filters rows by their columns; HAVING filters groups by their totals";
        return SqlError::unsupported(fragment::of(expr), "totals are not known here", hint);
    }
    if let Err(error) = types::condition(scope, expr) {
        return error;
    }
    if let [left, right] = ids.as_slice()
        && let Expr::BinaryExpr(BinaryExpr { op, .. }) = expr
        && types::is_comparison(*op)
    {
        let (left, right) = (&schema.column(*left).name, &schema.column(*right).name);
        let reason = format!("`{left}` and `{right}` have too many values to be compared with each other");
        let hint = format!(
            "the owner can publish a column with their order: \
             dimension = {{ kind = \"order\", left = \"{left}\", right = \"{right}\" }}"
        );
        return SqlError::unsupported(fragment::of(expr), reason, &hint);
    }
    if let Some(id) = ids.iter().find(|id| schema.column(**id).dimension.is_none()) {
        let name = &schema.column(*id).name;
        let reason = format!("`{name}` is a measure: it can be summed and averaged, not filtered by");
        let hint = format!("filter by a dimension: {}", names::dimensions(schema));
        return SqlError::unsupported(fragment::of(expr), reason, &hint);
    }
    let (reason, hint) = match ids.len() {
        1 => {
            let column = column(0);
            let domain = column.dimension.as_ref().map(|domain| domain.describe()).unwrap_or_default();
            let reason = format!(
                "`{}` ({domain}) has too many values for this to be computed for each of them",
                column.name
            );
            (reason, format!("compare `{}` with constants by <, <=, >, >= and BETWEEN", column.name))
        }
        2 => (
            format!("`{}` and `{}` have too many values together", column(0).name, column(1).name),
            "compare each column with constants, and connect the comparisons by AND and OR".to_owned(),
        ),
        _ => (
            "a condition on three or more columns at once is not answered".to_owned(),
            "compare each column with constants, and connect the comparisons by AND and OR".to_owned(),
        ),
    };
    SqlError::unsupported(fragment::of(expr), reason, &hint)
}
