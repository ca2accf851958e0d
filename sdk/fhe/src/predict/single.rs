//! Predictions of one row by trees side by side in slots, which leave the score in coefficient 0.

use rayon::prelude::*;
use sordino_protocol::{
    parameters::ParameterSet,
    predict::{Leaves, TREE_LEAVES},
};

use crate::{
    error::FheError,
    parameters::scan,
    predict::{
        factor::{Factor, relinearised},
        plain::{factor, scaled, slots, times},
    },
    scan::{
        RelinearisationKey,
        ciphertext::{Ciphertext, Combination, Extended, Operand, both, product},
        tables::Tables,
    },
};

fn by_plain(ciphertext: &Ciphertext, plain: &[u64], tables: &Tables) -> Ciphertext {
    let basis = &tables.full;
    let [a, b] = ciphertext.polynomials() else { return ciphertext.clone() };
    Ciphertext::Early(both(&[a.clone(), b.clone()], |rows| times(rows, plain, basis)))
}

/// The nodes of all trees with what serves every score.
pub(super) struct Trees<'a> {
    set: ParameterSet,
    tables: &'a Tables,
    key: &'a RelinearisationKey,
    nodes: &'a [Ciphertext],
    /// The tests of the root and of the nodes below it, extended.
    root: Extended,
    /// Where the root and its left child are passed; where the root is not and its right child is.
    both_left: Factor,
    right_left: Factor,
    /// The tests one level above the bottom, extended.
    splits: Vec<Extended>,
}

const LOST: FheError = FheError::Prediction("a tree has 15 tests and 16 leaves");

impl<'a> Trees<'a> {
    /// Two products and two relinearisations.
    pub(super) fn new(
        set: ParameterSet,
        tables: &'a Tables,
        key: &'a RelinearisationKey,
        nodes: &'a [Ciphertext],
    ) -> Result<Self, FheError> {
        let extended: Vec<Extended> = nodes
            .get(..7)
            .ok_or(LOST)?
            .par_iter()
            .map(|node| Extended::of(node, tables).ok_or(LOST))
            .collect::<Result<_, _>>()?;
        let operand = |node: usize| Operand { extended: &extended[node], itself: Some(&nodes[node]) };
        let (left, right) = rayon::join(
            || relinearised(&product(operand(0), operand(1), tables), key, tables),
            || relinearised(&product(operand(0), operand(2), tables), key, tables),
        );
        let right = sum(&[(&nodes[2], 1), (&right?, -1)], tables)?;
        let both_left = Factor::new(left?, tables)?;
        let right_left = Factor::new(right, tables)?;
        let mut extended = extended.into_iter();
        let root = extended.next().ok_or(LOST)?;
        Ok(Self { set, tables, key, nodes, root, both_left, right_left, splits: extended.skip(2).collect() })
    }

    /// What the leaves add up to, in the slots. With B_j for the four subtrees at the bottom it is
    /// `B_3 + xy (B_0 - B_1) + x (B_1 - B_3) + (z - xz) (B_2 - B_3)`, where x is the test of the root, y
    /// and z those below it.
    pub(super) fn score(&self, leaves: &Leaves) -> Result<Ciphertext, FheError> {
        let bottoms: Vec<Bottom> =
            (0..4).into_par_iter().map(|bottom| self.bottom(bottom, leaves)).collect::<Result<_, _>>()?;
        let root = Operand { extended: &self.root, itself: Some(&self.nodes[0]) };
        let terms = [(self.both_left.operand(), 0, 1), (root, 1, 3), (self.right_left.operand(), 2, 3)];
        let products: Vec<Ciphertext> = terms
            .into_par_iter()
            .map(|(path, a, b)| {
                let difference = self.difference(&bottoms[a], &bottoms[b])?;
                Ok(product(path, difference.operand(), self.tables))
            })
            .collect::<Result<_, FheError>>()?;
        let mut terms: Vec<(&Ciphertext, i64)> = products.iter().map(|product| (product, 1)).collect();
        terms.push((&bottoms[3].product, 1));
        let total = relinearised(&sum(&terms, self.tables)?, self.key, self.tables)?;
        sum(&[(&total, 1), (&bottoms[3].rest, 1)], self.tables)
    }

    /// A subtree of two levels: with leaves a, b, c, d from left to right, s for its upper test, l and r
    /// for its lower ones, `s (l (a - b) - r (c - d) + b - d) + r (c - d) + d`.
    fn bottom(&self, bottom: usize, leaves: &Leaves) -> Result<Bottom, FheError> {
        let (left, right) = (&self.nodes[7 + 2 * bottom], &self.nodes[8 + 2 * bottom]);
        let vector = |of: fn(&[i64]) -> i128| self.vector(leaves, bottom, of);
        let (ab, cd) = (vector(|v| at(v, 0) - at(v, 1))?, vector(|v| at(v, 2) - at(v, 3))?);
        let (bd, d) = (vector(|v| at(v, 1) - at(v, 3))?, vector(|v| at(v, 3))?);
        let by = |node: &Ciphertext, plain: &[u64]| {
            let modulus = self.modulus()?;
            Ok::<_, FheError>(by_plain(node, &factor(plain, modulus, &self.tables.full), self.tables))
        };
        let (left, right) = (by(left, &ab)?, by(right, &cd)?);
        let lower = self.plus(sum(&[(&left, 1), (&right, -1)], self.tables)?, &bd)?;
        let lower = Factor::new(lower, self.tables)?;
        let upper =
            Operand { extended: self.splits.get(bottom).ok_or(LOST)?, itself: Some(&self.nodes[3 + bottom]) };
        Ok(Bottom { product: product(upper, lower.operand(), self.tables), rest: self.plus(right, &d)? })
    }

    fn difference(&self, a: &Bottom, b: &Bottom) -> Result<Factor, FheError> {
        let products = sum(&[(&a.product, 1), (&b.product, -1)], self.tables)?;
        let products = relinearised(&products, self.key, self.tables)?;
        Factor::new(sum(&[(&products, 1), (&a.rest, 1), (&b.rest, -1)], self.tables)?, self.tables)
    }

    /// A vector of one number a tree, as a polynomial modulo t.
    fn vector(&self, leaves: &Leaves, bottom: usize, of: fn(&[i64]) -> i128) -> Result<Vec<u64>, FheError> {
        let modulus = i128::from(self.modulus()?);
        let quarter = TREE_LEAVES / 4;
        let values = leaves.trees.iter().map(|tree| {
            let values = tree.get(quarter * bottom..quarter * (bottom + 1)).ok_or(LOST)?;
            Ok(of(values).rem_euclid(modulus) as u64)
        });
        slots(&values.collect::<Result<Vec<_>, FheError>>()?, self.set)
    }

    fn modulus(&self) -> Result<u64, FheError> {
        Ok(scan(self.set)?.plaintext_modulus)
    }

    /// Adds a plaintext to a ciphertext in all moduli.
    fn plus(&self, ciphertext: Ciphertext, plain: &[u64]) -> Result<Ciphertext, FheError> {
        let Ciphertext::Early([mut a, b]) = ciphertext else { return Err(LOST) };
        let basis = &self.tables.full;
        let mut rows = scaled(plain, self.modulus()?, basis);
        basis.each(&mut rows, |prime, _, row| prime.forward(row));
        basis.add(&mut a, &rows);
        Ok(Ciphertext::Early([a, b]))
    }
}

/// What a subtree at the bottom adds: a product, not relinearised, and what is not multiplied.
struct Bottom {
    product: Ciphertext,
    rest: Ciphertext,
}

fn at(values: &[i64], place: usize) -> i128 {
    values.get(place).copied().map_or(0, i128::from)
}

fn sum(terms: &[(&Ciphertext, i64)], tables: &Tables) -> Result<Ciphertext, FheError> {
    let mut sum = Combination::default();
    terms.iter().for_each(|(term, coefficient)| sum.add(term, *coefficient, tables));
    sum.finish(tables).map(|(sum, _)| sum).ok_or(LOST)
}
