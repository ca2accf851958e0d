//! Products of measures, which only some cuboids have: summed, encrypted, restored, evaluated.

use rand::RngCore;
use sordino_protocol::{
    digest::Digest,
    layout::{CellSum, LayoutKind},
    layout_plan::{self, RollupBudget},
    lower::lower,
    plaintext,
    predicate::{CodeSet, Predicate},
    program::Program,
    query::{Expression, GroupKey, Output, Pair, Query, Value},
    release_values,
    schema::{Column, ColumnId, Domain, Measure, Schema},
    testing,
};

use super::support::{Segments, keys, printed_rng, rows};
use crate::{
    outputs::decrypt,
    progress::Silent,
    rollup::{self, Aggregator},
};

const ROWS: usize = 400;

/// Two dimensions, and measures of which some products are cut into limbs.
fn schema() -> Schema {
    let column = |name: &str, dimension, measure| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension,
        measure,
    };
    let dimension = |name, max| column(name, Some(Domain::Integer { min: 0, max }), None);
    let measure = |name, min, max| column(name, None, Some(Measure { scale: 0, min, max }));
    let columns = vec![
        dimension("a", 6),
        dimension("b", 40),
        measure("x", -20, 300),
        measure("y", -9_000_000, 30_000_000),
        measure("z", 5, 7),
    ];
    Schema { table: "t".to_owned(), null_values: vec![], columns }
}

fn asked(schema: &Schema, predicate: Predicate, groups: &[u16]) -> Query {
    let value = |column| Value::measure(schema, ColumnId(column));
    let product = value(2).times(schema, &value(4)).expect("small");
    let pair = |statistic, y, x| Expression::Pair { statistic, y: value(y), x: value(x) };
    let expressions =
        [Expression::Sum(product), pair(Pair::Slope, 3, 2), pair(Pair::CovariancePopulation, 2, 4)];
    let output = |expression| Output { name: "o".to_owned(), expression };
    Query {
        dataset: Digest::from_bytes([0; 32]),
        outputs: expressions.into_iter().map(output).collect(),
        predicate,
        groups: groups.iter().copied().map(ColumnId).map(GroupKey::Codes).collect(),
        scores: Vec::new(),
    }
}

#[test]
fn encrypted_cross_moments_equal_plaintext_after_appending_too() {
    let mut rng = printed_rng("moments");
    let mut next = testing::sequence(rng.next_u64());
    let schema = schema();
    let table = testing::table(&mut next, &schema, ROWS);
    let layout = layout_plan::rollup(&schema, ROWS as u64, &RollupBudget::default());
    let arrays: Vec<_> = layout.cuboids.iter().map(|cuboid| cuboid.arrays as usize).collect();
    assert_eq!(arrays[..3], [layout.arrays.len(); 3], "total and single dimensions have products");
    assert!(arrays[3] < layout.arrays.len(), "the pair of dimensions has none");

    let encrypted = |aggregator: &Aggregator, rng: &mut _| {
        let segment = |index| aggregator.encrypt_segment(index, keys(), rng).expect("encrypted").into();
        Segments((0..aggregator.segments()).map(segment).collect())
    };
    let mut before = Aggregator::new(&schema, &layout);
    before.add(&rows(&table, 0, 150));
    let segments = encrypted(&before, &mut rng);
    let mut aggregator = Aggregator::restore(&schema, &layout, 150, &segments, keys()).expect("restored");
    aggregator.add(&rows(&table, 150, ROWS));
    let segments = encrypted(&aggregator, &mut rng);

    let manifest = testing::manifest(schema, ROWS as u64, Some(layout), None, &[]);
    manifest.validate().expect("a valid manifest");
    let (schema, layout) = (&manifest.schema, manifest.rollup.as_ref().expect("published"));
    let few = |column| Predicate::column_in(schema, ColumnId(column), CodeSet::from_codes([1, 2, 5]));
    for query in [
        asked(schema, Predicate::All, &[]),
        asked(schema, few(1), &[]),
        asked(schema, few(1), &[1]),
        asked(schema, few(0).negated(schema), &[0]),
    ] {
        let program = lower(&manifest, &query, LayoutKind::Rollup).expect("lowered");
        let Program::Rollup(of_cells) = &program else { panic!("asked for rollup") };
        let outputs = rollup::evaluate(layout, of_cells, &segments, &Silent).expect("evaluated");
        let decrypted = decrypt(keys(), &program, &outputs).expect("decrypted");
        let combined = release_values::combine(schema, &query, &program, &decrypted).expect("combined");
        assert_eq!(combined, plaintext::evaluate(schema, &query, &table), "{query:?}");
    }
}

/// More sums than are added at once.
#[test]
fn many_measures_are_summed_in_blocks() {
    let mut rng = printed_rng("many measures");
    let mut next = testing::sequence(rng.next_u64());
    let mut schema = schema();
    let measure = schema.columns[4].clone();
    schema.columns.extend((0..20).map(|index| Column { name: format!("m{index}"), ..measure.clone() }));
    let layout = layout_plan::rollup(&schema, 50, &RollupBudget::default());
    assert!(layout.arrays.len() > 200, "products of 23 measures");
    let table = testing::table(&mut next, &schema, 50);
    let mut aggregator = Aggregator::new(&schema, &layout);
    aggregator.add(&table);
    let cells = aggregator.cells(0, layout.cells).expect("fit");
    let total = |sum| cells[layout.arrays.iter().position(|array| array.sum == sum).expect("stored")];
    let encoded = |row: usize, id| {
        let value = table.values(ColumnId(id))[row].expect("never null");
        (value - schema.column(ColumnId(id)).measure.as_ref().expect("a measure").min).cast_unsigned()
    };
    for (x, y) in [(2, 4), (4, 5), (10, 24), (23, 24)] {
        let expected: u64 = (0..50).map(|row| encoded(row, x) * encoded(row, y)).sum();
        let product = CellSum::Product(ColumnId(x), ColumnId(y));
        assert_eq!(total(product), expected, "columns {x} and {y}");
    }
}
