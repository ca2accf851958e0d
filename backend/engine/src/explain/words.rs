//! Predicates, values and outputs in words.

use std::collections::BTreeSet;

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Branch, Expression, GroupKey, Monomial, Pair, Rank, Score, ScoreTerm, Spread, Value},
    schema::{ColumnId, Schema, decimal},
};

/// The most characters of a line.
const LENGTH: usize = 400;

/// A predicate, shortened.
pub(super) fn predicate(schema: &Schema, predicate: &Predicate) -> String {
    shortened(written(schema, predicate))
}

fn shortened(text: String) -> String {
    if text.chars().count() <= LENGTH {
        return text;
    }
    text.chars().take(LENGTH).chain(['…']).collect()
}

fn written(schema: &Schema, predicate: &Predicate) -> String {
    let joined = |parts: &[Predicate], word: &str| {
        let part = |part: &Predicate| match part {
            Predicate::And(_) | Predicate::Or(_) => format!("({})", written(schema, part)),
            other => written(schema, other),
        };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    match predicate {
        Predicate::All => "all".to_owned(),
        Predicate::Nothing => "none".to_owned(),
        Predicate::In { column, codes } => codes_of(schema, *column, codes),
        Predicate::And(parts) => joined(parts, " and "),
        Predicate::Or(parts) => joined(parts, " or "),
    }
}

fn codes_of(schema: &Schema, id: ColumnId, codes: &CodeSet) -> String {
    let column = schema.column(id);
    if column.dimension.is_none() {
        let has = codes.contains(0);
        return format!("{} is {}null", column.name, if has { "not " } else { "" });
    }
    let label = |code: u32| column.label(code).unwrap_or_else(|| "null".to_owned());
    let all = column.codes();
    if codes.len() * 2 > all && Some(codes.complement(all).len()).is_some_and(|others| others <= 4) {
        let others: Vec<_> = codes.complement(all).codes().map(label).collect();
        return format!("{} not in {{{}}}", column.name, others.join(", "));
    }
    let ranges = codes.ranges().iter().map(|(low, high)| match high - low {
        1 => label(*low),
        _ => format!("{} to {}", label(*low), label(high - 1)),
    });
    format!("{} in {{{}}}", column.name, ranges.take(24).collect::<Vec<_>>().join(", "))
}

/// A grouping key.
pub(super) fn key(schema: &Schema, key: &GroupKey) -> String {
    match key {
        GroupKey::Codes(id) => format!("{}, {} codes", schema.column(*id).name, key.size(schema)),
        GroupKey::Classes { classes, .. } => {
            let class = |class: &sordino_protocol::query::Class| {
                let label = class.label.as_deref().unwrap_or("null");
                format!("{label}: {}", written(schema, &class.when))
            };
            let first: Vec<_> = classes.iter().take(8).map(class).collect();
            shortened(format!("{} classes: {}", classes.len(), first.join("; ")))
        }
        GroupKey::Largest { labels, scores } => {
            let one = |(label, of): (&String, &Score)| format!("{label}: {}", score(schema, of));
            let all: Vec<_> = labels.iter().zip(scores).map(one).collect();
            shortened(format!("the class of the largest of {} scores: {}", labels.len(), all.join("; ")))
        }
    }
}

/// A piecewise polynomial.
pub(super) fn value(schema: &Schema, branches: &[Branch]) -> String {
    let one = |branch: &Branch| match &branch.when {
        Predicate::All => polynomial(schema, &branch.monomials),
        when => format!("{} where {}", polynomial(schema, &branch.monomials), written(schema, when)),
    };
    match branches {
        [] => "nothing".to_owned(),
        _ => shortened(branches.iter().map(one).collect::<Vec<_>>().join("; else ")),
    }
}

fn polynomial(schema: &Schema, monomials: &[Monomial]) -> String {
    let one = |monomial: &Monomial| {
        let names: Vec<_> = monomial.columns.iter().map(|id| schema.column(*id).name.as_str()).collect();
        match (monomial.coefficient, names.is_empty()) {
            (1, false) => names.join(" * "),
            (factor, false) => format!("{factor} * {}", names.join(" * ")),
            (constant, true) => constant.to_string(),
        }
    };
    match monomials {
        [] => "0".to_owned(),
        _ => monomials.iter().map(one).collect::<Vec<_>>().join(" + "),
    }
}

/// What a score adds up.
pub(super) fn score(schema: &Schema, score: &Score) -> String {
    let (low, high) = score.bounds();
    let mut parts = vec![score.intercept.to_string()];
    let (mut trees, mut leaves, mut read) = (0usize, 0usize, BTreeSet::new());
    for term in &score.terms {
        match term {
            ScoreTerm::Codes { column, .. } => {
                parts.push(format!("points for {}", schema.column(*column).name));
            }
            ScoreTerm::Tree(nodes) => {
                trees += 1;
                leaves += nodes.len() / 2 + 1;
                read.extend(term.columns().into_iter().map(|column| schema.column(column).name.as_str()));
            }
        }
    }
    if trees > 0 {
        let read = read.into_iter().collect::<Vec<_>>().join(", ");
        parts.push(format!("{trees} trees of {leaves} leaves over {read}"));
    }
    format!("{}; from {low} to {high}", parts.join(" + "))
}

/// An output.
pub(super) fn expression(schema: &Schema, expression: &Expression) -> String {
    let of = |v: &Value| format!("({}, in units of {})", value(schema, &v.branches), decimal(1, v.scale));
    match expression {
        Expression::Group(key) => format!("grouping key {key}"),
        Expression::Count(when) => format!("number of rows: {}", predicate(schema, when)),
        Expression::Sum(v) => format!("sum {}", of(v)),
        Expression::Average(v) => format!("mean {}", of(v)),
        Expression::Spread { statistic, value } => {
            let name = match statistic {
                Spread::VariancePopulation => "population variance",
                Spread::VarianceSample => "sample variance",
                Spread::DeviationPopulation => "population standard deviation",
                Spread::DeviationSample => "sample standard deviation",
            };
            format!("{name} {}", of(value))
        }
        Expression::Pair { statistic, y, x } => {
            let name = match statistic {
                Pair::CovariancePopulation => "population covariance",
                Pair::CovarianceSample => "sample covariance",
                Pair::Correlation => "correlation",
                Pair::Slope => "slope",
                Pair::Intercept => "intercept",
                Pair::R2 => "coefficient of determination",
            };
            format!("{name} of y {} and x {}", of(y), of(x))
        }
        Expression::Band { score, from, to, when } => format!(
            "number of rows with score {score} from {from} to below {to}: {}",
            predicate(schema, when)
        ),
        Expression::Distinct { column, when } => {
            format!("different values of {}: {}", schema.column(*column).name, predicate(schema, when))
        }
        Expression::Quantile { rank, column, when } => {
            let name = match rank {
                Rank::Lowest => "lowest value".to_owned(),
                Rank::Highest => "highest value".to_owned(),
                Rank::Median => "median".to_owned(),
                Rank::Percentile(share) => format!("percentile {}", decimal(i64::from(*share), 6)),
            };
            format!("{name} of {}: {}", schema.column(*column).name, predicate(schema, when))
        }
    }
}
