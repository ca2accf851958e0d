//! Predicates as SQL conditions. Nothing is left out, however long a list becomes.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    schema::{Column, ColumnId, Domain, Schema, days, decimal},
};

use super::names;

/// A condition, in brackets if it has parts and `nested` is set.
pub(super) fn predicate(schema: &Schema, of: &Predicate, nested: bool) -> String {
    let join = |parts: &[Predicate], word: &str| {
        let parts: Vec<_> = parts.iter().map(|part| predicate(schema, part, true)).collect();
        bracketed(parts.join(word), nested && parts.len() > 1)
    };
    match of {
        Predicate::All => "TRUE".to_owned(),
        Predicate::Nothing => "FALSE".to_owned(),
        Predicate::In { column, codes } => condition(schema, *column, codes, nested),
        Predicate::And(parts) => join(parts, " AND "),
        Predicate::Or(parts) => join(parts, " OR "),
    }
}

fn bracketed(text: String, brackets: bool) -> String {
    if brackets { format!("({text})") } else { text }
}

fn condition(schema: &Schema, id: ColumnId, codes: &CodeSet, nested: bool) -> String {
    let Some(column) = schema.columns.get(id.index()) else { return "?".to_owned() };
    let name = names::identifier(&column.name);
    let null = column.null_mark();
    let values = null.unwrap_or_else(|| column.marks());
    let with_value = codes.intersection(&CodeSet::from_ranges(vec![(0, values)]));
    let mut parts = match (&column.dimension, with_value.len()) {
        (_, 0) => Vec::new(),
        (_, all) if all == values => vec![format!("{name} IS NOT NULL")],
        (Some(domain @ (Domain::Integer { .. } | Domain::Buckets { .. } | Domain::Date { .. })), _) => {
            with_value.ranges().iter().map(|range| interval(&name, domain, *range)).collect()
        }
        _ => vec![labels(column, &name, &with_value, values)],
    };
    if null.is_some_and(|null| codes.contains(null)) {
        parts.push(format!("{name} IS NULL"));
    }
    if parts.len() == 1 {
        return parts.remove(0);
    }
    bracketed(parts.join(" OR "), nested)
}

/// The labels that are meant, or those that are not when these are fewer.
fn labels(column: &Column, name: &str, codes: &CodeSet, size: u32) -> String {
    let others = codes.complement(size);
    let (not, codes) = if others.len() < codes.len() { (true, &others) } else { (false, codes) };
    let label = |code: u32| column.label(code).unwrap_or_else(|| "?".to_owned());
    let labels: Vec<String> = codes.codes().map(|code| names::text(&label(code))).collect();
    match (labels.as_slice(), not, &column.dimension) {
        ([one], false, Some(Domain::Order { left, right })) => {
            let sign = match one.as_str() {
                "'less'" => "<",
                "'equal'" => "=",
                _ => ">",
            };
            format!("{} {sign} {}", names::identifier(left), names::identifier(right))
        }
        ([one], true, Some(Domain::Order { left, right })) => {
            let sign = match one.as_str() {
                "'less'" => ">=",
                "'equal'" => "<>",
                _ => "<=",
            };
            format!("{} {sign} {}", names::identifier(left), names::identifier(right))
        }
        (_, false, Some(Domain::Boolean)) => {
            if codes.contains(1) {
                name.to_owned()
            } else {
                format!("NOT {name}")
            }
        }
        ([one], false, _) => format!("{name} = {one}"),
        ([one], true, _) => format!("{name} <> {one}"),
        (_, false, _) => format!("{name} IN ({})", labels.join(", ")),
        (_, true, _) => format!("{name} NOT IN ({})", labels.join(", ")),
    }
}

/// A range of codes as a range of values.
fn interval(name: &str, domain: &Domain, (low, high): (u32, u32)) -> String {
    let bounds = domain.interval(low).zip(domain.interval(high.saturating_sub(1)));
    let Some(((from, _), (_, to))) = bounds else { return format!("{name} = ?") };
    let text = |value: i64| match domain {
        Domain::Buckets { scale, .. } => decimal(value, *scale),
        Domain::Date { edges } => edges
            .iter()
            .find(|edge| days(**edge) == value)
            .map_or_else(|| value.to_string(), |edge| format!("'{edge}'")),
        _ => value.to_string(),
    };
    let exact = domain.is_exact();
    match (low == 0, high == domain.size()) {
        _ if exact && to - from == 1 => format!("{name} = {}", text(from)),
        (true, _) => format!("{name} < {}", text(to)),
        (false, true) => format!("{name} >= {}", text(from)),
        (false, false) => format!("({name} >= {} AND {name} < {})", text(from), text(to)),
    }
}
