//! A stored segment of rollup cells.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sordino_fhe::{
    error::SourceError,
    progress::Silent,
    rollup::{self, SegmentSource},
};
use sordino_protocol::{
    layout::{CellArray, CellSum, Cuboid, RollupLayout},
    parameters::ParameterSet,
    program::{CellOutput, ProgramArray, RollupProgram},
};

struct One(Bytes);

impl SegmentSource for One {
    fn segment(&self, _: u64) -> Result<Bytes, SourceError> {
        Ok(self.0.clone())
    }
}

fuzz_target!(|data: &[u8]| {
    let array = CellArray { sum: CellSum::Rows, limb: 0 };
    let layout = RollupLayout {
        parameter_set: ParameterSet::RollupV1,
        limb_bits: 33,
        arrays: vec![array],
        cuboids: vec![Cuboid { dimensions: vec![], arrays: 1, cells: 1, first: 0 }],
        cells: 1,
        segments: vec![],
    };
    let program = RollupProgram {
        parameter_set: ParameterSet::RollupV1,
        cuboid: 0,
        selections: vec![vec![(0, 1)]],
        arrays: vec![ProgramArray { array, first: 0 }],
        outputs: vec![CellOutput { selection: 0, array: 0 }],
        recipes: vec![],
    };
    let _ = rollup::evaluate(&layout, &program, &One(Bytes::copy_from_slice(data)), &Silent);
});
