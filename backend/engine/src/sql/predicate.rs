//! A coerced condition as a predicate over codes, by SQL's three-valued logic: for
//! every expression the rows where it is true and those where it is false are both computed, NOT
//! swaps them, and a row that is in neither is unknown, which is what null codes are for every atom
//! but IS NULL. WHERE keeps what is true.

use std::sync::Arc;

use datafusion::{
    common::DFSchema,
    logical_expr::{Between, BinaryExpr, Expr, Operator, expr::InList},
};
use sordino_protocol::{
    predicate::Predicate,
    schema::{ColumnId, Schema},
};

use super::{
    constant::{self, Constant},
    context::Context,
    error::SqlError,
    fragment, types,
};
use atoms::Atoms;

mod atoms;
mod operand;

/// The rows for which a condition is true, and those for which it is false.
struct Truth {
    yes: Predicate,
    no: Predicate,
}

/// Translates one condition.
struct Translation<'a> {
    schema: &'a Schema,
    columns: &'a Arc<DFSchema>,
    /// Whether DataFusion has simplified this part.
    simplified: bool,
}

/// The rows that `expr`, coerced, keeps.
pub(super) fn of(schema: &Schema, columns: &Arc<DFSchema>, expr: &Expr) -> Result<Predicate, SqlError> {
    Ok(Translation { schema, columns, simplified: false }.truth(expr)?.yes)
}

impl Translation<'_> {
    fn truth(&self, expr: &Expr) -> Result<Truth, SqlError> {
        let schema = self.schema;
        match expr {
            Expr::Alias(alias) => self.truth(&alias.expr),
            Expr::Literal(value, _) => match constant::read(value) {
                Some(Constant::Boolean(true)) => Ok(Truth { yes: Predicate::All, no: Predicate::Nothing }),
                Some(Constant::Boolean(false)) => Ok(Truth { yes: Predicate::Nothing, no: Predicate::All }),
                Some(Constant::Null) => Ok(Truth { yes: Predicate::Nothing, no: Predicate::Nothing }),
                _ => Err(SqlError::mismatch(fragment::of(expr), "this is a constant, not a condition", "")),
            },
            Expr::Not(inner) => self.truth(inner).map(Truth::not),
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                let (a, b) = (self.truth(left)?, self.truth(right)?);
                Ok(Truth {
                    yes: Predicate::and(schema, vec![a.yes, b.yes]),
                    no: Predicate::or(schema, vec![a.no, b.no]),
                })
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let (a, b) = (self.truth(left)?, self.truth(right)?);
                Ok(Truth {
                    yes: Predicate::or(schema, vec![a.yes, b.yes]),
                    no: Predicate::and(schema, vec![a.no, b.no]),
                })
            }
            Expr::Column(_) => Atoms::new(schema, expr, expr)?.equal(&[Constant::Boolean(true)]),
            Expr::IsTrue(inner) => self.truth(inner).map(|t| certain(schema, t.yes)),
            Expr::IsNotTrue(inner) => self.truth(inner).map(|t| certain(schema, t.yes).not()),
            Expr::IsFalse(inner) => self.truth(inner).map(|t| certain(schema, t.no)),
            Expr::IsNotFalse(inner) => self.truth(inner).map(|t| certain(schema, t.no).not()),
            Expr::IsUnknown(inner) => self.truth(inner).map(|t| t.unknown(schema)),
            Expr::IsNotUnknown(inner) => self.truth(inner).map(|t| t.unknown(schema).not()),
            Expr::IsNull(inner) if is_condition(inner) => self.truth(inner).map(|t| t.unknown(schema)),
            Expr::IsNotNull(inner) if is_condition(inner) => {
                self.truth(inner).map(|t| t.unknown(schema).not())
            }
            // Comparisons one by one: across them the simplifier is wrong where NULL is involved
            // (`x NOT IN ('a', 'b') OR x NOT IN ('c', 'd')` becomes TRUE, also for a row without x).
            _ if !self.simplified => {
                let simpler = Context::simplify(self.columns, expr)?;
                Self { simplified: true, ..*self }.truth(&simpler)
            }
            Expr::IsNull(inner) => is_null(schema, inner),
            Expr::IsNotNull(inner) => is_null(schema, inner).map(Truth::not),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => comparison(schema, expr, left, *op, right),
            Expr::Between(between) => within(schema, expr, between),
            Expr::InList(list) => listed(schema, expr, list),
            other => Err(refused(other)),
        }
    }
}

impl Truth {
    fn not(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }

    /// The condition that this one is neither true nor false.
    fn unknown(self, schema: &Schema) -> Self {
        certain(schema, Predicate::or(schema, vec![self.yes, self.no])).not()
    }
}

/// Whether an expression has rows for which it is true, rather than a value.
fn is_condition(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => {
            matches!(binary.op, Operator::And | Operator::Or) || types::is_comparison(binary.op)
        }
        Expr::Not(_) | Expr::InList(_) | Expr::Between(_) | Expr::IsNull(_) | Expr::IsNotNull(_) => true,
        _ => false,
    }
}

/// A condition that is never unknown.
fn certain(schema: &Schema, yes: Predicate) -> Truth {
    let no = complement(schema, &yes);
    Truth { yes, no }
}

/// The rows a predicate does not hold for. Predicates over codes are two-valued.
fn complement(schema: &Schema, predicate: &Predicate) -> Predicate {
    let parts = |parts: &[Predicate]| parts.iter().map(|part| complement(schema, part)).collect();
    match predicate {
        Predicate::All => Predicate::Nothing,
        Predicate::Nothing => Predicate::All,
        Predicate::In { column, codes } => {
            Predicate::column_in(schema, *column, codes.complement(schema.column(*column).codes()))
        }
        Predicate::And(all) => Predicate::or(schema, parts(all)),
        Predicate::Or(any) => Predicate::and(schema, parts(any)),
    }
}

fn is_null(schema: &Schema, inner: &Expr) -> Result<Truth, SqlError> {
    let id = operand::column(schema, inner).ok_or_else(|| refused(inner))?;
    Atoms::of_column(schema, id, inner)?.null()
}

fn comparison(
    schema: &Schema,
    whole: &Expr,
    left: &Expr,
    op: Operator,
    right: &Expr,
) -> Result<Truth, SqlError> {
    if !types::is_comparison(op) {
        return Err(refused(whole));
    }
    let (side, op, other) = match (operand::column(schema, left), operand::column(schema, right)) {
        (Some(_), Some(_)) => {
            let hint = "compare each column with constants";
            return Err(SqlError::unsupported(fragment::of(whole), "two columns are compared", hint));
        }
        (Some(_), None) => (left, op, right),
        (None, Some(_)) => (right, op.swap().unwrap_or(op), left),
        // `(a = 1) = true` and the like.
        (None, None) => return Err(operand::refused(whole, left, right)),
    };
    let constant = operand::constant(whole, side, other)?;
    let atoms = Atoms::new(schema, whole, side)?;
    match op {
        Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => {
            let same = match constant {
                Constant::Null => atoms.null()?.yes,
                constant => atoms.equal(&[constant])?.yes,
            };
            let same = certain(schema, same);
            Ok(if op == Operator::IsDistinctFrom { same.not() } else { same })
        }
        _ if constant == Constant::Null => Ok(Truth { yes: Predicate::Nothing, no: Predicate::Nothing }),
        Operator::Eq => atoms.equal(&[constant]),
        Operator::NotEq => atoms.equal(&[constant]).map(Truth::not),
        _ => atoms.ordered(op, &constant),
    }
}

/// BETWEEN is the conjunction of its two comparisons, also where one of them is unknown.
fn within(schema: &Schema, whole: &Expr, between: &Between) -> Result<Truth, SqlError> {
    let low = comparison(schema, whole, &between.expr, Operator::GtEq, &between.low)?;
    let high = comparison(schema, whole, &between.expr, Operator::LtEq, &between.high)?;
    let yes = Predicate::and(schema, vec![low.yes, high.yes]);
    let no = Predicate::or(schema, vec![low.no, high.no]);
    Ok(if between.negated { Truth { yes: no, no: yes } } else { Truth { yes, no } })
}

fn listed(schema: &Schema, whole: &Expr, list: &InList) -> Result<Truth, SqlError> {
    if operand::column(schema, &list.expr).is_none() {
        return Err(refused(&list.expr));
    }
    let mut wanted = Vec::with_capacity(list.list.len());
    for item in &list.list {
        wanted.push(operand::constant(whole, &list.expr, item)?);
    }
    let nulls = wanted.contains(&Constant::Null);
    wanted.retain(|constant| *constant != Constant::Null);
    let found = Atoms::new(schema, whole, &list.expr)?.equal(&wanted)?;
    // A value that is not found among constants of which one is NULL may or may not be that one.
    let no = if nulls { Predicate::Nothing } else { found.no };
    Ok(if list.negated { Truth { yes: no, no: found.yes } } else { Truth { yes: found.yes, no } })
}

fn refused(expr: &Expr) -> SqlError {
    let (reason, hint) = match expr {
        Expr::Like(_) | Expr::SimilarTo(_) => {
            ("patterns are not answered", "list the categories with IN; the schema has them all")
        }
        Expr::ScalarFunction(_) => {
            ("functions of columns are not answered", "compare the column itself with a constant")
        }
        Expr::AggregateFunction(_) => {
            ("totals are not known to WHERE", "WHERE filters rows by their columns")
        }
        Expr::Case(_) => ("CASE is not answered", "write the condition with AND, OR and NOT"),
        Expr::Cast(_) | Expr::TryCast(_) => {
            ("casts of columns are not answered", "write the constant in the column's own type")
        }
        Expr::BinaryExpr(_) | Expr::Negative(_) => {
            ("arithmetic on columns is not answered", "move it to the constant: age >= 30 - 1")
        }
        _ => {
            ("this condition is not answered", "use =, <>, <, <=, >, >=, BETWEEN, IN, IS NULL, AND, OR, NOT")
        }
    };
    SqlError::unsupported(fragment::of(expr), reason, hint)
}

/// The dimension that a comparison is about.
fn dimension(schema: &Schema, whole: &Expr, id: ColumnId) -> Result<ColumnId, SqlError> {
    let column = schema.column(id);
    if column.dimension.is_some() {
        return Ok(id);
    }
    let reason = format!("`{}` is a measure: it can be summed and averaged, not filtered by", column.name);
    let hint = format!("filter by a dimension: {}", super::bind::dimensions(schema));
    Err(SqlError::unsupported(fragment::of(whole), reason, &hint))
}
