//! Lowering to layout `rollup`: the cells of one cuboid that each group adds up.

use std::collections::BTreeMap;

use crate::{
    bounds::{self, BoundError},
    layout::{CellSum, Cuboid, LayoutKind, RollupLayout},
    lower::{LowerError, pieces::Pieces},
    manifest::Manifest,
    parameters::ROLLUP_V1,
    program::{CellOutput, Part, ProgramArray, Recipe, RollupProgram},
    query::{GroupKey, Query},
    schema::{ColumnId, Schema},
};

mod cells;
mod select;

/// Compiles a query that is valid over the manifest's schema.
///
/// # Errors
/// When no cuboid has all its dimensions and sums, something is not stored, or a bound is exceeded.
pub fn lower(manifest: &Manifest, query: &Query) -> Result<RollupProgram, LowerError> {
    let schema = &manifest.schema;
    let layout = manifest.rollup.as_ref().ok_or(LowerError::NoLayout(LayoutKind::Rollup))?;
    if query.is_scored() {
        return Err(LowerError::Scores);
    }
    let pieces = cells::pieces(schema, layout, query)?;
    let dimensions = dimensions(query, &pieces);
    let (index, cuboid) = cuboid(schema, layout, &dimensions, &pieces)?;
    let mut compiler = Compiler { manifest, layout, cuboid, arrays: Vec::new(), selections: Vec::new() };
    let (outputs, recipes) = compiler.outputs(query, &pieces)?;
    Ok(RollupProgram {
        parameter_set: layout.parameter_set,
        cuboid: u32::try_from(index).unwrap_or(u32::MAX),
        selections: compiler.selections,
        arrays: compiler.arrays,
        outputs,
        recipes,
    })
}

/// The smallest cuboid that has all the dimensions and all that is summed.
fn cuboid<'a>(
    schema: &Schema,
    layout: &'a RollupLayout,
    dimensions: &[ColumnId],
    pieces: &Pieces<CellSum>,
) -> Result<(usize, &'a Cuboid), LowerError> {
    let sums = pieces.pieces.iter().map(|piece| (layout.arrays_up_to(piece.summand), piece.summand));
    let (arrays, last) = sums.max_by_key(|(arrays, _)| *arrays).unwrap_or((0, CellSum::Rows));
    layout.cuboid_for(dimensions, arrays).ok_or_else(|| {
        let names = dimensions.iter().map(|id| schema.column(*id).name.clone()).collect();
        match layout.cuboid_for(dimensions, 0) {
            None => LowerError::NoCuboid { dimensions: names },
            Some(_) => LowerError::NoMoments { sums: cells::describe(schema, last), dimensions: names },
        }
    })
}

/// Every dimension that decides which cells count where, sorted, each once.
fn dimensions(query: &Query, pieces: &Pieces<CellSum>) -> Vec<ColumnId> {
    let mut columns: Vec<_> = query.groups.iter().flat_map(GroupKey::columns).collect();
    columns.extend(pieces.pieces.iter().flat_map(|piece| piece.when.columns()));
    columns.sort_unstable();
    columns.dedup();
    columns
}

struct Compiler<'a> {
    manifest: &'a Manifest,
    layout: &'a RollupLayout,
    cuboid: &'a Cuboid,
    arrays: Vec<ProgramArray>,
    selections: Vec<Vec<(u64, u64)>>,
}

impl Compiler<'_> {
    /// The outputs of all groups, and the recipes, in which limbs are joined.
    fn outputs(
        &mut self,
        query: &Query,
        pieces: &Pieces<CellSum>,
    ) -> Result<(Vec<CellOutput>, Vec<Recipe>), LowerError> {
        let schema = &self.manifest.schema;
        let mut selected: BTreeMap<_, Vec<u32>> = BTreeMap::new();
        for piece in &pieces.pieces {
            if !selected.contains_key(&piece.when) {
                let ranges = select::select(schema, query, self.cuboid, &piece.when);
                let indices = ranges.into_iter().map(|ranges| self.selection(ranges)).collect();
                selected.insert(&piece.when, indices);
            }
        }
        let limbs: Vec<Vec<u32>> = pieces.pieces.iter().map(|piece| self.arrays_of(piece.summand)).collect();
        // Of every piece the selections of all groups, and its limbs.
        let summed: Vec<(&Vec<u32>, &Vec<u32>)> =
            pieces.pieces.iter().map(|piece| &selected[&piece.when]).zip(&limbs).collect();
        let groups = usize::try_from(query.group_count(schema)).unwrap_or(usize::MAX);
        let mut outputs = Vec::with_capacity(groups * limbs.len());
        for group in 0..groups {
            for (selections, limbs) in &summed {
                let selection = selections[group];
                for (limb, array) in limbs.iter().enumerate() {
                    self.check(selection, *array, limb + 1 == limbs.len())?;
                    outputs.push(CellOutput { selection, array: *array });
                }
            }
        }
        let recipes = pieces.recipes.iter().map(|recipe| self.with_limbs(recipe, &limbs)).collect();
        Ok((outputs, recipes))
    }

    fn selection(&mut self, ranges: Vec<(u64, u64)>) -> u32 {
        self.selections.push(ranges);
        u32::try_from(self.selections.len() - 1).unwrap_or(u32::MAX)
    }

    /// The arrays of all limbs of a sum, by limb.
    fn arrays_of(&mut self, sum: CellSum) -> Vec<u32> {
        let mut arrays: Vec<_> = self
            .layout
            .arrays
            .iter()
            .enumerate()
            .filter(|(_, array)| array.sum == sum)
            .map(|(position, array)| ProgramArray {
                array: *array,
                first: self.layout.address(self.cuboid, position),
            })
            .collect();
        arrays.sort_by_key(|array| array.array.limb);
        let first = self.arrays.iter().position(|known| known.array.sum == sum).unwrap_or_else(|| {
            self.arrays.extend(arrays.iter().copied());
            self.arrays.len() - arrays.len()
        });
        (first..first + arrays.len()).map(|index| u32::try_from(index).unwrap_or(u32::MAX)).collect()
    }

    /// Recipes name pieces; each is as many outputs as it has limbs.
    fn with_limbs(&self, recipe: &Recipe, limbs: &[Vec<u32>]) -> Recipe {
        let first = |piece: usize| limbs[..piece].iter().map(Vec::len).sum::<usize>();
        let mut parts = Vec::new();
        for part in &recipe.0 {
            let piece = part.output as usize;
            for limb in 0..limbs[piece].len() {
                let output = u32::try_from(first(piece) + limb).unwrap_or(u32::MAX);
                let place = u8::try_from(limb).unwrap_or(u8::MAX).saturating_mul(self.layout.limb_bits);
                parts.push(Part { output, shift: part.shift.saturating_add(place), ..*part });
            }
        }
        Recipe(parts)
    }

    /// Neither may the noise of so many cells reach the values, nor their sum exceed the value bits; the
    /// last limb of a sum holds all the rest.
    fn check(&self, selection: u32, array: u32, last: bool) -> Result<(), BoundError> {
        let selected = self.selections[selection as usize].iter().map(|(low, high)| high - low).sum();
        bounds::rollup_noise(selected)?;
        let limit = (1u64 << ROLLUP_V1.value_bits) - 1;
        let array = self.arrays[array as usize].array;
        let total = bounds::total(&self.manifest.schema, self.manifest.rows, array.sum);
        let rest = total.checked_shr(u32::from(array.limb) * u32::from(self.layout.limb_bits)).unwrap_or(0);
        // Cells without a row are zero.
        let filled = u128::from(selected.min(self.manifest.rows));
        let cut = filled * ((1u128 << self.layout.limb_bits) - 1);
        let largest = if last { rest } else { rest.min(cut) };
        if largest > u128::from(limit) {
            return Err(BoundError::Overflow { set: self.layout.parameter_set, largest, limit });
        }
        Ok(())
    }
}
