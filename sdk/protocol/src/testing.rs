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
    query::{
        Branch, Class, Expression, GroupKey, LabelKind, Monomial, Output, Pair, Query, Rank, Spread, Value,
    },
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
            let dimension = is_dimension.then(|| domain(next, shape));
            let measure = is_measure.then(|| match &dimension {
                // Its codes decide its values.
                Some(Domain::Integer { min, max }) => Measure { scale: 0, min: *min, max: *max },
                _ => measure(next, shape),
            });
            let nullable = chance(next, 35);
            Column { name: format!("c{index}"), description: String::new(), nullable, dimension, measure }
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
            let mut decided = None;
            if let (Some(codes), Some(domain)) = (&mut table.codes[index], &column.dimension) {
                let code = u32::try_from(next() % u64::from(domain.size())).unwrap_or(0);
                codes.push(column.null_code().filter(|_| null).unwrap_or(code));
                decided = column.values_of_codes().map(|values| values[code as usize]);
            }
            if let (Some(values), Some(measure)) = (&mut table.values[index], &column.measure) {
                let offset = match next() % 4 {
                    0 => measure.width(),
                    _ => between(next, 0, measure.width()),
                };
                let value = decided.unwrap_or(measure.min + offset.cast_signed());
                values.push((!null).then_some(value));
            }
        }
    }
    table
}

/// A valid query over `schema`.
pub fn query(next: &mut impl FnMut() -> u64, schema: &Schema, dataset: Digest, shape: &Shape) -> Query {
    let dimensions: Vec<ColumnId> = schema.dimensions().collect();
    let groups = groups(next, schema, &dimensions, shape);
    let mut outputs: Vec<_> =
        (0..groups.len()).map(|key| Expression::Group(u16::try_from(key).unwrap_or(0))).collect();
    for _ in 0..between(next, 1, 3) {
        outputs.push(expression(next, schema, &dimensions, shape));
    }
    let outputs = outputs
        .into_iter()
        .enumerate()
        .map(|(index, expression)| Output { name: format!("o{index}"), expression })
        .collect();
    let predicate = predicate(next, schema, &dimensions, shape.nesting);
    let mut query = Query { dataset, outputs, predicate, groups, scores: Vec::new() };
    // What is too large for the limits is asked without groups.
    if query.validate(schema).is_err() {
        query.groups.clear();
        query.outputs.retain(|output| !matches!(output.expression, Expression::Group(_)));
    }
    query
}

fn groups(
    next: &mut impl FnMut() -> u64,
    schema: &Schema,
    dimensions: &[ColumnId],
    shape: &Shape,
) -> Vec<GroupKey> {
    let mut groups = Vec::new();
    let mut count = 1;
    for id in dimensions {
        let key = if chance(next, 25) { classes(next, schema, dimensions) } else { GroupKey::Codes(*id) };
        let grown = count * key.size(schema);
        if grown <= shape.groups && chance(next, 40) && !groups.contains(&key) {
            count = grown;
            groups.push(key);
        }
    }
    if chance(next, 50) {
        groups.reverse();
    }
    groups
}

fn classes(next: &mut impl FnMut() -> u64, schema: &Schema, dimensions: &[ColumnId]) -> GroupKey {
    let nesting = u32::from(chance(next, 30));
    let mut classes: Vec<_> = (0..between(next, 1, 3))
        .map(|index| Class {
            label: Some(format!("class {index}")),
            when: predicate(next, schema, dimensions, nesting),
        })
        .collect();
    if chance(next, 70) {
        classes.push(Class { label: None, when: Predicate::All });
    }
    GroupKey::Classes { kind: LabelKind::Text, classes }
}

fn expression(
    next: &mut impl FnMut() -> u64,
    schema: &Schema,
    dimensions: &[ColumnId],
    shape: &Shape,
) -> Expression {
    let column = dimensions[usize::try_from(next() % dimensions.len() as u64).unwrap_or(0)];
    let when = if chance(next, 60) { Predicate::All } else { predicate(next, schema, dimensions, 1) };
    let mut value = || value(next, schema, dimensions, shape);
    let (one, other) = (value(), value());
    let squares = [&one, &other].into_iter().all(|value| {
        value.times(schema, value).is_some_and(|square| {
            let (low, high) = crate::query::value::range(schema, &square.branches);
            low.unsigned_abs().max(high.unsigned_abs()) < 1 << 40
        })
    });
    match between(next, 0, 9) {
        0 => Expression::Count(when),
        1 => Expression::Count(Predicate::and(schema, vec![when, Predicate::present(schema, column)])),
        2 => Expression::Distinct { column, when },
        3 => {
            let rank = match between(next, 0, 3) {
                0 => Rank::Lowest,
                1 => Rank::Highest,
                2 => Rank::Median,
                _ => Rank::Percentile(u32::try_from(between(next, 0, 1_000_000)).unwrap_or(0)),
            };
            Expression::Quantile { rank, column, when }
        }
        4 if squares => Expression::Spread { statistic: Spread::VarianceSample, value: one },
        5 if squares => {
            let all = [Pair::CovariancePopulation, Pair::Correlation, Pair::Slope];
            let statistic = all[usize::try_from(next() % 3).unwrap_or(0)];
            Expression::Pair { statistic, y: one, x: other }
        }
        6 | 7 => Expression::Sum(one),
        8 => Expression::Average(one),
        _ => Expression::Count(Predicate::All),
    }
}

/// A value with small polynomials; mostly a measure as it is.
fn value(next: &mut impl FnMut() -> u64, schema: &Schema, dimensions: &[ColumnId], shape: &Shape) -> Value {
    let measures: Vec<ColumnId> = schema.measures().collect();
    let Some(column) = measures.get(usize::try_from(next() % measures.len().max(1) as u64).unwrap_or(0))
    else {
        let when = predicate(next, schema, dimensions, 1);
        return Value { scale: 0, branches: vec![Branch::one(when)] };
    };
    if chance(next, 50) || shape.width > 1 << 30 {
        return Value::measure(schema, *column);
    }
    let branches = (0..between(next, 1, 2))
        .map(|_| {
            let monomials: Vec<_> = (0..between(next, 0, 2))
                .map(|_| Monomial {
                    coefficient: between(next, 0, 20).cast_signed() - 10,
                    columns: (0..between(next, 0, 2))
                        .map(|_| measures[usize::try_from(next() % measures.len() as u64).unwrap_or(0)])
                        .collect(),
                })
                .collect();
            let columns = monomials.iter().flat_map(|monomial| monomial.columns.iter().copied());
            let mut when: Vec<_> = columns.map(|column| Predicate::present(schema, column)).collect();
            if chance(next, 60) {
                when.push(predicate(next, schema, dimensions, 1));
            }
            Branch::collected(Predicate::and(schema, when), monomials).expect("small coefficients")
        })
        .collect();
    Value { scale: 0, branches }
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
    let mut manifest = Manifest {
        lineage,
        version: 1,
        previous: None,
        schema,
        rows,
        rollup,
        scan,
        score: None,
        sandbox: None,
        objects: vec![],
        root,
    };
    let mentioned = manifest.mentioned();
    manifest.objects = mentioned.iter().map(|digest| ObjectRef { digest: *digest, bytes: 1 }).collect();
    manifest.root = merkle::root(&mentioned);
    manifest
}
