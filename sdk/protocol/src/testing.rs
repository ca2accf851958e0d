//! Random schemas, rows and queries for property tests, here and in crates that test encryption
//! against [`crate::plaintext`]. A generator takes its randomness as a function, so that a test can
//! print its seed and this crate needs no random number library.

use crate::{
    coded::CodedTable,
    digest::{Digest, Purpose},
    ids::Id,
    layout::{Chunk, RollupLayout, ScanLayout},
    manifest::{Manifest, ObjectRef},
    merkle,
    predicate::{CodeSet, Predicate},
    query::{Expression, Output, Query},
    schema::{Column, ColumnId, Domain, Measure, Schema},
};

/// How large the generated things may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Columns of a schema.
    pub columns: u64,
    /// Codes of a dimension, null not counted.
    pub codes: u64,
    /// Largest encoded value of a measure.
    pub width: u64,
    /// Groups of a query.
    pub groups: u64,
    /// Nesting of a predicate.
    pub nesting: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self { columns: 6, codes: 40, width: 100_000, groups: 64, nesting: 2 }
    }
}

/// A sequence of numbers from a seed (SplitMix64); for tests, never for secrets.
pub fn sequence(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A number from `low` to `high`, both included.
fn between(next: &mut impl FnMut() -> u64, low: u64, high: u64) -> u64 {
    low + next() % (high - low + 1)
}

fn chance(next: &mut impl FnMut() -> u64, percent: u64) -> bool {
    next() % 100 < percent
}

/// A valid schema with at least one dimension.
pub fn schema(next: &mut impl FnMut() -> u64, shape: &Shape) -> Schema {
    let count = between(next, 1, shape.columns);
    let columns = (0..count)
        .map(|index| {
            let is_dimension = index == 0 || chance(next, 70);
            let is_measure = !is_dimension || chance(next, 40);
            Column {
                name: format!("c{index}"),
                description: String::new(),
                nullable: chance(next, 35),
                dimension: is_dimension.then(|| domain(next, shape)),
                measure: is_measure.then(|| measure(next, shape)),
            }
        })
        .collect();
    Schema { table: "t".to_owned(), null_values: vec![String::new()], columns }
}

fn domain(next: &mut impl FnMut() -> u64, shape: &Shape) -> Domain {
    let codes = match between(next, 0, 2) {
        0 => between(next, 1, shape.codes.min(4)),
        _ => between(next, 1, shape.codes),
    };
    let signed = codes.cast_signed();
    match between(next, 0, 3) {
        0 => Domain::Category { values: (0..codes).map(|code| format!("v{code}")).collect() },
        1 => Domain::Integer { min: -3, max: signed - 4 },
        2 => Domain::Buckets { scale: 1, edges: (0..=signed).map(|edge| edge * 7 - 20).collect() },
        _ => Domain::Boolean,
    }
}

fn measure(next: &mut impl FnMut() -> u64, shape: &Shape) -> Measure {
    let width = between(next, 0, shape.width).cast_signed();
    let min = between(next, 0, 200).cast_signed() - 100;
    Measure { scale: 0, min, max: min + width }
}

/// So many rows over `schema`; every code and the extreme values of measures are likely.
pub fn table(next: &mut impl FnMut() -> u64, schema: &Schema, rows: usize) -> CodedTable {
    let mut table = CodedTable::new(schema);
    table.rows = rows;
    for _ in 0..rows {
        for (index, column) in schema.columns.iter().enumerate() {
            let null = column.nullable && chance(next, 25);
            if let (Some(codes), Some(domain)) = (&mut table.codes[index], &column.dimension) {
                let code = u32::try_from(next() % u64::from(domain.size())).unwrap_or(0);
                codes.push(column.null_code().filter(|_| null).unwrap_or(code));
            }
            if let (Some(values), Some(measure)) = (&mut table.values[index], &column.measure) {
                let offset = match next() % 4 {
                    0 => measure.width(),
                    _ => between(next, 0, measure.width()),
                };
                values.push((!null).then_some(measure.min + offset.cast_signed()));
            }
        }
    }
    table
}

/// A valid query over `schema`.
pub fn query(next: &mut impl FnMut() -> u64, schema: &Schema, dataset: Digest, shape: &Shape) -> Query {
    let dimensions: Vec<ColumnId> = schema.dimensions().collect();
    let mut groups: Vec<ColumnId> = Vec::new();
    let mut count = 1;
    for id in &dimensions {
        let grown = count * u64::from(schema.column(*id).codes());
        if grown <= shape.groups && chance(next, 40) {
            count = grown;
            groups.push(*id);
        }
    }
    if chance(next, 50) {
        groups.reverse();
    }
    let mut outputs = Vec::new();
    for id in &groups {
        outputs.push(Expression::Group(*id));
    }
    for id in schema.ids() {
        let of_measure = schema.column(id).measure.is_some();
        if chance(next, 30) && (of_measure || schema.column(id).dimension.is_some()) {
            outputs.push(Expression::Count(id));
        }
        if chance(next, 50) && of_measure {
            outputs.push(if chance(next, 50) { Expression::Sum(id) } else { Expression::Average(id) });
        }
    }
    if outputs.is_empty() || chance(next, 50) {
        outputs.push(Expression::Rows);
    }
    let outputs = outputs
        .into_iter()
        .enumerate()
        .map(|(index, expression)| Output { name: format!("o{index}"), expression })
        .collect();
    let predicate = predicate(next, schema, &dimensions, shape.nesting);
    Query { dataset, outputs, predicate, groups }
}

fn predicate(
    next: &mut impl FnMut() -> u64,
    schema: &Schema,
    dimensions: &[ColumnId],
    nesting: u32,
) -> Predicate {
    if nesting == 0 || chance(next, 30) {
        return atom(next, schema, dimensions);
    }
    let count = between(next, 1, 3);
    let parts = (0..count).map(|_| predicate(next, schema, dimensions, nesting - 1)).collect();
    if chance(next, 50) { Predicate::and(schema, parts) } else { Predicate::or(schema, parts) }
}

fn atom(next: &mut impl FnMut() -> u64, schema: &Schema, dimensions: &[ColumnId]) -> Predicate {
    if chance(next, 8) {
        return Predicate::All;
    }
    let position = usize::try_from(next() % dimensions.len() as u64).unwrap_or(0);
    let column = dimensions[position];
    let size = schema.column(column).codes();
    let mut code = |most: u32| u32::try_from(next() % u64::from(most + 1)).unwrap_or(0);
    let codes = match code(3) {
        0 => CodeSet::from_ranges(vec![(code(size), size)]),
        1 => CodeSet::from_ranges(vec![(0, code(size))]),
        2 => CodeSet::from_ranges(vec![(code(size), code(size)), (code(size), code(size))]),
        _ => {
            let count = code(6);
            let codes: Vec<u32> = (0..=count).map(|_| code(size - 1)).collect();
            CodeSet::from_codes(codes)
        }
    };
    Predicate::column_in(schema, column, codes)
}

/// A valid manifest for planned layouts, with made-up objects; `chunk_rows` are the rows of each
/// chunk of `scan` and add up to the rows of the table.
pub fn manifest(
    schema: Schema,
    rows: u64,
    mut rollup: Option<RollupLayout>,
    mut scan: Option<ScanLayout>,
    chunk_rows: &[u64],
) -> Manifest {
    let mut count = 0u64;
    let mut object = || {
        count += 1;
        Digest::of(Purpose::Object, &count.to_le_bytes())
    };
    if let Some(rollup) = &mut rollup {
        rollup.segments = (0..RollupLayout::segment_count(rollup.cells)).map(|_| object()).collect();
    }
    if let Some(scan) = &mut scan {
        scan.chunks = chunk_rows.iter().map(|rows| Chunk { object: object(), rows: *rows }).collect();
        scan.evaluation_keys = object();
    }
    let lineage = Id::new(uuid::Uuid::nil());
    let root = merkle::root(&[]);
    let mut manifest =
        Manifest { lineage, version: 1, previous: None, schema, rows, rollup, scan, objects: vec![], root };
    let mentioned = manifest.mentioned();
    manifest.objects = mentioned.iter().map(|digest| ObjectRef { digest: *digest, bytes: 1 }).collect();
    manifest.root = merkle::root(&mentioned);
    manifest
}
