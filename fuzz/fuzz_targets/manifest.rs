//! A manifest, as a platform or a buyer receives it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_protocol::{canonical::Canonical, manifest::Manifest};

fuzz_target!(|data: &[u8]| {
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data)
        && manifest.validate().is_ok()
    {
        let bytes = manifest.canonical_bytes().expect("a valid manifest has a canonical form");
        assert_eq!(serde_json::from_slice::<Manifest>(&bytes).expect("read back"), manifest);
    }
});
