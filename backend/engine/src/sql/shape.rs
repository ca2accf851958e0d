//! What a question may look like: one SELECT of aggregates and grouped expressions over the one table.
//! Joins, subqueries, windows and the like are refused here, while the buyer's own words are still at
//! hand; names are made canonical, because SQL compares them without case.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, SetExpr, TableAlias, TableFactor, visit_expressions,
    visit_expressions_mut,
};
use sordino_protocol::schema::Schema;

use super::{error::SqlError, names};

mod clauses;
mod outputs;

/// A checked question.
pub(super) struct Shaped {
    /// With canonical, quoted names.
    pub(super) query: Query,
    /// Its condition.
    pub(super) condition: Option<Expr>,
    /// What its columns may be qualified with.
    pub(super) relation: String,
    /// The alias of each output, if it has one.
    pub(super) names: Vec<Option<String>>,
}

/// Checks the form of a question and makes its names canonical.
pub(super) fn check(schema: &Schema, mut query: Query) -> Result<Shaped, SqlError> {
    clauses::refuse_clauses(&query)?;
    if let ControlFlow::Break(error) = visit_expressions(&query, clauses::refuse_expression) {
        return Err(*error);
    }
    let other_form = |body: &SetExpr| {
        let hint = "ask one SELECT ... FROM the listing's table";
        SqlError::unsupported(body, "this form of query is not answered", hint)
    };
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(other_form(&query.body)) };
    let alias = table(schema, select)?;
    let aliases: Vec<Option<String>> = select.projection.iter().map(alias_of).collect();
    let canonical = visit_expressions_mut(&mut query, |expr| {
        match canonical_name(schema, alias.as_ref(), &aliases, expr) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Box::new(error)),
        }
    });
    if let ControlFlow::Break(error) = canonical {
        return Err(*error);
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(other_form(&query.body)) };
    outputs::check(schema, select, &aliases)?;
    let condition = select.selection.clone();
    let relation = alias.map_or_else(|| schema.table.clone(), |alias| folded(&alias.name));
    Ok(Shaped { query, condition, relation, names: aliases })
}

/// Checks FROM, makes the table's name canonical, and returns its alias.
fn table(schema: &Schema, select: &mut Select) -> Result<Option<TableAlias>, SqlError> {
    let own = format!("FROM {}", schema.table);
    let [from] = select.from.as_mut_slice() else {
        let (shown, reason) = match select.from.get(1) {
            None => (select.to_string(), "there is no FROM"),
            Some(second) => (second.to_string(), "a listing has one table; joins are not answered"),
        };
        return Err(SqlError::unsupported(shown, reason, &format!("write {own}")));
    };
    if let Some(join) = from.joins.first() {
        let reason = "a listing has one table; joins are not answered";
        return Err(SqlError::unsupported(join.to_string().trim(), reason, &format!("write {own}")));
    }
    let plain = matches!(
        &from.relation,
        TableFactor::Table {
            args: None, version: None, with_ordinality: false, json_path: None, sample: None,
            with_hints, partitions, index_hints, alias, name: _,
        } if with_hints.is_empty() && partitions.is_empty() && index_hints.is_empty()
            && alias.as_ref().is_none_or(|alias| alias.columns.is_empty())
    );
    let shown = from.relation.to_string();
    let TableFactor::Table { name, alias, .. } = &mut from.relation else {
        return Err(SqlError::unsupported(
            shown,
            "only the listing's table is answered",
            &format!("write {own}"),
        ));
    };
    if !plain {
        return Err(SqlError::unsupported(
            shown,
            "only a plain table name is answered",
            &format!("write {own}"),
        ));
    }
    let named = match name.0.as_slice() {
        [part] => part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(&schema.table)),
        _ => false,
    };
    if !named {
        return Err(SqlError::UnknownTable { fragment: name.to_string(), table: schema.table.clone() });
    }
    *name = vec![Ident::with_quote('"', &schema.table)].into();
    Ok(alias.clone())
}

/// The alias of an output as SQL names it: folded to lower case unless it is quoted.
fn alias_of(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        _ => None,
    }
}

fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// Replaces a column's name by its quoted canonical form.
fn canonical_name(
    schema: &Schema,
    alias: Option<&TableAlias>,
    aliases: &[Option<String>],
    expr: &mut Expr,
) -> Result<(), SqlError> {
    match expr {
        Expr::Identifier(ident) => {
            let folded = folded(ident);
            match names::column(schema, &ident.value, ident.quote_style.is_some()) {
                Ok(id) => *ident = Ident::with_quote('"', &schema.column(id).name),
                Err(_) if aliases.iter().flatten().any(|alias| *alias == folded) => {}
                Err(error) => return Err(error),
            }
        }
        Expr::CompoundIdentifier(parts) => {
            let shown = parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
            let [table, column] = parts.as_mut_slice() else {
                return Err(SqlError::unsupported(shown, "a column is named `table.column` or `column`", ""));
            };
            let relation = alias.map_or_else(|| Ident::with_quote('"', &schema.table), |a| a.name.clone());
            if !table.value.eq_ignore_ascii_case(&relation.value) {
                return Err(SqlError::UnknownTable { fragment: shown, table: relation.value });
            }
            let id = names::column(schema, &column.value, column.quote_style.is_some())?;
            *table = relation;
            *column = Ident::with_quote('"', &schema.column(id).name);
        }
        _ => {}
    }
    Ok(())
}
