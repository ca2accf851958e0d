//! A condition as a predicate over codes, by SQL's three-valued logic: for every expression the rows
//! where it is true and those where it is false are both computed, NOT swaps them, and a row that is
//! in neither is unknown. WHERE keeps what is true.
//!
//! AND, OR, NOT and the like are translated; what they connect is computed for all values of the one or
//! two dimensions that it is about, see [`super::table`].

use datafusion::logical_expr::{BinaryExpr, Expr, Operator, expr::InList};
use sordino_protocol::{predicate::Predicate, schema::Schema};

use super::{case, constant::Constant, error::SqlError, fragment, presence, table::Scope, types};

mod orders;
mod refused;

/// The most atoms of a predicate.
const MAX_ATOMS: usize = 20_000;

/// The rows for which a condition is true, and those for which it is false.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) yes: Predicate,
    pub(super) no: Predicate,
}

/// The rows that a condition keeps.
pub(super) fn of(scope: &Scope<'_>, expr: &Expr) -> Result<Predicate, SqlError> {
    types::condition(scope, expr)?;
    truth(scope, expr).map(|truth| truth.yes)
}

/// Where a condition is true and where it is false.
pub(super) fn truth(scope: &Scope<'_>, expr: &Expr) -> Result<Truth, SqlError> {
    let found = translated(scope, expr)?;
    if atoms(&found.yes) + atoms(&found.no) > MAX_ATOMS {
        return Err(SqlError::TooComplex { reason: "a condition has too many parts".to_owned() });
    }
    Ok(found)
}

fn atoms(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::All | Predicate::Nothing | Predicate::In { .. } => 1,
        Predicate::And(parts) | Predicate::Or(parts) => parts.iter().map(atoms).sum(),
    }
}

fn translated(scope: &Scope<'_>, expr: &Expr) -> Result<Truth, SqlError> {
    let schema = scope.schema;
    match expr {
        Expr::Alias(alias) => truth(scope, &alias.expr),
        Expr::Not(inner) => truth(scope, inner).map(Truth::not),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            Ok(truth(scope, left)?.and(schema, truth(scope, right)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            Ok(truth(scope, left)?.not().and(schema, truth(scope, right)?.not()).not())
        }
        Expr::IsTrue(inner) => truth(scope, inner).map(|t| certain(schema, t.yes)),
        Expr::IsNotTrue(inner) => truth(scope, inner).map(|t| certain(schema, t.yes).not()),
        Expr::IsFalse(inner) => truth(scope, inner).map(|t| certain(schema, t.no)),
        Expr::IsNotFalse(inner) => truth(scope, inner).map(|t| certain(schema, t.no).not()),
        Expr::IsUnknown(inner) => truth(scope, inner).map(|t| t.unknown(schema)),
        Expr::IsNotUnknown(inner) => truth(scope, inner).map(|t| t.unknown(schema).not()),
        Expr::IsNull(inner) => presence::of(scope, inner).map(|rows| certain(schema, rows).not()),
        Expr::IsNotNull(inner) => presence::of(scope, inner).map(|rows| certain(schema, rows)),
        other => match orders::truth(scope, other) {
            Some(found) => found,
            None if scope.is_small(other) => table(scope, other),
            None => taken_apart(scope, other),
        },
    }
}

/// What is not computed as a whole, computed in parts.
fn taken_apart(scope: &Scope<'_>, expr: &Expr) -> Result<Truth, SqlError> {
    match expr {
        Expr::Between(between) => {
            let half = |op, bound: &Expr| {
                let comparison = Expr::BinaryExpr(BinaryExpr {
                    left: between.expr.clone(),
                    op,
                    right: Box::new(bound.clone()),
                });
                truth(scope, &comparison)
            };
            let both =
                half(Operator::GtEq, &between.low)?.and(scope.schema, half(Operator::LtEq, &between.high)?);
            Ok(if between.negated { both.not() } else { both })
        }
        // Equality is no matter of the ends of a bucket, but two inequalities are.
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
            if scope.columns_of(expr).len() == 1 =>
        {
            let half = |op| Expr::BinaryExpr(BinaryExpr { left: left.clone(), op, right: right.clone() });
            let (low, high) = (half(Operator::GtEq), half(Operator::LtEq));
            if !scope.is_small(&low) {
                return Err(refused::of(scope, expr));
            }
            Ok(truth(scope, &low)?.and(scope.schema, truth(scope, &high)?))
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::NotEq, right })
            if scope.columns_of(expr).len() == 1 =>
        {
            let equal = BinaryExpr { left: left.clone(), op: Operator::Eq, right: right.clone() };
            truth(scope, &Expr::BinaryExpr(equal)).map(Truth::not)
        }
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: op @ (Operator::IsDistinctFrom | Operator::IsNotDistinctFrom),
            right,
        }) if scope.columns_of(expr).len() == 1 => {
            let (column, other) = if left.column_refs().is_empty() { (right, left) } else { (left, right) };
            let same = match scope.constant(other) {
                None => return Err(refused::of(scope, expr)),
                Some(Constant::Null) => truth(scope, &Expr::IsNull(column.clone()))?.yes,
                Some(_) => {
                    let equal = BinaryExpr { left: left.clone(), op: Operator::Eq, right: right.clone() };
                    truth(scope, &Expr::BinaryExpr(equal))?.yes
                }
            };
            let same = certain(scope.schema, same);
            Ok(if *op == Operator::IsDistinctFrom { same.not() } else { same })
        }
        Expr::InList(list) => listed(scope, list),
        Expr::Case(written) => case::condition(scope, written),
        other => Err(refused::of(scope, other)),
    }
}

/// `IN` is a disjunction of equalities, also where NULL is among them.
fn listed(scope: &Scope<'_>, list: &InList) -> Result<Truth, SqlError> {
    let mut none = Truth { yes: Predicate::All, no: Predicate::Nothing };
    for item in &list.list {
        let right = Box::new(item.clone());
        let equal = Expr::BinaryExpr(BinaryExpr { left: list.expr.clone(), op: Operator::Eq, right });
        none = none.and(scope.schema, truth(scope, &equal)?.not());
    }
    Ok(if list.negated { none } else { none.not() })
}

/// A condition that is computed for all values of its columns.
fn table(scope: &Scope<'_>, expr: &Expr) -> Result<Truth, SqlError> {
    types::condition(scope, expr)?;
    let table = scope.tabulate(expr)?;
    if let Some(other) =
        table.values().into_iter().find(|v| !matches!(v, Constant::Boolean(_) | Constant::Null))
    {
        let reason = format!("this is {}, not a condition", other.label().unwrap_or_default());
        return Err(SqlError::mismatch(fragment::of(expr), reason, "compare it with a constant"));
    }
    let rows = |wanted: bool| table.rows(scope.schema, |value| *value == Constant::Boolean(wanted));
    Ok(Truth { yes: rows(true), no: rows(false) })
}

impl Truth {
    /// NOT.
    pub(super) fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }

    /// AND.
    pub(super) fn and(self, schema: &Schema, other: Self) -> Self {
        Self {
            yes: Predicate::and(schema, vec![self.yes, other.yes]),
            no: Predicate::or(schema, vec![self.no, other.no]),
        }
    }

    /// The condition that this one is neither true nor false.
    fn unknown(self, schema: &Schema) -> Self {
        certain(schema, Predicate::or(schema, vec![self.yes, self.no])).not()
    }
}

/// A condition that is never unknown.
pub(super) fn certain(schema: &Schema, yes: Predicate) -> Truth {
    let no = yes.negated(schema);
    Truth { yes, no }
}
