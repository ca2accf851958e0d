//! A query in words that its schema gives, so that a buyer sees how his SQL was understood before he
//! signs for it.

use sordino_protocol::{
    predicate::{CodeSet, Predicate},
    query::{Expression, Query},
    schema::{Column, ColumnId, Domain, Schema, decimal},
};

/// Labels shown of one condition.
const MAX_LABELS: usize = 12;

/// The query as text close to SQL; for people, not for machines.
pub fn query(schema: &Schema, query: &Query) -> String {
    let name = |id: ColumnId| schema.columns.get(id.index()).map_or("?", |column| column.name.as_str());
    let outputs: Vec<String> = query
        .outputs
        .iter()
        .map(|output| {
            let expression = match output.expression {
                Expression::Group(id) => name(id).to_owned(),
                Expression::Rows => "COUNT(*)".to_owned(),
                Expression::Count(id) => format!("COUNT({})", name(id)),
                Expression::Sum(id) => format!("SUM({})", name(id)),
                Expression::Average(id) => format!("AVG({})", name(id)),
            };
            if output.name.eq_ignore_ascii_case(&expression) {
                expression
            } else {
                format!("{expression} AS {}", output.name)
            }
        })
        .collect();
    let mut text = format!("SELECT {} FROM {}", outputs.join(", "), schema.table);
    if query.predicate != Predicate::All {
        text.push_str(" WHERE ");
        text.push_str(&predicate(schema, &query.predicate, false));
    }
    if !query.groups.is_empty() {
        let groups: Vec<_> = query.groups.iter().map(|id| name(*id)).collect();
        text.push_str(&format!(" GROUP BY {}", groups.join(", ")));
    }
    text
}

fn predicate(schema: &Schema, of: &Predicate, nested: bool) -> String {
    let join = |parts: &[Predicate], word: &str| {
        let parts: Vec<_> = parts.iter().map(|part| predicate(schema, part, true)).collect();
        let text = parts.join(word);
        if nested { format!("({text})") } else { text }
    };
    match of {
        Predicate::All => "every row".to_owned(),
        Predicate::Nothing => "no row".to_owned(),
        Predicate::In { column, codes } => {
            schema.columns.get(column.index()).map_or_else(|| "?".to_owned(), |c| condition(c, codes))
        }
        Predicate::And(parts) => join(parts, " AND "),
        Predicate::Or(parts) => join(parts, " OR "),
    }
}

fn condition(column: &Column, codes: &CodeSet) -> String {
    let name = &column.name;
    let null = column.null_code().filter(|code| codes.contains(*code));
    let without_null = match null {
        Some(code) => codes.intersection(&CodeSet::from_ranges(vec![(0, code)])),
        None => codes.clone(),
    };
    let mut parts: Vec<String> = match &column.dimension {
        Some(domain @ (Domain::Integer { .. } | Domain::Buckets { .. } | Domain::Date { .. })) => {
            without_null.ranges().iter().map(|range| interval(name, domain, *range)).collect()
        }
        _ => labels(column, &without_null).into_iter().collect(),
    };
    if null.is_some() {
        parts.push(format!("{name} IS NULL"));
    }
    if parts.len() == 1 { parts.remove(0) } else { format!("({})", parts.join(" OR ")) }
}

fn labels(column: &Column, codes: &CodeSet) -> Option<String> {
    if codes.is_empty() {
        return None;
    }
    let mut labels: Vec<String> = codes
        .codes()
        .take(MAX_LABELS)
        .filter_map(|code| column.label(code))
        .map(|label| format!("'{}'", label.replace('\'', "''")))
        .collect();
    let more = u64::from(codes.len()).saturating_sub(MAX_LABELS as u64);
    if more > 0 {
        labels.push(format!("and {more} more"));
    }
    match labels.as_slice() {
        [one] => Some(format!("{} = {one}", column.name)),
        _ => Some(format!("{} IN ({})", column.name, labels.join(", "))),
    }
}

fn interval(name: &str, domain: &Domain, (low, high): (u32, u32)) -> String {
    let bounds = domain.interval(low).zip(domain.interval(high.saturating_sub(1)));
    let Some(((from, _), (_, to))) = bounds else { return format!("{name} = ?") };
    let text = |value: i64| match domain {
        Domain::Buckets { scale, .. } => decimal(value, *scale),
        Domain::Date { edges } => edges
            .iter()
            .find(|edge| sordino_protocol::schema::days(**edge) == value)
            .map_or_else(|| value.to_string(), |edge| format!("'{edge}'")),
        _ => value.to_string(),
    };
    match (low == 0, high == domain.size()) {
        _ if to - from == 1 => format!("{name} = {}", text(from)),
        (true, true) => format!("{name} IS NOT NULL"),
        (true, false) => format!("{name} < {}", text(to)),
        (false, true) => format!("{name} >= {}", text(from)),
        (false, false) => format!("{name} >= {} AND {name} < {}", text(from), text(to)),
    }
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{digest::Digest, query::Output};

    use super::*;

    #[test]
    fn a_query_reads_like_the_sql_it_came_from() {
        let schema: Schema = toml::from_str(
            "table = \"t\"\n[[column]]\nname = \"age\"\nnullable = true\n\
             dimension = { kind = \"integer\", min = 18, max = 80 }\nmeasure = { scale = 0, min = 18, max = 80 }\n\
             [[column]]\nname = \"housing\"\ndimension = { kind = \"category\", values = [\"own\", \"rent\", \"it's\"] }\n",
        )
        .expect("a schema");
        let part = |column, ranges: &[(u32, u32)]| {
            Predicate::column_in(&schema, ColumnId(column), CodeSet::from_ranges(ranges.to_vec()))
        };
        let asked = Query {
            dataset: Digest::from_bytes([0; 32]),
            outputs: vec![
                Output { name: "housing".to_owned(), expression: Expression::Group(ColumnId(1)) },
                Output { name: "a".to_owned(), expression: Expression::Average(ColumnId(0)) },
            ],
            predicate: Predicate::and(&schema, vec![part(0, &[(12, 63)]), part(1, &[(0, 1), (2, 3)])]),
            groups: vec![ColumnId(1)],
        };
        assert_eq!(
            query(&schema, &asked),
            "SELECT housing, AVG(age) AS a FROM t WHERE age >= 30 AND housing IN ('own', 'it''s') \
             GROUP BY housing"
        );
        let unnamed = Output { name: "avg(age)".to_owned(), expression: Expression::Average(ColumnId(0)) };
        let unnamed = Query { outputs: vec![unnamed], ..asked.clone() };
        assert!(query(&schema, &unnamed).starts_with("SELECT AVG(age) FROM t"), "no alias was given");
        let null = Query { predicate: part(0, &[(0, 2), (63, 64)]), groups: vec![], ..asked };
        assert!(query(&schema, &null).ends_with("WHERE (age < 20 OR age IS NULL)"));
    }
}
