//! Auditions of classifiers: counts by predicted class, label, and group.

use serde::{Deserialize, Serialize};
use sordino_protocol::{
    predicate::Predicate,
    query::{Class, Expression, GroupKey, LabelKind, Output, Query},
    schema::{ColumnId, Schema},
};

use super::{
    Audition, AuditionError, MAX_CELLS, Reading, Subject,
    cells::{self, Cell},
    clusters::ClusterReading,
    joint, scores,
};
use crate::{
    model::Link,
    quantised::{Quantised, Shape},
};

/// How counts become a confusion matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassReading {
    /// Labels of the classes.
    pub classes: Vec<String>,
    /// The class of each class of the first grouping key; the model predicts no other.
    pub predicted: Vec<usize>,
    /// The class of each code of the label; `None` where the model knows no such class.
    pub actual: Vec<Option<usize>>,
    /// Names of the groups; none without grouping.
    pub groups: Option<Vec<String>>,
    /// Position of the count among the released values.
    pub count: usize,
}

/// How classes are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// By conditions of codes.
    Conditions,
    /// By the largest of their scores.
    Score,
    /// By conditions, if there are not too many.
    Either,
}

pub(super) fn plan(
    model: &Quantised,
    schema: &Schema,
    subject: Subject,
    told_by: By,
) -> Result<Audition, AuditionError> {
    let Subject { dataset, label, by, .. } = subject;
    let column = schema.column(label);
    if column.dimension.is_none() {
        return Err(AuditionError::LabelIsNoDimension { label: column.name.clone() });
    }
    // Clusters are no classes of the label.
    let clusters = model.link == Link::Smallest;
    let actual = if clusters { Vec::new() } else { actual(model, schema, label)? };
    let by_score = || -> Result<_, AuditionError> {
        let (labels, scores) = (model.classes.clone(), scores::of_classes(model, schema)?);
        Ok((GroupKey::Largest { labels, scores }, (0..model.classes.len()).collect()))
    };
    let by_conditions = || Ok(by_cell(model, schema, &predictions(model, schema)?));
    let (key, predicted) = match told_by {
        By::Conditions => by_conditions(),
        By::Score => by_score(),
        By::Either => match by_conditions() {
            Err(AuditionError::Threshold { .. } | AuditionError::TooManyCells { .. }) => by_score(),
            told => told,
        },
    }?;
    let mut groups = vec![key, GroupKey::Codes(label)];
    groups.extend(by.map(GroupKey::Codes));
    let names = ["predicted".to_owned(), column.name.clone()].into_iter();
    let names = names.chain(by.map(|by| schema.column(by).name.clone()));
    let shown = |(position, name): (usize, String)| Output {
        name,
        expression: Expression::Group(u16::try_from(position).unwrap_or(u16::MAX)),
    };
    let mut outputs: Vec<Output> = names.enumerate().map(shown).collect();
    outputs.push(Output { name: "rows".to_owned(), expression: Expression::Count(Predicate::All) });
    let query = Query { dataset, outputs, predicate: Predicate::All, groups, scores: Vec::new() };
    // The only released value is the count; said here so that reading needs no schema.
    if clusters {
        let reading = ClusterReading {
            clusters: model.classes.clone(),
            predicted,
            labels: group_names(schema, label),
            groups: by.map(|by| group_names(schema, by)),
            count: 0,
        };
        return Ok(Audition { query, reading: Reading::Clusters(reading) });
    }
    let reading = ClassReading {
        classes: model.classes.clone(),
        predicted,
        actual,
        groups: by.map(|by| group_names(schema, by)),
        count: 0,
    };
    Ok(Audition { query, reading: Reading::Classes(reading) })
}

/// The classes that cells predict, and which of the model's they are.
fn by_cell(model: &Quantised, schema: &Schema, cells: &[Cell<usize>]) -> (GroupKey, Vec<usize>) {
    let mut predicted: Vec<usize> = cells.iter().map(|cell| cell.outcome).collect();
    predicted.sort_unstable();
    predicted.dedup();
    let class = |class: &usize| {
        let of_class = cells.iter().filter(|cell| cell.outcome == *class).map(|cell| cell.when.clone());
        Class { label: model.classes.get(*class).cloned(), when: Predicate::or(schema, of_class.collect()) }
    };
    let classes = predicted.iter().map(class).collect();
    (GroupKey::Classes { kind: LabelKind::Text, classes }, predicted)
}

/// What each code of a dimension is called.
pub(super) fn group_names(schema: &Schema, by: ColumnId) -> Vec<String> {
    let column = schema.column(by);
    (0..column.codes()).map(|code| column.label(code).unwrap_or_else(|| "no value".to_owned())).collect()
}

/// The rows of each predicted class, in cells that exclude each other.
fn predictions(model: &Quantised, schema: &Schema) -> Result<Vec<Cell<usize>>, AuditionError> {
    match &model.shape {
        Shape::Trees { base, trees } if trees.len() == 1 => {
            let first = trees[0].score as usize;
            cells::of_tree(schema, &trees[0], |leaf| {
                let mut scores = base.clone();
                for (at, value) in leaf.iter().enumerate() {
                    let score = scores
                        .get_mut(first + at)
                        .ok_or(AuditionError::Model("a leaf has too many values"))?;
                    *score = score.checked_add(*value).ok_or(AuditionError::TooFine)?;
                }
                model.link.class(&scores).ok_or(AuditionError::Model("a classifier predicts no class"))
            })
        }
        _ => {
            let cells = joint::of_model(model, schema, |prediction| {
                prediction.class.ok_or(AuditionError::Model("a classifier predicts no class"))
            })?;
            match cells.len() {
                found if found > MAX_CELLS => Err(AuditionError::TooManyCells { found }),
                _ => Ok(cells),
            }
        }
    }
}

/// The model's class of each code of the label.
pub(super) fn actual(
    model: &Quantised,
    schema: &Schema,
    label: ColumnId,
) -> Result<Vec<Option<usize>>, AuditionError> {
    let column = schema.column(label);
    let values: Vec<Option<String>> = (0..column.codes()).map(|code| column.label(code)).collect();
    let class = |value: &Option<String>| {
        model.classes.iter().position(|class| value.as_ref().is_some_and(|value| same(class, value)))
    };
    let actual: Vec<Option<usize>> = values.iter().map(class).collect();
    if actual.iter().all(Option::is_none) {
        let some = |texts: &mut dyn Iterator<Item = &String>| {
            texts
                .take(6)
                .map(|text| format!("`{}`", text.chars().take(40).collect::<String>()))
                .collect::<Vec<_>>()
                .join(", ")
        };
        return Err(AuditionError::NoCommonClass {
            label: column.name.clone(),
            classes: some(&mut model.classes.iter()),
            values: some(&mut values.iter().flatten()),
        });
    }
    Ok(actual)
}

/// Whether a class of a model is a value of a table: the same text, number or boolean.
fn same(class: &str, value: &str) -> bool {
    let number = |text: &str| match text.trim() {
        "true" | "True" => Some(1.0),
        "false" | "False" => Some(0.0),
        text => text.parse::<f64>().ok(),
    };
    class == value || number(class).zip(number(value)).is_some_and(|(class, value)| class == value)
}
