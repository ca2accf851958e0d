//! Looking names up, and suggesting what may have been meant.

use sordino_protocol::schema::{ColumnId, Schema};

use super::error::{SqlError, shorten};

/// The published column of this name.
///
/// # Errors
/// An unknown column with the nearest names, or one that is published but not encrypted.
pub(super) fn column(schema: &Schema, name: &str, quoted: bool) -> Result<ColumnId, SqlError> {
    let unknown = |reason: String, hint| SqlError::UnknownColumn { fragment: shorten(name), reason, hint };
    let Some(id) = schema.find(name) else {
        let near = nearest(schema, name);
        let hint = if !near.is_empty() {
            Some(format!("did you mean {}?", near.join(", ")))
        } else if quoted {
            Some(format!("a text is written in single quotes: '{}'", shorten(name)))
        } else {
            None
        };
        return Err(unknown(format!("`{}` has no such column", schema.table), hint));
    };
    let found = schema.column(id);
    if found.dimension.is_none() && found.measure.is_none() {
        let reason =
            "this column is in the schema but not encrypted: it is neither a dimension nor a measure";
        return Err(unknown(reason.to_owned(), None));
    }
    Ok(id)
}

/// Names of the first dimensions, for hints.
pub(super) fn dimensions(schema: &Schema) -> String {
    listed(schema.dimensions().map(|id| schema.column(id).name.as_str()).collect())
}

/// Names of the first measures, for hints.
pub(super) fn measures(schema: &Schema) -> String {
    listed(schema.measures().map(|id| schema.column(id).name.as_str()).collect())
}

fn listed(names: Vec<&str>) -> String {
    match names.get(..6) {
        Some(first) if names.len() > 6 => format!("{}, ...", first.join(", ")),
        _ => names.join(", "),
    }
}

/// Up to three names that differ little from `name`, the nearest first.
fn nearest(schema: &Schema, name: &str) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut near: Vec<(usize, usize)> = schema
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.dimension.is_some() || column.measure.is_some())
        .filter_map(|(index, column)| {
            let known = column.name.to_lowercase();
            let distance = distance(&wanted, &known);
            let contained = wanted.len() >= 3 && (known.contains(&wanted) || wanted.contains(&known));
            (distance <= known.chars().count().max(3) / 3 || contained).then_some((distance, index))
        })
        .collect();
    near.sort_unstable();
    near.truncate(3);
    near.into_iter().map(|(_, index)| format!("`{}`", schema.columns[index].name)).collect()
}

/// Edit distance (Levenshtein) of two names; both are cut to 128 characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(128).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances_are_edits() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("housing", "housing"), 0);
        assert_eq!(distance("hosuing", "housing"), 2);
    }
}
