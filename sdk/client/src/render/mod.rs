//! Presented answers as an aligned table, CSV, JSON, Arrow or Parquet. A suppressed or absent value is
//! empty, as SQL's NULL.

mod typed;

use serde_json::{Map, Value, json};
use sordino_protocol::{
    answer::{Answer, AnswerType},
    presentation::Table,
};

pub use typed::{RenderError, arrow, batch, parquet};

/// Aligned columns for people, numbers to the right.
pub fn table(table: &Table) -> String {
    let cells: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.iter().map(|value| text(value, "NULL")).collect()).collect();
    let headers: Vec<String> = table.columns.iter().map(|column| printable(&column.name)).collect();
    let width = |(index, header): (usize, &String)| {
        let below = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count());
        below.chain([header.chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = headers.iter().enumerate().map(width).collect();
    let line = |texts: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = texts
            .zip(&widths)
            .zip(&table.columns)
            .map(|((text, width), column)| {
                let fill = " ".repeat(width.saturating_sub(text.chars().count()));
                if column.kind == AnswerType::Label {
                    format!("{text}{fill}")
                } else {
                    format!("{fill}{text}")
                }
            })
            .collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut out = line(&mut headers.iter().map(String::as_str));
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    out.push_str(&line(&mut rules.iter().map(String::as_str)));
    for row in &cells {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

/// What must be known of the table above: the notes of its columns, and what it does not show.
pub fn notes(table: &Table, min_cohort: u32) -> Vec<String> {
    let mut notes: Vec<String> = table
        .columns
        .iter()
        .filter_map(|column| Some(format!("{}: {}", printable(&column.name), column.note.as_ref()?)))
        .collect();
    let mut count = |count: usize, what: &str| {
        if count > 0 {
            notes.push(format!("{count} {}{what}", if count == 1 { "group" } else { "groups" }));
        }
    };
    count(table.suppressed, &format!(" of fewer than {min_cohort} rows suppressed"));
    count(table.filtered, " left out by HAVING");
    count(table.cut, " left out by LIMIT and OFFSET");
    notes
}

/// CSV with a header.
pub fn csv(table: &Table) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail; a row always has as many cells as there are columns.
    let _ = writer.write_record(table.columns.iter().map(|column| &column.name));
    for row in &table.rows {
        let _ = writer.write_record(row.iter().map(|value| text(value, "")));
    }
    writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A JSON object: `columns`, `rows` as objects by column name, `noise`, `min_cohort`, what is left out,
/// and the whole `answer` that the table was made from.
pub fn json(table: &Table, answer: &Answer) -> Value {
    let names = distinct(table);
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let fields: Map<String, Value> = names.iter().cloned().zip(row.iter().cloned()).collect();
            Value::Object(fields)
        })
        .collect();
    json!({
        "query": answer.query,
        "columns": table.columns,
        "rows": rows,
        "noise": answer.noise,
        "min_cohort": answer.min_cohort,
        "suppressed": table.suppressed,
        "filtered": table.filtered,
        "cut": table.cut,
        "answer": answer,
    })
}

/// The names of the columns; of equal ones, the later get a number.
fn distinct(table: &Table) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let numbered = (2..).map(|number| format!("{}_{number}", column.name));
        let free = std::iter::once(column.name.clone()).chain(numbered).find(|name| !names.contains(name));
        names.extend(free);
    }
    names
}

fn text(value: &Value, null: &str) -> String {
    match value {
        Value::Null => null.to_owned(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        answer::{AnswerColumn, AnswerGroup},
        digest::Digest,
        presentation::{self, Presentation},
    };

    use super::*;

    fn answer() -> Answer {
        let column = |name: &str, kind| AnswerColumn { name: name.to_owned(), kind, scale: 0, note: None };
        let mut rows = column("rows", AnswerType::Integer);
        rows.note = Some("resolution: months".to_owned());
        Answer {
            query: Digest::from_bytes([1; 32]),
            columns: vec![column("class", AnswerType::Label), rows],
            rows: vec![vec![json!("a, b"), json!(12)], vec![json!("c"), Value::Null]],
            released: vec![],
            noise: vec![],
            groups: vec![
                AnswerGroup { key: vec![0], values: Some(vec![Some(12)]) },
                AnswerGroup { key: vec![1], values: None },
            ],
            min_cohort: 10,
        }
    }

    fn shown(names: [&str; 2]) -> Table {
        presentation::apply(&Presentation::plain(names.map(str::to_owned)), &answer()).expect("plain")
    }

    #[test]
    fn the_three_forms_show_the_same_rows() {
        let shown = shown(["class", "rows"]);
        assert_eq!(table(&shown), "class  rows\n-----  ----\na, b     12\nc      NULL\n");
        assert_eq!(csv(&shown), "class,rows\n\"a, b\",12\nc,\n");
        let json = json(&shown, &answer());
        assert_eq!(json["rows"][0], json!({"class": "a, b", "rows": 12}));
        assert_eq!(json["suppressed"], 1);
        assert_eq!(
            notes(&shown, 10),
            ["rows: resolution: months", "1 group of fewer than 10 rows suppressed"]
        );
    }

    #[test]
    fn columns_of_one_name_are_told_apart_in_json() {
        let json = json(&shown(["x", "x"]), &answer());
        assert_eq!(json["rows"][0], json!({"x": "a, b", "x_2": 12}));
    }
}
