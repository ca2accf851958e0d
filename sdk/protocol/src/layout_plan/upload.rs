//! How much an owner uploads, known before anything is encrypted.

use crate::{
    layout::{RollupLayout, ScanLayout},
    parameters::{ParameterSet, ScanParameters},
};

/// Bytes of an encrypted cell: the body coefficient; masks are seeds.
pub(super) const CELL_BYTES: u64 = 8;

/// Sizes of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UploadEstimate {
    /// Encrypted aggregates.
    pub cells: u64,
    /// Bytes of the encrypted aggregates.
    pub rollup_bytes: u64,
    /// Slices of a chunk.
    pub slices: u64,
    /// Chunks of rows.
    pub chunks: u64,
    /// Slots encrypted: slices times chunks times the rows a chunk has room for.
    pub slots: u64,
    /// Bytes of all slices of all chunks.
    pub scan_bytes: u64,
    /// Bytes of the evaluation keys.
    pub evaluation_key_bytes: u64,
    /// Bytes of the rows for scores of models, with their evaluation keys.
    pub score_bytes: u64,
}

impl UploadEstimate {
    /// Everything together.
    pub const fn total_bytes(&self) -> u64 {
        self.rollup_bytes + self.scan_bytes + self.evaluation_key_bytes + self.score_bytes
    }

    /// The largest object, about: a chunk of rows.
    pub fn largest_object(&self, rows: u64) -> u64 {
        let degree = ParameterSet::Score16kV1.scan().map_or(1, |set| set.degree as u64);
        let score = self.score_bytes / rows.div_ceil(degree).max(1);
        score.max(self.scan_bytes / self.chunks.max(1))
    }

    /// With the rows for scores of models too.
    pub(super) fn with(self, rows: u64, score: &ScanLayout) -> Self {
        let slices = score.slices().len() as u64;
        let bytes = slices * slice_bytes(score.parameter_set, rows) + key_bytes(score.parameter_set);
        let chunks = score.parameter_set.scan().map_or(0, |set| rows.div_ceil(set.degree as u64));
        let degree = score.parameter_set.scan().map_or(0, |set| set.degree as u64);
        Self { score_bytes: bytes, slots: self.slots + slices * chunks * degree, ..self }
    }
}

pub(super) fn estimate(
    rows: u64,
    rollup: Option<&RollupLayout>,
    scan: Option<&ScanLayout>,
) -> UploadEstimate {
    let mut estimate = UploadEstimate::default();
    if let Some(rollup) = rollup {
        estimate.cells = rollup.cells;
        estimate.rollup_bytes = rollup.cells * CELL_BYTES;
    }
    if let Some((scan, set)) = scan.and_then(|scan| Some((scan, scan.parameter_set.scan()?))) {
        estimate.slices = scan.slices().len() as u64;
        estimate.chunks = rows.div_ceil(set.degree as u64);
        estimate.slots = estimate.slices * estimate.chunks * set.degree as u64;
        // Freshly encrypted, the second polynomial of a ciphertext is a seed.
        estimate.scan_bytes = estimate.slices * slice_bytes(scan.parameter_set, rows);
        estimate.evaluation_key_bytes = key_bytes(scan.parameter_set);
    }
    estimate
}

/// Bytes of one slice of all chunks.
pub(super) fn slice_bytes(set: ParameterSet, rows: u64) -> u64 {
    set.scan().map_or(0, |set| rows.div_ceil(set.degree as u64) * polynomial_bytes(set, set.moduli.len()))
}

/// Hundredths of a byte that a slice takes for a row.
pub(super) fn row_bytes_hundredths(set: ParameterSet) -> u64 {
    set.scan().map_or(0, |set| 100 * polynomial_bytes(set, set.moduli.len()) / set.degree as u64)
}

/// Bytes of a polynomial over the first `moduli` moduli, packed.
fn polynomial_bytes(set: &ScanParameters, moduli: usize) -> u64 {
    let bits: u32 = set.moduli[..moduli].iter().map(|modulus| u64::BITS - modulus.leading_zeros()).sum();
    set.degree as u64 * u64::from(bits) / 8
}

/// The relinearisation key has one seeded ciphertext for each modulus.
pub(super) fn key_bytes(set: ParameterSet) -> u64 {
    set.scan().map_or(0, |set| set.moduli.len() as u64 * polynomial_bytes(set, set.moduli.len()))
}
