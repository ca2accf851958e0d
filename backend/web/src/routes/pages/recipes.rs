//! How to query a listing: a real query on its own columns, for the command line, curl and SQL.

use chrono::Datelike as _;
use sordino_domain::listings::Listing;
use sordino_frontend_templates::listing::Recipe;
use sordino_protocol::schema::{Column, Domain, Schema};

/// A dimension with more codes makes a long answer.
const FEW: u32 = 12;
/// Words that SQL reads as its own.
const RESERVED: [&str; 44] = [
    "all", "and", "any", "as", "asc", "between", "by", "case", "cast", "check", "column", "create", "cross",
    "date", "default", "delete", "desc", "distinct", "else", "end", "from", "full", "group", "having", "in",
    "index", "inner", "is", "join", "left", "like", "limit", "not", "null", "on", "or", "order", "right",
    "select", "table", "time", "union", "user", "where",
];

/// The recipes of a listing, on a server at this address.
pub fn recipes(listing: &Listing, server: &str) -> Vec<Recipe> {
    let sql = example(&listing.schema);
    let id = listing.id;
    let quoted = shell(&sql);
    let body = serde_json::json!({ "listing": id, "sql": sql });
    vec![
        Recipe {
            title: "SQL".to_owned(),
            note: "Aggregates over the columns below, with WHERE and GROUP BY.".to_owned(),
            text: sql.clone(),
        },
        Recipe {
            title: "More SQL".to_owned(),
            note: "Conditions inside aggregates, spreads and correlations, MIN, MAX and MEDIAN of ordered \
                   columns; HAVING, ORDER BY and LIMIT are applied on your machine after opening."
                .to_owned(),
            text: richer(&listing.schema),
        },
        Recipe {
            title: "Command line".to_owned(),
            note: "Shows the exact price, then pays, waits, verifies the receipt and opens the answer."
                .to_owned(),
            text: format!(
                "sordino --server {server} quote {id} {quoted}\nsordino --server {server} query {id} {quoted}"
            ),
        },
        Recipe {
            title: "A model instead of a question".to_owned(),
            note: "The first command says, free of charge, what your model would read. The second tells how \
                   well it predicts a column of these rows, in metrics only: a class of a dimension, or the \
                   number of a measure."
                .to_owned(),
            text: format!(
                "sordino --server {server} model check model.json --listing {id}\n\
                 sordino --server {server} evaluate {id} --model model.json --label {}",
                shell(label(&listing.schema))
            ),
        },
        Recipe {
            title: "curl".to_owned(),
            note: "Asks for a signed quote. To accept it, sign it with your account key; the answer is \
                   standard HPKE, sealed to yours."
                .to_owned(),
            text: format!(
                "curl -sS {server}/v1/quotes \\\n  -H \"Authorization: Bearer $SORDINO_API_KEY\" \\\n  \
                 -H \"Content-Type: application/json\" \\\n  --data-binary @- <<'JSON'\n{body}\nJSON"
            ),
        },
    ]
}

/// A column that a model may predict: what has two classes, or else the last column that is encrypted.
fn label(schema: &Schema) -> &str {
    let mut encrypted = schema.columns.iter().rev().filter(|c| c.dimension.is_some() || c.measure.is_some());
    let of_two = encrypted.clone().find(|column| column.dimension.is_some() && column.codes() == 2);
    of_two.or_else(|| encrypted.next()).map_or("COLUMN", |column| &column.name)
}

/// A query that this table can answer: grouped by a small dimension, filtered by another, averaging a
/// measure, as far as there are such columns.
pub fn example(schema: &Schema) -> String {
    let dimensions: Vec<&Column> = schema.dimensions().map(|id| schema.column(id)).collect();
    let group = dimensions.iter().filter(|column| is_small(column)).max_by_key(|column| column.codes());
    let measure = schema.measures().map(|id| schema.column(id)).next();
    let filter = dimensions
        .iter()
        .filter(|column| group.is_none_or(|group| group.name != column.name))
        .find_map(|column| condition(column));
    let mut outputs = Vec::new();
    outputs.extend(group.map(|column| identifier(&column.name)));
    outputs.push("COUNT(*)".to_owned());
    outputs.extend(measure.map(|column| format!("AVG({})", identifier(&column.name))));
    let mut sql = format!("SELECT {}\nFROM {}", outputs.join(", "), identifier(&schema.table));
    if let Some(condition) = filter {
        sql.push_str("\nWHERE ");
        sql.push_str(&condition);
    }
    if let Some(column) = group {
        sql.push_str("\nGROUP BY ");
        sql.push_str(&identifier(&column.name));
    }
    sql
}

/// A query with a condition inside an aggregate, a spread or a rank, HAVING and ORDER BY, as far as there
/// are columns for it.
pub fn richer(schema: &Schema) -> String {
    let dimensions: Vec<&Column> = schema.dimensions().map(|id| schema.column(id)).collect();
    let years = dimensions.iter().find(|column| column.dimension.as_ref().is_some_and(has_years));
    let small = dimensions.iter().filter(|column| is_small(column)).max_by_key(|column| column.codes());
    let group = years.or(small);
    let others =
        || dimensions.iter().filter(move |column| group.is_none_or(|group| group.name != column.name));
    let mut outputs = Vec::new();
    let key = group.map(|column| match years {
        Some(_) => format!("date_trunc('year', {})", identifier(&column.name)),
        None => identifier(&column.name),
    });
    outputs.extend(key.iter().map(|key| format!("{key} AS part")));
    outputs.push("COUNT(*) AS total".to_owned());
    let condition = others().find_map(|column| condition(column));
    let measure = schema.measures().map(|id| schema.column(id)).next();
    match (&condition, measure) {
        (Some(condition), Some(measure)) => {
            let measure = identifier(&measure.name);
            outputs.push(format!("SUM(CASE WHEN {condition} THEN {measure} ELSE 0 END) AS selected"));
        }
        (Some(condition), None) => {
            outputs.push(format!("100.0 * COUNT(*) FILTER (WHERE {condition}) / COUNT(*) AS percent"));
        }
        (None, _) => {}
    }
    let ranked = others().find(|column| column.dimension.as_ref().is_some_and(Domain::is_ordered));
    match (measure, ranked) {
        (Some(measure), _) => outputs.push(format!("STDDEV({}) AS spread", identifier(&measure.name))),
        (None, Some(ranked)) => outputs.push(format!("MEDIAN({}) AS middle", identifier(&ranked.name))),
        (None, None) => {}
    }
    let mut sql = format!("SELECT {}\nFROM {}", outputs.join(",\n  "), identifier(&schema.table));
    if let Some(key) = key {
        sql.push_str(&format!("\nGROUP BY {key}\nHAVING COUNT(*) >= 20\nORDER BY total DESC\nLIMIT 5"));
    }
    sql
}

/// Whether grouping by it makes a short answer.
fn is_small(column: &Column) -> bool {
    column.codes() <= FEW && !column.is_derived()
}

/// Whether its buckets of dates make up few whole years.
fn has_years(domain: &Domain) -> bool {
    let Domain::Date { edges } = domain else { return false };
    let year = |date: &chrono::NaiveDate| i64::from(date.year());
    let within =
        |pair: &[chrono::NaiveDate]| pair[1].pred_opt().is_some_and(|last| year(&last) == year(&pair[0]));
    let span = edges.first().zip(edges.last()).map_or(0, |(first, last)| year(last) - year(first));
    edges.windows(2).all(within) && (1..=i64::from(FEW)).contains(&span)
}

/// A condition that holds for some values of a dimension.
fn condition(column: &Column) -> Option<String> {
    let name = identifier(&column.name);
    let domain = column.dimension.as_ref()?;
    let middle = domain.size() / 2;
    match domain {
        Domain::Category { values } => {
            let value = values.first()?.replace('\'', "''");
            Some(format!("{name} = '{value}'"))
        }
        Domain::Boolean => Some(format!("{name} = true")),
        Domain::Integer { .. } => Some(format!("{name} >= {}", domain.interval(middle)?.0)),
        Domain::Buckets { scale, .. } => {
            let edge = sordino_protocol::schema::decimal(domain.interval(middle)?.0, *scale);
            Some(format!("{name} >= {edge}"))
        }
        Domain::Date { edges } => {
            let edge = edges.get(usize::try_from(middle).ok()?)?;
            Some(format!("{name} >= '{edge}'"))
        }
        Domain::Order { left, right } => Some(format!("{} < {}", identifier(left), identifier(right))),
    }
}

/// A name as SQL reads it back unchanged.
fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !RESERVED.contains(&name);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as one word of a POSIX shell, on one line.
fn shell(text: &str) -> String {
    let line = text.replace('\n', " ");
    let mut word = String::from("\"");
    for character in line.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            word.push('\\');
        }
        word.push(character);
    }
    word.push('"');
    word
}

#[cfg(test)]
mod tests {
    use sordino_engine::sql;
    use sordino_protocol::{digest::Digest, schema::Measure};

    use super::*;

    fn column(name: &str, dimension: Option<Domain>, measured: bool) -> Column {
        let measure = measured.then_some(Measure { scale: 2, min: -100, max: 10_000 });
        Column { name: name.to_owned(), description: String::new(), nullable: false, dimension, measure }
    }

    fn day(text: &str) -> chrono::NaiveDate {
        text.parse().expect("a date")
    }

    fn months(from: &str, count: u32) -> Vec<chrono::NaiveDate> {
        (0..=count).map(|month| day(from) + chrono::Months::new(month)).collect()
    }

    #[test]
    fn the_example_of_any_schema_is_understood() {
        let category = || Domain::Category { values: vec!["it's".to_owned(), "$b \"c\"".to_owned()] };
        let columns = [
            vec![column("Order", Some(category()), false), column("amount", None, true)],
            vec![column("a b", Some(category()), true), column("x", Some(Domain::Boolean), false)],
            vec![column("n", Some(Domain::Integer { min: 18, max: 90 }), false)],
            vec![
                column("p", Some(Domain::Buckets { scale: 2, edges: vec![0, 150, 1_000] }), false),
                column("q", Some(category()), false),
            ],
            vec![
                column(
                    "d",
                    Some(Domain::Date {
                        edges: vec![day("2020-01-01"), day("2020-02-01"), day("2020-03-01")],
                    }),
                    false,
                ),
                column(
                    "q",
                    Some(Domain::Category { values: vec!["1".into(), "2".into(), "3".into()] }),
                    false,
                ),
            ],
            vec![column("only", None, true)],
            vec![
                column("sent", Some(Domain::Date { edges: months("2019-11-01", 20) }), false),
                column("due", Some(Domain::Date { edges: months("2019-11-01", 30) }), false),
                column("late", Some(Domain::Order { left: "due".into(), right: "sent".into() }), false),
            ],
        ];
        for columns in columns {
            let schema = Schema { table: "my_table".to_owned(), null_values: vec![], columns };
            schema.validate().expect("a schema");
            for sql in [example(&schema), richer(&schema)] {
                let bound = sql::bind(Digest::from_bytes([0; 32]), &schema, &sql);
                assert!(bound.is_ok(), "{sql}: {bound:?}");
            }
        }
    }

    #[test]
    fn a_shell_reads_the_words_back() {
        assert_eq!(shell("a \"b\" $c `d` \\ 'e'\nf"), "\"a \\\"b\\\" \\$c \\`d\\` \\\\ 'e' f\"");
    }
}
