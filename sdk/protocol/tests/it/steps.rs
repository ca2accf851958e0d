//! The steps of scan programs: what is well formed, what fits, and what is counted.

use sordino_protocol::{
    bounds::{BoundError, degrees, partial_bytes, scan_noise, working_moduli},
    cost::OperationCounts,
    layout::Slice,
    parameters::ParameterSet,
    program::{MAX_COEFFICIENT, Program, Recipe, ScanProgram, Step},
    schema::ColumnId,
};

const SMALL: ParameterSet = ParameterSet::Scan8kV1;
const LARGE: ParameterSet = ParameterSet::Scan16kV1;

fn program(set: ParameterSet, slices: u8, steps: Vec<Step>, outputs: Vec<u32>) -> ScanProgram {
    ScanProgram {
        parameter_set: set,
        slices: (0..slices).map(|limb| Slice::Value { column: ColumnId(0), limb }).collect(),
        steps,
        outputs,
        recipes: vec![Recipe(vec![])],
    }
}

/// A product of so many levels, the last one raw.
fn deep(set: ParameterSet, depth: u32) -> ScanProgram {
    let mut steps: Vec<Step> = (0..depth - 1).map(|level| Step::Multiply(level, level)).collect();
    steps.push(Step::MultiplyRaw(depth - 1, depth - 1));
    program(set, 1, steps, vec![depth])
}

#[test]
fn combinations_and_relinearisations_are_checked() {
    let raw = Step::MultiplyRaw(0, 1);
    let good = [
        vec![Step::Combine(vec![(0, MAX_COEFFICIENT), (1, -MAX_COEFFICIENT), (0, 1)])],
        vec![raw.clone(), Step::Combine(vec![(2, -1)]), Step::Relinearise(3), Step::Multiply(4, 0)],
    ];
    for steps in good {
        let last = 1 + steps.len() as u32;
        degrees(&program(SMALL, 2, steps, vec![last])).expect("well formed");
    }
    let bad = [
        vec![Step::Combine(vec![])],
        vec![Step::Combine(vec![(0, 0)])],
        vec![Step::Combine(vec![(0, MAX_COEFFICIENT + 1)])],
        vec![Step::Combine(vec![(0, i64::MIN)])],
        vec![Step::Combine(vec![(2, 1)])],
        vec![raw.clone(), Step::Combine(vec![(2, 1), (0, 1)])],
        vec![raw.clone(), Step::Multiply(2, 0)],
        vec![raw, Step::Sum(vec![2, 0])],
        vec![Step::Relinearise(0)],
        vec![Step::Relinearise(7)],
    ];
    for steps in bad {
        let refused = degrees(&program(SMALL, 2, steps.clone(), vec![0]));
        assert!(matches!(refused, Err(BoundError::Malformed { .. })), "{steps:?}: {refused:?}");
    }
}

#[test]
fn products_are_computed_in_as_few_moduli_as_their_depth_allows() {
    let moduli = |set, depth| working_moduli(&deep(set, depth)).expect("well formed");
    assert_eq!([1, 2, 3, 4].map(|depth| moduli(LARGE, depth)), [3, 4, 5, 6]);
    assert_eq!([1, 2, 3].map(|depth| moduli(SMALL, depth)), [2, 3, 4]);
    for (set, depth) in [(LARGE, 4), (SMALL, 3)] {
        scan_noise(&deep(set, depth), 1_000).expect("it fits");
    }
    let refused = scan_noise(&deep(SMALL, 4), 1);
    assert!(matches!(refused, Err(BoundError::Noise { .. })), "{refused:?}");
}

#[test]
fn sums_of_products_beyond_the_extended_basis_are_refused_by_name() {
    // Each combination is harmless as noise goes, but the numbers grow.
    let products = |factors: &[i64]| {
        let mut steps = vec![Step::MultiplyRaw(0, 0)];
        steps.extend(
            factors.iter().enumerate().map(|(at, factor)| Step::Combine(vec![(1 + at as u32, *factor)])),
        );
        let last = steps.len() as u32;
        program(LARGE, 1, steps, vec![last])
    };
    scan_noise(&products(&[1 << 20]), 1_000).expect("it fits");
    let refused = scan_noise(&products(&[1 << 30, 1 << 30]), 1);
    let Err(error @ BoundError::Products { weight_bits: 60, .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("smaller constants"), "{error}");
    assert!(scan_noise(&products(&[1 << 40]), 1 << 20).is_err());
}

#[test]
fn every_operation_is_counted_once() {
    let steps = vec![
        Step::Sum(vec![0, 1, 2]),
        Step::MultiplyRaw(3, 2),
        Step::MultiplyRaw(3, 1),
        Step::Combine(vec![(4, 2), (5, -3)]),
        Step::Relinearise(6),
        Step::Subtract(0, 7),
        Step::Multiply(8, 3),
    ];
    let program = program(LARGE, 3, steps, vec![9, 6, 3]);
    let counts = OperationCounts::of(&Program::Scan(program.clone()), 10);
    let expected = OperationCounts {
        loads: 30,
        // Two of the sum, two of the combination, one of the difference; then nine merges of three.
        additions: 50 + 27,
        // Registers 1, 2, 3 and 8 are factors; the difference mixes a slice with a product.
        extensions: 50,
        multiplications: 30,
        relinearisations: 20,
        slot_sums: 2,
        product_sums: 1,
        moduli: 4,
        cells: 0,
    };
    assert_eq!(counts, expected);
    assert_eq!(counts.total(), 30 + 77 + 50 + 30 + 20 + 3);
    let polynomial = 8 * 16_384;
    assert_eq!(partial_bytes(&program), Ok(polynomial * (2 * 4 + 3 * 9 + 2 * 7)));
}

#[test]
fn fewer_moduli_cost_fewer_units() {
    let units = |set, depth| {
        let counts = OperationCounts::of(&Program::Scan(deep(set, depth)), 2);
        OperationCounts { multiplications: 2, extensions: 2, relinearisations: 0, ..counts }.units(set)
    };
    assert!(units(LARGE, 1) < units(LARGE, 2) && units(LARGE, 2) < units(LARGE, 4));
    assert!(units(SMALL, 1) < units(LARGE, 1));
}
