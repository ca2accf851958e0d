//! Gets the sums of an earlier version back from its own ciphertext, so that rows can be appended by
//! whoever holds the keys, without the rows of before.

use sordino_protocol::{
    layout::{CellSum, RollupLayout},
    parameters::{ParameterSet, ROLLUP_V1},
    schema::Schema,
};

use crate::{
    error::{FheError, SourceError},
    keys::SecretKeys,
    parameters::GLWE_DEGREE,
    rollup::{Aggregator, SegmentSource, aggregate::Limb, segment::Segment},
    trust::{Object, guard},
};

impl Aggregator {
    /// The aggregator as it was when the segments of `layout` were encrypted over `rows` rows.
    ///
    /// # Errors
    /// When a segment is missing or refused, or `keys` do not decrypt it to so many rows.
    ///
    /// # Panics
    /// When the layout does not belong to the schema; `Manifest::validate` checks that.
    pub fn restore(
        schema: &Schema,
        layout: &RollupLayout,
        rows: u64,
        source: &dyn SegmentSource,
        keys: &SecretKeys,
    ) -> Result<Self, FheError> {
        if layout.parameter_set != ParameterSet::RollupV1 {
            return Err(FheError::NotARollupSet(layout.parameter_set));
        }
        let mut aggregator = Self::new(schema, layout);
        for index in 0..aggregator.segments() {
            let bytes = source.segment(index).map_err(|error| match error {
                SourceError::Cancelled => FheError::Cancelled,
                other => FheError::Source(other),
            })?;
            let first = index * ROLLUP_V1.segment_cells();
            let count = layout.cells.saturating_sub(first).min(ROLLUP_V1.segment_cells()) as usize;
            let cells = guard::<_, FheError>(Object::RollupSegment, || {
                Ok(Segment::from_bytes(&bytes, count.div_ceil(GLWE_DEGREE))?.decrypt(keys))
            })?;
            aggregator.put(first, &cells[..count]);
        }
        match aggregator.rows() {
            Some(found) if found != u128::from(rows) => Err(FheError::OtherKeys),
            _ => Ok(aggregator),
        }
    }

    /// Adds the limbs of the cells from address `first` on to their totals.
    fn put(&mut self, first: u64, cells: &[u64]) {
        let mut cuboid = self.layout.cuboids.partition_point(|c| c.first <= first).saturating_sub(1);
        for (address, cell) in (first..).zip(cells) {
            let end = |cuboid: usize| self.layout.cuboids.get(cuboid + 1).map_or(u64::MAX, |next| next.first);
            while address >= end(cuboid) {
                cuboid += 1;
            }
            let place = &self.layout.cuboids[cuboid];
            let within = address - place.first;
            let Limb { sum, shift, .. } = self.arrays[(within / place.cells) as usize];
            let value = u128::from(*cell) << shift;
            self.totals[cuboid][sum].put((within % place.cells) as usize, value);
        }
    }

    /// The rows summed so far, if the layout has a grand total of them.
    fn rows(&self) -> Option<u128> {
        let total = self.layout.cuboids.iter().position(|cuboid| cuboid.dimensions.is_empty())?;
        let rows = self.sums.iter().position(|sum| *sum == CellSum::Rows)?;
        self.totals[total].get(rows).map(|total| total.get(0))
    }
}
