//! The schema as a commented `schema.toml`. Comments are why this is not left to a serializer.

use std::fmt::Write;

use sordino_protocol::schema::{Column, Domain, Schema};

/// The whole document.
pub(super) fn document(schema: &Schema, reasons: &[String], source: &str, rows: u64) -> String {
    let mut out = format!(
        "# Proposed from {rows} rows of {}. Read it and edit it before publishing.\n\
         #\n\
         # Everything in this file becomes public: names, dictionaries, edges and bounds. The rows do not.\n\
         # Remove a category's value, or widen an edge or a bound, if it would tell about a single row.\n\
         # A dimension is filtered and grouped by; a measure is summed; a column with neither is neither\n\
         # encrypted nor uploaded.\n\n",
        one_line(source)
    );
    // Writing to a String does not fail.
    let _ = writeln!(out, "# The name buyers write after FROM.\ntable = {}\n", text(&schema.table));
    let nulls: Vec<_> = schema.null_values.iter().map(|value| text(value)).collect();
    let _ = writeln!(
        out,
        "# Texts that mean \"no value\", in every column.\nnull_values = [{}]",
        nulls.join(", ")
    );
    for (column, reason) in schema.columns.iter().zip(reasons) {
        write_column(&mut out, column, reason);
    }
    out
}

fn write_column(out: &mut String, column: &Column, reason: &str) {
    let _ = write!(out, "\n[[column]]\n{}name = {}\n", comment(reason), text(&column.name));
    if column.nullable {
        let _ = writeln!(out, "nullable = true");
    }
    if let Some(measure) = &column.measure {
        let (scale, min, max) = (measure.scale, measure.min, measure.max);
        let _ = writeln!(out, "measure = {{ scale = {scale}, min = {min}, max = {max} }}");
    }
    match &column.dimension {
        None => {}
        Some(Domain::Boolean) => out.push_str("dimension = { kind = \"boolean\" }\n"),
        Some(Domain::Order { left, right }) => {
            let (left, right) = (text(left), text(right));
            let _ = writeln!(out, "dimension = {{ kind = \"order\", left = {left}, right = {right} }}");
        }
        Some(Domain::Integer { min, max }) => {
            let _ = writeln!(out, "dimension = {{ kind = \"integer\", min = {min}, max = {max} }}");
        }
        Some(Domain::Buckets { scale, edges }) => {
            let edges: Vec<_> = edges.iter().map(i64::to_string).collect();
            let _ = writeln!(out, "[column.dimension]\nkind = \"buckets\"\nscale = {scale}");
            list(out, "edges", &edges);
        }
        Some(Domain::Date { edges }) => {
            let edges: Vec<_> = edges.iter().map(|edge| text(&edge.to_string())).collect();
            out.push_str("[column.dimension]\nkind = \"date\"\n");
            list(out, "edges", &edges);
        }
        Some(Domain::Category { values }) => {
            let values: Vec<_> = values.iter().map(|value| text(value)).collect();
            out.push_str("[column.dimension]\nkind = \"category\"\n");
            list(out, "values", &values);
        }
    }
}

/// A list on lines of about 100 characters.
fn list(out: &mut String, key: &str, items: &[String]) {
    let _ = writeln!(out, "{key} = [");
    let mut line = String::new();
    for item in items {
        if !line.is_empty() && line.len() + item.len() > 96 {
            let _ = writeln!(out, "   {line}");
            line.clear();
        }
        let _ = write!(line, " {item},");
    }
    let _ = writeln!(out, "   {line}\n]");
}

/// A TOML string, escaped.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// A comment on lines of about 100 characters.
fn comment(words: &str) -> String {
    let (mut out, mut line) = (String::new(), "#".to_owned());
    for word in one_line(words).split_whitespace() {
        if line.len() + word.len() > 98 {
            let _ = writeln!(out, "{line}");
            line = "#".to_owned();
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(out, "{line}");
    out
}

fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
