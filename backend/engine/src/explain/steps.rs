//! A program as lines to read.

use sordino_protocol::{
    layout::{CellArray, CellSum, Slice},
    manifest::Manifest,
    program::{Program, RollupProgram, ScanProgram, Step},
    schema::{ColumnId, Schema},
};

/// The most steps that are written out.
const MAX_STEPS: usize = 200;
/// The most operands of a sum that are written out.
const MAX_OPERANDS: usize = 16;

/// What is read of every chunk, or of the cuboid.
pub(super) fn reads(manifest: &Manifest, program: &Program) -> Vec<String> {
    let schema = &manifest.schema;
    match program {
        Program::Rollup(program) => {
            program.arrays.iter().map(|array| array_name(schema, array.array)).collect()
        }
        Program::Scan(program) => program.slices.iter().map(|slice| slice_name(manifest, *slice)).collect(),
    }
}

/// The program.
pub(super) fn lines(manifest: &Manifest, program: &Program) -> Vec<String> {
    match program {
        Program::Rollup(program) => rollup(manifest, program),
        Program::Scan(program) => scan(manifest, program),
    }
}

fn rollup(manifest: &Manifest, program: &RollupProgram) -> Vec<String> {
    let cuboid = manifest.rollup.as_ref().and_then(|layout| layout.cuboids.get(program.cuboid as usize));
    let dimensions = cuboid.map_or(&[][..], |cuboid| cuboid.dimensions.as_slice());
    let names: Vec<_> = dimensions.iter().map(|id| name(&manifest.schema, *id)).collect();
    let of = if names.is_empty() { "all rows".to_owned() } else { names.join(" x ") };
    let mut lines = vec![format!("cuboid {}: {of}, {} cells", program.cuboid, cuboid.map_or(0, |c| c.cells))];
    for (number, array) in program.arrays.iter().enumerate() {
        lines.push(format!("a{number} = {}", array_name(&manifest.schema, array.array)));
    }
    for (number, output) in program.outputs.iter().enumerate().take(MAX_STEPS) {
        let selection = program.selections.get(output.selection as usize);
        let cells: u64 = selection.map_or(0, |ranges| ranges.iter().map(|(low, high)| high - low).sum());
        lines.push(format!("output {number} = sum of {cells} cells of a{}", output.array));
    }
    shortened(&mut lines, program.outputs.len());
    lines
}

fn scan(manifest: &Manifest, program: &ScanProgram) -> Vec<String> {
    let mut lines: Vec<_> = program
        .slices
        .iter()
        .enumerate()
        .map(|(number, slice)| format!("r{number} = {}", slice_name(manifest, *slice)))
        .collect();
    for (number, step) in program.steps.iter().enumerate().take(MAX_STEPS) {
        lines.push(format!("r{} = {}", program.slices.len() + number, operation(step)));
    }
    shortened(&mut lines, program.steps.len());
    let chunks = manifest.chunks(program.parameter_set);
    let outputs = program.outputs.iter().map(|register| format!("r{register}")).collect::<Vec<_>>();
    let shown = outputs.iter().take(MAX_OPERANDS).cloned().collect::<Vec<_>>().join(", ");
    let more = outputs.len().saturating_sub(MAX_OPERANDS);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    lines.push(format!("sums over slots and {chunks} chunks: {shown}{more}"));
    lines
}

fn shortened(lines: &mut Vec<String>, steps: usize) {
    if steps > MAX_STEPS {
        lines.push(format!("... and {} more steps", steps - MAX_STEPS));
    }
}

fn operation(step: &Step) -> String {
    let listed = |parts: Vec<String>| {
        let more = parts.len().saturating_sub(MAX_OPERANDS);
        let shown = parts.into_iter().take(MAX_OPERANDS).collect::<Vec<_>>().join(" + ");
        if more == 0 { shown } else { format!("{shown} + {more} more") }
    };
    match step {
        Step::Sum(operands) => listed(operands.iter().map(|register| format!("r{register}")).collect()),
        Step::Subtract(a, b) => format!("r{a} - r{b}"),
        Step::Multiply(a, b) => format!("r{a} * r{b}, relinearised"),
        Step::MultiplyRaw(a, b) => format!("r{a} * r{b}"),
        Step::Combine(operands) => {
            listed(operands.iter().map(|(register, factor)| format!("{factor} r{register}")).collect())
        }
        Step::Relinearise(a) => format!("r{a}, relinearised"),
    }
}

fn name(schema: &Schema, id: ColumnId) -> String {
    schema.column(id).name.clone()
}

fn slice_name(manifest: &Manifest, slice: Slice) -> String {
    let schema = &manifest.schema;
    match slice {
        Slice::Exists => "slice: the row exists".to_owned(),
        Slice::Present(id) => format!("slice: {} is not null", name(schema, id)),
        Slice::Value { column, limb } => format!("slice: value of {}, limb {limb}", name(schema, column)),
        Slice::Factor { column, limb } => {
            format!("slice: value of {}, limb {limb} for products", name(schema, column))
        }
        Slice::AtLeast { column, digit, value } => {
            let digits = manifest.scan.as_ref().and_then(|scan| scan.digits_of(column));
            match digits.filter(|digits| digits.bases.len() == 1) {
                Some(_) => {
                    let label = schema.column(column).label(value).unwrap_or_else(|| "null".to_owned());
                    format!("slice: {} from {label} on", name(schema, column))
                }
                None => format!("slice: digit {digit} of {} >= {value}", name(schema, column)),
            }
        }
    }
}

fn array_name(schema: &Schema, array: CellArray) -> String {
    let what = match array.sum {
        CellSum::Rows => "rows".to_owned(),
        CellSum::Present(id) => format!("rows with {}", name(schema, id)),
        CellSum::Sum(id) => format!("sums of {}", name(schema, id)),
        CellSum::SumOfSquares(id) => format!("sums of the square of {}", name(schema, id)),
        CellSum::Product(one, other) => format!("sums of {} * {}", name(schema, one), name(schema, other)),
    };
    format!("cells: {what}, limb {}", array.limb)
}
