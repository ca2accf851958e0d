//! Rows appended to restored aggregates give the aggregates of all rows.

use rand::RngCore;
use sordino_protocol::{
    layout::RollupLayout,
    layout_plan::{self, RollupBudget},
    schema::Schema,
    testing::{self, Shape},
};

use super::support::{Segments, keys, printed_rng, rows};
use crate::{error::FheError, keys::SecretKeys, rollup::Aggregator};

fn encrypted(aggregator: &Aggregator, rng: &mut rand_chacha::ChaCha20Rng) -> Segments {
    let segment = |index| aggregator.encrypt_segment(index, keys(), rng).expect("encrypted").into();
    Segments((0..aggregator.segments()).map(segment).collect())
}

fn layout(schema: &Schema) -> RollupLayout {
    layout_plan::rollup(schema, 300, &RollupBudget::default())
}

#[test]
fn appending_equals_summing_everything() {
    let mut rng = printed_rng("appending");
    for round in 0..6 {
        let mut next = testing::sequence(rng.next_u64());
        // Every other time, sums so large that they are cut into limbs.
        let width = if round % 2 == 0 { 1_000 } else { 1 << 40 };
        let schema = testing::schema(&mut next, &Shape { columns: 4, codes: 9, width, ..Shape::default() });
        let layout = layout(&schema);
        let table = testing::table(&mut next, &schema, 300);
        let (mut all, mut first) = (Aggregator::new(&schema, &layout), Aggregator::new(&schema, &layout));
        all.add(&table);
        first.add(&rows(&table, 0, 120));
        let segments = encrypted(&first, &mut rng);
        let mut restored = Aggregator::restore(&schema, &layout, 120, &segments, keys()).expect("restored");
        let cells = |aggregator: &Aggregator| aggregator.cells(0, layout.cells).expect("fit");
        assert_eq!(cells(&restored), cells(&first));
        restored.add(&rows(&table, 120, 300));
        assert_eq!(cells(&restored), cells(&all));
    }
}

#[test]
fn other_keys_restore_nothing() {
    let mut rng = printed_rng("other keys");
    let mut next = testing::sequence(rng.next_u64());
    let schema = testing::schema(&mut next, &Shape { columns: 2, codes: 5, ..Shape::default() });
    let layout = layout(&schema);
    let mut aggregator = Aggregator::new(&schema, &layout);
    aggregator.add(&testing::table(&mut next, &schema, 40));
    let segments = encrypted(&aggregator, &mut rng);
    let others = SecretKeys::generate(&mut rng);
    let refused = Aggregator::restore(&schema, &layout, 40, &segments, &others);
    assert!(matches!(refused.err(), Some(FheError::OtherKeys)));
    let fewer = Aggregator::restore(&schema, &layout, 39, &segments, keys());
    assert!(matches!(fewer.err(), Some(FheError::OtherKeys)), "other rows than it says");
}
