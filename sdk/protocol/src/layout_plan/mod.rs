//! Which cuboids, digits and limbs a table is published with. The choices follow from the public
//! schema and the number of rows alone, never from the values of rows.

use crate::{
    layout::{RollupLayout, ScanLayout},
    schema::Schema,
};

pub mod rollup;
pub mod scan;
mod upload;

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

/// The rollup layout for a table: limbs and cuboids chosen, `segments` still empty.
pub fn rollup(schema: &Schema, rows: u64, budget: &RollupBudget) -> RollupLayout {
    rollup::plan(schema, rows, budget)
}

/// The scan layout for a table: set, digits and limbs chosen; `chunks` still empty and the digest of
/// the evaluation keys still zero.
pub fn scan(schema: &Schema, rows: u64) -> ScanLayout {
    scan::plan(schema, rows)
}

/// What will be uploaded for `rows` rows in the given layouts.
pub fn upload_estimate(
    rows: u64,
    rollup: Option<&RollupLayout>,
    scan: Option<&ScanLayout>,
) -> UploadEstimate {
    upload::estimate(rows, rollup, scan)
}
