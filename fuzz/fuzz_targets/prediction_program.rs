//! A schema and a vendor's model in integers, as a platform receives them: the program of it is sound.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_model::{
    predict::{Serving, program},
    quantised::Quantised,
};
use sordino_protocol::{bounds::flooding, canonical::Canonical, predict::InputEncoding, schema::Schema};

fuzz_target!(|data: &[u8]| {
    let Some(middle) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (schema, model) = (&data[..middle], &data[middle + 1..]);
    let (Ok(schema), Ok(model)) =
        (serde_json::from_slice::<Schema>(schema), serde_json::from_slice::<Quantised>(model))
    else {
        return;
    };
    if schema.validate().is_err() {
        return;
    }
    for encoding in [InputEncoding::Edges, InputEncoding::Tests] {
        for serving in [Serving::Batch, Serving::Single] {
            if let Ok(program) = program(&model, &schema, encoding, serving) {
                assert!(program.is_consistent());
                flooding(&program.scan_program()).expect("a program that was made has room");
                program.canonical_bytes().expect("it has a digest");
            }
        }
    }
});
