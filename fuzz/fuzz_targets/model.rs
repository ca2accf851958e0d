//! A model in any format: what is read is sound and has a canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_model::{import, limits::Limits, model::Model};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Ok(model) = import::any(data, None, &limits) {
        model.validate(&limits).expect("a model that was read is valid");
        let bytes = model.canonical_bytes().expect("a valid model has a canonical form");
        assert_eq!(Model::from_json(&bytes, &limits).expect("read back"), model);
    }
});
