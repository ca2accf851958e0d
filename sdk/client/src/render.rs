//! Answers as a table, CSV or JSON. A suppressed or absent value is empty, as SQL's NULL.

use serde_json::{Map, Value, json};
use sordino_protocol::answer::{Answer, AnswerType};

/// Aligned columns for people, numbers to the right.
pub fn table(answer: &Answer) -> String {
    let cells: Vec<Vec<String>> =
        answer.rows.iter().map(|row| row.iter().map(|value| text(value, "NULL")).collect()).collect();
    let width = |index: usize| {
        let header = answer.columns[index].name.chars().count();
        cells.iter().filter_map(|row| row.get(index)).map(|c| c.chars().count()).chain([header]).max()
    };
    let widths: Vec<usize> = (0..answer.columns.len()).map(|i| width(i).unwrap_or(0)).collect();
    let line = |texts: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = texts
            .zip(&widths)
            .zip(&answer.columns)
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
    let mut out = line(&mut answer.columns.iter().map(|column| column.name.as_str()));
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    out.push_str(&line(&mut rules.iter().map(String::as_str)));
    for row in &cells {
        out.push_str(&line(&mut row.iter().map(String::as_str)));
    }
    out
}

/// CSV with a header.
pub fn csv(answer: &Answer) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail; a row always has as many cells as there are columns.
    let _ = writer.write_record(answer.columns.iter().map(|column| &column.name));
    for row in &answer.rows {
        let _ = writer.write_record(row.iter().map(|value| text(value, "")));
    }
    writer.into_inner().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A JSON object: `columns`, `rows` as objects by column name, `noise`, `min_cohort`, `suppressed`.
pub fn json(answer: &Answer) -> Value {
    let rows: Vec<Value> = answer
        .rows
        .iter()
        .map(|row| {
            let fields: Map<String, Value> =
                answer.columns.iter().zip(row).map(|(c, value)| (c.name.clone(), value.clone())).collect();
            Value::Object(fields)
        })
        .collect();
    json!({
        "query": answer.query,
        "columns": answer.columns,
        "rows": rows,
        "noise": answer.noise,
        "min_cohort": answer.min_cohort,
        "suppressed": suppressed(answer),
    })
}

/// Groups that were suppressed.
pub fn suppressed(answer: &Answer) -> usize {
    answer.groups.iter().filter(|group| group.values.is_none()).count()
}

fn text(value: &Value, null: &str) -> String {
    match value {
        Value::Null => null.to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use sordino_protocol::{
        answer::{AnswerColumn, AnswerGroup},
        digest::Digest,
    };

    use super::*;

    fn answer() -> Answer {
        let column = |name: &str, kind| AnswerColumn { name: name.to_owned(), kind };
        Answer {
            query: Digest::from_bytes([1; 32]),
            columns: vec![column("class", AnswerType::Label), column("rows", AnswerType::Integer)],
            rows: vec![vec![json!("a, b"), json!(12)], vec![json!("c"), Value::Null]],
            terms: vec![],
            noise: vec![],
            groups: vec![
                AnswerGroup { key: vec![0], values: Some(vec![12]) },
                AnswerGroup { key: vec![1], values: None },
            ],
            min_cohort: 10,
        }
    }

    #[test]
    fn the_three_forms_show_the_same_rows() {
        assert_eq!(table(&answer()), "class  rows\n-----  ----\na, b     12\nc      NULL\n");
        assert_eq!(csv(&answer()), "class,rows\n\"a, b\",12\nc,\n");
        let json = json(&answer());
        assert_eq!(json["rows"][0], json!({"class": "a, b", "rows": 12}));
        assert_eq!(json["suppressed"], 1);
    }
}
