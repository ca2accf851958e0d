//! Values of rows as SQL expressions: polynomials, CASE, and what they are aggregated to.

use sordino_protocol::{
    predicate::Predicate,
    query::{Branch, Expression, Monomial, Pair, Rank, Score, ScoreTerm, Spread, Value},
    schema::{ColumnId, Schema, decimal},
};

use super::{conditions::predicate, names};

/// An aggregate; a grouping key is shown by `key`.
pub(super) fn expression(
    schema: &Schema,
    scores: &[Score],
    of: &Expression,
    key: &dyn Fn(u16) -> String,
) -> String {
    match of {
        Expression::Group(position) => key(*position),
        Expression::Count(when) => count(schema, when),
        Expression::Band { score, from, to, when } => {
            let of =
                scores.get(usize::from(*score)).map_or_else(String::new, |score| self::score(schema, score));
            format!("COUNT(rows whose score of {of} is from {from} to below {to}){}", filter(schema, when))
        }
        Expression::Sum(value) => aggregate(schema, "SUM", value),
        Expression::Average(value) => aggregate(schema, "AVG", value),
        Expression::Spread { statistic, value } => aggregate(schema, spread(*statistic), value),
        Expression::Pair { statistic, y, x } => {
            format!("{}({}, {})", pair(*statistic), number(schema, y), number(schema, x))
        }
        Expression::Distinct { column, when } => {
            format!("COUNT(DISTINCT {}){}", names::column(schema, *column), filter(schema, when))
        }
        Expression::Quantile { rank, column, when } => {
            let name = names::column(schema, *column);
            let call = match rank {
                Rank::Lowest => format!("MIN({name})"),
                Rank::Highest => format!("MAX({name})"),
                Rank::Median => format!("MEDIAN({name})"),
                Rank::Percentile(share) => {
                    let share = trimmed(decimal(i64::from(*share), 6));
                    format!("APPROX_PERCENTILE_CONT({share}) WITHIN GROUP (ORDER BY {name})")
                }
            };
            call + &filter(schema, when)
        }
    }
}

/// What a score adds up, and which columns it reads.
pub(super) fn score(schema: &Schema, score: &Score) -> String {
    let reads: Vec<String> =
        score.columns().into_iter().map(|column| names::column(schema, column)).collect();
    let reads = reads.join(", ");
    let trees = score.terms.iter().filter(|term| matches!(term, ScoreTerm::Tree(_))).count();
    match trees {
        0 => reads,
        1 => format!("a tree over {reads}"),
        trees => format!("{trees} trees over {reads}"),
    }
}

const fn spread(statistic: Spread) -> &'static str {
    match statistic {
        Spread::VariancePopulation => "VAR_POP",
        Spread::VarianceSample => "VAR_SAMP",
        Spread::DeviationPopulation => "STDDEV_POP",
        Spread::DeviationSample => "STDDEV_SAMP",
    }
}

const fn pair(statistic: Pair) -> &'static str {
    match statistic {
        Pair::CovariancePopulation => "COVAR_POP",
        Pair::CovarianceSample => "COVAR_SAMP",
        Pair::Correlation => "CORR",
        Pair::Slope => "REGR_SLOPE",
        Pair::Intercept => "REGR_INTERCEPT",
        Pair::R2 => "REGR_R2",
    }
}

fn count(schema: &Schema, when: &Predicate) -> String {
    if let Predicate::In { column, .. } = when
        && *when == Predicate::present(schema, *column)
    {
        return format!("COUNT({})", names::column(schema, *column));
    }
    format!("COUNT(*){}", filter(schema, when))
}

fn filter(schema: &Schema, when: &Predicate) -> String {
    match when {
        Predicate::All => String::new(),
        when => format!(" FILTER (WHERE {})", predicate(schema, when, false)),
    }
}

/// A value of one branch is its polynomial with a filter, from which the conditions are left out that
/// SQL makes by itself: a row without a value is not counted.
fn aggregate(schema: &Schema, name: &str, value: &Value) -> String {
    let [branch] = value.branches.as_slice() else {
        return format!("{name}({})", number(schema, value));
    };
    let rest = match &branch.when {
        Predicate::And(parts) => {
            let rest = parts.iter().filter(|part| !implied(schema, branch, part)).cloned().collect();
            Predicate::and(schema, rest)
        }
        when if implied(schema, branch, when) => Predicate::All,
        when => when.clone(),
    };
    format!("{name}({}){}", polynomial(schema, value.scale, branch), filter(schema, &rest))
}

fn implied(schema: &Schema, branch: &Branch, condition: &Predicate) -> bool {
    let mut columns = branch.monomials.iter().flat_map(|monomial| &monomial.columns);
    columns.any(|column| *condition == Predicate::present(schema, *column) && *condition != Predicate::All)
}

/// A value as one expression.
fn number(schema: &Schema, value: &Value) -> String {
    let whole = |branch: &Branch| branch.when == Predicate::All || implied(schema, branch, &branch.when);
    match value.branches.as_slice() {
        [] => return "NULL".to_owned(),
        [branch] if whole(branch) => return polynomial(schema, value.scale, branch),
        _ => {}
    }
    let mut text = "CASE".to_owned();
    for (position, branch) in value.branches.iter().enumerate() {
        let polynomial = polynomial(schema, value.scale, branch);
        if branch.when == Predicate::All && position > 0 {
            text.push_str(&format!(" ELSE {polynomial}"));
            break;
        }
        text.push_str(&format!(" WHEN {} THEN {polynomial}", predicate(schema, &branch.when, false)));
    }
    text + " END"
}

fn polynomial(schema: &Schema, scale: u8, branch: &Branch) -> String {
    let mut text = String::new();
    for monomial in &branch.monomials {
        let (negative, product) = product(schema, scale, branch, monomial);
        match (text.is_empty(), negative) {
            (true, true) => text.push('-'),
            (true, false) => {}
            (false, true) => text.push_str(" - "),
            (false, false) => text.push_str(" + "),
        }
        text.push_str(&product);
    }
    if text.is_empty() { "0".to_owned() } else { text }
}

/// A product without its sign, and whether it is negative. Its coefficient is of units of `10^-scale`,
/// its factors each of their own.
fn product(schema: &Schema, scale: u8, branch: &Branch, monomial: &Monomial) -> (bool, String) {
    let places = |id: &ColumnId| {
        let measure = schema.columns.get(id.index()).and_then(|column| column.measure.as_ref());
        measure.map_or(0, |measure| u32::from(measure.scale))
    };
    let of_factors: u32 = monomial.columns.iter().map(places).sum();
    let coefficient = i128::from(monomial.coefficient).abs();
    let coefficient = match u32::from(scale).checked_sub(of_factors) {
        Some(rest) => trimmed(decimal(coefficient, u8::try_from(rest).unwrap_or(u8::MAX))),
        None => format!("{coefficient}{}", "0".repeat((of_factors - u32::from(scale)) as usize)),
    };
    let mut factors: Vec<String> = monomial.columns.iter().map(|id| factor(schema, branch, *id)).collect();
    if coefficient != "1" || factors.is_empty() {
        factors.insert(0, coefficient);
    }
    (monomial.coefficient < 0, factors.join(" * "))
}

/// A measure; one without a value counts as 0 unless the branch leaves such rows out.
fn factor(schema: &Schema, branch: &Branch, id: ColumnId) -> String {
    let name = names::column(schema, id);
    let Some(column) = schema.columns.get(id.index()) else { return name };
    let absent = Predicate::present(schema, id).negated(schema);
    let left_out = match &branch.when {
        Predicate::And(parts) => parts.iter().any(|part| part.excludes(&absent)),
        when => when.excludes(&absent),
    };
    if column.nullable && !left_out { format!("COALESCE({name}, 0)") } else { name }
}

/// A decimal without needless zeros.
fn trimmed(decimal: String) -> String {
    if !decimal.contains('.') {
        return decimal;
    }
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}
