//! CASE over any number of columns: its WHENs are conditions, and a row belongs to the first that is
//! true for it.

use datafusion::{
    common::ScalarValue,
    logical_expr::{BinaryExpr, Case, Expr, Operator},
};
use sordino_protocol::{
    predicate::Predicate,
    query::{Branch, Value},
    schema::Schema,
};

use super::{
    error::SqlError,
    predicate::{self, Truth},
    table::Scope,
};

/// A branch of a CASE: the rows for which its WHEN is true, and what it gives them.
pub(super) struct Arm<'a> {
    pub(super) when: Predicate,
    pub(super) then: &'a Expr,
}

const NULL: &Expr = &Expr::Literal(ScalarValue::Null, None);

/// The WHENs of a CASE in order, and ELSE, which is NULL where it is not written, with all rows.
pub(super) fn arms<'a>(scope: &Scope<'_>, case: &'a Case) -> Result<Vec<Arm<'a>>, SqlError> {
    let mut arms = Vec::with_capacity(case.when_then_expr.len() + 1);
    for (when, then) in &case.when_then_expr {
        let when = match &case.expr {
            Some(base) => predicate::of(
                scope,
                &Expr::BinaryExpr(BinaryExpr { left: base.clone(), op: Operator::Eq, right: when.clone() }),
            ),
            None => predicate::of(scope, when),
        }?;
        arms.push(Arm { when, then });
    }
    arms.push(Arm { when: Predicate::All, then: case.else_expr.as_deref().unwrap_or(NULL) });
    Ok(arms)
}

/// The rows that each arm gets: its own, less those of the arms before it.
pub(super) fn disjoint<'a>(schema: &Schema, arms: Vec<Arm<'a>>) -> Vec<Arm<'a>> {
    let mut before: Vec<Predicate> = Vec::new();
    let mut kept = Vec::with_capacity(arms.len());
    for Arm { when, then } in arms {
        kept.push(Arm { when: less(schema, &when, &before), then });
        before.push(when);
    }
    kept
}

/// The rows of `when` that none of `before` takes.
fn less(schema: &Schema, when: &Predicate, before: &[Predicate]) -> Predicate {
    let others = before.iter().filter(|other| !other.excludes(when)).map(|other| other.negated(schema));
    Predicate::and(schema, [when.clone()].into_iter().chain(others).collect())
}

/// CASE as a condition.
pub(super) fn condition(scope: &Scope<'_>, case: &Case) -> Result<Truth, SqlError> {
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for Arm { when, then } in disjoint(scope.schema, arms(scope, case)?) {
        if when == Predicate::Nothing {
            continue;
        }
        let truth = predicate::truth(scope, then)?;
        yes.push(Predicate::and(scope.schema, vec![when.clone(), truth.yes]));
        no.push(Predicate::and(scope.schema, vec![when, truth.no]));
    }
    Ok(Truth { yes: Predicate::or(scope.schema, yes), no: Predicate::or(scope.schema, no) })
}

/// CASE as a number; `of` is the number that an arm gives.
///
/// The first branch of a value that takes a row decides. So the rows of a WHEN need be taken out of
/// the branches after it only if what it gives them may be NULL.
pub(super) fn number(
    scope: &Scope<'_>,
    case: &Case,
    of: impl Fn(&Expr) -> Result<Value, SqlError>,
) -> Result<Value, SqlError> {
    let schema = scope.schema;
    let mut gaps: Vec<Predicate> = Vec::new();
    let mut parts: Vec<Value> = Vec::new();
    for Arm { when, then } in arms(scope, case)? {
        let value = of(then)?;
        parts.push(value.filtered(schema, &less(schema, &when, &gaps)));
        if Predicate::and(schema, vec![when.clone(), value.rows(schema)]) != when {
            gaps.push(when);
        }
    }
    first(parts).ok_or_else(|| super::number::too_large(&Expr::Case(case.clone())))
}

/// The first of several values that a row has.
pub(super) fn first(values: Vec<Value>) -> Option<Value> {
    let scale = values.iter().map(|value| value.scale).max().unwrap_or(0);
    let mut branches: Vec<Branch> = Vec::new();
    for value in values {
        branches.extend(value.rescaled(scale)?.branches);
    }
    Some(Value { scale, branches })
}
