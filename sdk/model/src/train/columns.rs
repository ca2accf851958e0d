//! Columns by name, and how their values are written in a model.

use sordino_protocol::{
    predicate::Predicate,
    schema::{Column, ColumnId, Domain, Schema, decimal},
};

use super::{
    error::TrainError,
    task::{Source, Task},
};
use crate::{
    model::{Encoding, Feature, Input},
    scalar::Scalar,
};

/// The most classes of a label.
const MAX_CLASSES: u32 = 64;

/// The inputs of a task, each once.
///
/// # Errors
/// When there is none, or one of them is no column or the label.
pub(super) fn inputs(source: &Source, task: &Task) -> Result<Vec<ColumnId>, TrainError> {
    let mut found: Vec<ColumnId> = Vec::with_capacity(task.inputs.len());
    for name in &task.inputs {
        let id = find(source, name)?;
        if found.contains(&id) || task.label.as_deref().is_some_and(|l| source.schema.find(l) == Some(id)) {
            return Err(TrainError::column(
                name,
                "it is given twice, or is the label: name each column once",
            ));
        }
        found.push(id);
    }
    if found.is_empty() {
        return Err(TrainError::option("inputs", "name at least one column"));
    }
    Ok(found)
}

/// The label of a task.
///
/// # Errors
/// When there is none.
pub(super) fn label(source: &Source, task: &Task) -> Result<ColumnId, TrainError> {
    let name =
        task.label.as_ref().ok_or_else(|| TrainError::option("label", "name the column to predict"))?;
    find(source, name)
}

/// The label of a task as a measure.
///
/// # Errors
/// When it is none.
pub(super) fn measured_label(source: &Source, task: &Task) -> Result<ColumnId, TrainError> {
    let id = label(source, task)?;
    let column = source.schema.column(id);
    match column.measure {
        Some(_) => Ok(id),
        None => Err(TrainError::column(&column.name, "a number is predicted from a measure: it has none")),
    }
}

/// The label of a task as classes, with their names in the order of its codes.
///
/// # Errors
/// When it is no dimension of few exact values.
pub(super) fn classes(source: &Source, task: &Task) -> Result<(ColumnId, Vec<String>), TrainError> {
    let id = label(source, task)?;
    let column = source.schema.column(id);
    let domain = column.dimension.as_ref().filter(|domain| domain.is_exact() && domain.size() <= MAX_CLASSES);
    let domain = domain.ok_or_else(|| {
        let reason = format!("classes are the values of a dimension with at most {MAX_CLASSES} exact ones");
        TrainError::column(&column.name, reason)
    })?;
    Ok((id, (0..domain.size()).filter_map(|code| domain.label(code)).collect()))
}

/// The rows of the task that have a value in every one of these columns.
pub(super) fn complete(source: &Source, columns: impl IntoIterator<Item = ColumnId>) -> Predicate {
    let mut parts = vec![source.rows.clone()];
    parts.extend(columns.into_iter().map(|column| Predicate::present(&source.schema, column)));
    Predicate::and(&source.schema, parts)
}

/// Says that rows without a value are left out, if there may be any.
pub(super) fn incomplete_note(
    schema: &Schema,
    columns: impl IntoIterator<Item = ColumnId>,
) -> Option<String> {
    let nullable: Vec<_> = columns
        .into_iter()
        .map(|id| schema.column(id))
        .filter(|column| column.nullable)
        .map(|column| format!("`{}`", column.name))
        .collect();
    (!nullable.is_empty()).then(|| format!("rows without a value in {} are left out", nullable.join(" or ")))
}

/// The dimension of a column, if a model can read its codes back from values.
///
/// # Errors
/// When it has none, or one of dates.
pub(super) fn dimension(column: &Column) -> Result<&Domain, TrainError> {
    match &column.dimension {
        None => {
            Err(TrainError::column(&column.name, "this method needs a dimension: ask the owner for buckets"))
        }
        Some(Domain::Date { .. }) => {
            Err(TrainError::column(&column.name, "a model reads no dates: ask for a number, days since, say"))
        }
        Some(domain) => Ok(domain),
    }
}

/// What a model reads, in this order.
pub(super) fn model_inputs(schema: &Schema, columns: &[ColumnId]) -> Vec<Input> {
    columns.iter().map(|id| Input { name: schema.column(*id).name.clone(), values: None }).collect()
}

/// How large one unit of a measure is.
pub(super) fn unit(schema: &Schema, column: ColumnId) -> f64 {
    let scale = schema.column(column).measure.as_ref().map_or(0, |measure| measure.scale);
    10f64.powi(-i32::from(scale))
}

/// A boundary of a domain's intervals as the number it is written as.
pub(super) fn edge(domain: &Domain, units: i64) -> f64 {
    let scale = if let Domain::Buckets { scale, .. } = domain { *scale } else { 0 };
    decimal(units, scale).parse().unwrap_or(f64::NAN)
}

/// The values that stand for a code of an exact dimension, the usual one first.
pub(super) fn values(domain: &Domain, code: u32) -> Vec<Scalar> {
    let text = |text: &str| Scalar::Text(text.to_owned());
    match (domain, domain.interval(code)) {
        (_, Some((low, _))) => vec![Scalar::Number(edge(domain, low))],
        // The number is also found in the texts `true` and `false`.
        (Domain::Boolean, None) => {
            let texts = if code == 0 { ["f", "no"] } else { ["t", "yes"] };
            [Scalar::Number(f64::from(code))].into_iter().chain(texts.map(text)).collect()
        }
        (_, None) => domain.label(code).map(Scalar::Text).into_iter().collect(),
    }
}

/// A feature that is 1 for the codes `low..high` of input number `input`, else 0.
pub(super) fn indicator(input: usize, domain: &Domain, low: u32, high: u32) -> Feature {
    let ends = domain.interval(low).zip(domain.interval(high - 1));
    let encoding = match ends {
        Some(((low, _), (_, high))) => {
            Encoding::Within { low: Some(edge(domain, low)), high: Some(edge(domain, high)) }
        }
        None => Encoding::OneOf { values: (low..high).flat_map(|code| values(domain, code)).collect() },
    };
    Feature { input: input as u32, missing: None, encoding, steps: Vec::new() }
}

fn find(source: &Source, name: &str) -> Result<ColumnId, TrainError> {
    source.schema.find(name).ok_or_else(|| TrainError::UnknownColumn(name.to_owned()))
}

/// Says which classes are missing from a model.
pub(super) fn dropped_note(classes: &[String], kept: &[usize]) -> Option<String> {
    let dropped: Vec<&str> = (0..classes.len())
        .filter(|class| !kept.contains(class))
        .map(|class| classes[class].as_str())
        .collect();
    (!dropped.is_empty()).then(|| {
        format!("too few rows are released of {}: the model never predicts it", dropped.join(" and "))
    })
}
