//! Aggregates as expressions of a query.

use datafusion::logical_expr::{Expr, expr::AggregateFunction};
use sordino_protocol::{
    predicate::Predicate,
    query::{Expression, Pair, Rank, Spread, Value},
    schema::{ColumnId, Domain},
};

use super::{
    constant::Constant, domain, error::SqlError, fragment, names, number, predicate, presence, table::Scope,
    types,
};

/// The name of an output without an alias.
pub(super) fn default_name(expr: &Expr) -> String {
    match expr {
        Expr::Alias(alias) => default_name(&alias.expr),
        Expr::Column(column) => column.name.clone(),
        Expr::AggregateFunction(function) if counts_rows(function) => {
            let filter = function.params.filter.as_ref();
            let filter = filter.map(|filter| format!(" filter (where {})", fragment::of(filter)));
            format!("count(*){}", filter.unwrap_or_default())
        }
        other => fragment::of(other),
    }
}

fn counts_rows(function: &AggregateFunction) -> bool {
    function.func.name() == "count"
        && !function.params.distinct
        && matches!(function.params.args.as_slice(), [Expr::Literal(value, _)] if !value.is_null())
}

/// What an aggregate shows.
pub(super) fn expression(scope: &Scope<'_>, function: &AggregateFunction) -> Result<Expression, SqlError> {
    let written = fragment::of(&Expr::AggregateFunction(function.clone()));
    let shown = match written.strip_prefix(function.func.name()) {
        Some(rest) => format!("{}{rest}", function.func.name().to_uppercase()),
        None => written,
    };
    let call = Call { scope, function, shown };
    let filter = match &function.params.filter {
        Some(filter) => predicate::of(scope, filter)?,
        None => Predicate::All,
    };
    if function.params.null_treatment.is_some() {
        return Err(
            call.refused("this form of aggregate is not answered", "leave IGNORE or RESPECT NULLS out")
        );
    }
    call.expression(filter).map_err(|error| call.named(error))
}

/// One use of an aggregate.
struct Call<'a> {
    scope: &'a Scope<'a>,
    function: &'a AggregateFunction,
    shown: String,
}

impl Call<'_> {
    fn expression(&self, filter: Predicate) -> Result<Expression, SqlError> {
        let schema = self.scope.schema;
        let name = self.function.func.name();
        let arguments = self.function.params.args.as_slice();
        self.plain(name)?;
        let number = |argument: &Expr| number::of(self.scope, argument).map(|v| v.filtered(schema, &filter));
        let spread = |statistic, argument: &Expr| {
            Ok::<_, SqlError>(Expression::Spread { statistic, value: number(argument)? })
        };
        let pair = |statistic, y: &Expr, x: &Expr| {
            Ok::<_, SqlError>(Expression::Pair { statistic, y: number(y)?, x: number(x)? })
        };
        let counted = |argument: &Expr| {
            types::everywhere(self.scope, argument)?;
            let rows = presence::of(self.scope, argument)?;
            Ok::<_, SqlError>(Predicate::and(schema, vec![filter.clone(), rows]))
        };
        match (name, arguments) {
            ("count", _) if counts_rows(self.function) => Ok(Expression::Count(filter)),
            ("count", [argument]) if self.function.params.distinct => self.distinct(argument, filter),
            ("approx_distinct", [argument]) => self.distinct(argument, filter),
            ("count", [argument]) => Ok(Expression::Count(counted(argument)?)),
            ("sum", [argument]) => Ok(Expression::Sum(number(argument)?)),
            ("avg" | "mean", [argument]) => Ok(Expression::Average(number(argument)?)),
            ("var_pop" | "var_population", [x]) => spread(Spread::VariancePopulation, x),
            ("var" | "var_samp" | "var_sample" | "variance", [x]) => spread(Spread::VarianceSample, x),
            ("stddev_pop", [x]) => spread(Spread::DeviationPopulation, x),
            ("stddev" | "stddev_samp", [x]) => spread(Spread::DeviationSample, x),
            ("covar_pop", [y, x]) => pair(Pair::CovariancePopulation, y, x),
            ("covar" | "covar_samp", [y, x]) => pair(Pair::CovarianceSample, y, x),
            ("corr", [y, x]) => pair(Pair::Correlation, y, x),
            ("regr_slope", [y, x]) => pair(Pair::Slope, y, x),
            ("regr_intercept", [y, x]) => pair(Pair::Intercept, y, x),
            ("regr_r2", [y, x]) => pair(Pair::R2, y, x),
            ("regr_count", [y, x]) => {
                Ok(Expression::Count(Predicate::and(schema, vec![counted(y)?, counted(x)?])))
            }
            ("regr_avgx", [y, x]) => Ok(Expression::Average(together(schema, &number(x)?, &number(y)?))),
            ("regr_avgy", [y, x]) => Ok(Expression::Average(together(schema, &number(y)?, &number(x)?))),
            ("min", [argument]) => self.quantile(Rank::Lowest, argument, filter),
            ("max", [argument]) => self.quantile(Rank::Highest, argument, filter),
            ("median" | "approx_median", [argument]) => self.quantile(Rank::Median, argument, filter),
            ("approx_percentile_cont" | "percentile_disc", [argument, share]) => {
                self.quantile(Rank::Percentile(self.share(share)?), argument, filter)
            }
            ("percentile_cont" | "quantile_cont", [argument, share]) => match self.share(share)? {
                500_000 => self.quantile(Rank::Median, argument, filter),
                0 => self.quantile(Rank::Lowest, argument, filter),
                1_000_000 => self.quantile(Rank::Highest, argument, filter),
                _ => {
                    let reason = "values between those that occur are not computed";
                    Err(self.refused(reason, "use APPROX_PERCENTILE_CONT: it gives a value that occurs"))
                }
            },
            _ => {
                Err(self
                    .refused("this form of aggregate is not answered", "look at the number of its arguments"))
            }
        }
    }

    /// Refuses DISTINCT and ORDER BY where they would change the result.
    fn plain(&self, name: &str) -> Result<(), SqlError> {
        let params = &self.function.params;
        if params.distinct && !matches!(name, "count" | "min" | "max") {
            let hint = "COUNT(DISTINCT dimension) is answered; or GROUP BY the column";
            return Err(self.refused("DISTINCT is answered in COUNT only", hint));
        }
        match params.order_by.as_slice() {
            [] => Ok(()),
            [sort] if self.function.func.supports_within_group_clause() && sort.asc => Ok(()),
            [_] if self.function.func.supports_within_group_clause() => {
                Err(self.refused("percentiles are of ascending values", "leave DESC out, and ask for 1 - p"))
            }
            _ => Err(self.refused("ORDER BY within an aggregate is not answered", "leave it out")),
        }
    }

    /// The dimension that an argument is.
    fn dimension(&self, argument: &Expr) -> Result<ColumnId, SqlError> {
        let id = match argument {
            Expr::Alias(alias) => return self.dimension(&alias.expr),
            Expr::Column(column) => self.scope.schema.find(&column.name),
            _ => None,
        };
        let name = self.function.func.name().to_uppercase();
        let Some(id) = id else {
            let reason = format!("{name} of an expression is not answered");
            return Err(self.refused(&reason, "apply it to a column, and compute with its answer"));
        };
        let column = self.scope.schema.column(id);
        if column.dimension.is_none() {
            let reason =
                format!("`{}` is a measure only: encrypted values are summed, not compared", column.name);
            let hint = format!(
                "the owner can publish `{}` as a dimension too; the dimensions are: {}",
                column.name,
                names::dimensions(self.scope.schema)
            );
            return Err(self.refused(&reason, &hint));
        }
        Ok(id)
    }

    fn distinct(&self, argument: &Expr, when: Predicate) -> Result<Expression, SqlError> {
        let column = self.dimension(argument)?;
        let described = self.scope.schema.column(column);
        match &described.dimension {
            Some(domain) if !domain::is_exact(described) => {
                let reason = format!(
                    "`{}` is published in buckets ({}): its values cannot be told apart",
                    described.name,
                    domain.describe()
                );
                Err(self.refused(&reason, "GROUP BY it to count the rows of each bucket"))
            }
            _ => Ok(Expression::Distinct { column, when }),
        }
    }

    fn quantile(&self, rank: Rank, argument: &Expr, when: Predicate) -> Result<Expression, SqlError> {
        let column = self.dimension(argument)?;
        let described = self.scope.schema.column(column);
        let unordered = match &described.dimension {
            Some(Domain::Category { values }) => !values.is_sorted(),
            Some(Domain::Order { .. }) => true,
            _ => false,
        };
        if described.dimension.as_ref().is_some_and(Domain::is_exact) && !domain::is_exact(described) {
            let reason = format!("`{}` is finer as a measure than as a dimension", described.name);
            return Err(self.refused(&reason, "GROUP BY it, and look at the groups"));
        }
        if unordered {
            let reason = format!("the dictionary of `{}` is not sorted", described.name);
            return Err(self.refused(&reason, "GROUP BY it: the answer has every value that occurs"));
        }
        Ok(Expression::Quantile { rank, column, when })
    }

    /// A share of all rows in millionths.
    fn share(&self, argument: &Expr) -> Result<u32, SqlError> {
        let found = match self.scope.constant(argument) {
            Some(Constant::Number { mantissa, scale }) if (0..=6).contains(&scale) => {
                let unit = 10i128.pow(scale.unsigned_abs().abs_diff(6));
                u32::try_from(mantissa.saturating_mul(unit)).ok().filter(|share| *share <= 1_000_000)
            }
            _ => None,
        };
        found.ok_or_else(|| {
            let reason = format!("`{}` is no share of all rows", fragment::of(argument));
            self.refused(&reason, "write a number from 0 to 1 with at most 6 decimal places, as 0.95")
        })
    }

    fn refused(&self, reason: &str, hint: &str) -> SqlError {
        SqlError::unsupported(&self.shown, reason, hint)
    }

    /// An error about the whole argument is about the aggregate of it.
    fn named(&self, error: SqlError) -> SqlError {
        let argument = self.function.params.args.first().map(fragment::of);
        match error.fragment() {
            Some(fragment) if argument.as_deref() == Some(fragment) => error.within(&self.shown),
            _ => error,
        }
    }
}

/// `value`, for the rows that have `other`, too.
fn together(schema: &sordino_protocol::schema::Schema, value: &Value, other: &Value) -> Value {
    value.filtered(schema, &other.rows(schema))
}
