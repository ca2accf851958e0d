//! Numbers of single rows: arithmetic of measures and constants as exact piecewise polynomials.

use datafusion::{
    arrow::datatypes::DataType,
    logical_expr::{BinaryExpr, Expr, Operator},
};
use sordino_protocol::{
    predicate::Predicate,
    query::{
        Branch, Monomial, Value,
        value::{MAX_BRANCHES, MAX_FACTORS, MAX_MONOMIALS, MAX_VALUE_SCALE},
    },
    schema::{ColumnId, Domain},
};

use super::{
    case, constant::Constant, domain, error::SqlError, fragment, names, predicate, table::Scope, types,
};

/// The number that `expr` is for a row.
pub(super) fn of(scope: &Scope<'_>, expr: &Expr) -> Result<Value, SqlError> {
    let found = translated(scope, expr).or_else(|error| {
        // What is no arithmetic of measures may still be known for every code of a dimension.
        let again = scope.is_small(expr) && !matches!(expr, Expr::Column(_));
        if again { known(scope, expr).map_err(|_| error) } else { Err(error) }
    })?;
    if found.scale > MAX_VALUE_SCALE {
        let reason =
            format!("its exact value has {} decimal places, at most {MAX_VALUE_SCALE} are kept", found.scale);
        return Err(SqlError::unsupported(fragment::of(expr), reason, "multiply fewer decimals"));
    }
    Ok(found)
}

fn translated(scope: &Scope<'_>, expr: &Expr) -> Result<Value, SqlError> {
    let schema = scope.schema;
    match expr {
        Expr::Alias(alias) => of(scope, &alias.expr),
        Expr::Column(column) => match schema.find(&column.name) {
            Some(id) if schema.column(id).measure.is_some() => Ok(Value::measure(schema, id)),
            Some(id) => codes(scope, expr, id),
            None => Err(SqlError::Failed),
        },
        Expr::Literal(..) => constant(scope, expr),
        Expr::Negative(inner) => scaled(&of(scope, inner)?, -1, 0).ok_or_else(|| too_large(expr)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Plus => sum(scope, expr, &of(scope, left)?, &of(scope, right)?),
            Operator::Minus => {
                let right = scaled(&of(scope, right)?, -1, 0).ok_or_else(|| too_large(expr))?;
                sum(scope, expr, &of(scope, left)?, &right)
            }
            Operator::Multiply => product(scope, expr, &of(scope, left)?, &of(scope, right)?),
            Operator::Divide => quotient(scope, expr, left, right),
            _ => Err(refused(scope, expr)),
        },
        Expr::Cast(cast) => converted(scope, expr, &cast.expr, cast.field.data_type()),
        Expr::TryCast(cast) => converted(scope, expr, &cast.expr, cast.field.data_type()),
        Expr::Case(written) => {
            types::everywhere(scope, expr)?;
            case::number(scope, written, |then| of(scope, then))
        }
        Expr::ScalarFunction(function) => match (function.name(), function.args.as_slice()) {
            ("coalesce" | "nvl", [_, ..]) => {
                let values = function.args.iter().map(|value| of(scope, value)).collect::<Result<_, _>>()?;
                case::first(values).ok_or_else(|| too_large(expr))
            }
            ("nullif", [value, other]) => {
                let (left, right) = (Box::new(value.clone()), Box::new(other.clone()));
                let same = Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right });
                let differs = predicate::of(scope, &same)?.negated(schema);
                Ok(of(scope, value)?.filtered(schema, &differs))
            }
            _ => Err(refused(scope, expr)),
        },
        _ => Err(refused(scope, expr)),
    }
}

fn constant(scope: &Scope<'_>, expr: &Expr) -> Result<Value, SqlError> {
    match scope.constant(expr) {
        Some(Constant::Null) => Ok(Value { scale: 0, branches: Vec::new() }),
        Some(Constant::Number { mantissa, scale }) => {
            let one = Value { scale: 0, branches: vec![Branch::one(Predicate::All)] };
            i64::try_from(mantissa)
                .ok()
                .and_then(|mantissa| scaled(&one, mantissa, scale))
                .ok_or_else(|| too_large(expr))
        }
        _ => Err(SqlError::mismatch(fragment::of(expr), "this is no number: it cannot be summed", "")),
    }
}

/// A value times `coefficient * 10^-places`.
fn scaled(value: &Value, coefficient: i64, places: i32) -> Option<Value> {
    let (coefficient, places) = match u32::try_from(-places) {
        Ok(zeros) => (coefficient.checked_mul(10i64.checked_pow(zeros)?)?, 0),
        Err(_) => (coefficient, u8::try_from(places).ok()?),
    };
    let mut branches = Vec::with_capacity(value.branches.len());
    for branch in &value.branches {
        let mut monomials = Vec::with_capacity(branch.monomials.len());
        for monomial in &branch.monomials {
            let coefficient = monomial.coefficient.checked_mul(coefficient)?;
            monomials.push(Monomial { coefficient, columns: monomial.columns.clone() });
        }
        branches.push(Branch::collected(branch.when.clone(), monomials)?);
    }
    Some(Value { scale: value.scale.checked_add(places)?, branches })
}

fn sum(scope: &Scope<'_>, expr: &Expr, left: &Value, right: &Value) -> Result<Value, SqlError> {
    bounded(expr, left.pairs(right), most(left) + most(right), 0)?;
    left.plus(scope.schema, right).ok_or_else(|| too_large(expr))
}

fn product(scope: &Scope<'_>, expr: &Expr, left: &Value, right: &Value) -> Result<Value, SqlError> {
    let (branches, monomials) = (left.pairs(right), most(left) * most(right));
    bounded(expr, branches, monomials, degree(left) + degree(right))?;
    left.times(scope.schema, right).ok_or_else(|| too_large(expr))
}

fn most(value: &Value) -> usize {
    value.branches.iter().map(|branch| branch.monomials.len()).max().unwrap_or(0)
}

fn degree(value: &Value) -> usize {
    let monomials = value.branches.iter().flat_map(|branch| &branch.monomials);
    monomials.map(|monomial| monomial.columns.len()).max().unwrap_or(0)
}

/// Refuses what would grow too large before it is multiplied out.
fn bounded(expr: &Expr, branches: usize, monomials: usize, factors: usize) -> Result<(), SqlError> {
    if factors > MAX_FACTORS {
        let reason = format!("it multiplies {factors} measures, at most {MAX_FACTORS} are multiplied");
        return Err(SqlError::unsupported(fragment::of(expr), reason, "publish the product as a measure"));
    }
    if branches > MAX_BRANCHES || monomials > MAX_MONOMIALS {
        let reason = format!(
            "it has {branches} cases of up to {monomials} products, \
             at most {MAX_BRANCHES} and {MAX_MONOMIALS} are computed"
        );
        return Err(SqlError::unsupported(fragment::of(expr), reason, "sum its parts one by one"));
    }
    Ok(())
}

/// Division by a constant, where that is exact.
fn quotient(scope: &Scope<'_>, expr: &Expr, left: &Expr, right: &Expr) -> Result<Value, SqlError> {
    let later = "divide the total instead: SUM(x) / 3";
    let refused = |reason: &str| Err(SqlError::unsupported(fragment::of(expr), reason, later));
    let Some(Constant::Number { mantissa, scale }) = scope.constant(right) else {
        return refused("division by a column is not answered");
    };
    if mantissa == 0 {
        return Err(SqlError::mismatch(fragment::of(expr), "division by zero", ""));
    }
    let whole = |side: &Expr| scope.data_type(side).is_some_and(|data_type| data_type.is_integer());
    if whole(left) && whole(right) && !(scale == 0 && mantissa.abs() == 1) {
        return refused("a division of integers drops the remainder of every row");
    }
    // 1 / mantissa has finitely many places if its only prime factors are 2 and 5.
    let found = (0..=MAX_VALUE_SCALE).find_map(|places| {
        let unit = 10i128.pow(u32::from(places));
        (unit % mantissa == 0).then(|| (unit / mantissa, i32::from(places)))
    });
    let Some((inverse, places)) = found else {
        return refused("this division is not exact");
    };
    let value = of(scope, left)?;
    let coefficient = i64::try_from(inverse).ok();
    coefficient.and_then(|inverse| scaled(&value, inverse, places - scale)).ok_or_else(|| too_large(expr))
}

/// CAST to a type that keeps every value.
fn converted(scope: &Scope<'_>, expr: &Expr, inner: &Expr, to: &DataType) -> Result<Value, SqlError> {
    let from = scope.data_type(inner);
    let flag = from == Some(DataType::Boolean) && to.is_integer();
    if flag {
        let truth = predicate::truth(scope, inner)?;
        let no = Branch { when: truth.no, monomials: Vec::new() };
        let branches = vec![Branch::one(truth.yes), no];
        return Ok(Value { scale: 0, branches }.filtered(scope.schema, &Predicate::All));
    }
    let value = of(scope, inner)?;
    let exact = match to {
        DataType::Float64 | DataType::Float32 => true,
        DataType::Int64 => value.scale == 0,
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            let (low, high) = sordino_protocol::query::value::range(scope.schema, &value.branches);
            let digits = low.unsigned_abs().max(high.unsigned_abs()).to_string().len();
            let whole = digits.saturating_sub(usize::from(value.scale));
            i16::from(*scale) >= i16::from(value.scale)
                && usize::from(*precision) >= whole + usize::try_from(*scale).unwrap_or(0)
        }
        DataType::Int32 | DataType::Int16 | DataType::Int8 => {
            let (low, high) = sordino_protocol::query::value::range(scope.schema, &value.branches);
            let bits = 8 * to.primitive_width().unwrap_or(1) - 1;
            value.scale == 0 && low >= -(1 << bits) && high < 1 << bits
        }
        _ => false,
    };
    if exact {
        return Ok(value);
    }
    let reason = "this CAST would change values: it may round or overflow";
    Err(SqlError::unsupported(fragment::of(expr), reason, "leave it out, or cast to DOUBLE"))
}

/// A dimension that is no measure: every code has its number.
fn codes(scope: &Scope<'_>, expr: &Expr, id: ColumnId) -> Result<Value, SqlError> {
    let column = scope.schema.column(id);
    let hint = match names::measures(scope.schema) {
        none if none.is_empty() => "this listing has no measure; COUNT is answered".to_owned(),
        some => format!("the measures are: {some}"),
    };
    let kind = match &column.dimension {
        Some(Domain::Category { .. } | Domain::Order { .. }) => "a text",
        Some(Domain::Boolean) => "a boolean",
        Some(Domain::Date { .. }) => "a date",
        Some(_) if !domain::is_exact(column) => {
            let reason = format!("`{}` is published in buckets only: it cannot be summed", column.name);
            return Err(SqlError::unsupported(fragment::of(expr), reason, &hint));
        }
        _ => return known(scope, expr),
    };
    let reason = format!("`{}` is {kind} and cannot be summed", column.name);
    Err(SqlError::mismatch(fragment::of(expr), reason, &hint))
}

/// An expression that is computed for all codes of its columns.
fn known(scope: &Scope<'_>, expr: &Expr) -> Result<Value, SqlError> {
    types::everywhere(scope, expr)?;
    let table = scope.tabulate(expr)?;
    let mut parts = Vec::new();
    for value in table.values() {
        match value {
            Constant::Null => {}
            Constant::Number { mantissa, scale } => {
                let when = table.rows(scope.schema, |other| other == value);
                let one = Value { scale: 0, branches: vec![Branch::one(when)] };
                let number =
                    i64::try_from(*mantissa).ok().and_then(|mantissa| scaled(&one, mantissa, *scale));
                parts.push(number.ok_or_else(|| too_large(expr))?);
            }
            _ => {
                return Err(SqlError::mismatch(
                    fragment::of(expr),
                    "this is no number: it cannot be summed",
                    "",
                ));
            }
        }
    }
    if parts.len() > MAX_BRANCHES {
        let reason = format!("it has {} different values, at most {MAX_BRANCHES} are summed", parts.len());
        return Err(SqlError::unsupported(
            fragment::of(expr),
            reason,
            "the owner can publish it as a measure, too",
        ));
    }
    case::first(parts).ok_or_else(|| too_large(expr))
}

/// The refusal of a number beyond 64 bits.
pub(super) fn too_large(expr: &Expr) -> SqlError {
    SqlError::unsupported(fragment::of(expr), "a constant of it exceeds 64 bits", "use smaller constants")
}

fn refused(scope: &Scope<'_>, expr: &Expr) -> SqlError {
    let found = types::kind(scope, expr);
    if !matches!(found, types::Kind::Number | types::Kind::Any) {
        let reason = format!("this is {} and cannot be summed", found.article());
        return SqlError::mismatch(fragment::of(expr), reason, "");
    }
    let hint = "sum arithmetic of measures with +, - and *, constants, CASE and COALESCE";
    SqlError::unsupported(fragment::of(expr), "this is not computed row by row on encrypted values", hint)
}
