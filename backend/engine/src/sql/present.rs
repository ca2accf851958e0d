//! What stands above the aggregation: expressions over totals, HAVING, DISTINCT, ORDER BY, OFFSET and
//! LIMIT. The buyer's client does it after opening the answer; it changes nothing that is computed.

use std::collections::HashSet;

use datafusion::{
    common::{
        Column,
        tree_node::{Transformed, TreeNode},
    },
    logical_expr::{Aggregate, Distinct, Expr, Limit, LogicalPlan, SortExpr},
};
use sordino_protocol::{
    presentation::{PostExpression, Presentation, Shown, SortKey},
    query::{Expression, GroupKey, Output},
};

use super::{
    aggregate,
    bind::{Field, unaliased, unexpected},
    error::SqlError,
    fragment,
    table::Scope,
};

mod expression;
mod kinds;

/// The plan above the aggregation, taken apart.
pub(super) struct Above<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) aggregation: &'a Aggregate,
    /// The SELECT list.
    pub(super) shown: Vec<Expr>,
    /// The fields of the aggregation, in order, as they were written: what is grouped by twice is one.
    pub(super) exprs: Vec<Expr>,
    /// What they are.
    pub(super) fields: Vec<Field>,
    pub(super) groups: Vec<GroupKey>,
    /// The outputs of the query, so far.
    pub(super) outputs: Vec<Output>,
    having: Option<&'a Expr>,
    sorts: Vec<SortExpr>,
    distinct: bool,
    limit: Option<&'a Limit>,
}

impl<'a> Above<'a> {
    /// Walks down from the top of a plan whose SELECT list has `width` expressions.
    pub(super) fn new(scope: &'a Scope<'a>, top: &'a LogicalPlan, width: usize) -> Result<Self, SqlError> {
        let (mut having, mut sorts, mut distinct, mut limit) = (None, Vec::new(), false, None);
        // Expressions of the projections passed so far, in terms of what lies below them.
        let mut shown: Option<Vec<Expr>> = None;
        let mut plan = top;
        let aggregation = loop {
            plan = match plan {
                LogicalPlan::Limit(found) if limit.is_none() && shown.is_none() => {
                    limit = Some(found);
                    &found.input
                }
                LogicalPlan::Sort(sort) if sorts.is_empty() && sort.fetch.is_none() => {
                    sorts.clone_from(&sort.expr);
                    &sort.input
                }
                LogicalPlan::Distinct(Distinct::All(input)) => {
                    distinct = true;
                    input
                }
                LogicalPlan::Projection(projection) => {
                    let below = |expr: &Expr| replaced(expr, plan, &projection.expr);
                    shown = Some(match shown {
                        None => projection.expr.clone(),
                        Some(exprs) => exprs.iter().map(below).collect::<Result<_, _>>()?,
                    });
                    for sort in &mut sorts {
                        sort.expr = below(&sort.expr)?;
                    }
                    &projection.input
                }
                LogicalPlan::Filter(filter) if having.is_none() && shown.is_some() => {
                    if let LogicalPlan::TableScan(_) | LogicalPlan::SubqueryAlias(_) = filter.input.as_ref() {
                        return Err(nothing_aggregated(shown));
                    }
                    having = Some(&filter.predicate);
                    &filter.input
                }
                LogicalPlan::Aggregate(aggregation) => break aggregation,
                LogicalPlan::TableScan(_) | LogicalPlan::SubqueryAlias(_) => {
                    return Err(nothing_aggregated(shown));
                }
                other => return Err(unexpected(other)),
            };
        };
        let shown = shown.filter(|shown| shown.len() == width).ok_or_else(|| unexpected(top))?;
        let mut exprs: Vec<Expr> = Vec::new();
        for expr in &aggregation.group_expr {
            if !exprs.contains(expr) {
                exprs.push(expr.clone());
            }
        }
        exprs.extend(aggregation.aggr_expr.iter().cloned());
        let (fields, groups, outputs) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { scope, aggregation, shown, exprs, fields, groups, outputs, having, sorts, distinct, limit })
    }

    /// Translates everything; `names` are the aliases of the SELECT list.
    pub(super) fn presentation(&mut self, names: &[Option<String>]) -> Result<Presentation, SqlError> {
        let shown = std::mem::take(&mut self.shown);
        let mut columns = Vec::with_capacity(shown.len());
        let mut seen = HashSet::new();
        for (expr, alias) in shown.iter().zip(names) {
            let name = alias.clone().unwrap_or_else(|| self.name(expr));
            if !seen.insert(name.clone()) {
                let reason = "two outputs have this name";
                return Err(SqlError::unsupported(name, reason, "give one another alias"));
            }
            let expression = match self.field(expr) {
                Some(field) => self.output(field, Some(&name))?,
                None => self.expression(expr)?,
            };
            columns.push(Shown { name, expression });
        }
        self.refuse_distinct(&columns)?;
        let having = self.having.map(|condition| self.condition(condition)).transpose()?;
        let order = self.order()?;
        let (offset, limit) = match self.limit {
            Some(limit) => {
                (self.rows(limit.skip.as_deref())?.unwrap_or(0), self.rows(limit.fetch.as_deref())?)
            }
            None => (0, None),
        };
        Ok(Presentation { columns, having, order, offset, limit })
    }

    /// The name of an output without an alias.
    fn name(&self, expr: &Expr) -> String {
        match self.field(expr).and_then(|field| self.exprs.get(field)) {
            Some(expr) => aggregate::default_name(expr),
            None => aggregate::default_name(&self.written(expr)),
        }
    }

    /// The field of the aggregation that an expression is.
    fn field(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Alias(alias) => self.field(&alias.expr),
            Expr::Column(column) => self.aggregation.schema.maybe_index_of_column(column),
            _ => None,
        }
    }

    /// An expression with the fields of the aggregation as they were written.
    pub(super) fn written(&self, expr: &Expr) -> Expr {
        let schema = &self.aggregation.schema;
        substituted(expr, &|column| schema.maybe_index_of_column(column), &self.exprs)
            .unwrap_or_else(|| expr.clone())
    }

    /// The output of the query that shows a field; a new one if there is none yet.
    fn output(&mut self, field: usize, name: Option<&str>) -> Result<PostExpression, SqlError> {
        let (expression, own) = match self.fields.get(field) {
            Some(Field::Key(key)) => (
                Expression::Group(u16::try_from(*key).unwrap_or(u16::MAX)),
                self.exprs.get(field).map(aggregate::default_name).unwrap_or_default(),
            ),
            Some(Field::Total(expression, name)) => (expression.clone(), name.clone()),
            None => return Err(SqlError::Failed),
        };
        // What the SELECT list names is an output of its own.
        let known = match name {
            Some(_) => None,
            None => self.outputs.iter().position(|output| output.expression == expression),
        };
        let index = known.unwrap_or_else(|| {
            self.outputs.push(Output { name: name.map_or(own, str::to_owned), expression });
            self.outputs.len() - 1
        });
        u16::try_from(index).map(PostExpression::Output).map_err(|_| SqlError::Failed)
    }

    /// DISTINCT changes nothing where the groups themselves are shown.
    fn refuse_distinct(&self, columns: &[Shown]) -> Result<(), SqlError> {
        let shows = |key: usize| {
            columns.iter().any(|column| match &column.expression {
                PostExpression::Output(index) => self.outputs.get(usize::from(*index)).is_some_and(
                    |output| matches!(output.expression, Expression::Group(k) if usize::from(k) == key),
                ),
                _ => false,
            })
        };
        if !self.distinct || (0..self.groups.len()).all(shows) {
            return Ok(());
        }
        let reason = "groups of the answer are not merged";
        Err(SqlError::unsupported(
            "DISTINCT",
            reason,
            "show every column that is grouped by, or leave it out",
        ))
    }

    fn order(&mut self) -> Result<Vec<SortKey>, SqlError> {
        let sorts = std::mem::take(&mut self.sorts);
        // Groups come in the order of their keys: nothing is to be sorted by a beginning of them.
        let natural = sorts.iter().enumerate().all(|(position, sort)| {
            let field = self.field(&sort.expr).and_then(|field| self.fields.get(field));
            sort.asc
                && !sort.nulls_first
                && self.is_sorted(position)
                && matches!(field, Some(Field::Key(key)) if *key == position)
        });
        if natural {
            return Ok(Vec::new());
        }
        sorts
            .iter()
            .map(|sort| {
                let expression = self.expression(&sort.expr)?;
                Ok(SortKey { expression, descending: !sort.asc, nulls_first: sort.nulls_first })
            })
            .collect()
    }

    fn rows(&self, expr: Option<&Expr>) -> Result<Option<u64>, SqlError> {
        let Some(expr) = expr else { return Ok(None) };
        match self.scope.constant(expr) {
            Some(super::constant::Constant::Number { mantissa, scale }) if scale <= 0 => {
                let unit = 10i128.checked_pow(scale.unsigned_abs());
                let rows = unit
                    .and_then(|unit| mantissa.checked_mul(unit))
                    .and_then(|rows| u64::try_from(rows).ok());
                rows.map(Some).ok_or_else(|| not_a_number_of_rows(expr))
            }
            Some(super::constant::Constant::Null) => Ok(None),
            _ => Err(not_a_number_of_rows(expr)),
        }
    }
}

fn not_a_number_of_rows(expr: &Expr) -> SqlError {
    SqlError::unsupported(fragment::of(expr), "this is no number of rows", "write LIMIT 10 OFFSET 20")
}

fn nothing_aggregated(shown: Option<Vec<Expr>>) -> SqlError {
    let shown: Vec<_> = shown.unwrap_or_default().iter().map(|expr| fragment::of(unaliased(expr))).collect();
    let reason = "nothing is aggregated, and single rows are never returned";
    SqlError::unsupported(shown.join(", "), reason, "add COUNT(*), SUM or AVG, and GROUP BY the columns")
}

/// An expression over the output of a projection, as one over its input.
fn replaced(expr: &Expr, projection: &LogicalPlan, exprs: &[Expr]) -> Result<Expr, SqlError> {
    substituted(expr, &|column| projection.schema().maybe_index_of_column(column), exprs)
        .ok_or_else(|| unexpected(projection))
}

/// `expr` with every column replaced by the expression at its index.
fn substituted(expr: &Expr, index: &dyn Fn(&Column) -> Option<usize>, exprs: &[Expr]) -> Option<Expr> {
    let mut missing = false;
    let found = expr.clone().transform(|part| {
        Ok(match &part {
            Expr::Column(column) => match index(column).and_then(|index| exprs.get(index)) {
                Some(known) => Transformed::yes(unaliased(known).clone()),
                None => {
                    missing = true;
                    Transformed::no(part)
                }
            },
            _ => Transformed::no(part),
        })
    });
    found.ok().filter(|_| !missing).map(|found| found.data)
}
