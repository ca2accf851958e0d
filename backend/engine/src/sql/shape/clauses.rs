//! Clauses and expressions that are refused wherever they stand.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Distinct, Expr, GroupByExpr, Query, Select, SetExpr, Value};

use super::SqlError;
use crate::sql::functions;

const CLAUSES: &str = "only SELECT, FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET are answered";

/// Refuses clauses; a struct pattern without `..` where it matters, so that a clause that a new
/// version of the parser learns does not slip through unseen.
pub(super) fn refuse_clauses(query: &Query) -> Result<(), SqlError> {
    let Query {
        with,
        body,
        order_by: _,
        limit_clause: _,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    if let Some(with) = with {
        return Err(SqlError::unsupported(
            with,
            "common table expressions are not answered",
            "ask one SELECT",
        ));
    }
    if let Some(fetch) = fetch {
        return Err(SqlError::unsupported(fetch, "FETCH is not answered", "write LIMIT"));
    }
    if !locks.is_empty()
        || for_clause.is_some()
        || settings.is_some()
        || format_clause.is_some()
        || !pipe_operators.is_empty()
    {
        return Err(SqlError::unsupported(query, CLAUSES, ""));
    }
    let SetExpr::Select(select) = body.as_ref() else {
        let hint = "ask each question on its own";
        return Err(SqlError::unsupported(body, "only a plain SELECT is answered", hint));
    };
    refuse_select_clauses(select)
}

fn refuse_select_clauses(select: &Select) -> Result<(), SqlError> {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from: _,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having: _,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor: _,
    } = select;
    if let Some(Distinct::On(_)) = distinct {
        let hint = "GROUP BY the columns and aggregate the others";
        return Err(SqlError::unsupported("DISTINCT ON", "single rows are never returned", hint));
    }
    match group_by {
        GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers) if !modifiers.is_empty() => {
            let hint = "GROUP BY columns, and ask for totals in another question";
            return Err(SqlError::unsupported(&modifiers[0], "grouping modifiers are not answered", hint));
        }
        GroupByExpr::All(_) | GroupByExpr::Expressions(..) => {}
    }
    if let Some(window) = named_window.first() {
        return Err(SqlError::unsupported(window, "window functions need single rows", "GROUP BY instead"));
    }
    let others = !optimizer_hints.is_empty()
        || select_modifiers.is_some()
        || top.is_some()
        || exclude.is_some()
        || into.is_some()
        || !lateral_views.is_empty()
        || prewhere.is_some()
        || !connect_by.is_empty()
        || !cluster_by.is_empty()
        || !distribute_by.is_empty()
        || !sort_by.is_empty()
        || qualify.is_some()
        || value_table_mode.is_some();
    if others {
        return Err(SqlError::unsupported(select, CLAUSES, ""));
    }
    Ok(())
}

fn is_known(name: &str) -> bool {
    let name = name.replace('"', "").to_lowercase();
    functions::scalar(&name).is_some() || functions::aggregate(&name).is_some()
}

/// Refuses expressions that need more than one row or more than one table.
pub(super) fn refuse_expression(expr: &Expr) -> ControlFlow<Box<SqlError>> {
    let (reason, hint) = match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => {
            ("subqueries are not answered", "ask the inner question first and write its answer as a constant")
        }
        Expr::Function(function) if function.over.is_some() => {
            ("window functions need single rows", "use COUNT, SUM or AVG with GROUP BY")
        }
        Expr::Function(function) if !is_known(&function.name.to_string()) => {
            let error = SqlError::unsupported(
                expr.to_string().replace('"', ""),
                format!("there is no function {} here", function.name.to_string().to_uppercase()),
                &format!(
                    "the aggregates are: {}; other functions: {}",
                    functions::aggregate_names().join(", "),
                    functions::scalar_names().join(", ")
                ),
            );
            return ControlFlow::Break(Box::new(error));
        }
        Expr::GroupingSets(_) | Expr::Cube(_) | Expr::Rollup(_) => {
            ("grouping sets are not answered", "GROUP BY columns, and ask for totals in another question")
        }
        Expr::Value(value) if matches!(value.value, Value::Placeholder(_)) => {
            ("parameters are not filled in", "write the constant itself")
        }
        _ => return ControlFlow::Continue(()),
    };
    ControlFlow::Break(Box::new(SqlError::unsupported(expr, reason, hint)))
}
