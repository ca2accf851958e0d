//! Products of two measures: stored at the top of a rollup, and asked for there.

use sordino_protocol::{
    layout::{CellSum, LayoutKind},
    layout_plan::{self, Budget, RollupBudget, check_growth, publication},
    lower::{LowerError, lower},
    plaintext,
    predicate::Predicate,
    program::Program,
    query::{Expression, Pair, Query, Spread, Value},
    release_values,
    schema::{Column, ColumnId, Measure, Schema},
    testing,
};

use crate::{
    interpreter,
    planning::{ROWS, dimension, measure, published, query, schema, sum, within},
};

fn pair(schema: &Schema, statistic: Pair, y: u16, x: u16) -> Expression {
    let value = |column| Value::measure(schema, ColumnId(column));
    Expression::Pair { statistic, y: value(y), x: value(x) }
}

fn slope(schema: &Schema, y: u16, x: u16) -> Expression {
    pair(schema, Pair::Slope, y, x)
}

fn product(schema: &Schema, one: u16, other: u16) -> Expression {
    let value = |column| Value::measure(schema, ColumnId(column));
    Expression::Sum(value(one).times(schema, &value(other)).expect("small"))
}

/// Two small dimensions, a large one, three measures.
fn mixed() -> Schema {
    let measures = ["x", "y", "z"].map(|name| measure(name, 9));
    schema(
        [dimension("a", 4), dimension("b", 3), dimension("c", 4_000)].into_iter().chain(measures).collect(),
    )
}

/// Arrays: rows, three sums, three sums of squares, and three products.
const EVERYWHERE: u32 = 7;
const ALL: u32 = 10;

/// An eighth has room for the products of the small dimensions only.
fn budget() -> RollupBudget {
    RollupBudget { max_cells_total: 50_000, ..RollupBudget::default() }
}

#[test]
fn products_are_stored_for_totals_and_small_dimensions() {
    let layout = layout_plan::rollup(&mixed(), 1_000, &budget());
    let sums: Vec<_> = layout.arrays[EVERYWHERE as usize..].iter().map(|array| array.sum).collect();
    let products = [(3, 4), (3, 5), (4, 5)].map(|(x, y)| CellSum::Product(ColumnId(x), ColumnId(y)));
    assert_eq!(sums, products);
    for cuboid in &layout.cuboids {
        let top = cuboid.dimensions.len() < 2 && cuboid.cells < 4_000;
        assert_eq!(cuboid.arrays, if top { ALL } else { EVERYWHERE }, "{cuboid:?}");
    }
    let sizes: Vec<_> = layout.cuboids.iter().map(|cuboid| cuboid.cells).collect();
    assert_eq!(sizes, [1, 3, 4, 4_000, 12]);
    // Alone, a single array of products is within the share, but not with the other cells.
    let tight = RollupBudget { max_cells_total: 90, ..budget() };
    let layout = layout_plan::rollup(&mixed(), 1_000, &tight);
    assert_eq!(
        layout.cuboids.iter().map(|c| (c.cells, c.arrays)).collect::<Vec<_>>(),
        [(1, 10), (3, 7), (4, 7)]
    );
}

#[test]
fn a_wide_table_has_the_products_of_its_first_measures() {
    let schema = schema((0..200).map(|index| measure(&format!("m{index}"), 9)).collect());
    let layout = layout_plan::rollup(&schema, 1_000, &RollupBudget::default());
    let stored = |x, y| layout.arrays_up_to(CellSum::Product(ColumnId(x), ColumnId(y))) > 0;
    assert_eq!(layout.cuboids[0].arrays, 1 + 200 + 200 + 4_096);
    assert!(stored(0, 90) && stored(89, 90) && !stored(0, 92) && !stored(90, 0));
}

#[test]
fn the_smallest_cuboid_that_has_the_products_is_taken() {
    let manifest = published(mixed(), 1_000, &budget());
    let schema = &manifest.schema;
    let lowered = |asked: &Query| lower(&manifest, asked, LayoutKind::Rollup);
    let dimensions = |asked: &Query| match lowered(asked) {
        Ok(Program::Rollup(program)) => {
            let layout = manifest.rollup.as_ref().expect("there");
            layout.cuboids[program.cuboid as usize].dimensions.clone()
        }
        other => panic!("{other:?}"),
    };
    let slope = [slope(schema, 4, 3)];
    assert_eq!(dimensions(&query(Predicate::All, &[], &slope)), []);
    assert_eq!(dimensions(&query(within(schema, 0, 1, 3), &[0], &slope)), [ColumnId(0)]);
    let both = query(within(schema, 0, 1, 3), &[1], &slope);
    let large = query(within(schema, 2, 1, 3), &[], &slope);
    for (asked, by) in [(both, vec!["a", "b"]), (large, vec!["c"])] {
        let refused = lowered(&asked).expect_err("not stored there");
        let sums = "the products of `x` and `y`".to_owned();
        let named: Vec<_> = by.into_iter().map(str::to_owned).collect();
        assert_eq!(refused, LowerError::NoMoments { sums, dimensions: named });
        assert!(refused.to_string().contains("only for totals"), "{refused}");
        assert!(refused.to_string().contains("use layout scan"), "{refused}");
        // What is stored there is answered.
        let sums = Query { outputs: query(Predicate::All, &[], &[sum(schema, 3)]).outputs, ..asked };
        assert!(lowered(&sums).is_ok());
    }
    let apart = Predicate::and(schema, vec![within(schema, 0, 1, 3), within(schema, 2, 1, 3)]);
    let nowhere = lowered(&query(apart, &[], &slope));
    assert!(matches!(nowhere, Err(LowerError::NoCuboid { .. })), "{nowhere:?}");
}

#[test]
fn a_larger_cuboid_is_taken_where_a_smaller_one_lacks_arrays() {
    let mut layout = layout_plan::rollup(&mixed(), 1_000, &budget());
    layout.cuboids[0].arrays = EVERYWHERE;
    let of = |arrays: u32| layout.cuboid_for(&[], arrays as usize).map(|(index, _)| index);
    assert_eq!(
        (of(0), of(EVERYWHERE), of(EVERYWHERE + 1), of(ALL), of(ALL + 1)),
        (Some(0), Some(0), Some(1), Some(1), None)
    );
}

#[test]
fn wide_products_do_not_cut_other_sums() {
    let columns = [measure("x", 1 << 4), measure("y", 1 << 24), measure("z", 1 << 30)];
    let schema = schema([dimension("d", 100)].into_iter().chain(columns).collect());
    let layout = layout_plan::rollup(&schema, 1_000, &RollupBudget::default());
    let limbs = |sum| layout.arrays.iter().filter(|array| array.sum == sum).count();
    let (x, y, z) = (ColumnId(1), ColumnId(2), ColumnId(3));
    // Totals of at most 4,000 rows: 12 bits less for a limb, and 33 for the last.
    assert_eq!(layout.limb_bits, 33 - 12);
    let whole = [CellSum::Rows, CellSum::Sum(x), CellSum::SumOfSquares(x)];
    assert_eq!(whole.map(limbs), [1, 1, 1]);
    assert_eq!([CellSum::Sum(y), CellSum::SumOfSquares(y)].map(limbs), [2, 3]);
    assert_eq!([CellSum::Product(x, y), CellSum::Product(x, z)].map(limbs), [2, 2]);
    // Beyond 63 bits nothing could be released.
    assert_eq!([CellSum::SumOfSquares(z), CellSum::Product(y, z)].map(limbs), [0, 0]);

    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let asked = |one, other| query(within(&schema, 0, 0, 99), &[], &[product(&schema, one, other)]);
    assert!(lower(&manifest, &asked(1, 2), LayoutKind::Rollup).is_ok());
    let refused = lower(&manifest, &asked(2, 3), LayoutKind::Rollup);
    assert_eq!(refused, Err(LowerError::NotStored("the products of `y` and `z`".to_owned())));
}

#[test]
fn products_leave_room_to_grow() {
    let schema = schema(vec![dimension("d", 4_000), measure("x", 999), measure("y", 999)]);
    let layout = layout_plan::rollup(&schema, 1_000, &RollupBudget::default());
    assert_eq!(check_growth(&schema, 4_000, Some(&layout), None), Ok(()));
    // 2^33 / 999^2, as squares have it too.
    let refused = check_growth(&schema, 10_000, Some(&layout), None).expect_err("outgrown");
    assert_eq!(refused.most, 8_607);
}

/// What rollup answers over random rows is what the query means; otherwise it is refused.
fn exact(schema: &Schema, asked: &[(Query, bool)]) {
    let mut next = testing::sequence(11);
    let rows = 300;
    let table = testing::table(&mut next, schema, rows);
    let manifest = published(schema.clone(), rows as u64, &RollupBudget::default());
    for (asked, answered) in asked {
        assert_eq!(asked.validate(schema), Ok(()));
        let program = match lower(&manifest, asked, LayoutKind::Rollup) {
            Ok(program) if *answered => program,
            Err(LowerError::NotStored(what)) if !*answered && what.contains("which rows have values") => {
                continue;
            }
            other => panic!("{other:?} of {asked:?}"),
        };
        let outputs = interpreter::run(&manifest, &program, &table);
        let totals = release_values::combine(schema, asked, &program, &outputs);
        assert_eq!(totals, Ok(plaintext::evaluate(schema, asked, &table)), "{asked:?}");
    }
}

#[test]
fn products_and_what_is_made_of_them_equal_the_plaintext() {
    // Negative and wide values, so that offsets and limbs are joined.
    let shifted =
        |name, min, max| Column { measure: Some(Measure { scale: 0, min, max }), ..measure(name, 1) };
    let columns = [shifted("x", -70, 50), shifted("y", 1_000, 50_000_000), shifted("z", -3_000_000, -5)];
    let schema = schema([dimension("d", 5)].into_iter().chain(columns).collect());
    let mut asked = Vec::new();
    for (y, x) in [(1, 2), (2, 1), (3, 1), (2, 3)] {
        let mut outputs = vec![ROWS, product(&schema, x, y)];
        outputs.extend(
            [Pair::CovariancePopulation, Pair::Slope].map(|statistic| pair(&schema, statistic, y, x)),
        );
        asked.push((query(Predicate::All, &[], &outputs), true));
        asked.push((query(within(&schema, 0, 1, 4), &[0], &outputs), true));
    }
    exact(&schema, &asked);
}

#[test]
fn what_needs_the_rows_in_which_both_have_values_is_refused() {
    let nullable = |column| Column { nullable: true, ..column };
    let columns = vec![
        nullable(measure("x", 50)),
        nullable(measure("y", 70)),
        measure("z", 90),
        // Cells tell which rows have a value.
        nullable(Column { dimension: dimension("w", 10).dimension, ..measure("w", 9) }),
    ];
    let schema = schema(columns);
    let alone = |output| query(Predicate::All, &[], &[output]);
    exact(
        &schema,
        &[
            // Products are 0 where a value is missing, and one column's values are counted.
            (alone(product(&schema, 0, 2)), true),
            (alone(product(&schema, 0, 1)), false),
            // The mean of `z` is meant over the rows in which `x` has a value.
            (alone(slope(&schema, 2, 0)), false),
            (alone(slope(&schema, 1, 0)), false),
            (alone(slope(&schema, 2, 3)), true),
            (alone(slope(&schema, 3, 2)), true),
            (alone(pair(&schema, Pair::Correlation, 0, 3)), false),
        ],
    );
}

/// Limbs for products have a share of the upload: what is no dimension has them first, for its square is
/// what tells how well it is predicted.
#[test]
fn what_is_predicted_has_limbs_for_products_before_what_is_read() {
    let read = |name: String| Column {
        measure: Some(Measure { scale: 0, min: 0, max: 1 << 20 }),
        dimension: dimension("a", 4).dimension,
        ..measure(&name, 9)
    };
    let label = Column { measure: Some(Measure { scale: 0, min: 0, max: 30_000 }), ..measure("label", 9) };
    let columns = (0..12).map(|at| read(format!("x{at}"))).chain([label]).collect();
    let schema = schema(columns);
    let budget = Budget { max_upload: None, rollup: None, scan: true, score: false };
    let scan = publication(&schema, 600, &budget).expect("planned").scan.expect("there");
    let factors: Vec<u8> = scan.measures.iter().map(|measure| measure.factors).collect();
    assert_eq!(factors.last(), Some(&2), "{factors:?}");
    assert!(
        factors.iter().filter(|limbs| **limbs > 0).count() < 13,
        "{factors:?}: not all of them have room"
    );
}

/// A thousand rows of values whose squares do not fit the small set: narrow limbs make them fit, with
/// an offset and nulls too.
#[test]
fn large_measures_are_multiplied_in_a_scan() {
    let large = |name, min, nullable| Column {
        nullable,
        measure: Some(Measure { scale: 0, min, max: min + 24_000 }),
        ..measure(name, 9)
    };
    let schema =
        schema(vec![dimension("a", 4), large("x", -9_000, true), large("y", 0, false), measure("z", 9)]);
    let mut next = testing::sequence(5);
    let table = testing::table(&mut next, &schema, 1_000);
    let manifest = published(schema.clone(), 1_000, &RollupBudget::default());
    let scan = manifest.scan.as_ref().expect("there");
    let factors: Vec<u8> = scan.measures.iter().map(|measure| measure.factors).collect();
    assert_eq!((scan.factor_bits, factors), (10, vec![2, 2, 0]), "15 bits in limbs of 10");
    let value = |column| Value::measure(&schema, ColumnId(column));
    let spread = Expression::Spread { statistic: Spread::DeviationSample, value: value(1) };
    let correlation = pair(&schema, Pair::Correlation, 1, 2);
    let asked = query(within(&schema, 0, 1, 3), &[0], &[spread, correlation, product(&schema, 2, 3)]);
    let program = lower(&manifest, &asked, LayoutKind::Scan).expect("lowers");
    let outputs = interpreter::run(&manifest, &program, &table);
    let totals = release_values::combine(&schema, &asked, &program, &outputs);
    assert_eq!(totals, Ok(plaintext::evaluate(&schema, &asked, &table)));
}
