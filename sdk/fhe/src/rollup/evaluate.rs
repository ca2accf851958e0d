//! Evaluates a rollup program: sums of selected cells, extracted as LWE ciphertexts.
//!
//! Coefficient j of a GLWE (a, b) is the LWE with body b_j and mask m_k = A(j-k), where A(x) = a_x
//! for x >= 0 and -a_(N+x) for x < 0 (the ring is negacyclic). A range of coefficients has the mask
//! m_k = P(high-k) - P(low-k) with the prefix sums P of A, so a range costs as much as a cell. The
//! prefix sums are stored backwards, which makes both accesses run forwards in k. All arithmetic
//! wraps modulo 2^64, so the result does not depend on the order of additions.

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
    rollup::{SegmentSource, segment::Segment},
    trust::{Object, guard},
};

/// Pieces that one task adds up before it looks for the next.
const PIECES_PER_TASK: usize = 256;

/// A run of selected coefficients of one ciphertext, and the output they are added to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Piece {
    segment: u64,
    output: u32,
    ciphertext: u8,
    low: u16,
    high: u16,
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
    let prefixes = expand(&segment, pieces, progress)?;
    pieces.par_chunks(PIECES_PER_TASK).try_for_each(|task| {
        for same in task.chunk_by(|a, b| a.output == b.output) {
            if progress.cancelled() {
                return Err(FheError::Cancelled);
            }
            let mut sum = Lwe::zero();
            for neighbours in same.chunk_by(|a, b| a.ciphertext == b.ciphertext) {
                let ciphertext = usize::from(neighbours[0].ciphertext);
                if let Some(prefix) = &prefixes[ciphertext] {
                    add_pieces(&mut sum, prefix, segment.body(ciphertext), neighbours);
                }
            }
            let slot = &sums[same[0].output as usize];
            slot.lock().unwrap_or_else(PoisonError::into_inner).add(&sum);
            progress.advance(same.iter().map(|piece| u64::from(piece.high - piece.low)).sum());
        }
        Ok(())
    })
}

impl Piece {
    fn range(&self) -> Range<usize> {
        usize::from(self.low)..usize::from(self.high)
    }
}

/// The backward prefix sums of the masks of the ciphertexts that `pieces` touch.
fn expand(
    segment: &Segment,
    pieces: &[Piece],
    progress: &dyn Progress,
) -> Result<Vec<Option<Vec<u64>>>, FheError> {
    let mut touched = [false; ROLLUP_V1.segment_ciphertexts];
    pieces.iter().for_each(|piece| touched[usize::from(piece.ciphertext)] = true);
    let count = touched.iter().rposition(|touched| *touched).map_or(0, |last| last + 1);
    let expanded = guard::<_, FheError>(Object::RollupSegment, || Ok(segment.expand(count)))?;
    let prefixes = expanded
        .chunks(2 * GLWE_DEGREE)
        .zip(touched)
        .map(|(ciphertext, touched)| touched.then(|| backward_prefix_sums(&ciphertext[..GLWE_DEGREE])))
        .collect();
    progress.advance(touched.iter().filter(|touched| **touched).count() as u64);
    Ok(prefixes)
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

/// Adds pieces of one ciphertext, several in one pass over the mask: each pass costs a load and a store
/// of the whole sum.
fn add_pieces(sum: &mut Lwe, prefix: &[u64], body: &[u64], pieces: &[Piece]) {
    const TOGETHER: usize = 4;
    let (fours, rest) = pieces.as_chunks::<TOGETHER>();
    for four in fours {
        add_masks(&mut sum.mask, prefix, four);
    }
    for one in rest {
        add_masks(&mut sum.mask, prefix, &[*one]);
    }
    for piece in pieces {
        sum.body = body[piece.range()].iter().fold(sum.body, |body, word| body.wrapping_add(*word));
    }
}

fn add_masks<const K: usize>(mask: &mut [u64], prefix: &[u64], pieces: &[Piece; K]) {
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
