//! Canonical forms that must never drift: quotes, receipts and decisions refer to these digests. When
//! one of these changes, every stored program and every gate in the field disagrees with the platform.

use sordino_protocol::{
    canonical::Canonical,
    layout::LayoutKind,
    layout_plan::RollupBudget,
    lower::lower,
    predicate::Predicate,
    query::{Expression, Query},
    schema::{ColumnId, Schema},
};

use crate::planning::{credit, published, query, within};

fn asked(schema: &Schema) -> Query {
    let condition = Predicate::and(schema, vec![within(schema, 12, 11, 57), within(schema, 13, 1, 2)]);
    let outputs = [Expression::Group(ColumnId(0)), Expression::Rows, Expression::Average(ColumnId(20))];
    query(condition, &[0], &outputs)
}

#[test]
fn a_query_keeps_its_canonical_form() {
    let query = asked(&credit());
    let text = String::from_utf8(query.canonical_bytes().expect("canonical")).expect("utf-8");
    assert_eq!(
        text,
        concat!(
            r#"{"dataset":"0101010101010101010101010101010101010101010101010101010101010101","#,
            r#""groups":[0],"outputs":[{"expression":{"group":0},"name":"o0"},"#,
            r#"{"expression":"rows","name":"o1"},{"expression":{"average":20},"name":"o2"}],"#,
            r#""predicate":{"and":[{"in":{"codes":[[11,57]],"column":12}},"#,
            r#"{"in":{"codes":[[1,2]],"column":13}}]}}"#,
        )
    );
    assert_eq!(
        query.digest().expect("canonical").to_string(),
        "a525ad54cad8428668940f36525976a5e79c7b349ff52a62e63642aec08ec491"
    );
}

#[test]
fn a_program_keeps_its_digest() {
    let manifest = published(credit(), 1_000, &RollupBudget::default());
    let query = asked(&manifest.schema);
    let digest = |kind| {
        let program = lower(&manifest, &query, kind).expect("lowers");
        program.digest().expect("canonical").to_string()
    };
    assert_eq!(
        digest(LayoutKind::Rollup),
        "901cad30df1639c7c4a27bc88c16ad359701e7d77508d836be3740fc6e9b11de"
    );
    assert_eq!(digest(LayoutKind::Scan), "ea8d17efc7da1c9714dcbd8163ef17cd2b0de3d68c489053935043bbf4e4f714");
}

#[test]
fn a_scan_program_keeps_its_canonical_form() {
    let manifest = published(credit(), 1_000, &RollupBudget::default());
    let query = query(within(&manifest.schema, 13, 1, 2), &[0], &[Expression::Sum(ColumnId(20))]);
    let program = lower(&manifest, &query, LayoutKind::Scan).expect("lowers");
    let text = String::from_utf8(program.canonical_bytes().expect("canonical")).expect("utf-8");
    assert_eq!(
        text,
        concat!(
            r#"{"layout":"scan","limb_bits":21,"outputs":[7,8,9,10],"parameter_set":"scan-8k-v1","#,
            r#""slices":["exists",{"at_least":{"column":0,"digit":0,"value":1}},"#,
            r#"{"at_least":{"column":13,"digit":0,"value":1}},{"at_least":{"column":13,"digit":0,"value":2}},"#,
            r#"{"value":{"column":20,"limb":0}}],"steps":[{"subtract":[2,3]},{"subtract":[0,1]},"#,
            r#"{"multiply":[5,6]},{"multiply_raw":[4,7]},{"multiply":[1,5]},{"multiply_raw":[4,9]}],"#,
            r#""values":[{"limb":0,"term":"rows"},{"limb":0,"term":{"sum":20}}]}"#,
        )
    );
}
