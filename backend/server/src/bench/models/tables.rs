//! Tables of real rows, and what an owner would publish of them.

use std::collections::BTreeSet;

use sordino_client::{infer, table::Table};
use sordino_protocol::{
    coded::CodedTable,
    schema::{Column, Domain, Measure, Schema, scaled},
};

use crate::demo;

/// A table as text, with its attribution beside the copy in the repository.
pub(super) fn text(table: &str) -> anyhow::Result<&'static str> {
    match table {
        "german_credit" => Ok(demo::TABLE),
        "breast_cancer" => {
            Ok(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/breast_cancer.csv")))
        }
        "actg175" => Ok(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/actg175.csv"))),
        other => anyhow::bail!("there is no table {other}"),
    }
}

/// How columns of numbers are published.
#[derive(Debug, Clone, Copy)]
pub(super) enum Numbers {
    /// As measures.
    Measures,
    /// As buckets, of which each value that occurs has its own.
    Values,
    /// As so many buckets of about as many rows each.
    Buckets(usize),
}

/// Rows under a schema.
pub(super) struct Rows {
    pub(super) schema: Schema,
    /// A text for each column of the schema; none for no value.
    pub(super) cells: Vec<Vec<Option<String>>>,
    pub(super) coded: CodedTable,
}

impl Rows {
    /// The columns of the schema.
    pub(super) fn read(table: &str, schema: &Schema) -> anyhow::Result<Self> {
        with_file(table, |source| {
            let mapping = source.map(schema)?;
            let mut rows = Self { schema: schema.clone(), cells: Vec::new(), coded: CodedTable::new(schema) };
            source.visit(|row, cells| -> anyhow::Result<()> {
                let mut selected = Vec::new();
                mapping.select(cells, &mut selected);
                rows.coded.push(schema, row, &selected)?;
                let value =
                    |cell: &Option<&str>| cell.filter(|text| !schema.is_null(text)).map(str::to_owned);
                rows.cells.push(selected.iter().map(value).collect());
                Ok(())
            })?;
            Ok(rows)
        })
    }

    /// As `sordino schema infer` proposes, but only these columns.
    pub(super) fn inferred(table: &str, columns: &[&str]) -> anyhow::Result<Self> {
        let mut schema = with_file(table, |source| Ok(infer::infer(source)?.schema))?;
        schema.columns.retain(|column| columns.contains(&column.name.as_str()));
        Self::read(table, &schema)
    }

    /// The columns of numbers among them in a way of the owner's choice, but for the label.
    pub(super) fn published(
        table: &str,
        columns: &[&str],
        label: &str,
        numbers: Numbers,
    ) -> anyhow::Result<Self> {
        let mut schema = with_file(table, |source| Ok(infer::infer(source)?.schema))?;
        schema.columns.retain(|column| columns.contains(&column.name.as_str()));
        let texts = Self::read(table, &schema)?;
        for (index, column) in schema.columns.iter_mut().enumerate().filter(|(_, c)| c.name != label) {
            describe(column, texts.cells.iter().filter_map(|row| row[index].as_deref()), numbers)?;
        }
        Self::read(table, &schema)
    }
}

/// A column of texts is left as it is.
fn describe<'a>(
    column: &mut Column,
    texts: impl Iterator<Item = &'a str> + Clone,
    numbers: Numbers,
) -> anyhow::Result<()> {
    let places = |text: &str| (0..=12).find(|scale| scaled(text, *scale).is_ok());
    let Some(scale) = texts.clone().map(places).try_fold(0, |most, found| Some(found?.max(most))) else {
        return Ok(());
    };
    let mut values: Vec<i64> = texts.map(|text| scaled(text, scale)).collect::<Result<_, _>>()?;
    values.sort_unstable();
    let (Some(min), Some(max)) = (values.first().copied(), values.last().copied()) else { return Ok(()) };
    let buckets = |edges: BTreeSet<i64>| Some(Domain::Buckets { scale, edges: edges.into_iter().collect() });
    (column.dimension, column.measure) = match numbers {
        Numbers::Measures => (None, Some(Measure { scale, min, max })),
        Numbers::Values => (buckets(values.iter().flat_map(|value| [*value, value + 1]).collect()), None),
        Numbers::Buckets(count) => {
            let edge = |bucket: usize| values[values.len() * bucket / count];
            (buckets((0..count).map(edge).chain([max + 1]).collect()), None)
        }
    };
    Ok(())
}

fn with_file<T>(table: &str, read: impl FnOnce(&Table) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(format!("{table}.csv"));
    std::fs::write(&path, text(table)?)?;
    read(&Table::open(&path)?)
}
