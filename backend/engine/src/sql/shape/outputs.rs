//! The SELECT list: no single rows, and no column that is neither grouped by nor aggregated.

use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Select, SelectItem};
use sordino_protocol::schema::Schema;

use super::{SqlError, folded};

/// Checks the SELECT list. Columns within expressions are left to the planner.
pub(super) fn check(schema: &Schema, select: &Select, aliases: &[Option<String>]) -> Result<(), SqlError> {
    let grouped = grouped(schema, select, aliases);
    for item in &select.projection {
        let expr = match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => expr,
            SelectItem::ExprWithAliases { .. }
            | SelectItem::QualifiedWildcard(..)
            | SelectItem::Wildcard(_) => {
                let hint = "select COUNT(*), SUM, AVG and the like, and the columns you GROUP BY";
                return Err(SqlError::unsupported(item, "single rows are never returned", hint));
            }
        };
        if let Expr::Identifier(_) | Expr::CompoundIdentifier(_) = inner(expr)
            && !grouped.as_ref().is_none_or(|names| names.contains(&last_name(inner(expr))))
        {
            let hint = format!("add GROUP BY {}, or aggregate it", unquoted(expr));
            return Err(SqlError::unsupported(unquoted(expr), "it is shown but not grouped by", &hint));
        }
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
