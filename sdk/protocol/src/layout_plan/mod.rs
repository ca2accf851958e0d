//! Which cuboids, digits and limbs a table is published with. The choices follow from the public
//! schema and the number of rows alone, never from the values of rows.

use crate::{
    layout::{RollupLayout, ScanLayout},
    parameters::SCAN_8K_V1,
    schema::{ColumnId, Schema},
};

mod candidates;
mod growth;
mod publication;
mod rollup;
mod scan;
mod score;
mod structure;
mod sums;
mod upload;
mod workload;

pub use growth::{GrowthError, check_growth};
pub use scan::{HEADROOM, MAX_ROWS_8K};
pub use upload::UploadEstimate;

/// What the cuboids may cost the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollupBudget {
    /// Encrypted cells of all arrays of all cuboids; each is 8 bytes of upload.
    pub max_cells_total: u64,
    /// Cells of one array of one cuboid.
    pub max_cells_per_cuboid: u64,
    /// Dimensions of one cuboid.
    pub max_dimensions: usize,
    /// Number of cuboids; each is a line of the manifest.
    pub max_cuboids: usize,
}

impl Default for RollupBudget {
    fn default() -> Self {
        Self {
            max_cells_total: 4 << 20,
            max_cells_per_cuboid: 64 << 10,
            max_dimensions: 3,
            max_cuboids: 4_096,
        }
    }
}

/// What a publication may consist of, and cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of the whole upload. If not given, [`default_upload`], and more where columns would
    /// otherwise be left out.
    pub max_upload: Option<u64>,
    /// Whether aggregates are published, and what they may cost at most.
    pub rollup: Option<RollupBudget>,
    /// Whether the bitmap index is published.
    pub scan: bool,
    /// Whether the dimensions are published once more for scores of models. It comes on top of
    /// `max_upload`, for it has no smaller form.
    pub score: bool,
}

/// What to publish, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// The aggregates; `segments` still empty.
    pub rollup: Option<RollupLayout>,
    /// The bitmap index; `chunks` still empty and the digest of the evaluation keys still zero.
    pub scan: Option<ScanLayout>,
    /// The rows for scores of models; `chunks` still empty and the digest of the evaluation keys still zero.
    pub score: Option<ScanLayout>,
    /// Sizes.
    pub upload: UploadEstimate,
    /// What the upload was allowed to be.
    pub max_upload: u64,
    /// What was chosen for each column that is encrypted, in schema order.
    pub columns: Vec<ColumnChoice>,
    /// What else could have been uploaded, and this plan among it.
    pub alternatives: Vec<Alternative>,
}

/// How a column is written in the bitmap index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice {
    /// The column.
    pub column: ColumnId,
    /// Codes of its dimension, 0 if it has none.
    pub codes: u32,
    /// The digits of its code; none if it is no dimension, or is left to the aggregates.
    pub bases: Vec<u32>,
    /// Slices, those of values and presence included.
    pub slices: u64,
    /// Bytes of a row, rounded down.
    pub row_bytes: u64,
    /// Products of an equality, on average, in hundredths.
    pub equality_products: u64,
    /// Products of a range, on average, in hundredths.
    pub range_products: u64,
    /// Why.
    pub why: &'static str,
}

/// Another way to publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative {
    /// What it does.
    pub name: &'static str,
    /// Bytes of the whole upload.
    pub bytes: u64,
}

/// Why nothing can be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Not even the smallest layouts fit.
    #[error(
        "at least {needed} bytes have to be uploaded, and {max_upload} are allowed: allow more, publish aggregates \
         too, or take columns or codes out of the schema"
    )]
    Upload {
        /// Bytes of the smallest layouts.
        needed: u64,
        /// Bytes allowed.
        max_upload: u64,
    },
}

/// Bytes of an upload that every table may have.
const MIN_DEFAULT_UPLOAD: u64 = 64_000_000;
/// Bytes a row beyond that: about 115 slices of the larger set.
const DEFAULT_ROW_BYTES: u64 = 6_144;
/// Bytes that nobody uploads without having said so: an hour at 140 megabits a second.
const MAX_DEFAULT_UPLOAD: u64 = 64_000_000_000;

/// The most that is uploaded for a table unless its owner says otherwise. Chunks are full of rows or
/// not, so rows count in steps of the smallest chunk.
pub fn default_upload(rows: u64) -> u64 {
    let slots = rows.next_multiple_of(SCAN_8K_V1.degree as u64);
    slots.saturating_mul(DEFAULT_ROW_BYTES).clamp(MIN_DEFAULT_UPLOAD, MAX_DEFAULT_UPLOAD)
}

/// Chooses layouts, cuboids, digits and parameter set for a table within its owner's budget.
///
/// # Errors
/// When nothing fits.
pub fn publication(schema: &Schema, rows: u64, budget: &Budget) -> Result<Publication, PlanError> {
    publication::plan(schema, rows, budget)
}

/// The largest rollup layout for a table within a budget: limbs and cuboids chosen, `segments` still
/// empty.
pub fn rollup(schema: &Schema, rows: u64, budget: &RollupBudget) -> RollupLayout {
    rollup::Cuboids::new(schema, rows, budget).within(budget.max_cells_total)
}

/// The scan layout for a table that is published in no other: set, digits and limbs chosen; `chunks`
/// still empty and the digest of the evaluation keys still zero.
pub fn scan(schema: &Schema, rows: u64) -> ScanLayout {
    publication::scan_alone(schema, rows)
}

/// What will be uploaded for `rows` rows in the given layouts.
pub fn upload_estimate(
    rows: u64,
    rollup: Option<&RollupLayout>,
    scan: Option<&ScanLayout>,
) -> UploadEstimate {
    upload::estimate(rows, rollup, scan)
}

/// The layout for scores of models of a table: digits chosen; `chunks` still empty and the digest of the
/// evaluation keys still zero.
pub fn score(schema: &Schema) -> ScanLayout {
    score::layout(schema)
}
