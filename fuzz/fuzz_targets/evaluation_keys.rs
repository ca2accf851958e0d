//! An owner's evaluation keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_fhe::scan::Evaluator;
use sordino_protocol::parameters::ParameterSet;

fuzz_target!(|data: &[u8]| {
    for set in [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1] {
        let _ = Evaluator::new(set, data);
    }
});
