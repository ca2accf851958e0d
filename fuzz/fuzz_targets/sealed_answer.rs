//! A sealed answer, as a buyer receives it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_protocol::sealed::{RecipientSecret, SealedAnswer};

fuzz_target!(|data: &[u8]| {
    if let Ok(answer) = serde_json::from_slice::<SealedAnswer>(data) {
        let _ = RecipientSecret::from_bytes([7; 32]).open(&answer);
    }
});
