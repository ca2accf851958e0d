//! Programs run on plaintext: cells modulo `2^33` and slices modulo `t`, so that an overflow shows,
//! with the rules that encryption imposes (degrees, registers) checked at every step.

use sordino_protocol::{
    coded::CodedTable,
    layout::{CellSum, RollupLayout, ScanLayout, Slice},
    manifest::Manifest,
    parameters::ROLLUP_V1,
    program::{CellOutput, Program, RollupProgram, ScanProgram, Step},
    schema::{ColumnId, Schema},
};

/// The outputs of a program over a plaintext table.
pub(crate) fn run(manifest: &Manifest, program: &Program, table: &CodedTable) -> Vec<i64> {
    match program {
        Program::Rollup(program) => {
            let layout = manifest.rollup.as_ref().expect("published");
            run_rollup(program, &cells(&manifest.schema, layout, table))
        }
        Program::Scan(program) => {
            let layout = manifest.scan_layout(program.parameter_set).expect("published");
            run_scan(program, &manifest.schema, layout, table)
        }
    }
}

/// Whether a row has a value in a column.
fn present(schema: &Schema, table: &CodedTable, row: usize, column: ColumnId) -> bool {
    match schema.column(column).null_code() {
        Some(null) => table.codes(column)[row] != null,
        None => table.values(column)[row].is_some(),
    }
}

fn encoded(schema: &Schema, table: &CodedTable, row: usize, column: ColumnId) -> u64 {
    let min = schema.column(column).measure.as_ref().expect("a measure").min;
    table.values(column)[row].map_or(0, |value| (value - min).cast_unsigned())
}

/// Every cell of the layout's address space.
fn cells(schema: &Schema, layout: &RollupLayout, table: &CodedTable) -> Vec<u64> {
    let mut stored = vec![0; usize::try_from(layout.cells).expect("fits")];
    for cuboid in &layout.cuboids {
        let size = usize::try_from(cuboid.cells).expect("fits");
        let mut sums = vec![vec![0u128; size]; cuboid.arrays as usize];
        for row in 0..table.rows {
            let cell = usize::try_from(cuboid.cell(schema, |id| table.codes(id)[row])).expect("fits");
            for (array, sums) in layout.arrays.iter().zip(&mut sums) {
                let of = |id| u128::from(encoded(schema, table, row, id));
                sums[cell] += match array.sum {
                    CellSum::Rows => 1,
                    CellSum::Present(id) => u128::from(present(schema, table, row, id)),
                    CellSum::Sum(id) => of(id),
                    CellSum::SumOfSquares(id) => of(id) * of(id),
                    CellSum::Product(one, other) => of(one) * of(other),
                };
            }
        }
        for (array, sums) in sums.into_iter().enumerate() {
            let first = usize::try_from(layout.address(cuboid, array)).expect("fits");
            for (cell, sum) in sums.into_iter().enumerate() {
                let limb = u64::try_from(layout.limb_of(array, sum)).expect("a limb fits 64 bits");
                assert!(limb < 1 << ROLLUP_V1.value_bits, "limb {limb} of {sum} does not fit a cell");
                stored[first + cell] = limb;
            }
        }
    }
    stored
}

fn run_rollup(program: &RollupProgram, cells: &[u64]) -> Vec<i64> {
    for selection in &program.selections {
        assert!(selection.iter().all(|(low, high)| low < high));
        assert!(selection.windows(2).all(|pair| pair[0].1 < pair[1].0), "sorted, apart");
    }
    let sum = |output: &CellOutput| {
        let first = program.arrays[output.array as usize].first;
        let range = |(low, high): &(u64, u64)| (first + low) as usize..(first + high) as usize;
        let selection = &program.selections[output.selection as usize];
        let sum: u64 = selection.iter().flat_map(|selected| &cells[range(selected)]).sum();
        (sum % (1 << ROLLUP_V1.value_bits)).cast_signed()
    };
    program.outputs.iter().map(sum).collect()
}

/// Slots of padding after the rows of a chunk.
const PADDING: usize = 3;

fn run_scan(program: &ScanProgram, schema: &Schema, layout: &ScanLayout, table: &CodedTable) -> Vec<i64> {
    let modulus = program.parameter_set.scan().expect("a scan set").plaintext_modulus;
    let mut outputs = vec![0u64; program.outputs.len()];
    let mut first = 0;
    for chunk in &layout.chunks {
        let rows = first..first + chunk.rows as usize;
        first = rows.end;
        let mut registers: Vec<(Vec<u64>, u8)> = Vec::new();
        for slice in &program.slices {
            assert!(layout.slices().contains(slice), "{slice:?} is stored");
            let mut slots: Vec<u64> =
                rows.clone().map(|row| slot(schema, layout, table, row, *slice)).collect();
            slots.resize(slots.len() + PADDING, 0);
            registers.push((slots, 1));
        }
        for step in &program.steps {
            let next = apply(step, &registers, modulus);
            registers.push(next);
        }
        for (output, register) in outputs.iter_mut().zip(&program.outputs) {
            for slot in &registers[*register as usize].0 {
                *output = add(*output, *slot, modulus);
            }
        }
    }
    let closest_to_0 = |sum: u64| {
        if sum > modulus / 2 { sum.cast_signed() - modulus.cast_signed() } else { sum.cast_signed() }
    };
    outputs.into_iter().map(closest_to_0).collect()
}

fn slot(schema: &Schema, layout: &ScanLayout, table: &CodedTable, row: usize, slice: Slice) -> u64 {
    match slice {
        Slice::Exists => 1,
        Slice::AtLeast { column, digit, value } => {
            let digits = layout.digits_of(column).expect("stored");
            u64::from(digits.digits_of(table.codes(column)[row])[usize::from(digit)] >= value)
        }
        Slice::Present(column) => u64::from(present(schema, table, row, column)),
        Slice::Value { column, limb } => limb_of(encoded(schema, table, row, column), limb, layout.limb_bits),
        Slice::Factor { column, limb } => {
            limb_of(encoded(schema, table, row, column), limb, layout.factor_bits)
        }
    }
}

fn limb_of(value: u64, limb: u8, bits: u8) -> u64 {
    value >> (u32::from(limb) * u32::from(bits)) & ((1 << bits) - 1)
}

fn add(a: u64, b: u64, modulus: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(modulus)) as u64
}

fn apply(step: &Step, registers: &[(Vec<u64>, u8)], modulus: u64) -> (Vec<u64>, u8) {
    let zip = |a: &u32, b: &u32, of: &dyn Fn(u64, u64) -> u64| -> Vec<u64> {
        let (a, b) = (&registers[*a as usize].0, &registers[*b as usize].0);
        a.iter().zip(b).map(|(a, b)| of(*a, *b)).collect()
    };
    let product = |a, b| ((u128::from(a) * u128::from(b)) % u128::from(modulus)) as u64;
    let degree = |r: &u32| registers[*r as usize].1;
    match step {
        Step::Sum(operands) => {
            assert!(operands.len() >= 2, "a sum of at least two");
            let mut sum = vec![0; registers[operands[0] as usize].0.len()];
            for operand in operands {
                assert_eq!(degree(operand), degree(&operands[0]), "one degree");
                for (slot, value) in sum.iter_mut().zip(&registers[*operand as usize].0) {
                    *slot = add(*slot, *value, modulus);
                }
            }
            (sum, degree(&operands[0]))
        }
        Step::Subtract(a, b) => {
            assert_eq!(degree(a), degree(b), "one degree");
            (zip(a, b, &|a, b| add(a, modulus - b, modulus)), degree(a))
        }
        Step::Combine(terms) => {
            let mut sum = vec![0; registers[terms[0].0 as usize].0.len()];
            for (operand, coefficient) in terms {
                assert_eq!(degree(operand), degree(&terms[0].0), "one degree");
                let factor = i128::from(*coefficient).rem_euclid(i128::from(modulus)) as u64;
                for (slot, value) in sum.iter_mut().zip(&registers[*operand as usize].0) {
                    *slot = add(*slot, product(factor, *value), modulus);
                }
            }
            (sum, degree(&terms[0].0))
        }
        Step::Relinearise(a) => {
            assert_eq!(degree(a), 2, "a product is relinearised");
            (registers[*a as usize].0.clone(), 1)
        }
        Step::Multiply(a, b) | Step::MultiplyRaw(a, b) => {
            assert_eq!((degree(a), degree(b)), (1, 1), "factors have degree 1");
            let raw = matches!(step, Step::MultiplyRaw(..));
            (zip(a, b, &product), if raw { 2 } else { 1 })
        }
    }
}
