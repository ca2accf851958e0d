//! A Parquet object of slices.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sordino_fhe::scan::{ChunkReader, SliceSource};
use sordino_protocol::{layout::Slice, parameters::ParameterSet};

fuzz_target!(|data: &[u8]| {
    if let Ok(reader) = ChunkReader::new(Bytes::copy_from_slice(data), ParameterSet::Scan8kV1) {
        let _ = reader.slices(&[Slice::Exists]);
    }
});
