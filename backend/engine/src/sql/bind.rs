//! Logical plan to query: Projection over Aggregate over an optional Filter over the table's scan,
//! and nothing else.

use std::collections::HashSet;

use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan};
use sordino_protocol::{
    digest::Digest,
    predicate::{MAX_DEPTH, Predicate},
    query::{Expression, Output, Query},
    schema::{ColumnId, Schema},
};

use super::{aggregate, context::Context, error::SqlError, fragment, predicate};

/// Translates a plan; `names` are the aliases of its outputs.
pub(super) fn query(
    dataset: Digest,
    schema: &Schema,
    names: &[Option<String>],
    plan: &LogicalPlan,
) -> Result<Query, SqlError> {
    let LogicalPlan::Projection(projection) = plan else { return Err(unexpected(plan)) };
    let LogicalPlan::Aggregate(aggregation) = projection.input.as_ref() else {
        return Err(unexpected(&projection.input));
    };
    let groups = groups(schema, aggregation)?;
    if projection.expr.len() != names.len() {
        return Err(unexpected(plan));
    }
    let mut outputs = Vec::with_capacity(names.len());
    for (expr, alias) in projection.expr.iter().zip(names) {
        let expression = output(schema, aggregation, &groups, expr)?;
        let name = alias.clone().unwrap_or_else(|| aggregate::default_name(schema, expression));
        outputs.push(Output { name, expression });
    }
    let mut seen = HashSet::new();
    if let Some(twice) = outputs.iter().find(|output| !seen.insert(output.name.as_str())) {
        return Err(SqlError::unsupported(
            &twice.name,
            "two outputs have this name",
            "give one another alias",
        ));
    }
    let predicate = condition(schema, &aggregation.input)?;
    Ok(Query { dataset, outputs, predicate, groups })
}

/// The grouped dimensions, each once, in the order written.
fn groups(schema: &Schema, aggregation: &Aggregate) -> Result<Vec<ColumnId>, SqlError> {
    let mut groups = Vec::new();
    for expr in &aggregation.group_expr {
        let id = match unaliased(expr) {
            Expr::Column(column) => schema.find(&column.name),
            _ => None,
        };
        let Some(id) = id else {
            let hint = "group by a column; its domain in the schema says how fine it is";
            return Err(SqlError::unsupported(
                fragment::of(expr),
                "grouping is by columns, not by expressions",
                hint,
            ));
        };
        let column = schema.column(id);
        if column.dimension.is_none() {
            let hint = format!("group by a dimension: {}", dimensions(schema));
            let reason = "it is a measure: it can be summed and averaged, not grouped by";
            return Err(SqlError::unsupported(format!("GROUP BY {}", column.name), reason, &hint));
        }
        if !groups.contains(&id) {
            groups.push(id);
        }
    }
    Ok(groups)
}

/// Names of the first dimensions, for hints.
pub(super) fn dimensions(schema: &Schema) -> String {
    let names: Vec<&str> = schema.dimensions().map(|id| schema.column(id).name.as_str()).collect();
    match names.get(..6) {
        Some(first) if names.len() > 6 => format!("{}, ...", first.join(", ")),
        _ => names.join(", "),
    }
}

/// What one expression of the SELECT list refers to: a group or an aggregate below.
fn output(
    schema: &Schema,
    aggregation: &Aggregate,
    groups: &[ColumnId],
    expr: &Expr,
) -> Result<Expression, SqlError> {
    let refused = || {
        let hint = "select the totals themselves and compute with the answer";
        let reason = "an output is a grouped column, COUNT, SUM or AVG, not an expression";
        SqlError::unsupported(fragment::of(expr), reason, hint)
    };
    let Expr::Column(column) = unaliased(expr) else { return Err(refused()) };
    let position = aggregation.schema.maybe_index_of_column(column).ok_or_else(refused)?;
    // The groups come first; a column that is grouped by twice is one field.
    if let Some(group) = groups.get(position) {
        return Ok(Expression::Group(*group));
    }
    match aggregation.aggr_expr.get(position - groups.len()).map(unaliased) {
        Some(Expr::AggregateFunction(function)) => aggregate::expression(schema, function),
        _ => Err(refused()),
    }
}

/// The rows that count.
fn condition(schema: &Schema, input: &LogicalPlan) -> Result<Predicate, SqlError> {
    match input {
        LogicalPlan::Filter(filter) => {
            scan(&filter.input)?;
            let columns = filter.input.schema();
            let coerced = Context::coerce(columns, &filter.predicate)?;
            let predicate = predicate::of(schema, columns, &coerced)?;
            if depth(&predicate) > MAX_DEPTH {
                let reason = format!("the condition nests deeper than {MAX_DEPTH}");
                return Err(SqlError::TooComplex { reason });
            }
            Ok(predicate)
        }
        other => scan(other).map(|()| Predicate::All),
    }
}

fn scan(plan: &LogicalPlan) -> Result<(), SqlError> {
    match plan {
        LogicalPlan::TableScan(scan) if scan.filters.is_empty() && scan.fetch.is_none() => Ok(()),
        LogicalPlan::SubqueryAlias(alias) => scan(&alias.input),
        other => Err(unexpected(other)),
    }
}

fn depth(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::All | Predicate::Nothing | Predicate::In { .. } => 0,
        Predicate::And(parts) | Predicate::Or(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
    }
}

fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

fn unexpected(plan: &LogicalPlan) -> SqlError {
    let hint = "ask SELECT totals FROM the table WHERE ... GROUP BY ...";
    SqlError::unsupported(plan.display(), "this operation is not answered on encrypted data", hint)
}
