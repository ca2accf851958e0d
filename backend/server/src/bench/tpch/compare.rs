//! Whether an opened answer equals what DataFusion finds on the plaintext.

use sordino_protocol::answer::{AnswerColumn, AnswerType};

/// How far floating-point columns may lie apart, relatively: DataFusion rounds averages of decimals.
const TOLERANCE: f64 = 1e-6;

/// Compares rows in order. A group of the public domain that has no row is in our answer only; all of
/// its aggregates are NULL, or counts of nothing.
pub(super) fn equal(
    columns: &[AnswerColumn],
    ours: &[Vec<serde_json::Value>],
    theirs: &[Vec<Option<String>>],
) -> bool {
    let aggregates: Vec<usize> =
        (0..columns.len()).filter(|column| columns[*column].kind != AnswerType::Label).collect();
    let is_empty = |row: &Vec<serde_json::Value>| aggregates.iter().all(|column| row[*column].is_null());
    let ours: Vec<_> = ours.iter().filter(|row| !is_empty(row)).collect();
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(ours, theirs)| {
            columns
                .iter()
                .zip(ours.iter())
                .zip(theirs)
                .all(|((column, ours), theirs)| cell(column, ours, theirs))
        })
}

fn cell(column: &AnswerColumn, ours: &serde_json::Value, theirs: &Option<String>) -> bool {
    let text = match ours {
        serde_json::Value::Null => return theirs.is_none(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Some(theirs) = theirs else { return false };
    match column.kind {
        AnswerType::Float => match (text.parse::<f64>(), theirs.parse::<f64>()) {
            (Ok(ours), Ok(theirs)) => (ours - theirs).abs() <= TOLERANCE * theirs.abs().max(1.0),
            _ => false,
        },
        AnswerType::Integer | AnswerType::Decimal => plain(&text) == plain(theirs),
        AnswerType::Label | AnswerType::Boolean | AnswerType::Date => text == *theirs,
    }
}

/// A decimal number without zeros that say nothing.
fn plain(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers_and_exactly() {
        let column = |kind| AnswerColumn { name: "x".to_owned(), kind, scale: 0, note: None };
        let same = |kind, ours, theirs: &str| cell(&column(kind), &ours, &Some(theirs.to_owned()));
        assert!(same(AnswerType::Decimal, json!("1.50"), "1.5"));
        assert!(same(AnswerType::Integer, json!(100), "100"));
        assert!(!same(AnswerType::Decimal, json!("1.51"), "1.5"));
        assert!(same(AnswerType::Float, json!(0.333_333_34), "0.333333"));
        assert!(!same(AnswerType::Float, json!(0.34), "0.333333"));
        let columns = [column(AnswerType::Label), column(AnswerType::Integer)];
        let ours = [vec![json!("a"), json!(1)], vec![json!("b"), json!(null)]];
        assert!(equal(&columns, &ours, &[vec![Some("a".to_owned()), Some("1".to_owned())]]));
        assert!(!equal(&columns, &ours, &[]));
    }
}
