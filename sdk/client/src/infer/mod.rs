//! `schema infer`: looks at a table once and proposes a schema, with a comment for each choice. A
//! person edits it before anything is published.

mod choose;
mod dates;
mod edges;
mod observe;
mod write;

use sordino_protocol::schema::{Column, Schema};

use crate::table::{Table, TableError};

/// A proposed schema.
#[derive(Debug, Clone)]
pub struct Inferred {
    /// The schema itself.
    pub schema: Schema,
    /// Why each column is as it is, in the order of the columns.
    pub reasons: Vec<String>,
    /// Rows looked at.
    pub rows: u64,
    /// The schema as `schema.toml`, with comments.
    pub toml: String,
}

/// Proposes a schema for a table; reads it once, in bounded memory.
///
/// # Errors
/// When the table cannot be read or has no rows.
pub fn infer(table: &Table) -> Result<Inferred, TableError> {
    let mut observed: Vec<_> = table.columns().iter().map(|_| observe::Observed::default()).collect();
    let rows = table.visit(|_, cells| {
        for (column, cell) in observed.iter_mut().zip(cells) {
            column.see(*cell);
        }
        Ok::<_, TableError>(())
    })?;
    if rows == 0 {
        return Err(TableError::NoRows { path: table.path().to_owned() });
    }
    let null_values = null_values(&observed);
    let mut columns = Vec::with_capacity(observed.len());
    let mut reasons = Vec::with_capacity(observed.len());
    for (name, observed) in table.columns().iter().zip(&observed) {
        let choice = choose::choose(observed, rows);
        columns.push(Column {
            name: name.clone(),
            description: String::new(),
            nullable: observed.nulls() > 0 && (choice.dimension.is_some() || choice.measure.is_some()),
            dimension: choice.dimension,
            measure: choice.measure,
        });
        reasons.push(choice.reason);
    }
    let schema = Schema { table: table_name(table), null_values, columns };
    let source = table.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let toml = write::document(&schema, &reasons, &source, rows);
    Ok(Inferred { schema, reasons, rows, toml })
}

/// The null texts that occur; a text that means null in one column means it in all.
fn null_values(observed: &[observe::Observed]) -> Vec<String> {
    let mut found: Vec<String> = observe::NULL_TEXTS
        .iter()
        .filter(|text| observed.iter().any(|column| column.has_null_text(text)))
        .map(|text| (*text).to_owned())
        .collect();
    if found.is_empty() {
        found.push(String::new());
    }
    found
}

/// An SQL name made from the file's name.
fn table_name(table: &Table) -> String {
    let stem = table.path().file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut name: String = stem
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .take(60)
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "t_");
    }
    name
}

#[cfg(test)]
mod tests;
