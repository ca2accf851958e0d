//! Evaluates a rollup program: sums of selected cells, extracted as LWE ciphertexts.
//!
//! Coefficient j of a GLWE (a, b) is the LWE with body b_j and mask m_k = A(j-k), where A(x) = a_x
//! for x >= 0 and -a_(N+x) for x < 0 (the ring is negacyclic). A range of coefficients has the mask
//! m_k = P(high-k) - P(low-k) with the prefix sums P of A, so a range costs as much as a cell. The
//! prefix sums are stored backwards, which makes both accesses run forwards in k. Many ranges of one
//! ciphertext are added as one product of polynomials instead (`products.rs`). All arithmetic wraps
//! modulo 2^64, so the result does not depend on the order of additions, nor on which way is taken.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;
use sordino_protocol::{
    bounds::BoundError,
    layout::RollupLayout,
    parameters::{ParameterSet, ROLLUP_V1},
    program::RollupProgram,
};

use crate::{
    error::{FheError, SourceError},
    outputs::{Lwe, Outputs},
    parameters::GLWE_DEGREE,
    progress::Progress,
    rollup::{
        SegmentSource,
        products::{CROSSOVER, Transforms},
        segment::Segment,
    },
    trust::{Object, guard},
};

/// Pieces that one task adds up before it looks for the next.
const PIECES_PER_TASK: usize = 1_024;

/// A run of selected coefficients of one ciphertext, and the output they are added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    segment: u64,
    output: u32,
    ciphertext: u8,
    low: u16,
    high: u16,
}

/// What a ciphertext is added up from; each form made where a piece needs it.
#[derive(Default)]
struct Expanded {
    /// The backward prefix sums of the mask.
    prefix: Vec<u64>,
    /// The transforms of the mask.
    transforms: Option<Transforms>,
}

/// Runs `program` over the stored segments.
///
/// # Errors
/// When the program does not fit the layout, a segment is missing or refused, or it is cancelled.
pub fn evaluate(
    layout: &RollupLayout,
    program: &RollupProgram,
    source: &dyn SegmentSource,
    progress: &dyn Progress,
) -> Result<Outputs, FheError> {
    let pieces = pieces(layout, program)?;
    let sums: Vec<Mutex<Lwe>> = program.outputs.iter().map(|_| Mutex::new(Lwe::zero())).collect();
    let by_segment: Vec<&[Piece]> = pieces.chunk_by(|a, b| a.segment == b.segment).collect();
    by_segment.par_iter().try_for_each(|pieces| add_segment(layout, pieces, source, progress, &sums))?;
    let sums = sums.into_iter().map(|sum| sum.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(Outputs::Rollup(sums.collect()))
}

/// Splits the selections at the boundaries of ciphertexts, sorted by segment and output.
fn pieces(layout: &RollupLayout, program: &RollupProgram) -> Result<Vec<Piece>, FheError> {
    for set in [layout.parameter_set, program.parameter_set] {
        if set != ParameterSet::RollupV1 {
            return Err(FheError::NotARollupSet(set));
        }
    }
    let malformed = |step, reason| FheError::Program(BoundError::Malformed { step, reason });
    let (cells, degree) = (layout.cells, GLWE_DEGREE as u64);
    let mut pieces = Vec::new();
    for (index, output) in program.outputs.iter().enumerate() {
        let (array, selection) = program
            .arrays
            .get(output.array as usize)
            .zip(program.selections.get(output.selection as usize))
            .ok_or(malformed(index, "an output names no array or no selection"))?;
        let output = u32::try_from(index).map_err(|_| malformed(index, "too many outputs"))?;
        for (low, high) in selection {
            let end = array.first.checked_add(*high).filter(|end| *end <= cells && low < high);
            let end = end.ok_or(malformed(index, "a range of cells is empty or beyond the layout"))?;
            let mut address = array.first + low;
            while address < end {
                let ciphertext = address / degree;
                let stop = end.min((ciphertext + 1) * degree);
                pieces.push(Piece {
                    segment: ciphertext / ROLLUP_V1.segment_ciphertexts as u64,
                    output,
                    ciphertext: (ciphertext % ROLLUP_V1.segment_ciphertexts as u64) as u8,
                    low: (address % degree) as u16,
                    high: (stop - ciphertext * degree) as u16,
                });
                address = stop;
            }
        }
    }
    pieces.par_sort_unstable();
    Ok(pieces)
}

fn add_segment(
    layout: &RollupLayout,
    pieces: &[Piece],
    source: &dyn SegmentSource,
    progress: &dyn Progress,
    sums: &[Mutex<Lwe>],
) -> Result<(), FheError> {
    let Some(first) = pieces.first() else { return Ok(()) };
    if progress.cancelled() {
        return Err(FheError::Cancelled);
    }
    let bytes = source.segment(first.segment).map_err(|error| match error {
        SourceError::Cancelled => FheError::Cancelled,
        other => FheError::Source(other),
    })?;
    let before = first.segment * ROLLUP_V1.segment_cells();
    let cells = layout.cells.saturating_sub(before).min(ROLLUP_V1.segment_cells()) as usize;
    let segment = guard(Object::RollupSegment, || Segment::from_bytes(&bytes, cells.div_ceil(GLWE_DEGREE)))?;
    drop(bytes);
    let expanded = expand(&segment, pieces, progress)?;
    pieces.par_chunks(PIECES_PER_TASK).try_for_each(|task| {
        for same in task.chunk_by(|a, b| a.output == b.output) {
            if progress.cancelled() {
                return Err(FheError::Cancelled);
            }
            let mut sum = Lwe::zero();
            let mut products: Option<Transforms> = None;
            for neighbours in same.chunk_by(|a, b| a.ciphertext == b.ciphertext) {
                let ciphertext = usize::from(neighbours[0].ciphertext);
                sum.body = add_bodies(sum.body, segment.body(ciphertext), neighbours);
                match &expanded[ciphertext].transforms {
                    Some(mask) if neighbours.len() >= CROSSOVER => {
                        products.get_or_insert_with(Transforms::zero).add_selected(mask, neighbours)?;
                    }
                    _ => add_masks(&mut sum.mask, &expanded[ciphertext].prefix, neighbours),
                }
            }
            if let Some(products) = products {
                products.finish(&mut sum)?;
            }
            let slot = &sums[same[0].output as usize];
            slot.lock().unwrap_or_else(PoisonError::into_inner).add(&sum);
            progress.advance(same.iter().map(|piece| u64::from(piece.high - piece.low)).sum());
        }
        Ok(())
    })
}

impl Piece {
    pub(super) fn range(&self) -> Range<usize> {
        usize::from(self.low)..usize::from(self.high)
    }
}

/// The ciphertexts that `pieces` touch.
fn expand(segment: &Segment, pieces: &[Piece], progress: &dyn Progress) -> Result<Vec<Expanded>, FheError> {
    const COUNT: usize = ROLLUP_V1.segment_ciphertexts;
    // Which ciphertexts are added up how.
    let (mut singly, mut together) = ([false; COUNT], [false; COUNT]);
    for task in pieces.chunks(PIECES_PER_TASK) {
        for same in task.chunk_by(|a, b| (a.output, a.ciphertext) == (b.output, b.ciphertext)) {
            let forms = if same.len() >= CROSSOVER { &mut together } else { &mut singly };
            forms[usize::from(same[0].ciphertext)] = true;
        }
    }
    let touched = |index: usize| singly[index] || together[index];
    let count = (0..COUNT).rfind(|index| touched(*index)).map_or(0, |last| last + 1);
    let ciphertexts = guard::<_, FheError>(Object::RollupSegment, || Ok(segment.expand(count)))?;
    let expanded = ciphertexts.chunks(2 * GLWE_DEGREE).enumerate().map(|(index, ciphertext)| {
        let mask = &ciphertext[..GLWE_DEGREE];
        let prefix = if singly[index] { backward_prefix_sums(mask) } else { vec![] };
        let transforms = together[index].then(|| Transforms::of_mask(mask)).transpose()?;
        Ok(Expanded { prefix, transforms })
    });
    let expanded = expanded.collect::<Result<_, FheError>>()?;
    progress.advance((0..COUNT).filter(|index| touched(*index)).count() as u64);
    Ok(expanded)
}

/// `E[u] = P(N - u)` for `u` in `0..=2N`, where `P(x)` sums A from -N up to but excluding x.
fn backward_prefix_sums(mask: &[u64]) -> Vec<u64> {
    let mut sums = vec![0u64; 2 * GLWE_DEGREE + 1];
    let mut sum = 0u64;
    for (x, coefficient) in mask.iter().map(|a| a.wrapping_neg()).chain(mask.iter().copied()).enumerate() {
        sum = sum.wrapping_add(coefficient);
        sums[2 * GLWE_DEGREE - 1 - x] = sum;
    }
    sums
}

fn add_bodies(sum: u64, body: &[u64], pieces: &[Piece]) -> u64 {
    let add =
        |sum: u64, piece: &Piece| body[piece.range()].iter().fold(sum, |sum, word| sum.wrapping_add(*word));
    pieces.iter().fold(sum, add)
}

/// Adds the masks of pieces of one ciphertext, several in one pass: each pass costs a load and a store of
/// the whole sum.
fn add_masks(mask: &mut [u64], prefix: &[u64], pieces: &[Piece]) {
    const TOGETHER: usize = 4;
    let (fours, rest) = pieces.as_chunks::<TOGETHER>();
    fours.iter().for_each(|four| add_together(mask, prefix, four));
    rest.iter().for_each(|one| add_together(mask, prefix, &[*one]));
}

fn add_together<const K: usize>(mask: &mut [u64], prefix: &[u64], pieces: &[Piece; K]) {
    // Both windows have N elements, because 0 <= low < high <= N.
    let window = |end: u16| &prefix[GLWE_DEGREE - usize::from(end)..][..GLWE_DEGREE];
    let upper = pieces.map(|piece| window(piece.high));
    let lower = pieces.map(|piece| window(piece.low));
    for (k, mask) in mask[..GLWE_DEGREE].iter_mut().enumerate() {
        for i in 0..K {
            *mask = mask.wrapping_add(upper[i][k].wrapping_sub(lower[i][k]));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rand::{Rng, RngCore};

    use super::*;
    use crate::tests::support::printed_rng;

    fn scattered(count: usize, rng: &mut impl Rng) -> Vec<Piece> {
        let mut cells: Vec<u16> = (0..GLWE_DEGREE as u16).collect();
        (0..2 * count).for_each(|at| cells.swap(at, rng.random_range(at..GLWE_DEGREE)));
        let mut ends = cells[..2 * count].to_vec();
        ends.sort_unstable();
        let piece =
            |pair: &[u16]| Piece { segment: 0, output: 0, ciphertext: 0, low: pair[0], high: pair[1] };
        ends.chunks(2).map(piece).collect()
    }

    fn by_product(mask: &Transforms, pieces: &[Piece]) -> Lwe {
        let (mut sum, mut products) = (Lwe::zero(), Transforms::zero());
        products.add_selected(mask, pieces).expect("added");
        products.finish(&mut sum).expect("added");
        sum
    }

    #[test]
    fn products_equal_prefix_sums_bit_for_bit() {
        let mut rng = printed_rng("products of masks");
        for count in [1, 2, 3, 31, 500, 1_024] {
            let mask: Vec<u64> = (0..GLWE_DEGREE).map(|_| rng.next_u64()).collect();
            let pieces = scattered(count, &mut rng);
            let mut expected = Lwe::zero();
            add_masks(&mut expected.mask, &backward_prefix_sums(&mask), &pieces);
            let sum = by_product(&Transforms::of_mask(&mask).expect("transformed"), &pieces);
            assert_eq!(sum.mask, expected.mask, "{count} ranges");
        }
    }

    #[test]
    #[ignore = "prints figures"]
    fn measure_rollup_products() {
        let mut rng = printed_rng("products of masks");
        let mask: Vec<u64> = (0..GLWE_DEGREE).map(|_| rng.next_u64()).collect();
        let (prefix, transforms) =
            (backward_prefix_sums(&mask), Transforms::of_mask(&mask).expect("transformed"));
        let time = |run: &mut dyn FnMut()| {
            let start = Instant::now();
            (0..1_000).for_each(|_| run());
            start.elapsed() / 1_000
        };
        println!("prefix sums {:?}", time(&mut || drop(backward_prefix_sums(&mask))));
        println!("transforms {:?}", time(&mut || drop(Transforms::of_mask(&mask))));
        for count in [1, 8, 16, 24, 32, 48, 64, 128, 512, 1_024] {
            let pieces = scattered(count, &mut rng);
            let mut sum = Lwe::zero();
            let singly = time(&mut || add_masks(&mut sum.mask, &prefix, &pieces));
            let together = time(&mut || drop(by_product(&transforms, &pieces)));
            println!("{count} ranges of a ciphertext: one by one {singly:?}, as a product {together:?}");
        }
    }
}
