//! What layouts are planned, and what programs look like over them.

use std::time::Instant;

use sordino_protocol::{
    bounds::{self, BoundError},
    cost::OperationCounts,
    digest::Digest,
    layout::{CellSum, LayoutKind, Slice},
    layout_plan::{self, RollupBudget},
    lower::{LowerError, lower},
    manifest::Manifest,
    parameters::ParameterSet,
    predicate::{CodeSet, Predicate},
    program::{Program, ScanProgram, Step},
    query::{Branch, Expression, GroupKey, Monomial, Output, Query, Value},
    schema::{Column, ColumnId, Domain, Measure, Schema},
    testing,
};

/// A column that is a dimension of so many codes.
pub(crate) fn dimension(name: &str, codes: i64) -> Column {
    Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension: Some(Domain::Integer { min: 0, max: codes - 1 }),
        measure: None,
    }
}

/// A column that is a measure from 0 to `width`.
pub(crate) fn measure(name: &str, width: i64) -> Column {
    let measure = Some(Measure { scale: 0, min: 0, max: width });
    Column { dimension: None, measure, ..dimension(name, 1) }
}

pub(crate) fn schema(columns: Vec<Column>) -> Schema {
    Schema { table: "t".to_owned(), null_values: vec![], columns }
}

/// The shape of the German Credit table.
pub(crate) fn credit() -> Schema {
    let sizes = [2, 4, 33, 5, 10, 5, 5, 4, 4, 3, 4, 4, 57, 3, 3, 4, 4, 2, 2, 2];
    let mut columns: Vec<_> =
        sizes.iter().enumerate().map(|(i, codes)| dimension(&format!("d{i}"), *codes)).collect();
    columns.push(measure("amount", 18_174));
    schema(columns)
}

pub(crate) fn query(predicate: Predicate, groups: &[u16], outputs: &[Expression]) -> Query {
    let named = |(i, expression): (usize, &Expression)| Output {
        name: format!("o{i}"),
        expression: expression.clone(),
    };
    Query {
        dataset: Digest::from_bytes([1; 32]),
        outputs: outputs.iter().enumerate().map(named).collect(),
        predicate,
        groups: groups.iter().copied().map(ColumnId).map(GroupKey::Codes).collect(),
        scores: Vec::new(),
    }
}

/// COUNT(*).
pub(crate) const ROWS: Expression = Expression::Count(Predicate::All);

/// COUNT of a column.
pub(crate) fn count(schema: &Schema, column: u16) -> Expression {
    Expression::Count(Predicate::present(schema, ColumnId(column)))
}

/// SUM of a column.
pub(crate) fn sum(schema: &Schema, column: u16) -> Expression {
    Expression::Sum(Value::measure(schema, ColumnId(column)))
}

/// AVG of a column.
pub(crate) fn average(schema: &Schema, column: u16) -> Expression {
    Expression::Average(Value::measure(schema, ColumnId(column)))
}

pub(crate) fn within(schema: &Schema, column: u16, low: u32, high: u32) -> Predicate {
    Predicate::column_in(schema, ColumnId(column), CodeSet::from_ranges(vec![(low, high)]))
}

/// Both layouts as planned, over one chunk per 8,192 rows.
pub(crate) fn published(schema: Schema, rows: u64, budget: &RollupBudget) -> Manifest {
    let rollup = layout_plan::rollup(&schema, rows, budget);
    let scan = layout_plan::scan(&schema, rows);
    let size = scan.parameter_set.scan().expect("a scan set").degree as u64;
    let chunks: Vec<u64> = (0..rows.div_ceil(size)).map(|i| size.min(rows - i * size)).collect();
    let manifest = testing::manifest(schema, rows, Some(rollup), Some(scan), &chunks);
    assert_eq!(manifest.validate(), Ok(()));
    manifest
}

fn scan(manifest: &Manifest, query: &Query) -> ScanProgram {
    match lower(manifest, query, LayoutKind::Scan).expect("lowers") {
        Program::Scan(program) => program,
        Program::Rollup(_) => panic!("asked for scan"),
    }
}

/// Relinearised and raw products.
fn products(program: &ScanProgram) -> (usize, usize) {
    let count = |test: fn(&Step) -> bool| program.steps.iter().filter(|step| test(step)).count();
    (count(|step| matches!(step, Step::Multiply(..))), count(|step| matches!(step, Step::MultiplyRaw(..))))
}

#[test]
fn credit_is_planned_small_and_its_query_lowered() {
    let schema = credit();
    let condition = Predicate::and(&schema, vec![within(&schema, 12, 11, 57), within(&schema, 13, 1, 2)]);
    let asked = query(condition, &[0], &[ROWS, average(&schema, 20)]);
    let manifest = published(schema, 1_000, &RollupBudget::default());
    let (rollup, layout) = (manifest.rollup.as_ref().expect("there"), manifest.scan.as_ref().expect("there"));
    assert_eq!(layout.parameter_set, ParameterSet::Scan8kV1);
    let estimate = layout_plan::upload_estimate(manifest.rows, Some(rollup), Some(layout));
    assert_eq!(estimate.cells, rollup.cells);
    assert_eq!(estimate.scan_bytes, layout.slices().len() as u64 * 27 * 8_192);
    assert!(estimate.rollup_bytes <= 32 << 20, "{estimate:?}");

    let started = Instant::now();
    let program = scan(&manifest, &asked);
    let by_rollup = lower(&manifest, &asked, LayoutKind::Rollup).expect("lowers");
    eprintln!("lowered for both layouts in {:?}; {estimate:?}", started.elapsed());
    // One product for the conjunction, one a group for its mask, one a group for its sum.
    assert_eq!(products(&program), (3, 2));
    assert!(bounds::scan_noise(&program, 1).is_ok_and(|noise| noise.depth == 3));
    let Program::Rollup(by_rollup) = by_rollup else { panic!("asked for rollup") };
    assert_eq!(rollup.cuboids[by_rollup.cuboid as usize].dimensions, [0, 12, 13].map(ColumnId));
    let counts = OperationCounts::of(&Program::Rollup(by_rollup), 1);
    assert_eq!(counts.cells, 2 * 46 * 2);
}

#[test]
fn where_the_noise_leaves_no_room_products_are_balanced() {
    let columns = (0..7).map(|i| dimension(&format!("d{i}"), 4)).chain([measure("m", 99)]);
    let schema = schema(columns.collect());
    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let asked = |conditions: u16| {
        let parts = (0..conditions).map(|column| within(&schema, column, 0, 2)).collect();
        query(Predicate::and(&schema, parts), &[6], &[sum(&schema, 7)])
    };
    // Eight factors with group and measure: three levels.
    let program = scan(&manifest, &asked(6));
    assert!(bounds::scan_noise(&program, 1).is_ok_and(|noise| noise.depth == 3));
    let small = scan(&manifest, &asked(1));
    assert!(bounds::scan_noise(&small, 1).is_ok_and(|noise| noise.depth == 2));
}

#[test]
fn a_range_over_two_digits_costs_one_product() {
    let schema = schema(vec![dimension("d", 1_000), measure("m", 9)]);
    let manifest = published(schema.clone(), 100_000, &RollupBudget::default());
    assert_eq!(manifest.scan.as_ref().expect("there").digits[0].bases, vec![32, 32]);
    for (low, high, expected) in [(77, 1_000, 1), (64, 1_000, 0), (0, 991, 1), (70, 900, 2), (5, 6, 1)] {
        let asked = query(within(&schema, 0, low, high), &[], &[ROWS]);
        let program = scan(&manifest, &asked);
        let (relinearised, raw) = products(&program);
        assert_eq!(relinearised + raw, expected, "{low}..{high}: {program:?}");
    }
}

#[test]
fn a_count_alone_is_left_unrelinearised_and_a_shared_mask_is_not() {
    let schema = schema(vec![dimension("a", 8), dimension("b", 5), measure("m", 9)]);
    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let condition = || within(&schema, 0, 0, 3);
    let program = scan(&manifest, &query(condition(), &[1], &[ROWS]));
    assert_eq!(products(&program), (0, 5));
    let program = scan(&manifest, &query(condition(), &[1], &[sum(&schema, 2)]));
    assert_eq!(products(&program), (5, 5));
    let nothing = scan(&manifest, &query(Predicate::Nothing, &[1], &[ROWS]));
    assert_eq!((nothing.slices, nothing.steps), (vec![Slice::Exists], vec![Step::Subtract(0, 0)]));
    let everything = scan(&manifest, &query(Predicate::All, &[], &[sum(&schema, 2)]));
    assert_eq!((everything.steps, everything.outputs), (vec![], vec![0, 1]));
}

#[test]
fn a_group_that_is_never_null_needs_no_product_to_count_values() {
    let mut nullable = dimension("n", 3);
    nullable.nullable = true;
    let schema = schema(vec![nullable, dimension("a", 4)]);
    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let count = [count(&schema, 0)];
    // Three values and null, which has a count of nothing.
    let grouped = scan(&manifest, &query(within(&schema, 1, 0, 2), &[0], &count));
    assert_eq!(products(&grouped), (0, 4));
    let filtered = scan(&manifest, &query(within(&schema, 0, 1, 3), &[], &count));
    assert_eq!(products(&filtered), (0, 0));
    let either = scan(&manifest, &query(within(&schema, 1, 0, 2), &[], &count));
    assert_eq!(products(&either), (0, 1));
}

#[test]
fn a_condition_on_a_factor_whose_codes_are_its_values_is_part_of_it() {
    let share = Column { measure: Some(Measure { scale: 0, min: 0, max: 10 }), ..dimension("share", 11) };
    let schema = schema(vec![dimension("d", 8), share, measure("price", 9_999)]);
    let mut manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    manifest.scan.as_mut().expect("there").parameter_set = ParameterSet::Scan16kV1;
    let (share, price) = (Value::measure(&schema, ColumnId(1)), Value::measure(&schema, ColumnId(2)));
    let revenue = Expression::Sum(price.times(&schema, &share).expect("small"));
    let condition = Predicate::and(&schema, vec![within(&schema, 0, 0, 3), within(&schema, 1, 5, 8)]);
    let program = scan(&manifest, &query(condition, &[], &[revenue]));
    // The count needs the product of both masks; the sum only that of the other mask, the price, and the
    // selected shares.
    assert_eq!(products(&program), (1, 2), "{program:?}");
    let weights = program.steps.iter().find_map(|step| match step {
        Step::Combine(terms) => Some(terms.iter().map(|(_, weight)| *weight).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(weights, Some(vec![5, 1, 1, -7]), "0 up to 5, then 5, 6, 7, then 0");
}

#[test]
fn a_polynomial_that_could_overflow_is_summed_product_by_product() {
    let schema = schema(vec![measure("price", 10_000_000), measure("discount", 10)]);
    let price = Value::measure(&schema, ColumnId(0));
    let rest = Branch::collected(
        Predicate::All,
        vec![Monomial::constant(1_000), Monomial { coefficient: -100, columns: vec![ColumnId(1)] }],
    );
    let rest = Value { scale: 0, branches: vec![rest.expect("small")] };
    let asked = query(Predicate::All, &[], &[Expression::Sum(price.times(&schema, &rest).expect("small"))]);
    let outputs = |rows| {
        let program = scan(&published(schema.clone(), rows, &RollupBudget::default()), &asked);
        (program.outputs.len(), program.recipes[1].0.iter().map(|part| part.coefficient).collect::<Vec<_>>())
    };
    assert_eq!(outputs(40_000), (2, vec![1]));
    // 10^10 in each of ten million rows is too much for one sum.
    assert_eq!(outputs(10_000_000), (3, vec![1_000, -100]));
}

#[test]
fn a_disjunction_of_exclusive_parts_is_a_sum() {
    let schema = schema(vec![dimension("a", 4), dimension("b", 4)]);
    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let both =
        |a, b| Predicate::and(&schema, vec![within(&schema, 0, a, a + 1), within(&schema, 1, b, b + 1)]);
    let exclusive = Predicate::or(&schema, vec![both(0, 1), both(1, 2), both(2, 0)]);
    assert_eq!(products(&scan(&manifest, &query(exclusive, &[], &[ROWS]))), (0, 3));
    let overlapping = Predicate::or(&schema, vec![within(&schema, 0, 0, 1), within(&schema, 1, 0, 1)]);
    assert_eq!(products(&scan(&manifest, &query(overlapping, &[], &[ROWS]))), (1, 0));
}

#[test]
fn sets_digits_and_limbs_follow_the_size() {
    let columns = || vec![dimension("d", 129), dimension("e", 17), measure("m", 1 << 18)];
    let small = layout_plan::scan(&schema(columns()), 32_768);
    assert_eq!(small.parameter_set, ParameterSet::Scan8kV1);
    let large = layout_plan::scan(&schema(columns()), 32_769);
    assert_eq!(large.parameter_set, ParameterSet::Scan16kV1);
    for layout in [small, large] {
        let bases: Vec<_> = layout.digits.iter().map(|digits| digits.bases.len()).collect();
        assert!(bases[0] <= 2 && bases[1] == 1, "{bases:?}: few codes are worth a slice each");
    }
    let wide = layout_plan::scan(&schema(vec![measure("m", 1 << 40)]), 1_000_000);
    assert_eq!((wide.parameter_set, wide.limb_bits), (ParameterSet::Scan16kV1, 33));
    assert_eq!(wide.measures[0].limbs, 2);
}

#[test]
fn cuboids_come_in_order_and_within_the_budget() {
    let columns = (0..200).map(|i| dimension(&format!("d{i}"), 2 + i % 7)).chain([dimension("wide", 4_096)]);
    let schema = schema(columns.collect());
    let budget = RollupBudget { max_cells_total: 100_000, ..RollupBudget::default() };
    let layout = layout_plan::rollup(&schema, 10_000, &budget);
    assert!(layout.cells <= 100_000 && layout.cuboids.len() <= budget.max_cuboids);
    let keys: Vec<_> =
        layout.cuboids.iter().map(|c| (c.dimensions.len(), c.cells, c.dimensions.clone())).collect();
    assert!(keys.is_sorted());
    assert_eq!(keys[0].0, 0);
    assert_eq!(keys.iter().filter(|key| key.0 == 1).count(), 201);
}

#[test]
fn limbs_are_narrow_enough_for_any_selection() {
    let schema = schema(vec![dimension("d", 4_096), dimension("e", 16), measure("m", 1 << 30)]);
    let layout = layout_plan::rollup(&schema, 5_000_000, &RollupBudget::default());
    assert_eq!(layout.limb_bits, 17);
    let limbs = |sum| layout.arrays.iter().filter(|array| array.sum == sum).count();
    assert_eq!((limbs(CellSum::Rows), limbs(CellSum::Sum(ColumnId(2)))), (1, 3));
    let manifest = published(schema.clone(), 5_000_000, &RollupBudget::default());
    let asked = query(Predicate::All, &[], &[sum(&schema, 2)]);
    let by_cells = query(within(&manifest.schema, 0, 0, 4_095), &[1], &[sum(&schema, 2)]);
    assert!(lower(&manifest, &asked, LayoutKind::Rollup).is_ok());
    assert!(lower(&manifest, &by_cells, LayoutKind::Rollup).is_ok());
}

#[test]
fn what_could_overflow_is_refused_by_name() {
    let schema = schema(vec![dimension("d", 4), measure("m", 1 << 20)]);
    let mut manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let asked = query(within(&schema, 0, 0, 2), &[], &[sum(&schema, 1)]);
    manifest.rows = 1 << 40;
    for kind in [LayoutKind::Rollup, LayoutKind::Scan] {
        let refused = lower(&manifest, &asked, kind);
        assert!(matches!(refused, Err(LowerError::Bound(BoundError::Overflow { .. }))), "{refused:?}");
    }
    manifest.rollup = None;
    let refused = lower(&manifest, &asked, LayoutKind::Rollup);
    assert_eq!(refused, Err(LowerError::NoLayout(LayoutKind::Rollup)));
}

#[test]
fn what_is_not_stored_is_refused_by_name() {
    let schema = schema(vec![dimension("d", 4), dimension("e", 300), dimension("f", 300), measure("m", 9)]);
    let mut manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let apart = Predicate::and(&schema, vec![within(&schema, 1, 0, 2), within(&schema, 2, 0, 2)]);
    let refused = lower(&manifest, &query(apart, &[], &[ROWS]), LayoutKind::Rollup);
    assert_eq!(refused, Err(LowerError::NoCuboid { dimensions: vec!["e".to_owned(), "f".to_owned()] }));
    manifest.rollup.as_mut().expect("there").arrays.truncate(1);
    manifest.scan.as_mut().expect("there").measures.clear();
    let asked = query(Predicate::All, &[], &[sum(&schema, 3)]);
    for kind in [LayoutKind::Rollup, LayoutKind::Scan] {
        let refused = lower(&manifest, &asked, kind);
        assert_eq!(refused, Err(LowerError::NotStored("the values of `m`".to_owned())));
    }
}

#[test]
fn noise_bounds_the_number_of_cells() {
    assert_eq!(bounds::rollup_noise(0), Ok(0));
    assert!(bounds::rollup_noise(330_000).is_ok_and(|bits| bits > 25));
    assert!(bounds::rollup_noise(2_000_000).is_ok());
    assert!(matches!(bounds::rollup_noise(3_000_000), Err(BoundError::Noise { .. })));
}

/// Printed, not asserted: lowering is meant to be far below what evaluation takes.
#[test]
fn large_programs_are_lowered() {
    let sizes = [64, 64, 128, 2];
    let columns = sizes.iter().enumerate().map(|(i, codes)| dimension(&format!("d{i}"), *codes));
    let schema = schema(columns.chain([measure("m", 9)]).collect());
    let budget = RollupBudget {
        max_cells_per_cuboid: 4 << 20,
        max_cells_total: 64 << 20,
        max_dimensions: 4,
        ..RollupBudget::default()
    };
    let manifest = published(schema.clone(), 100_000, &budget);
    let odd = Predicate::column_in(&schema, ColumnId(3), CodeSet::from_codes([1]));
    let outputs = [ROWS, sum(&schema, 4)];
    for (predicate, groups) in [
        (Predicate::and(&schema, vec![within(&schema, 2, 3, 90), odd.clone()]), vec![0, 1]),
        (Predicate::and(&schema, vec![within(&schema, 1, 1, 64), within(&schema, 2, 3, 90), odd]), vec![0]),
        (within(&schema, 2, 3, 90), vec![]),
    ] {
        let asked = query(predicate, &groups, &outputs);
        for kind in [LayoutKind::Rollup, LayoutKind::Scan] {
            let started = Instant::now();
            let lowered = lower(&manifest, &asked, kind);
            let outputs = lowered.map(|program| program.output_count());
            eprintln!("{kind:?} by {groups:?}: {:?} for {outputs:?}", started.elapsed());
        }
    }
}
