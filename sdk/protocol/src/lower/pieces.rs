//! Quantities taken apart into sums that a layout can compute, and the recipes that put them together
//! again after decryption.
//!
//! Equal pieces are one, so aggregates of one query share their work. Offsets and constants never
//! enter a ciphertext where a recipe can add them: `SUM(x)` is the sum of the encoded values plus the
//! smallest value times a count that is needed anyway.

use crate::{
    predicate::{CodeSet, Predicate},
    program::{Part, Recipe},
    query::{Branch, Monomial, value},
    schema::{ColumnId, Schema},
};

/// A sum over the rows of a group that satisfy a predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece<S> {
    pub(super) when: Predicate,
    pub(super) summand: S,
}

/// The outputs of a group, and a recipe for every integer that is wanted.
#[derive(Debug)]
pub(super) struct Pieces<S> {
    pub(super) pieces: Vec<Piece<S>>,
    pub(super) recipes: Vec<Recipe>,
}

/// The largest coefficient of a part; a larger one is written as two parts.
const MAX_COEFFICIENT: i128 = (1 << 53) - 1;
/// Bits of the lower of two parts.
const SPLIT: u8 = 32;

impl<S: PartialEq> Pieces<S> {
    pub(super) const fn new() -> Self {
        Self { pieces: Vec::new(), recipes: Vec::new() }
    }

    /// Begins the recipe of the next integer.
    pub(super) fn begin(&mut self) {
        self.recipes.push(Recipe(Vec::new()));
    }

    /// Adds `weight * 2^shift` times a piece to the recipe begun last.
    pub(super) fn add(&mut self, when: Predicate, summand: S, weight: i128, shift: u8) {
        if weight == 0 || when == Predicate::Nothing {
            return;
        }
        let piece = Piece { when, summand };
        let known = self.pieces.iter().position(|other| *other == piece);
        let index = known.unwrap_or_else(|| {
            self.pieces.push(piece);
            self.pieces.len() - 1
        });
        let Some(recipe) = self.recipes.last_mut() else { return };
        let output = u32::try_from(index).unwrap_or(u32::MAX);
        let mut part = |coefficient: i128, shift: u8| {
            // Halves of a weight below 2^85 fit; a larger one was refused with its query.
            let coefficient = i64::try_from(coefficient).unwrap_or(i64::MAX);
            if coefficient != 0 {
                recipe.0.push(Part { output, coefficient, shift });
            }
        };
        if weight.abs() <= MAX_COEFFICIENT {
            part(weight, shift);
        } else {
            part(weight.rem_euclid(1 << SPLIT), shift);
            part(weight.div_euclid(1 << SPLIT), shift + SPLIT);
        }
    }
}

/// The branches of a quantity with the rows that each really takes.
pub(super) fn effective<'a>(
    schema: &'a Schema,
    branches: &'a [Branch],
) -> impl Iterator<Item = (Predicate, &'a [Monomial])> + 'a {
    let rows = move |position| value::taken(schema, branches, position);
    branches.iter().enumerate().map(move |(position, branch)| (rows(position), branch.monomials.as_slice()))
}

/// A predicate without the conditions that any of `columns` has a value: where it has none, its
/// encoded value is 0 anyway.
pub(super) fn without_presence(schema: &Schema, when: &Predicate, columns: &[ColumnId]) -> Predicate {
    let implied = |part: &Predicate| {
        columns
            .iter()
            .any(|column| schema.column(*column).nullable && *part == Predicate::present(schema, *column))
    };
    match when {
        Predicate::And(parts) => {
            Predicate::and(schema, parts.iter().filter(|part| !implied(part)).cloned().collect())
        }
        atom if implied(atom) => Predicate::All,
        other => other.clone(),
    }
}

/// `when`, and one code of a dimension.
pub(super) fn at_code(schema: &Schema, when: &Predicate, column: ColumnId, code: u32) -> Predicate {
    let codes = CodeSet::from_codes([code]);
    Predicate::and(schema, vec![when.clone(), Predicate::column_in(schema, column, codes)])
}
