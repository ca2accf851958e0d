//! What a platform claims a program yielded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sordino_fhe::outputs::Outputs;
use sordino_protocol::{
    layout::{CellArray, CellSum, Slice},
    parameters::ParameterSet,
    program::{CellOutput, Program, ProgramArray, Recipe, RollupProgram, ScanProgram},
};

fuzz_target!(|data: &[u8]| {
    let rollup = RollupProgram {
        parameter_set: ParameterSet::RollupV1,
        cuboid: 0,
        selections: vec![vec![(0, 1)]],
        arrays: vec![ProgramArray { array: CellArray { sum: CellSum::Rows, limb: 0 }, first: 0 }],
        outputs: vec![CellOutput { selection: 0, array: 0 }],
        recipes: vec![],
    };
    let scan = ScanProgram {
        parameter_set: ParameterSet::Scan8kV1,
        slices: vec![Slice::Exists],
        steps: vec![],
        outputs: vec![0],
        recipes: vec![Recipe(vec![])],
    };
    for program in [Program::Rollup(rollup), Program::Scan(scan)] {
        if let Ok(outputs) = Outputs::from_bytes(data, &program) {
            assert_eq!(outputs.to_bytes(), data, "only the canonical form is accepted");
        }
    }
});
