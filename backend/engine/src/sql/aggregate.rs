//! COUNT, SUM and AVG of a column.

use datafusion::logical_expr::{Expr, expr::AggregateFunction};
use sordino_protocol::{
    query::Expression,
    schema::{ColumnId, Domain, Schema},
};

use super::{error::SqlError, fragment};

/// The name of an output without an alias.
pub(super) fn default_name(schema: &Schema, expression: Expression) -> String {
    let name = |id: ColumnId| &schema.column(id).name;
    match expression {
        Expression::Group(id) => name(id).clone(),
        Expression::Rows => "count(*)".to_owned(),
        Expression::Count(id) => format!("count({})", name(id)),
        Expression::Sum(id) => format!("sum({})", name(id)),
        Expression::Average(id) => format!("avg({})", name(id)),
    }
}

/// What an aggregate shows.
pub(super) fn expression(schema: &Schema, function: &AggregateFunction) -> Result<Expression, SqlError> {
    let call = function.func.name().to_uppercase();
    let params = &function.params;
    let [argument] = params.args.as_slice() else { return Err(form(&call, "")) };
    let shown = format!("{call}({})", fragment::of(argument));
    if params.distinct
        || params.filter.is_some()
        || !params.order_by.is_empty()
        || params.null_treatment.is_some()
    {
        return Err(form(&call, &shown));
    }
    match (call.as_str(), argument) {
        ("COUNT", Expr::Literal(value, _)) if !value.is_null() => Ok(Expression::Rows),
        (_, Expr::Column(column)) => {
            let id = schema.find(&column.name).ok_or_else(|| form(&call, &shown))?;
            match call.as_str() {
                "COUNT" => Ok(Expression::Count(id)),
                "SUM" => summable(schema, &shown, id).map(|()| Expression::Sum(id)),
                _ => summable(schema, &shown, id).map(|()| Expression::Average(id)),
            }
        }
        _ => {
            let reason = format!("{call} of an expression is not answered");
            let hint = "apply it to single columns: SUM(a + b) is SUM(a) plus SUM(b)";
            Err(SqlError::unsupported(shown, reason, hint))
        }
    }
}

fn form(call: &str, shown: &str) -> SqlError {
    let hint = "write COUNT(*), COUNT(column), SUM(column) or AVG(column)";
    let shown = if shown.is_empty() { call } else { shown };
    SqlError::unsupported(shown, "this form of aggregate is not answered", hint)
}

fn summable(schema: &Schema, shown: &str, id: ColumnId) -> Result<(), SqlError> {
    let column = schema.column(id);
    if column.measure.is_some() {
        return Ok(());
    }
    let measures: Vec<&str> = schema.measures().map(|id| schema.column(id).name.as_str()).take(6).collect();
    let hint = if measures.is_empty() {
        "this listing has no measure; COUNT is answered".to_owned()
    } else {
        format!("the measures are: {}", measures.join(", "))
    };
    let reason = match &column.dimension {
        Some(Domain::Category { .. }) => format!("`{}` is a text", column.name),
        Some(Domain::Boolean) => format!("`{}` is a boolean", column.name),
        Some(Domain::Date { .. }) => format!("`{}` is a date", column.name),
        _ => {
            let reason = format!("`{}` is published as a dimension only: it cannot be summed", column.name);
            return Err(SqlError::unsupported(shown, reason, &hint));
        }
    };
    Err(SqlError::mismatch(shown, format!("{reason} and cannot be summed"), &hint))
}
