//! For random schemas, rows and queries: what a program computes, combined, is what the query means.

use proptest::prelude::*;
use sordino_protocol::{
    bounds::BoundError,
    canonical::Canonical,
    digest::Digest,
    layout::{Blocks, DimensionDigits, LayoutKind},
    layout_plan::{self, RollupBudget},
    lower::{LowerError, lower},
    parameters::ParameterSet,
    plaintext, release_values,
    schema::ColumnId,
    testing::{self, Shape},
};

use crate::interpreter;

const DATASET: Digest = Digest::from_bytes([7; 32]);

/// Lowers, runs and combines; `None` when a static bound refuses the query.
fn check(seed: u64, kind: LayoutKind, shape: &Shape, vary: bool) -> Result<bool, TestCaseError> {
    let mut next = testing::sequence(seed);
    let schema = testing::schema(&mut next, shape);
    prop_assert_eq!(schema.validate(), Ok(()));
    let rows = (next() % 90) as usize;
    let table = testing::table(&mut next, &schema, rows);
    let query = testing::query(&mut next, &schema, DATASET, shape);
    prop_assert_eq!(query.validate(&schema), Ok(()));

    let budget = RollupBudget { max_dimensions: 6, max_cells_total: 4_000_000, ..RollupBudget::default() };
    let rollup = (kind == LayoutKind::Rollup).then(|| layout_plan::rollup(&schema, rows as u64, &budget));
    let mut scan = (kind == LayoutKind::Scan).then(|| layout_plan::scan(&schema, rows as u64));
    if let Some(scan) = scan.as_mut().filter(|_| vary) {
        // Digits and limbs that the planner would not choose are lowered as well.
        scan.parameter_set = ParameterSet::Scan16kV1;
        for digits in &mut scan.digits {
            *digits = varied(&mut next, digits.column, schema.column(digits.column).codes());
        }
        if next().is_multiple_of(8) {
            scan.digits.remove(0);
        }
        scan.limb_bits = 20;
        scan.measures.iter_mut().for_each(|measure| measure.limbs = 3);
    }
    let half = rows as u64 / 2;
    let chunks = [half, rows as u64 - half].into_iter().filter(|rows| *rows > 0).collect::<Vec<_>>();
    let manifest = testing::manifest(schema, rows as u64, rollup, scan, &chunks);
    prop_assert_eq!(manifest.validate(), Ok(()));

    let program = match lower(&manifest, &query, kind) {
        Ok(program) => program,
        Err(LowerError::Bound(BoundError::Noise { .. })) if kind == LayoutKind::Scan => return Ok(false),
        Err(LowerError::NoCuboid { .. } | LowerError::NoMoments { .. } | LowerError::NotStored(_))
            if kind == LayoutKind::Rollup =>
        {
            return Ok(false);
        }
        Err(LowerError::Bound(BoundError::Overflow { .. })) if kind == LayoutKind::Scan => return Ok(false),
        Err(LowerError::NotStored(what)) if vary => {
            let left_out = manifest.schema.dimensions().next().expect("there is one");
            let name = &manifest.schema.column(left_out).name;
            let asked = query.dimensions(&manifest.schema);
            prop_assert!(asked.contains(&left_out) && what.contains(name), "{}", what);
            return Ok(false);
        }
        Err(error) => return Err(TestCaseError::fail(error.to_string())),
    };
    let again = lower(&manifest, &query, kind).expect("lowered before");
    prop_assert_eq!(program.digest().expect("canonical"), again.digest().expect("canonical"));
    let outputs = interpreter::run(&manifest, &program, &table);
    let totals = release_values::combine(&manifest.schema, &query, &program, &outputs);
    let expected = plaintext::evaluate(&manifest.schema, &query, &table);
    prop_assert_eq!(totals, Ok(expected), "{:?}\n{:?}", query, program);
    Ok(true)
}

fn varied(next: &mut impl FnMut() -> u64, column: ColumnId, codes: u32) -> DimensionDigits {
    if codes > 3 && next().is_multiple_of(4) {
        return blocks(next, column, codes);
    }
    let bases = match next() % 4 {
        0 => vec![codes],
        1 if codes > 3 => vec![codes.div_ceil(3), 3],
        2 if codes > 8 => vec![codes.div_ceil(6), 2, 3],
        _ if codes > 24 => vec![codes.div_ceil(18), 3, 2, 3],
        _ => vec![codes],
    };
    DimensionDigits { column, bases, blocks: None }
}

/// Blocks of unequal length, some of them empty.
fn blocks(next: &mut impl FnMut() -> u64, column: ColumnId, codes: u32) -> DimensionDigits {
    let mut starts = vec![0];
    while starts.len() < 40 && starts[starts.len() - 1] + 6 < codes {
        let length = u32::try_from(next() % 7).expect("small");
        starts.push(starts[starts.len() - 1] + length);
    }
    let last = codes - starts[starts.len() - 1];
    let size = last.max(6);
    let bases = vec![u32::try_from(starts.len()).expect("few").max(2), size.div_ceil(2), 2];
    DimensionDigits { column, bases, blocks: Some(Blocks { size: size.div_ceil(2) * 2, starts }) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rollup_answers_as_plaintext(seed: u64) {
        check(seed, LayoutKind::Rollup, &Shape { columns: 4, codes: 12, ..Shape::default() }, false)?;
    }

    #[test]
    fn rollup_joins_limbs_of_wide_measures(seed: u64) {
        let shape = Shape { columns: 3, codes: 9, width: 1 << 40, ..Shape::default() };
        check(seed, LayoutKind::Rollup, &shape, false)?;
    }

    #[test]
    fn scan_answers_as_plaintext(seed: u64) {
        check(seed, LayoutKind::Scan, &Shape::default(), false)?;
    }

    #[test]
    fn scan_answers_over_any_digits_and_limbs(seed: u64) {
        check(seed, LayoutKind::Scan, &Shape { codes: 300, groups: 512, ..Shape::default() }, true)?;
    }

    #[test]
    fn scan_joins_limbs_of_wide_measures(seed: u64) {
        let shape = Shape { width: (1 << 52) - 1, ..Shape::default() };
        check(seed, LayoutKind::Scan, &shape, false)?;
    }

    #[test]
    fn scan_multiplies_measures_in_narrow_limbs(seed: u64) {
        let shape = Shape { width: 1 << 22, nesting: 1, ..Shape::default() };
        check(seed, LayoutKind::Scan, &shape, false)?;
    }
}

/// The bounds must not make the tests above vacuous.
#[test]
fn most_random_queries_are_answered() {
    for (kind, shape) in [
        (LayoutKind::Rollup, Shape { columns: 4, codes: 12, ..Shape::default() }),
        (LayoutKind::Scan, Shape { nesting: 1, ..Shape::default() }),
        (LayoutKind::Scan, Shape { width: 1 << 22, nesting: 1, ..Shape::default() }),
    ] {
        let answered = (0..200).filter(|seed| check(*seed, kind, &shape, false).expect("exact")).count();
        assert!(answered >= 140, "{kind:?}: {answered} of 200");
    }
}
