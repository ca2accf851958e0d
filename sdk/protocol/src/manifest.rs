//! The manifest of a dataset version: immutable, signed by the owner, and all that platform, gate
//! and buyer need to know about it. Its digest names the version.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::Canonical,
    digest::{Digest, Purpose},
    ids::LineageId,
    layout::{LayoutKind, RollupLayout, ScanLayout},
    merkle,
    parameters::{ParameterSet, ROLLUP_V1},
    schema::{Schema, SchemaError},
};

/// The most objects a manifest may list.
pub const MAX_OBJECTS: usize = 1 << 20;

/// The most bytes of a sandbox.
pub const MAX_SANDBOX_BYTES: u64 = 1 << 20;

/// A dataset version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The dataset through all its versions.
    pub lineage: LineageId,
    /// 1 for the first version.
    pub version: u32,
    /// Digest of the manifest before, for version 2 and later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The public schema.
    pub schema: Schema,
    /// Number of rows; public.
    pub rows: u64,
    /// The rollup layout, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollup: Option<RollupLayout>,
    /// The scan layout, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanLayout>,
    /// The same rows once more for scores of models, if published: dimensions only, in a set that bears
    /// products of many factors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<ScanLayout>,
    /// Synthetic rows in clear that buyers may rehearse on, as CSV, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<Digest>,
    /// Every object, in order: rollup segments, scan chunks, evaluation keys; then those of scores; then the
    /// sandbox.
    pub objects: Vec<ObjectRef>,
    /// Merkle root over the digests of `objects`.
    pub root: Digest,
}

/// A stored object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Name and checksum.
    pub digest: Digest,
    /// Size in bytes.
    pub bytes: u64,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// See [`SchemaError`].
    #[error("schema: {0}")]
    Schema(#[from] SchemaError),
    /// The root does not belong to the objects.
    #[error("the Merkle root does not match the list of objects")]
    Root,
    /// A layout mentions an object that is not listed, or the list has one too many.
    #[error("the list of objects is not exactly what the layouts mention, in order")]
    Objects,
    /// Too many synthetic rows.
    #[error("the sandbox has more than {MAX_SANDBOX_BYTES} bytes: publish fewer rows")]
    Sandbox,
    /// Neither layout.
    #[error("the manifest has no layout: nothing could be queried")]
    NoLayout,
    /// Version and predecessor do not agree.
    #[error("version {0} must be at least 1 and name a previous version exactly from 2 on")]
    Version(u32),
    /// Something in a layout contradicts the schema or the parameter set.
    #[error("layout {layout:?}: {reason}")]
    Layout {
        /// Which.
        layout: LayoutKind,
        /// What to change.
        reason: String,
    },
}

impl Canonical for Manifest {
    const PURPOSE: Purpose = Purpose::Manifest;
}

impl Manifest {
    /// Checks everything that can be checked without a key: schema, addresses, digits, bounds, the
    /// list of objects and its root.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), ManifestError> {
        self.schema.validate()?;
        if self.version == 0 || (self.version > 1) != self.previous.is_some() {
            return Err(ManifestError::Version(self.version));
        }
        if self.rollup.is_none() && self.scan.is_none() && self.score.is_none() {
            return Err(ManifestError::NoLayout);
        }
        if let Some(rollup) = &self.rollup {
            self.check_rollup(rollup)
                .map_err(|reason| ManifestError::Layout { layout: LayoutKind::Rollup, reason })?;
        }
        if let Some(scan) = &self.scan {
            self.check_scan(scan)
                .map_err(|reason| ManifestError::Layout { layout: LayoutKind::Scan, reason })?;
        }
        if let Some(score) = &self.score {
            self.check_score(score)
                .map_err(|reason| ManifestError::Layout { layout: LayoutKind::Scan, reason })?;
        }
        let listed: Vec<_> = self.objects.iter().map(|object| object.digest).collect();
        if listed != self.mentioned() || listed.len() > MAX_OBJECTS {
            return Err(ManifestError::Objects);
        }
        if self.sandbox.is_some() && self.objects.last().is_some_and(|last| last.bytes > MAX_SANDBOX_BYTES) {
            return Err(ManifestError::Sandbox);
        }
        if merkle::root(&listed) != self.root {
            return Err(ManifestError::Root);
        }
        Ok(())
    }

    /// The digests the layouts mention, in the order of the list of objects.
    pub fn mentioned(&self) -> Vec<Digest> {
        let mut digests = Vec::new();
        if let Some(rollup) = &self.rollup {
            digests.extend(&rollup.segments);
        }
        for layout in self.scan.iter().chain(&self.score) {
            digests.extend(layout.chunks.iter().map(|chunk| chunk.object));
            digests.push(layout.evaluation_keys);
        }
        digests.extend(&self.sandbox);
        digests
    }

    /// The layout whose slices are of a scan set, if it is published.
    pub fn scan_layout(&self, set: ParameterSet) -> Option<&ScanLayout> {
        self.scan.iter().chain(&self.score).find(|layout| layout.parameter_set == set)
    }

    /// The layout of a scan set, the objects of its chunks and that of its evaluation keys.
    pub fn scan_objects(&self, set: ParameterSet) -> Option<(&ScanLayout, &[ObjectRef], &ObjectRef)> {
        let mut first = self.rollup.as_ref().map_or(0, |rollup| rollup.segments.len());
        for layout in self.scan.iter().chain(&self.score) {
            let end = first + layout.chunks.len();
            if layout.parameter_set == set {
                return Some((layout, self.objects.get(first..end)?, self.objects.get(end)?));
            }
            first = end + 1;
        }
        None
    }

    /// How many chunks a program of a set runs over; 0 if it is of no scan set.
    pub fn chunks(&self, set: ParameterSet) -> u64 {
        self.scan_layout(set).map_or(0, |layout| layout.chunks.len() as u64)
    }

    fn check_score(&self, score: &ScanLayout) -> Result<(), String> {
        if score.parameter_set != ParameterSet::Score16kV1 {
            return Err(format!("{} is not a set for scores", score.parameter_set));
        }
        if !score.measures.is_empty() {
            return Err("a layout for scores has no value slices".to_owned());
        }
        self.check_rows(score)
    }

    fn check_rollup(&self, rollup: &RollupLayout) -> Result<(), String> {
        if rollup.parameter_set.scan().is_some() {
            return Err(format!("{} is not a rollup parameter set", rollup.parameter_set));
        }
        if !(1..=33).contains(&rollup.limb_bits) {
            return Err(format!("limb_bits {} is not within 1 to 33", rollup.limb_bits));
        }
        let mut next = 0u64;
        for (index, cuboid) in rollup.cuboids.iter().enumerate() {
            let sorted = cuboid.dimensions.is_sorted_by(|a, b| a < b);
            let known = cuboid
                .dimensions
                .iter()
                .all(|id| self.schema.columns.get(id.index()).is_some_and(|c| c.dimension.is_some()));
            if !sorted || !known {
                return Err(format!(
                    "cuboid {index}: its dimensions are not sorted dimensions of the schema"
                ));
            }
            let all = rollup.arrays.len();
            if !(1..=all).contains(&(cuboid.arrays as usize)) {
                return Err(format!("cuboid {index}: {} arrays are not within 1 to {all}", cuboid.arrays));
            }
            let cells = cuboid
                .dimensions
                .iter()
                .map(|id| u64::from(self.schema.column(*id).codes()))
                .fold(1, u64::saturating_mul);
            if cuboid.cells != cells || cuboid.first != next {
                return Err(format!("cuboid {index}: expected {cells} cells from address {next}"));
            }
            next = cells
                .checked_mul(u64::from(cuboid.arrays))
                .and_then(|size| next.checked_add(size))
                .ok_or_else(|| format!("cuboid {index}: too many cells"))?;
        }
        if rollup.cells != next {
            return Err(format!("{} cells stated, {next} described", rollup.cells));
        }
        let segments = next.div_ceil(ROLLUP_V1.segment_cells());
        if rollup.segments.len() as u64 != segments {
            return Err(format!("{} segments for {next} cells: expected {segments}", rollup.segments.len()));
        }
        Ok(())
    }

    fn check_scan(&self, scan: &ScanLayout) -> Result<(), String> {
        let measures: Vec<_> = self.schema.measures().collect();
        if scan.parameter_set == ParameterSet::Score16kV1 {
            return Err(format!("{} is not for queries", scan.parameter_set));
        }
        if scan.measures.iter().map(|m| m.column).ne(measures) {
            return Err("the value slices are not those of the schema's measures, in order".to_owned());
        }
        self.check_rows(scan)
    }

    /// What every layout of rows must be.
    fn check_rows(&self, scan: &ScanLayout) -> Result<(), String> {
        let Some(parameters) = scan.parameter_set.scan() else {
            return Err(format!("{} is not a scan parameter set", scan.parameter_set));
        };
        let mut dimensions = self.schema.dimensions();
        if !scan.digits.iter().all(|digits| dimensions.any(|column| column == digits.column)) {
            return Err("the digits are not those of dimensions of the schema, in order".to_owned());
        }
        for digits in &scan.digits {
            digits.check(self.schema.column(digits.column).codes())?;
        }
        if !(1..=55).contains(&scan.limb_bits) {
            return Err(format!("limb_bits {} is not within 1 to 55", scan.limb_bits));
        }
        for slices in &scan.measures {
            let width = self.schema.column(slices.column).measure.as_ref().map_or(0, |m| m.width());
            let bits = u64::BITS - width.leading_zeros();
            if slices.limbs == 0 || u32::from(slices.limbs) * u32::from(scan.limb_bits) < bits {
                return Err(format!("measure {} needs {bits} bits", slices.column.0));
            }
            let narrow = u32::from(slices.factors) * u32::from(scan.factor_bits);
            if slices.factors > 0 && (narrow < bits || scan.factor_bits > scan.limb_bits) {
                return Err(format!("the factors of measure {} need {bits} bits", slices.column.0));
            }
        }
        let nullable: Vec<_> = self
            .schema
            .ids()
            .filter(|id| {
                let column = self.schema.column(*id);
                column.nullable && (column.dimension.is_some() || column.measure.is_some())
            })
            .collect();
        if scan.nullable != nullable {
            return Err("the nullable columns are not those of the schema, in order".to_owned());
        }
        let slots = parameters.degree as u64;
        let rows: u64 = scan.chunks.iter().map(|chunk| chunk.rows).fold(0, u64::saturating_add);
        if scan.chunks.iter().any(|chunk| chunk.rows == 0 || chunk.rows > slots) || rows != self.rows {
            return Err(format!("chunks of 1 to {slots} rows must add up to {} rows", self.rows));
        }
        Ok(())
    }
}
