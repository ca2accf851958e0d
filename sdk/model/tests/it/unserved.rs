//! Models that cannot be served are refused by name, whatever they hold.

use sordino_model::{
    model::Link,
    predict::{PredictError, Serving, program},
    quantised::{Format, IntegerNode, IntegerTree, Quantised, Shape},
};
use sordino_protocol::{
    predicate::CodeSet,
    predict::InputEncoding,
    schema::{Column, ColumnId, Domain, Measure, Schema},
};

/// Twenty codes in column 0, a measure in column 1.
fn schema() -> Schema {
    let column = |name: &str, dimension, measure| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension,
        measure,
    };
    let codes = Domain::Buckets { scale: 0, edges: (0..=20).collect() };
    let measure = Measure { scale: 0, min: 0, max: 9 };
    let columns = vec![column("a", Some(codes), None), column("b", None, Some(measure))];
    Schema { table: "t".to_owned(), null_values: vec![String::new()], columns }
}

fn split(column: u16, code: u32, left: u32, right: u32) -> IntegerNode {
    let codes = CodeSet::from_ranges(vec![(0, code)]);
    IntegerNode::Split { column: ColumnId(column), codes, left, right }
}

fn leaf(value: i64) -> IntegerNode {
    IntegerNode::Leaf(vec![value])
}

fn refused(nodes: Vec<IntegerNode>, largest: i64, serving: Serving) -> PredictError {
    let model = Quantised {
        format: Format::V1,
        shape: Shape::Trees { base: vec![0], trees: vec![IntegerTree { score: 0, nodes }] },
        link: Link::Cutoff { at: 0 },
        classes: Vec::new(),
        fraction_bits: 0,
        bounds: vec![(0, largest)],
    };
    let refused = program(&model, &schema(), InputEncoding::Tests, serving).expect_err("refused");
    println!("{refused}");
    refused
}

/// A tree that splits on the right only, so many times.
fn chain(depth: u32) -> Vec<IntegerNode> {
    let node = |level: u32| [split(0, level + 1, 2 * level + 1, 2 * level + 2), leaf(1)];
    (0..depth).flat_map(node).chain([leaf(2)]).collect()
}

#[test]
fn malformed_trees_are_refused() {
    for serving in [Serving::Batch, Serving::Single] {
        for nodes in [
            vec![],
            vec![split(0, 3, 0, 1), leaf(1)],
            vec![split(0, 3, 1, 9), leaf(1)],
            vec![split(0, 3, 1, 2), split(0, 4, 0, 2), leaf(1)],
        ] {
            assert!(matches!(refused(nodes, 9, serving), PredictError::Model(_)));
        }
        let measured = refused(vec![split(1, 3, 1, 2), leaf(1), leaf(2)], 9, serving);
        assert!(matches!(measured, PredictError::Column { column: ColumnId(1), wanted: "dimension" }));
        let missing = refused(vec![split(7, 3, 1, 2), leaf(1), leaf(2)], 9, serving);
        assert!(matches!(missing, PredictError::Column { column: ColumnId(7), .. }));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let deep = refused(chain(5), 9, Serving::Single);
    assert!(matches!(deep, PredictError::Depth { found: 5, limit: 4 }));
    let deep = refused(chain(17), 9, Serving::Batch);
    assert!(matches!(deep, PredictError::Depth { found: 17, limit: 16 }));
    let wide = refused(chain(2), 1 << 60, Serving::Batch);
    assert!(matches!(wide, PredictError::Scores { .. }));
}
