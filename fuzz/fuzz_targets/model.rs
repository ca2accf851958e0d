//! A model in any format: what is read is sound and has a canonical form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_model::{import, limits::Limits, model::Model};

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    // Files that name no columns are read with names that the caller has.
    let names = ["a", "b", "c"].map(str::to_owned);
    for names in [None, Some(&names[..])] {
        if let Ok(model) = import::any(data, names, &limits) {
            model.validate(&limits).expect("a model that was read is valid");
            let bytes = model.canonical_bytes().expect("a valid model has a canonical form");
            assert_eq!(Model::from_json(&bytes, &limits).expect("read back"), model);
        }
    }
});
