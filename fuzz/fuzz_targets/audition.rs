//! A schema, whose last column is predicted, and a buyer's model in any format: what is asked for its
//! audition, shown or hidden, is a valid query, its integers follow from the schema alone, and rows that fit
//! that are evaluated.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_model::{
    audition::{Subject, alternatives, choose},
    import,
    limits::Limits,
    preflight::preflight,
};
use sordino_protocol::{canonical::Canonical, digest::Digest, schema::Schema};

fuzz_target!(|data: &[u8]| {
    let Some(middle) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (schema, model) = (&data[..middle], &data[middle + 1..]);
    let (Ok(schema), Ok(model)) =
        (serde_json::from_slice::<Schema>(schema), import::any(model, None, &Limits::default()))
    else {
        return;
    };
    let Some(label) = schema.ids().last().filter(|_| schema.validate().is_ok()) else { return };
    let row: Vec<Option<String>> =
        schema.columns.iter().map(|column| if column.codes() > 0 { column.label(0) } else { None }).collect();
    for is_hidden in [false, true] {
        let subject =
            Subject { dataset: Digest::from_bytes([1; 32]), rows: 1_000, label, by: None, is_hidden };
        let Ok(chosen) = choose(&model, &schema, subject) else { continue };
        let others = alternatives(&chosen, &model, &schema, subject).take(2);
        let all: Vec<_> = [chosen.clone()].into_iter().chain(others).collect();
        for chosen in &all {
            chosen.audition.query.validate(&schema).expect("what is asked is a query");
            chosen.audition.query.canonical_bytes().expect("it has a digest");
            let stated = preflight(&model, &schema, &[row.clone(), row.clone()], &chosen.options);
            assert!(stated.is_supported(), "what has integers is supported");
        }
        if is_hidden && let Ok(veiled) = chosen.audition.query.veiled() {
            veiled.query.validate(&schema).expect("what is shown is a query");
            assert!(veiled.query.is_veiled());
        }
    }
});
