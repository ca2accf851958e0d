//! A COUNT written directly with tfhe's integer types, for comparison.

use sordino_fhe::naive;

use super::{Findings, data};

/// Measures the naive program and prints the ratio to `per_row` seconds of layout scan, which had one
/// predicate and a sum more to compute.
pub(super) fn measure(rows: usize, per_row: f64, findings: &mut Findings) -> anyhow::Result<()> {
    let schema = data::schema(&[8, 8]);
    let table = data::rows(&schema, rows.max(1), 5);
    let mut plain = vec![(0, 0); table.rows];
    for (row, (a, b)) in plain.iter_mut().enumerate() {
        let mut dimensions = schema.dimensions().map(|id| u8::try_from(table.codes(id)[row]));
        *a = dimensions.next().transpose()?.unwrap_or_default();
        *b = dimensions.next().transpose()?.unwrap_or_default();
    }
    let expected = plain.iter().filter(|(a, b)| *a == 3 && *b >= 4).count();
    let measured = naive::count_where(&plain, 3, 4);
    findings.check(measured.answer as usize == expected);
    findings.add(
        "naive_row",
        format!("COUNT(*) under two predicates in FheUint8, {} rows", plain.len()),
        measured.seconds_per_row(),
        "s/row",
        None,
    );
    findings.add(
        "ratio_to_naive",
        "how many times less a row costs in layout scan, with a predicate and a sum more".to_owned(),
        measured.seconds_per_row() / per_row,
        "times",
        None,
    );
    Ok(())
}
