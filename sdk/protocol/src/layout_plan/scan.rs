//! Planning layout `scan`: which parameter set, digits and limbs.
//!
//! One digit makes conditions on a column free of products, but a column of a thousand codes would be
//! a thousand ciphertexts a chunk. More digits need fewer slices and more products. Every column starts
//! with its fewest slices; then, as long as the upload allows, the step is taken that saves the most
//! work for its bytes, and none that does not pay for itself.

use crate::{
    digest::Digest,
    layout::{DimensionDigits, MeasureSlices, ScanLayout},
    layout_plan::{
        candidates::{Candidate, candidates},
        upload, workload,
        workload::Cost,
    },
    parameters::{ParameterSet, SCAN_8K_V1},
    schema::{ColumnId, Domain, Measure, Schema},
};

/// The most rows of a table in `scan-8k-v1`: four chunks. Above, the larger set does more rows per
/// product and leaves room to grow.
pub const MAX_ROWS_8K: u64 = 32_768;

/// The most limbs of a measure in `scan-8k-v1`: with two, a sum costs there what it costs in the larger
/// set, and everything else half.
const MAX_LIMBS_8K: u32 = 2;

/// Sums stay exact until the table has grown by this factor, so that appended versions can share
/// the limbs of the first.
pub const HEADROOM: u64 = 4;

/// Limbs for products take at most one part in so many of the upload.
const FACTOR_SHARE: u64 = 64;

/// The sets that a table may be published in, the better first.
pub(super) fn sets(schema: &Schema, rows: u64) -> Vec<ParameterSet> {
    let small = u32::from(limb_bits(ParameterSet::Scan8kV1, rows));
    let fits = schema.measures().all(|id| width_bits(schema, id) <= MAX_LIMBS_8K * small);
    if rows <= MAX_ROWS_8K && fits && !products_overflow(schema, rows) {
        vec![ParameterSet::Scan8kV1, ParameterSet::Scan16kV1]
    } else {
        vec![ParameterSet::Scan16kV1]
    }
}

/// Whether the products of some two measures would be refused in `scan-8k-v1`. A table of one chunk
/// stays there all the same: half of every larger ciphertext would be padding.
fn products_overflow(schema: &Schema, rows: u64) -> bool {
    if rows <= SCAN_8K_V1.degree as u64 {
        return false;
    }
    let limb = (1u128 << limb_bits(ParameterSet::Scan8kV1, rows)) - 1;
    let width = |id| u128::from(schema.column(id).measure.as_ref().map_or(0, Measure::width)).min(limb);
    let mut widths: Vec<u128> = schema.measures().map(width).collect();
    widths.sort_unstable_by(|a, b| b.cmp(a));
    let largest = widths.iter().take(2).product::<u128>() * u128::from(rows);
    widths.len() > 1 && largest > u128::from(SCAN_8K_V1.max_sum())
}

/// How deep the masks of one dimension may be: a conjunction of several and a product with what is
/// summed come on top, and take two levels of the depth a set has.
const fn mask_depth(set: ParameterSet) -> u32 {
    if matches!(set, ParameterSet::Scan8kV1) { 1 } else { 2 }
}

/// A table in a set, before digits are chosen.
pub(super) struct Choices<'a> {
    schema: &'a Schema,
    rows: u64,
    pub(super) set: ParameterSet,
    pub(super) columns: Vec<ColumnChoices>,
    /// Measures that are stored a second time, in limbs for products.
    factors: Vec<ColumnId>,
}

/// The ways to write a column that are not beaten by a mix of others: more slices, less work.
pub(super) struct ColumnChoices {
    pub(super) column: ColumnId,
    pub(super) options: Vec<Choice>,
}

/// A way to write a column, and what it costs.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) candidate: Candidate,
    pub(super) cost: Cost,
}

/// What may be spent on slices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// Bytes of all slices.
    pub(super) bytes: u64,
    /// Of a million questions, those that scan this table and look at a given column.
    pub(super) uses: u64,
}

/// The position of the option taken for each column; `None` where it is left out.
pub(super) type Taken = Vec<Option<usize>>;

impl<'a> Choices<'a> {
    pub(super) fn new(schema: &'a Schema, rows: u64, set: ParameterSet) -> Self {
        let columns = schema.dimensions().map(|column| ColumnChoices::new(schema, column, set)).collect();
        Self { schema, rows, set, columns, factors: schema.measures().collect() }
    }

    /// With as many of the slices that only products of large values need as have room in their share of
    /// the upload: first those of measures that are no dimensions, for what is predicted mostly is none, and
    /// how well needs its square.
    pub(super) fn within(mut self, bytes: u64) -> Self {
        let mut left = bytes / FACTOR_SHARE / self.slice_bytes().max(1);
        self.factors.sort_by_key(|id| self.schema.column(*id).dimension.is_some());
        let mut factors = std::mem::take(&mut self.factors);
        factors.retain(|id| {
            let slices = u64::from(self.factor_slices(*id));
            let fits = slices <= left;
            left -= if fits { slices } else { 0 };
            fits
        });
        Self { factors, ..self }
    }

    /// Limbs for products of a measure; 0 where it is one of them as it is.
    fn factor_slices(&self, id: ColumnId) -> u32 {
        let (bits, limb) = (width_bits(self.schema, id), u32::from(factor_bits(self.set, self.rows)));
        if bits > limb { bits.div_ceil(limb) } else { 0 }
    }

    /// Bytes of one slice of all chunks.
    pub(super) fn slice_bytes(&self) -> u64 {
        upload::slice_bytes(self.set, self.rows)
    }

    pub(super) fn chunks(&self) -> u64 {
        self.set.scan().map_or(0, |set| self.rows.div_ceil(set.degree as u64)).max(1)
    }

    /// The slices that do not depend on digits.
    fn fixed(&self) -> u64 {
        self.layout(&[]).slices().len() as u64
    }

    fn slices(&self, taken: &Taken) -> u64 {
        let of = |(column, option): (&ColumnChoices, &Option<usize>)| {
            option.map_or(0, |option| column.options[option].slices())
        };
        self.fixed() + self.columns.iter().zip(taken).map(of).sum::<u64>()
    }

    /// Bytes of all slices and of the evaluation keys.
    pub(super) fn bytes(&self, taken: &Taken) -> u64 {
        self.slices(taken) * self.slice_bytes() + upload::key_bytes(self.set)
    }

    /// Every column with its fewest slices.
    pub(super) fn smallest(&self) -> Taken {
        vec![Some(0); self.columns.len()]
    }

    /// How many columns hold how this one compares with another: what is mostly compared is missed less.
    fn compared(&self, id: ColumnId) -> usize {
        let name = &self.schema.column(id).name;
        let compares = |other: &ColumnId| match &self.schema.column(*other).dimension {
            Some(Domain::Order { left, right }) => left == name || right == name,
            _ => false,
        };
        self.schema.dimensions().filter(compares).count()
    }

    /// Chooses within the allowance. Columns that `droppable` allows are left out if not even the fewest
    /// slices fit: the largest first, of equals those that others compare, then the last; `None` if
    /// nothing helps.
    pub(super) fn choose(&self, allowance: Allowance, droppable: impl Fn(ColumnId) -> bool) -> Option<Taken> {
        let mut taken = self.smallest();
        while self.bytes(&taken) > allowance.bytes {
            let largest = self
                .columns
                .iter()
                .enumerate()
                .filter(|(index, column)| taken[*index].is_some() && droppable(column.column))
                .max_by_key(|(index, column)| {
                    (column.options[0].slices(), self.compared(column.column), *index)
                });
            taken[largest?.0] = None;
        }
        let mut bytes = self.bytes(&taken);
        while let Some((index, more)) = self.best_step(&taken, allowance, bytes) {
            taken[index] = taken[index].map(|option| option + 1);
            bytes += more;
        }
        Some(taken)
    }

    /// The step to more slices that saves the most work for its bytes, if it fits and pays.
    fn best_step(&self, taken: &Taken, allowance: Allowance, bytes: u64) -> Option<(usize, u64)> {
        let mut best: Option<(usize, u64, u128)> = None;
        for (index, column) in self.columns.iter().enumerate() {
            let Some(option) = taken[index] else { continue };
            let Some(next) = column.options.get(option + 1) else { continue };
            let now = &column.options[option];
            let more = (next.slices() - now.slices()) * self.slice_bytes();
            // Microseconds of all queries, for the microseconds of upload.
            let saved = u128::from(now.cost.units - next.cost.units)
                * u128::from(self.chunks() * workload::QUERIES * allowance.uses)
                / 1_000_000;
            let price = u128::from(more) * u128::from(workload::UPLOAD_MICROS_PER_KB) / 1_000;
            let better =
                best.is_none_or(|(_, bytes, most)| saved * u128::from(bytes) > most * u128::from(more));
            if bytes + more <= allowance.bytes && saved > price && better {
                best = Some((index, more, saved));
            }
        }
        best.map(|(index, more, _)| (index, more))
    }

    /// The layout with what was taken; `chunks` still empty and the digest of the evaluation keys zero.
    pub(super) fn plan(&self, taken: &Taken) -> ScanLayout {
        let digits = self.columns.iter().zip(taken).filter_map(|(column, option)| {
            option.map(|option| column.options[option].candidate.digits.clone())
        });
        self.layout(&digits.collect::<Vec<_>>())
    }

    /// The layout with these digits.
    pub(super) fn layout(&self, digits: &[DimensionDigits]) -> ScanLayout {
        let schema = self.schema;
        let limb_bits = limb_bits(self.set, self.rows);
        let limbs = |id| width_bits(schema, id).div_ceil(u32::from(limb_bits)).max(1);
        let factor_bits = factor_bits(self.set, self.rows);
        let factors = |id| if self.factors.contains(&id) { self.factor_slices(id) } else { 0 };
        ScanLayout {
            parameter_set: self.set,
            digits: digits.to_vec(),
            limb_bits,
            factor_bits: if schema.measures().any(|column| factors(column) > 0) { factor_bits } else { 0 },
            measures: schema
                .measures()
                .map(|column| MeasureSlices {
                    column,
                    limbs: u8::try_from(limbs(column)).unwrap_or(u8::MAX),
                    factors: u8::try_from(factors(column)).unwrap_or(u8::MAX),
                })
                .collect(),
            nullable: nullable(schema),
            chunks: Vec::new(),
            evaluation_keys: Digest::from_bytes([0; 32]),
        }
    }
}

impl Choice {
    pub(super) fn slices(&self) -> u64 {
        self.candidate.digits.slices()
    }
}

impl ColumnChoices {
    fn new(schema: &Schema, id: ColumnId, set: ParameterSet) -> Self {
        let column = schema.column(id);
        let mut all: Vec<Choice> = candidates(id, column)
            .into_iter()
            .map(|candidate| Choice { cost: workload::cost(column, &candidate.digits, set), candidate })
            .filter(|choice| choice.cost.depth <= mask_depth(set))
            .collect();
        all.sort_by_key(|choice| (choice.slices(), choice.cost.units));
        Self { column: id, options: hull(all) }
    }
}

/// The lower convex hull of (slices, units), from the fewest slices to the least work.
fn hull(sorted: Vec<Choice>) -> Vec<Choice> {
    let mut kept: Vec<Choice> = Vec::new();
    for choice in sorted {
        if kept.last().is_some_and(|last| choice.cost.units >= last.cost.units) {
            continue;
        }
        while let [.., before, last] = &kept[..] {
            // Keep the last only if the way to it is steeper than the way past it.
            let steepness = |from: &Choice, to: &Choice| {
                (u128::from(from.cost.units - to.cost.units), u128::from(to.slices() - from.slices()))
            };
            let (to_last, past) = (steepness(before, last), steepness(last, &choice));
            if to_last.0 * past.1 > past.0 * to_last.1 {
                break;
            }
            kept.pop();
        }
        kept.push(choice);
    }
    kept
}

/// The columns that have a slice of presence.
pub(super) fn nullable(schema: &Schema) -> Vec<ColumnId> {
    let nullable = |id: &ColumnId| {
        let column = schema.column(*id);
        column.nullable && (column.dimension.is_some() || column.measure.is_some())
    };
    schema.ids().filter(nullable).collect()
}

/// The widest limb whose sum over all rows, grown by [`HEADROOM`], stays below the plaintext modulus.
fn limb_bits(set: ParameterSet, rows: u64) -> u8 {
    let max_sum = set.scan().map_or(1, |parameters| parameters.max_sum());
    let share = max_sum / rows.max(1).saturating_mul(HEADROOM);
    let bits = (share + 1).ilog2().clamp(1, 55);
    u8::try_from(bits).unwrap_or(1)
}

/// The widest limb whose products with another of that width, summed over as many rows, stay below the
/// plaintext modulus.
fn factor_bits(set: ParameterSet, rows: u64) -> u8 {
    limb_bits(set, rows) / 2
}

/// Bits of the largest encoded value of a measure.
fn width_bits(schema: &Schema, id: ColumnId) -> u32 {
    let width = schema.column(id).measure.as_ref().map_or(0, |measure| measure.width());
    u64::BITS - width.leading_zeros()
}
