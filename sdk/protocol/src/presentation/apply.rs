//! From an opened answer to the table that the SQL asked for.

use std::cmp::Ordering;

use serde_json::Value;

use super::{
    PostExpression, Presentation, PresentationError, SortKey,
    check::Kind,
    evaluate::truth,
    scalar::{Exact, Scalar},
};
use crate::{
    answer::{Answer, AnswerColumn, AnswerType},
    schema::decimal,
};

/// A presented answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Names, types and notes.
    pub columns: Vec<AnswerColumn>,
    /// The rows in the order asked for; values are written as those of an [`Answer`].
    pub rows: Vec<Vec<Value>>,
    /// Groups of the answer that are suppressed, shown or not. HAVING is not true of them, for all
    /// their aggregates are NULL.
    pub suppressed: usize,
    /// Groups that are not suppressed and that HAVING left out.
    pub filtered: usize,
    /// Rows left out by OFFSET and LIMIT.
    pub cut: usize,
}

/// Applies `presentation` to `answer`. Pure: it sees nothing but what was released.
///
/// # Errors
/// When the presentation does not belong to the answer; see [`Presentation::check`].
pub fn apply(presentation: &Presentation, answer: &Answer) -> Result<Table, PresentationError> {
    presentation.check(&answer.columns)?;
    let suppressed = |row: usize| answer.groups.get(row).is_some_and(|group| group.values.is_none());
    let mut filtered = 0;
    let mut rows = Vec::with_capacity(answer.rows.len());
    for position in 0..answer.rows.len() {
        let row = scalars(answer, position)?;
        let kept = presentation.having.as_ref().is_none_or(|having| truth(&having.value(&row)) == Some(true));
        if kept {
            rows.push(row);
        } else if !suppressed(position) {
            filtered += 1;
        }
    }
    sort(&presentation.order, &mut rows);
    let before = rows.len();
    let at_most = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let limit = presentation.limit.map_or(usize::MAX, at_most);
    let rows: Vec<_> = rows.into_iter().skip(at_most(presentation.offset)).take(limit).collect();
    let (columns, columnwise): (Vec<_>, Vec<_>) = presentation
        .columns
        .iter()
        .map(|shown| {
            let cells = rows.iter().map(|row| shown.expression.value(row)).collect();
            column(&shown.name, &shown.expression, &answer.columns, cells)
        })
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .unzip();
    Ok(Table {
        columns,
        rows: (0..rows.len())
            .map(|row| columnwise.iter().map(|cells| cells[row].clone()).collect())
            .collect(),
        suppressed: (0..answer.rows.len()).filter(|row| suppressed(*row)).count(),
        filtered,
        cut: before - rows.len(),
    })
}

fn scalars(answer: &Answer, row: usize) -> Result<Vec<Scalar>, PresentationError> {
    let cells = &answer.rows[row];
    let cell = |(position, column): (usize, &AnswerColumn)| {
        let wrong = || PresentationError::Cell { row, column: column.name.clone() };
        cells.get(position).and_then(|cell| Scalar::of_cell(column, cell)).ok_or_else(wrong)
    };
    answer.columns.iter().enumerate().map(cell).collect()
}

/// Stable: rows whose keys are equal keep their order.
fn sort(order: &[SortKey], rows: &mut Vec<Vec<Scalar>>) {
    if order.is_empty() {
        return;
    }
    let mut keys: Vec<Vec<Scalar>> =
        order.iter().map(|key| rows.iter().map(|row| key.expression.value(row)).collect()).collect();
    keys.iter_mut().for_each(|key| comparable(key));
    let mut positions: Vec<usize> = (0..rows.len()).collect();
    positions.sort_by(|one, other| {
        let by_key = |(how, key): (&SortKey, &Vec<Scalar>)| by(how, &key[*one], &key[*other]);
        order.iter().zip(&keys).map(by_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    *rows = positions.into_iter().map(|position| std::mem::take(&mut rows[position])).collect();
}

/// Exact and floating-point numbers in one column would not be in a total order.
fn comparable(values: &mut [Scalar]) {
    if values.iter().any(|value| matches!(value, Scalar::Float(_))) {
        for value in values {
            if let Some(float) = value.as_f64() {
                *value = Scalar::Float(float);
            }
        }
    }
}

fn by(how: &SortKey, one: &Scalar, other: &Scalar) -> Ordering {
    let nulls = if how.nulls_first { Ordering::Less } else { Ordering::Greater };
    match (one.is_null(), other.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        (false, false) => {
            let order = one.compare(other).unwrap_or(Ordering::Equal);
            if how.descending { order.reverse() } else { order }
        }
    }
}

/// A column with its type and the cells as they are written. A single number that is too large to be
/// written exactly makes the column one of floating-point numbers.
fn column(
    name: &str,
    expression: &PostExpression,
    outputs: &[AnswerColumn],
    cells: Vec<Scalar>,
) -> Result<(AnswerColumn, Vec<Value>), PresentationError> {
    let named = |kind, scale| {
        let note = note(expression, outputs);
        AnswerColumn { name: name.to_owned(), kind, scale, note }
    };
    if let PostExpression::Output(output) = expression
        && let Some(shown) = outputs.get(usize::from(*output))
        && !matches!(shown.kind, AnswerType::Integer | AnswerType::Decimal | AnswerType::Float)
    {
        return Ok((named(shown.kind, 0), cells.into_iter().map(plain).collect()));
    }
    Ok(match expression.kind(outputs)? {
        Kind::Boolean => (named(AnswerType::Boolean, 0), cells.into_iter().map(plain).collect()),
        Kind::Null | Kind::Text => (named(AnswerType::Label, 0), cells.into_iter().map(plain).collect()),
        Kind::Number(scale) => match scale.and_then(|scale| Some((scale, exact(scale, &cells)?))) {
            Some((0, written)) => (named(AnswerType::Integer, 0), written),
            Some((scale, written)) => (named(AnswerType::Decimal, scale), written),
            None => (named(AnswerType::Float, 0), cells.iter().map(float).collect()),
        },
    })
}

/// Numbers with so many places, unless one is not exact or does not fit.
fn exact(scale: u8, cells: &[Scalar]) -> Option<Vec<Value>> {
    let written = |cell: &Scalar| match cell {
        Scalar::Null => Some(Value::Null),
        Scalar::Exact(exact) => digits(*exact, scale),
        _ => None,
    };
    cells.iter().map(written).collect()
}

fn digits(exact: Exact, scale: u8) -> Option<Value> {
    /// The largest mantissa of a decimal, as Arrow's have 38 digits.
    const LARGEST: u128 = 10u128.pow(38) - 1;
    let mantissa = exact.with_scale(scale).filter(|mantissa| mantissa.unsigned_abs() <= LARGEST)?;
    if scale > 0 {
        return Some(Value::String(decimal(mantissa, scale)));
    }
    i64::try_from(mantissa).ok().map(Value::from)
}

fn float(cell: &Scalar) -> Value {
    cell.as_f64().and_then(serde_json::Number::from_f64).map_or(Value::Null, Value::Number)
}

fn plain(cell: Scalar) -> Value {
    match cell {
        Scalar::Boolean(truth) => Value::Bool(truth),
        Scalar::Text(text) => Value::String(text),
        other => float(&other),
    }
}

/// What must be said of the outputs that an expression is made of.
fn note(expression: &PostExpression, outputs: &[AnswerColumn]) -> Option<String> {
    let mut notes: Vec<&str> = Vec::new();
    for output in expression.outputs() {
        let note = outputs.get(usize::from(output)).and_then(|column| column.note.as_deref());
        notes.extend(note.filter(|note| !notes.contains(note)));
    }
    (!notes.is_empty()).then(|| notes.join("; "))
}
