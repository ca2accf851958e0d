//! Names and texts as SQL writes them.

use sordino_protocol::schema::{ColumnId, Schema};

/// An identifier, quoted where SQL would not read it as one.
pub(super) fn identifier(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", shown(name).replace('"', "\"\"")) }
}

/// A text literal.
pub(super) fn text(of: &str) -> String {
    format!("'{}'", shown(of).replace('\'', "''"))
}

/// Without control characters, which could hide what follows on a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The name of a column.
pub(super) fn column(schema: &Schema, id: ColumnId) -> String {
    schema.columns.get(id.index()).map_or_else(|| "?".to_owned(), |column| identifier(&column.name))
}
