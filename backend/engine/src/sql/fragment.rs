//! Writing a bound expression as SQL again, for error messages.

use datafusion::{
    common::{
        Column,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::Expr,
    sql::unparser::Unparser,
};

/// The expression as SQL, without the table's name.
pub(super) fn of(expr: &Expr) -> String {
    let plain = expr
        .clone()
        .transform(|e| {
            Ok(match e {
                Expr::Column(column) => Transformed::yes(Expr::Column(Column::new_unqualified(column.name))),
                other => Transformed::no(other),
            })
        })
        .map(|transformed| transformed.data);
    match plain.and_then(|plain| Unparser::default().with_pretty(true).expr_to_sql(&plain)) {
        Ok(sql) => sql.to_string(),
        Err(_) => expr.to_string(),
    }
}
