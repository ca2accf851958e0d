//! Comparisons of two columns whose order the owner has published.

use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::ColumnId,
};

use super::{Truth, certain};
use crate::sql::{error::SqlError, table::Scope, types};

/// The codes of an order.
const LESS: u32 = 0;
const EQUAL: u32 = 1;
const GREATER: u32 = 2;

/// The truth of a comparison of two columns; `None` for everything else.
pub(super) fn truth(scope: &Scope<'_>, expr: &Expr) -> Option<Result<Truth, SqlError>> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expr else { return None };
    let (left, right) = (column(scope, left)?, column(scope, right)?);
    let (order, swapped) = scope.schema.order_of(left, right)?;
    let codes: &[u32] = match op {
        Operator::Eq | Operator::IsNotDistinctFrom => &[EQUAL],
        Operator::NotEq | Operator::IsDistinctFrom => &[LESS, GREATER],
        Operator::Lt => &[LESS],
        Operator::LtEq => &[LESS, EQUAL],
        Operator::Gt => &[GREATER],
        Operator::GtEq => &[EQUAL, GREATER],
        _ => return None,
    };
    if let Err(error) = types::condition(scope, expr) {
        return Some(Err(error));
    }
    let schema = scope.schema;
    let turned = |code: u32| if swapped { GREATER - code } else { code };
    let yes = CodeSet::from_codes(codes.iter().copied().map(turned));
    let no = yes.complement(GREATER + 1);
    let rows = |codes| Predicate::column_in(schema, order, codes);
    let known = Truth { yes: rows(yes), no: rows(no) };
    if !matches!(op, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom) {
        return Some(Ok(known));
    }
    // Two nulls are the same, and a null differs from everything else.
    let missing = |id| Predicate::present(schema, id).negated(schema);
    let both = Predicate::and(schema, vec![missing(left), missing(right)]);
    let same = match op {
        Operator::IsNotDistinctFrom => known.yes,
        _ => known.no,
    };
    let same = certain(schema, Predicate::or(schema, vec![same, both]));
    Some(Ok(if *op == Operator::IsNotDistinctFrom { same } else { same.not() }))
}

fn column(scope: &Scope<'_>, expr: &Expr) -> Option<ColumnId> {
    match expr {
        Expr::Column(column) => scope.schema.find(&column.name),
        Expr::Alias(alias) => column(scope, &alias.expr),
        _ => None,
    }
}
