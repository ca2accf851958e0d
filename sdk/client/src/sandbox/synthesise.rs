//! Synthetic rows of a table, differentially private: counts of every column by the values of one of them,
//! noised, and rows drawn from the noised counts. What two columns share beyond that one is lost, and
//! with it what would make a row anybody's.

use rand::{Rng, SeedableRng, rngs::StdRng};
use sordino_protocol::{
    coded::CodedTable,
    noise::rho,
    schema::{Column, ColumnId, Domain, Schema, decimal},
};

use super::{MAX_ROWS, Sandbox, SandboxError};
use crate::{
    gate::noised,
    table::{Table, TableError},
};

/// Classes that a column of numbers is counted in.
const CLASSES: u32 = 32;
/// The most values of the column that the others are counted by.
const MAX_BY: u32 = 64;
/// The delta of differential privacy, as a power of ten.
const DELTA_EXPONENT: u8 = 6;

/// How rows are made.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How many.
    pub rows: usize,
    /// The privacy loss of everybody in the table, for all of them together; delta is 10^-6.
    pub epsilon: f64,
    /// The column that every other is counted by: what buyers will want to predict.
    pub by: Option<String>,
}

/// A column in classes.
struct Axis<'a> {
    column: &'a Column,
    id: ColumnId,
    classes: u32,
}

/// Makes the sandbox of a table.
///
/// # Errors
/// When an option is out of its range, or the table does not fit its schema.
pub fn synthesise(table: &Table, schema: &Schema, options: &Options) -> Result<Sandbox, SandboxError> {
    with(table, schema, options, &mut StdRng::from_os_rng())
}

fn with(
    table: &Table,
    schema: &Schema,
    options: &Options,
    random: &mut impl Rng,
) -> Result<Sandbox, SandboxError> {
    let wrong = |option, expected: String| SandboxError::Option { option, expected };
    if !(1..=MAX_ROWS).contains(&options.rows) {
        return Err(wrong("rows", format!("1 to {MAX_ROWS}")));
    }
    if !(options.epsilon > 0.0 && options.epsilon <= 100.0) {
        return Err(wrong("epsilon", "a number above 0 and at most 100".to_owned()));
    }
    schema.validate()?;
    let by = options.by.as_ref().map(|by| {
        let axis = schema.find(by).and_then(|id| Axis::new(schema, id));
        let few = axis.filter(|axis| axis.classes <= MAX_BY && axis.column.dimension.is_some());
        few.ok_or_else(|| wrong("by", format!("a dimension with at most {MAX_BY} values")))
    });
    let by = by.transpose()?;
    let axes: Vec<Axis<'_>> = schema
        .ids()
        .filter(|id| by.as_ref().is_none_or(|by| by.id != *id))
        .filter_map(|id| Axis::new(schema, id))
        .collect();
    let counts = count(table, schema, by.as_ref(), &axes)?;
    // Each row is in one cell of every table of counts.
    let share = rho(options.epsilon, DELTA_EXPONENT) / counts.len() as f64;
    let scale = 1.0 / (2.0 * share).sqrt();
    let counts = counts.into_iter().map(|cells| noised(cells, scale)).collect::<Result<Vec<_>, _>>()?;
    let mut sandbox = Sandbox::new(schema);
    for row in 0..options.rows {
        let cells = draw(schema, by.as_ref(), &axes, &counts, random);
        let cells: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
        sandbox.push(schema, row as u64 + 1, &cells)?;
    }
    Ok(sandbox)
}

impl<'a> Axis<'a> {
    /// None for what is not encrypted, or is computed from other columns.
    fn new(schema: &'a Schema, id: ColumnId) -> Option<Self> {
        let column = schema.column(id);
        let values = match (&column.dimension, &column.measure) {
            _ if column.is_derived() => return None,
            (Some(domain), _) if domain.is_ordered() => domain.size().min(CLASSES),
            (Some(domain), _) => domain.size(),
            (None, Some(_)) => CLASSES,
            (None, None) => return None,
        };
        Some(Self { column, id, classes: values + u32::from(column.nullable) })
    }

    fn values(&self) -> u32 {
        self.classes - u32::from(self.column.nullable)
    }

    /// The class of a row; the last is that of rows without a value.
    fn class(&self, rows: &CodedTable, row: usize) -> u32 {
        let place = |value: u64, of: u64| (value * u64::from(self.values()) / of.max(1)) as u32;
        match (&self.column.dimension, &self.column.measure) {
            (Some(domain), _) => {
                let code = rows.codes(self.id)[row];
                if code >= domain.size() {
                    self.values()
                } else {
                    place(u64::from(code), u64::from(domain.size()))
                }
            }
            (None, Some(measure)) => rows.values(self.id)[row].map_or(self.values(), |value| {
                place(value.abs_diff(measure.min), measure.max.abs_diff(measure.min).saturating_add(1))
            }),
            (None, None) => 0,
        }
    }

    /// A value of a class.
    fn value(&self, class: u32, random: &mut impl Rng) -> Option<String> {
        let values = u64::from(self.values());
        if u64::from(class) >= values {
            return None;
        }
        // The smallest of a class is the first that is placed in it.
        let ends = |of: u64| {
            let end = |class: u64| (class * of).div_ceil(values);
            (end(u64::from(class)), end(u64::from(class) + 1).max(end(u64::from(class)) + 1))
        };
        match (&self.column.dimension, &self.column.measure) {
            (Some(domain), _) => {
                let (low, high) = ends(u64::from(domain.size()));
                let code = random.random_range(low..high.min(u64::from(domain.size())).max(low + 1)) as u32;
                of_code(domain, code, random)
            }
            (None, Some(measure)) => {
                let (low, high) = ends(measure.max.abs_diff(measure.min).saturating_add(1));
                let value =
                    measure.min.saturating_add_unsigned(random.random_range(low..high)).min(measure.max);
                Some(decimal(value, measure.scale))
            }
            (None, None) => None,
        }
    }
}

/// A value that has this code.
fn of_code(domain: &Domain, code: u32, random: &mut impl Rng) -> Option<String> {
    match domain {
        Domain::Buckets { scale, .. } => {
            let (low, high) = domain.interval(code)?;
            Some(decimal(random.random_range(low..high), *scale))
        }
        Domain::Date { edges } => edges.get(code as usize).map(ToString::to_string),
        _ => domain.label(code),
    }
}

/// Rows by class of every axis and of `by`, then by class of `by` alone.
fn count(
    table: &Table,
    schema: &Schema,
    by: Option<&Axis<'_>>,
    axes: &[Axis<'_>],
) -> Result<Vec<Vec<i64>>, SandboxError> {
    let groups = by.map_or(1, |by| by.classes as usize);
    let mut counts: Vec<Vec<i64>> = axes.iter().map(|axis| vec![0; groups * axis.classes as usize]).collect();
    counts.push(vec![0; groups]);
    let mapping = table.map(schema)?;
    table.visit(|line, cells| -> Result<(), TableError> {
        let mut selected = vec![];
        mapping.select(cells, &mut selected);
        let mut row = CodedTable::new(schema);
        let wrong = |error| TableError::Row { path: table.path().to_owned(), error };
        row.push(schema, line, &selected).map_err(wrong)?;
        let group = by.map_or(0, |by| by.class(&row, 0)) as usize;
        for (axis, cells) in axes.iter().zip(&mut counts) {
            cells[group * axis.classes as usize + axis.class(&row, 0) as usize] += 1;
        }
        if let Some(all) = counts.last_mut() {
            all[group] += 1;
        }
        Ok(())
    })?;
    Ok(counts)
}

/// A row in the order of the schema.
fn draw(
    schema: &Schema,
    by: Option<&Axis<'_>>,
    axes: &[Axis<'_>],
    counts: &[Vec<i64>],
    random: &mut impl Rng,
) -> Vec<Option<String>> {
    let mut cells = vec![None; schema.columns.len()];
    let group = counts.last().map_or(0, |all| pick(all, random));
    if let Some(by) = by {
        cells[by.id.index()] = by.value(group as u32, random);
    }
    for (axis, counts) in axes.iter().zip(counts) {
        let classes = axis.classes as usize;
        let class = pick(&counts[group * classes..][..classes], random);
        cells[axis.id.index()] = axis.value(class as u32, random);
    }
    cells
}

/// A class with a chance in proportion to its count; any if none has rows left under the noise.
fn pick(counts: &[i64], random: &mut impl Rng) -> usize {
    let weights = counts.iter().map(|count| u64::try_from(*count).unwrap_or(0));
    let all: u64 = weights.clone().sum();
    if all == 0 {
        return random.random_range(0..counts.len().max(1));
    }
    let mut at = random.random_range(0..all);
    for (class, weight) in weights.enumerate() {
        if at < weight {
            return class;
        }
        at -= weight;
    }
    counts.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const SCHEMA: &str = "table = \"t\"\n\
        [[column]]\nname = \"ill\"\ndimension = { kind = \"boolean\" }\n\
        [[column]]\nname = \"age\"\nnullable = true\ndimension = { kind = \"integer\", min = 0, max = 99 }\n\
        [[column]]\nname = \"dose\"\nmeasure = { scale = 1, min = -50, max = 999 }\n\
        [[column]]\nname = \"level\"\ndimension = { kind = \"buckets\", scale = 0, edges = [0, 10, 20] }\n";

    fn table(rows: usize) -> tempfile::NamedTempFile {
        let mut file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
        let mut text = String::from("ill,age,dose,level\n");
        for row in 0..rows {
            let ill = row % 4 == 0;
            let age = if row % 10 == 0 { String::new() } else { (20 + 60 * usize::from(ill)).to_string() };
            text.push_str(&format!("{ill},{age},{}.5,{}\n", row % 90, 5 + 10 * usize::from(ill)));
        }
        file.write_all(text.as_bytes()).expect("written");
        file
    }

    #[test]
    fn rows_keep_what_depends_on_one_column() {
        let schema: Schema = toml::from_str(SCHEMA).expect("a schema");
        let file = table(4_000);
        let table = Table::open(file.path()).expect("a table");
        let options = Options { rows: 2_000, epsilon: 2.0, by: Some("ill".to_owned()) };
        let made = with(&table, &schema, &options, &mut StdRng::seed_from_u64(7)).expect("rows");
        let ill = made.rows.iter().filter(|row| row[0].as_deref() == Some("true")).count();
        assert!((400..600).contains(&ill), "a quarter of 2,000 are ill: {ill}");
        let old = |row: &&Vec<Option<String>>| {
            row[1].as_ref().is_some_and(|age| age.parse::<i64>().is_ok_and(|a| a > 60))
        };
        let old_and_ill =
            made.rows.iter().filter(old).filter(|row| row[0].as_deref() == Some("true")).count();
        let old = made.rows.iter().filter(old).count();
        assert!(old_and_ill * 10 > old * 8, "the old are ill: {old_and_ill} of {old}");
        assert!(made.rows.iter().any(|row| row[1].is_none()), "some have no age");

        let text = made.csv(&schema).expect("CSV");
        assert_eq!(Sandbox::parse(&text, &schema).expect("parsed"), made);
    }

    #[test]
    fn options_are_checked_by_name() {
        let schema: Schema = toml::from_str(SCHEMA).expect("a schema");
        let file = table(10);
        let table = Table::open(file.path()).expect("a table");
        let good = Options { rows: 10, epsilon: 1.0, by: None };
        for (options, named) in [
            (Options { rows: 0, ..good.clone() }, "rows"),
            (Options { epsilon: 0.0, ..good.clone() }, "epsilon"),
            (Options { by: Some("dose".to_owned()), ..good.clone() }, "by"),
            (Options { by: Some("none".to_owned()), ..good.clone() }, "by"),
        ] {
            let random = &mut StdRng::seed_from_u64(1);
            let error = with(&table, &schema, &options, random).expect_err("refused").to_string();
            assert!(error.starts_with(named), "{error}");
        }
    }
}
