//! What `sordino publish` would upload of two known tables, beside their plain Parquet files.

use std::{path::Path, sync::Arc};

use arrow::{
    array::{ArrayRef, Int64Array, StringArray},
    record_batch::RecordBatch,
};
use sordino_client::{infer, table::Table};
use sordino_protocol::layout_plan::{self, Budget, Publication, RollupBudget};

use super::{Findings, Target, data, tpch};
use crate::demo;

/// Megabytes that the design asks for, all columns of `german_credit` queryable.
const CREDIT_MB: f64 = 64.0;
/// Rows for which lineitem is planned; none is encrypted.
const LINE_ROWS: u64 = 1 << 20;
/// Rows whose plain Parquet file is measured.
const PLAIN_ROWS: usize = 32_768;

pub(super) fn measure(findings: &mut Findings) -> anyhow::Result<()> {
    credit(findings)?;
    let lineitem = tpch::published(LINE_ROWS)?;
    let scan = lineitem.columns.iter().filter(|choice| choice.slices > 0).count();
    let bytes = lineitem.upload.total_bytes() as f64 / LINE_ROWS as f64;
    let what = format!(
        "bytes a row of lineitem, {LINE_ROWS} rows: {scan} of {} columns as slices, all as aggregates or sums",
        lineitem.columns.len()
    );
    findings.add("upload_lineitem", what, bytes, "bytes", Some(Target::AtMost(tpch::MAX_ROW_BYTES as f64)));
    let plain = tpch::plain_bytes(PLAIN_ROWS)? as f64 / PLAIN_ROWS as f64;
    findings.add("plain_lineitem", "the same as plain Parquet".to_owned(), plain, "bytes", None);
    Ok(())
}

fn credit(findings: &mut Findings) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("german_credit.csv");
    std::fs::write(&path, demo::TABLE)?;
    let table = Table::open(&path)?;
    let inferred = infer::infer(&table)?;
    let plain = plain(&path)?;
    let budget = Budget { max_upload: None, rollup: Some(RollupBudget::default()), scan: true, score: false };
    let Publication { upload, scan, columns, .. } =
        layout_plan::publication(&inferred.schema, plain.num_rows() as u64, &budget)?;
    let queryable = scan.map_or(0, |scan| scan.digits.len());
    let what = format!("german_credit, {queryable} of {} columns as slices", columns.len());
    let megabytes = upload.total_bytes() as f64 / 1e6;
    findings.add("upload_german_credit", what, megabytes, "MB", Some(Target::AtMost(CREDIT_MB)));
    let bytes = data::parquet_bytes(&plain)? as f64 / 1e6;
    findings.add("plain_german_credit", "the same as plain Parquet".to_owned(), bytes, "MB", None);
    Ok(())
}

/// A table as Arrow columns: integers where all cells are, text elsewhere.
fn plain(path: &Path) -> anyhow::Result<RecordBatch> {
    let table = Table::open(path)?;
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); table.columns().len()];
    table.visit(|_, cells| -> anyhow::Result<()> {
        columns.iter_mut().zip(cells).for_each(|(column, cell)| column.push(cell.map(str::to_owned)));
        Ok(())
    })?;
    let arrow = |column: &Vec<Option<String>>| -> ArrayRef {
        let number = |cell: &Option<String>| cell.as_deref().map(str::parse::<i64>).transpose();
        match column.iter().map(number).collect::<Result<Int64Array, _>>() {
            Ok(numbers) => Arc::new(numbers),
            Err(_) => Arc::new(StringArray::from_iter(column.iter().map(Option::as_deref))),
        }
    };
    Ok(RecordBatch::try_from_iter(table.columns().iter().cloned().zip(columns.iter().map(arrow)))?)
}
