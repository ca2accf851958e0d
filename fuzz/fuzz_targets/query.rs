//! A query with the schema it is asked of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_protocol::{canonical::Canonical, query::Query, schema::Schema};

fuzz_target!(|data: &[u8]| {
    let Some(middle) = data.iter().position(|byte| *byte == b'\n') else { return };
    let (schema, query) = (&data[..middle], &data[middle + 1..]);
    if let (Ok(schema), Ok(query)) =
        (serde_json::from_slice::<Schema>(schema), serde_json::from_slice::<Query>(query))
        && schema.validate().is_ok()
        && query.validate(&schema).is_ok()
    {
        let bytes = query.canonical_bytes().expect("a valid query has a canonical form");
        assert_eq!(serde_json::from_slice::<Query>(&bytes).expect("read back"), query);
        assert!(!query.requirements(&schema).quantities.is_empty());
    }
});
