//! Made-up tables and what else the cases share.

use std::{ops::Range, time::Instant};

use rand::{Rng, SeedableRng, rngs::StdRng};
use sordino_fhe::keys::SecretKeys;
use sordino_protocol::{
    coded::CodedTable,
    digest::Digest,
    predicate::{CodeSet, Predicate},
    query::{Expression, Output, Query, Value},
    schema::{Column, ColumnId, Domain, Measure, Schema},
};

/// Fresh secret keys.
pub(super) fn keys() -> SecretKeys {
    SecretKeys::generate(&mut StdRng::from_os_rng())
}

/// Dimensions `d0`, `d1`, ... with so many codes each, and one measure `v` of 0 to 99,999.
pub(super) fn schema(codes: &[u32]) -> Schema {
    let dimension = |(index, codes): (usize, &u32)| Column {
        name: format!("d{index}"),
        description: String::new(),
        nullable: false,
        dimension: Some(Domain::Integer { min: 0, max: i64::from(*codes) - 1 }),
        measure: None,
    };
    let mut columns: Vec<_> = codes.iter().enumerate().map(dimension).collect();
    columns.push(Column {
        name: "v".to_owned(),
        description: String::new(),
        nullable: false,
        dimension: None,
        measure: Some(Measure { scale: 0, min: 0, max: 99_999 }),
    });
    Schema { table: "bench".to_owned(), null_values: vec![], columns }
}

/// Uniform rows, the same for the same seed.
pub(super) fn rows(schema: &Schema, rows: usize, seed: u64) -> CodedTable {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut table = CodedTable::new(schema);
    for (index, column) in schema.columns.iter().enumerate() {
        if let Some(codes) = &mut table.codes[index] {
            codes.extend((0..rows).map(|_| rng.random_range(0..column.codes())));
        }
        if let (Some(values), Some(measure)) = (&mut table.values[index], &column.measure) {
            values.extend((0..rows).map(|_| Some(rng.random_range(measure.min..=measure.max))));
        }
    }
    table.rows = rows;
    table
}

/// Some rows of a table.
pub(super) fn part(table: &CodedTable, rows: Range<usize>) -> CodedTable {
    CodedTable {
        rows: rows.len(),
        codes: table.codes.iter().map(|c| c.as_ref().map(|c| c[rows.clone()].to_vec())).collect(),
        values: table.values.iter().map(|v| v.as_ref().map(|v| v[rows.clone()].to_vec())).collect(),
    }
}

/// COUNT(*) and SUM(v) of the rows whose every dimension is in the lower half of its codes.
pub(super) fn query(schema: &Schema, dataset: Digest) -> Query {
    let atoms = schema
        .dimensions()
        .map(|id| {
            let half = schema.column(id).codes() / 2;
            Predicate::column_in(schema, id, CodeSet::from_ranges(vec![(0, half)]))
        })
        .collect();
    let sum = ColumnId(u16::try_from(schema.columns.len() - 1).unwrap_or(u16::MAX));
    Query {
        dataset,
        outputs: vec![
            Output { name: "rows".to_owned(), expression: Expression::Count(Predicate::All) },
            Output { name: "sum".to_owned(), expression: Expression::Sum(Value::measure(schema, sum)) },
        ],
        predicate: Predicate::and(schema, atoms),
        groups: vec![],
        scores: Vec::new(),
    }
}

/// Seconds of the fastest of `repeats` runs, and what the last run returned.
pub(super) fn fastest<T>(
    repeats: usize,
    mut work: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<(f64, T)> {
    let mut best = f64::INFINITY;
    let mut last = None;
    for _ in 0..repeats.max(1) {
        let start = Instant::now();
        last = Some(work()?);
        best = best.min(start.elapsed().as_secs_f64());
    }
    last.map(|value| (best, value)).ok_or_else(|| anyhow::anyhow!("nothing was measured"))
}

/// The most memory this process had so far, where the system tells.
pub(super) fn peak_rss_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// Bytes of a table as a plain Parquet file with the usual compression.
pub(super) fn parquet_bytes(batch: &arrow::record_batch::RecordBatch) -> anyhow::Result<usize> {
    let properties = parquet::file::properties::WriterProperties::builder()
        .set_compression(parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default()))
        .build();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(file.len())
}
