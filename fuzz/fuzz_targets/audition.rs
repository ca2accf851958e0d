//! A schema, whose last column is predicted, and a buyer's model in any format: what is asked for its
//! audition is a valid query.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_model::{
    audition::{Subject, choose},
    import,
    limits::Limits,
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
    let subject = Subject { dataset: Digest::from_bytes([1; 32]), rows: 1_000, label, by: None, is_hidden: false };
    if let Ok(chosen) = choose(&model, &schema, subject) {
        chosen.audition.query.validate(&schema).expect("what is asked is a query");
        chosen.audition.query.canonical_bytes().expect("it has a digest");
    }
});
