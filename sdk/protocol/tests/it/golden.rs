//! Canonical forms that must never drift: quotes, receipts and decisions refer to these digests. When
//! one of these changes, every stored program and every gate in the field disagrees with the platform.

use sordino_protocol::{
    canonical::Canonical,
    layout::LayoutKind,
    layout_plan::RollupBudget,
    lower::lower,
    predicate::Predicate,
    query::{Expression, Query},
    schema::Schema,
};

use crate::planning::{ROWS, average, credit, published, query, sum, within};

fn asked(schema: &Schema) -> Query {
    let condition = Predicate::and(schema, vec![within(schema, 12, 11, 57), within(schema, 13, 1, 2)]);
    let outputs = [Expression::Group(0), ROWS, average(schema, 20)];
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
            r#""groups":[{"codes":0}],"outputs":[{"expression":{"group":0},"name":"o0"},"#,
            r#"{"expression":{"count":"all"},"name":"o1"},{"expression":{"average":{"branches":["#,
            r#"{"monomials":[{"coefficient":1,"columns":[20]}],"when":"all"}],"scale":0}},"name":"o2"}],"#,
            r#""predicate":{"and":[{"in":{"codes":[[11,57]],"column":12}},"#,
            r#"{"in":{"codes":[[1,2]],"column":13}}]}}"#,
        )
    );
    assert_eq!(
        query.digest().expect("canonical").to_string(),
        "ecb7aef96c9dc812252a47df05449b8223a23ee11f59107ec19f08d3d92723c5"
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
        "8de2329da81a30b83421d0ac75143b9dd784e6ee25607a1c9599746db3e11313"
    );
    assert_eq!(digest(LayoutKind::Scan), "c73cef28e075ea97310b0de6e6ee036a961e9587a26ec1bc3df1ca24f0be3dc1");
}

#[test]
fn a_scan_program_keeps_its_canonical_form() {
    let manifest = published(credit(), 1_000, &RollupBudget::default());
    let query = query(within(&manifest.schema, 13, 1, 2), &[0], &[sum(&manifest.schema, 20)]);
    let program = lower(&manifest, &query, LayoutKind::Scan).expect("lowers");
    let text = String::from_utf8(program.canonical_bytes().expect("canonical")).expect("utf-8");
    assert_eq!(
        text,
        concat!(
            r#"{"layout":"scan","outputs":[7,8,9,10],"parameter_set":"scan-8k-v1","#,
            r#""recipes":[[{"coefficient":1,"output":0}],[{"coefficient":1,"output":1}]],"#,
            r#""slices":["exists",{"at_least":{"column":0,"digit":0,"value":1}},"#,
            r#"{"at_least":{"column":13,"digit":0,"value":1}},{"at_least":{"column":13,"digit":0,"value":2}},"#,
            r#"{"value":{"column":20,"limb":0}}],"steps":[{"subtract":[2,3]},{"subtract":[0,1]},"#,
            r#"{"multiply":[5,6]},{"multiply_raw":[4,7]},{"multiply":[1,5]},{"multiply_raw":[4,9]}]}"#,
        )
    );
}
