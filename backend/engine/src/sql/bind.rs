//! Logical plan to query and presentation. Below the aggregation lies what is computed under
//! encryption: an optional Filter over the table's scan. Above it lies what the buyer's client does
//! with the answer, see [`super::present`].

use datafusion::logical_expr::{Expr, LogicalPlan};
use sordino_protocol::{
    answer,
    digest::Digest,
    predicate::{MAX_DEPTH, Predicate},
    presentation::Presentation,
    query::{Expression, GroupKey, Query},
};

use super::{aggregate, classes, error::SqlError, fragment, predicate, present::Above, table::Scope};

/// A question as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// What is computed under encryption, released and paid for.
    pub query: Query,
    /// What the buyer's client does with the answer.
    pub presentation: Presentation,
}

/// Translates a plan; `names` are the aliases of its outputs.
pub(super) fn bind(
    dataset: Digest,
    scope: &Scope<'_>,
    names: &[Option<String>],
    plan: &LogicalPlan,
) -> Result<Bound, SqlError> {
    let mut above = Above::new(scope, plan, names.len())?;
    let aggregation = above.aggregation;
    if aggregation.aggr_expr.is_empty() {
        let shown: Vec<_> = above.shown.iter().map(fragment::of).collect();
        let reason = "nothing is aggregated, and single rows are never returned";
        return Err(SqlError::unsupported(shown.join(", "), reason, "add COUNT(*), SUM or AVG"));
    }
    let mut groups: Vec<GroupKey> = Vec::new();
    if above.exprs.len() != aggregation.schema.fields().len() {
        return Err(unexpected(plan));
    }
    for expr in &above.exprs[..above.exprs.len() - aggregation.aggr_expr.len()] {
        let key = classes::key(scope, unaliased(expr))?;
        let known = groups.iter().position(|other| *other == key);
        above.fields.push(Field::Key(known.unwrap_or(groups.len())));
        if known.is_none() {
            groups.push(key);
        }
    }
    for expr in &aggregation.aggr_expr {
        let Expr::AggregateFunction(function) = unaliased(expr) else { return Err(unexpected(plan)) };
        above
            .fields
            .push(Field::Total(aggregate::expression(scope, function)?, aggregate::default_name(expr)));
    }
    above.groups = groups;
    let predicate = condition(scope, &aggregation.input)?;
    let presentation = above.presentation(names)?;
    let Above { groups, outputs, .. } = above;
    let query = Query { dataset, outputs, predicate, groups, scores: Vec::new() };
    bounded(scope, &query)?;
    presentation
        .check(&answer::columns(scope.schema, &query, &[], 1))
        .map_err(|error| SqlError::TooComplex { reason: format!("what the client is to do: {error}") })?;
    Ok(Bound { query, presentation })
}

/// A field of the aggregation.
pub(super) enum Field {
    /// A grouping key.
    Key(usize),
    /// A total and the name that it has without an alias.
    Total(Expression, String),
}

/// The rows that count.
fn condition(scope: &Scope<'_>, input: &LogicalPlan) -> Result<Predicate, SqlError> {
    match input {
        LogicalPlan::Filter(filter) => {
            scan(&filter.input)?;
            predicate::of(scope, &filter.predicate)
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

/// Refuses predicates that nest deeper than a query may.
fn bounded(scope: &Scope<'_>, query: &Query) -> Result<(), SqlError> {
    fn depth(predicate: &Predicate) -> usize {
        match predicate {
            Predicate::All | Predicate::Nothing | Predicate::In { .. } => 0,
            Predicate::And(parts) | Predicate::Or(parts) => 1 + parts.iter().map(depth).max().unwrap_or(0),
        }
    }
    query.validate(scope.schema).map_err(|error| {
        let classes = query.groups.iter().filter_map(|key| match key {
            GroupKey::Codes(_) | GroupKey::Largest { .. } => None,
            GroupKey::Classes { classes, .. } => Some(classes.iter().map(|class| &class.when)),
        });
        let values = query.outputs.iter().flat_map(|output| predicates(&output.expression));
        let deepest = values.chain(classes.flatten()).chain([&query.predicate]).map(depth).max();
        if deepest > Some(MAX_DEPTH) {
            let reason = format!("a condition nests deeper than {MAX_DEPTH}");
            return SqlError::TooComplex { reason };
        }
        SqlError::Query { error }
    })
}

fn predicates(expression: &Expression) -> Vec<&Predicate> {
    match expression {
        Expression::Group(_) => Vec::new(),
        Expression::Count(when)
        | Expression::Band { when, .. }
        | Expression::Distinct { when, .. }
        | Expression::Quantile { when, .. } => vec![when],
        Expression::Sum(value) | Expression::Average(value) | Expression::Spread { value, .. } => {
            value.branches.iter().map(|branch| &branch.when).collect()
        }
        Expression::Pair { y, x, .. } => {
            y.branches.iter().chain(&x.branches).map(|branch| &branch.when).collect()
        }
    }
}

pub(super) fn unaliased(expr: &Expr) -> &Expr {
    match expr {
        Expr::Alias(alias) => unaliased(&alias.expr),
        other => other,
    }
}

pub(super) fn unexpected(plan: &LogicalPlan) -> SqlError {
    let hint = "ask SELECT totals FROM the table WHERE ... GROUP BY ... HAVING ... ORDER BY ... LIMIT ...";
    SqlError::unsupported(plan.display(), "this operation is not answered on encrypted data", hint)
}
