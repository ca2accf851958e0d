//! The SELECT list: grouped columns, and COUNT, SUM and AVG in their plain form.

use datafusion::sql::sqlparser::ast::{Expr, Function, FunctionArguments, GroupByExpr, Select, SelectItem};
use sordino_protocol::schema::Schema;

use super::{SqlError, folded};

/// Checks the SELECT list: grouped columns, and at least one aggregate.
pub(super) fn check(schema: &Schema, select: &Select, aliases: &[Option<String>]) -> Result<(), SqlError> {
    let grouped = grouped(schema, select, aliases);
    let mut aggregates = 0;
    for item in &select.projection {
        let expr = match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
            SelectItem::ExprWithAliases { .. }
            | SelectItem::QualifiedWildcard(..)
            | SelectItem::Wildcard(_) => {
                let hint = "select COUNT(*), COUNT, SUM or AVG, and the columns you GROUP BY";
                return Err(SqlError::unsupported(item, "single rows are never returned", hint));
            }
        };
        match inner(expr) {
            Expr::Function(function) => {
                aggregate(function)?;
                aggregates += 1;
            }
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                if !grouped.as_ref().is_none_or(|names| names.contains(&last_name(inner(expr)))) {
                    let hint = format!("add GROUP BY {}, or aggregate it", unquoted(expr));
                    return Err(SqlError::unsupported(
                        unquoted(expr),
                        "it is shown but not grouped by",
                        &hint,
                    ));
                }
            }
            other => {
                let hint = "select the totals themselves and compute with the answer";
                let reason = "an output is a grouped column, COUNT, SUM or AVG, not an expression";
                return Err(SqlError::unsupported(other, reason, hint));
            }
        }
    }
    if aggregates == 0 {
        let reason = "nothing is aggregated, and single rows are never returned";
        return Err(SqlError::unsupported(list(select), reason, "add COUNT(*), SUM or AVG"));
    }
    Ok(())
}

fn list(select: &Select) -> String {
    select.projection.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").replace('"', "")
}

/// Allows COUNT, SUM and AVG in their plain form.
fn aggregate(function: &Function) -> Result<(), SqlError> {
    let name = function.name.to_string().to_ascii_lowercase();
    let shown = function.to_string().replace('"', "");
    if !matches!(name.as_str(), "count" | "sum" | "avg") {
        let hint = "COUNT, SUM and AVG are";
        return Err(SqlError::unsupported(shown, format!("{} is not answered", name.to_uppercase()), hint));
    }
    let plain = match &function.args {
        FunctionArguments::List(list) => {
            if list.duplicate_treatment.is_some_and(|d| d.to_string() == "DISTINCT") {
                let hint = "GROUP BY the column: each of its values is a group";
                return Err(SqlError::unsupported(shown, "DISTINCT is not answered", hint));
            }
            list.clauses.is_empty() && list.args.len() == 1
        }
        FunctionArguments::None | FunctionArguments::Subquery(_) => false,
    };
    if let Some(filter) = &function.filter {
        let hint = "put the condition into WHERE and ask each question on its own";
        let filter = format!("FILTER (WHERE {})", filter.to_string().replace('"', ""));
        return Err(SqlError::unsupported(filter, "filtered aggregates are not answered", hint));
    }
    if !plain
        || function.null_treatment.is_some()
        || !function.within_group.is_empty()
        || function.uses_odbc_syntax
        || !matches!(function.parameters, FunctionArguments::None)
    {
        let hint = "write COUNT(*), COUNT(column), SUM(column) or AVG(column)";
        return Err(SqlError::unsupported(shown, "this form of aggregate is not answered", hint));
    }
    Ok(())
}

/// The canonical names that are grouped by; `None` for GROUP BY ALL, which groups by all it must.
fn grouped(schema: &Schema, select: &Select, aliases: &[Option<String>]) -> Option<Vec<String>> {
    let GroupByExpr::Expressions(expressions, _) = &select.group_by else { return None };
    let item = |index: usize| match select.projection.get(index) {
        Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => {
            last_name(inner(expr))
        }
        _ => String::new(),
    };
    Some(
        expressions
            .iter()
            .map(|expr| match inner(expr) {
                Expr::Value(value) => match value.to_string().parse::<usize>() {
                    Ok(ordinal) if ordinal > 0 => item(ordinal - 1),
                    _ => String::new(),
                },
                Expr::Identifier(ident) if schema.find(&ident.value).is_none() => aliases
                    .iter()
                    .position(|alias| alias.as_ref() == Some(&folded(ident)))
                    .map_or_else(String::new, item),
                other => last_name(other),
            })
            .collect(),
    )
}

fn inner(expr: &Expr) -> &Expr {
    match expr {
        Expr::Nested(expr) => inner(expr),
        other => other,
    }
}

fn last_name(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(ident) => ident.value.clone(),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn unquoted(expr: &Expr) -> String {
    expr.to_string().replace('"', "")
}
