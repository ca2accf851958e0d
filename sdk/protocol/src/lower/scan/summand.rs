//! What the pieces of a scan are sums of, and the bounds of these sums.

use std::sync::Arc;

use super::super::pieces::{self, Pieces};
use crate::{
    bounds::BoundError,
    layout::{Grain, Limbs, ScanLayout},
    lower::{LowerError, describe_measure},
    parameters::ScanParameters,
    predicate::Predicate,
    query::{Monomial, Quantity, Requirements, Score, value},
    schema::{ColumnId, Schema},
};

/// A number of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Summand {
    /// 1.
    One,
    /// A limb of the encoded value of a measure.
    Limb {
        /// The measure.
        column: ColumnId,
        /// Which limb.
        limb: u8,
    },
    /// A polynomial in the values of measures; of values in limbs, the part of all products whose
    /// limbs have places that add up to `place`.
    Polynomial {
        /// The products; none is constant.
        monomials: Vec<Monomial>,
        /// The place.
        place: u8,
    },
    /// A power of a score, counted from the lowest it can have.
    Power {
        /// At least 1.
        exponent: u64,
        /// The score.
        score: Arc<Score>,
    },
    /// A product of the encoded values of several measures in limbs for products: the part whose limbs
    /// have places that add up to `place`.
    Product {
        /// The factors, sorted.
        columns: Vec<ColumnId>,
        /// The place.
        place: u8,
    },
}

/// Places from which on no integer of 64 bits has anything.
const MAX_SHIFT: u8 = 90;

/// Takes the quantities of a query apart.
pub(super) fn pieces(
    (schema, rows): (&Schema, u64),
    layout: &ScanLayout,
    parameters: &ScanParameters,
    needs: &Requirements,
) -> Result<Pieces<Summand>, LowerError> {
    let mut split = Split { schema, rows, layout, parameters, pieces: Pieces::new() };
    for quantity in &needs.quantities {
        split.quantity(quantity)?;
    }
    Ok(split.pieces)
}

struct Split<'a> {
    schema: &'a Schema,
    rows: u64,
    layout: &'a ScanLayout,
    parameters: &'a ScanParameters,
    pieces: Pieces<Summand>,
}

impl Split<'_> {
    fn quantity(&mut self, quantity: &Quantity) -> Result<(), LowerError> {
        let schema = self.schema;
        match quantity {
            Quantity::Histogram { column, when } => {
                for code in 0..quantity.size(schema) {
                    let code = u32::try_from(code).unwrap_or(u32::MAX);
                    self.pieces.begin();
                    let rows = pieces::at_code(schema, when, *column, code);
                    self.pieces.add(rows, Summand::One, 1, 0);
                }
            }
            Quantity::Levels { score, when } => {
                let score = Arc::new(score.clone());
                for exponent in 0..score.levels() {
                    self.pieces.begin();
                    let summand = match exponent {
                        0 => Summand::One,
                        exponent => Summand::Power { exponent, score: Arc::clone(&score) },
                    };
                    self.pieces.add(when.clone(), summand, 1, 0);
                }
            }
            Quantity::Sum(branches) => {
                self.pieces.begin();
                for (when, monomials) in pieces::effective(schema, branches) {
                    self.branch(&when, monomials)?;
                }
            }
        }
        Ok(())
    }

    fn branch(&mut self, when: &Predicate, monomials: &[Monomial]) -> Result<(), LowerError> {
        let mut by_rows: Vec<(Predicate, Vec<Monomial>)> = Vec::new();
        for monomial in monomials {
            if monomial.columns.is_empty() {
                self.pieces.add(when.clone(), Summand::One, i128::from(monomial.coefficient), 0);
                continue;
            }
            let rows = pieces::without_presence(self.schema, when, &monomial.columns);
            match by_rows.iter_mut().find(|(other, _)| *other == rows) {
                Some((_, together)) => together.push(monomial.clone()),
                None => by_rows.push((rows, vec![monomial.clone()])),
            }
        }
        for (rows, monomials) in by_rows {
            match monomials.as_slice() {
                [Monomial { coefficient, columns }] if columns.len() == 1 => {
                    self.measure(rows, columns[0], *coefficient)?;
                }
                _ => self.polynomial(&rows, &monomials)?,
            }
        }
        Ok(())
    }

    /// A measure by itself: the sums of its limbs, and the offset times a count.
    fn measure(&mut self, rows: Predicate, column: ColumnId, coefficient: i64) -> Result<(), LowerError> {
        self.encoded(&rows, column, i128::from(coefficient))?;
        let schema = self.schema;
        let present = Predicate::and(schema, vec![rows, Predicate::present(schema, column)]);
        let offset = i128::from(min(schema, column)) * i128::from(coefficient);
        self.pieces.add(present, Summand::One, offset, 0);
        Ok(())
    }

    /// The encoded value of a measure: the sums of its limbs.
    fn encoded(&mut self, rows: &Predicate, column: ColumnId, weight: i128) -> Result<(), LowerError> {
        let limbs = self.limbs(column, Grain::Sums)?;
        for limb in 0..limbs.count {
            self.check(self.limb_range(column, limb, limbs))?;
            self.pieces.add(rows.clone(), Summand::Limb { column, limb }, weight, limb * limbs.bits);
        }
        Ok(())
    }

    /// A polynomial as one sum, or, where that could overflow, a sum for each product, whose constants the
    /// recipe multiplies; and a product that could overflow in narrower limbs.
    fn polynomial(&mut self, rows: &Predicate, monomials: &[Monomial]) -> Result<(), LowerError> {
        let fits = self.check_polynomial(monomials);
        if fits.is_ok() {
            return self.add_polynomial(rows, monomials, 1);
        }
        for Monomial { coefficient, columns } in monomials {
            if let [column] = columns[..] {
                self.measure(rows.clone(), column, *coefficient)?;
                continue;
            }
            let product = [Monomial { coefficient: 1, columns: columns.clone() }];
            if self.check_polynomial(&product).is_ok() {
                self.add_polynomial(rows, &product, i128::from(*coefficient))?;
            } else {
                self.expanded(rows, *coefficient, columns)?;
            }
        }
        Ok(())
    }

    /// A product of values, each the encoded value plus the smallest of the schema, multiplied out, so
    /// that ciphertext has products of encoded values only: their limbs are small, an offset may not be.
    fn expanded(
        &mut self,
        rows: &Predicate,
        coefficient: i64,
        columns: &[ColumnId],
    ) -> Result<(), LowerError> {
        let schema = self.schema;
        for chosen in 0..1u32 << columns.len() {
            let (mut factors, mut parts, mut weight) = (vec![], vec![rows.clone()], i128::from(coefficient));
            for (position, column) in columns.iter().enumerate() {
                if chosen >> position & 1 == 1 {
                    factors.push(*column);
                } else {
                    weight = weight.saturating_mul(i128::from(min(schema, *column)));
                    parts.push(Predicate::present(schema, *column));
                }
            }
            let rows = Predicate::and(schema, parts);
            match factors.as_slice() {
                _ if weight == 0 => {}
                [] => self.pieces.add(rows, Summand::One, weight, 0),
                [column] => self.encoded(&rows, *column, weight)?,
                _ => self.product(&rows, factors, weight)?,
            }
        }
        Ok(())
    }

    /// A product of encoded values in limbs for products.
    fn product(&mut self, rows: &Predicate, columns: Vec<ColumnId>, weight: i128) -> Result<(), LowerError> {
        let mut bits = 0;
        let mut parts = vec![(1, 1)];
        for column in &columns {
            let limbs = self.limbs(*column, Grain::Products)?;
            // Places add up only if all limbs are equally wide.
            if limbs.count > 1 && bits != 0 && limbs.bits != bits {
                return Err(self.overflow((0, i128::MAX)));
            }
            bits = if limbs.count > 1 { limbs.bits } else { bits };
            let ranges: Vec<_> = (0..limbs.count).map(|limb| self.limb_range(*column, limb, limbs)).collect();
            parts = convolve(&parts, &ranges);
        }
        for (place, range) in (0u8..).zip(&parts) {
            self.check(*range)?;
            let shift = place.checked_mul(bits).filter(|shift| *shift < MAX_SHIFT);
            let shift = shift.ok_or_else(|| self.overflow((0, i128::MAX)))?;
            let summand = Summand::Product { columns: columns.clone(), place };
            self.pieces.add(rows.clone(), summand, weight, shift);
        }
        Ok(())
    }

    fn check_polynomial(&self, monomials: &[Monomial]) -> Result<(), LowerError> {
        for place in 0..=self.places(monomials)? {
            self.check(self.polynomial_range(monomials, place)?)?;
        }
        Ok(())
    }

    fn add_polynomial(
        &mut self,
        rows: &Predicate,
        monomials: &[Monomial],
        weight: i128,
    ) -> Result<(), LowerError> {
        for place in 0..=self.places(monomials)? {
            let summand = Summand::Polynomial { monomials: monomials.to_vec(), place };
            let shift = place.checked_mul(self.layout.limb_bits).filter(|shift| *shift < MAX_SHIFT);
            let shift = shift.ok_or_else(|| self.overflow((0, i128::MAX)))?;
            self.pieces.add(rows.clone(), summand, weight, shift);
        }
        Ok(())
    }

    /// The highest place of a product of limbs.
    fn places(&self, monomials: &[Monomial]) -> Result<u8, LowerError> {
        let mut places = 0;
        for monomial in monomials {
            let mut of_monomial = 0u8;
            for column in &monomial.columns {
                of_monomial = of_monomial.saturating_add(self.limbs(*column, Grain::Sums)?.count - 1);
            }
            places = places.max(of_monomial);
        }
        Ok(places)
    }

    /// The smallest and largest value of a polynomial's part in one row.
    fn polynomial_range(&self, monomials: &[Monomial], place: u8) -> Result<(i128, i128), LowerError> {
        let mut range = (0i128, 0i128);
        for monomial in monomials {
            let coefficient = i128::from(monomial.coefficient);
            let mut parts = vec![(coefficient, coefficient)];
            for column in &monomial.columns {
                parts = convolve(&parts, &self.ranges(*column)?);
            }
            let (low, high) = parts.get(usize::from(place)).copied().unwrap_or((0, 0));
            range = (range.0.saturating_add(low), range.1.saturating_add(high));
        }
        Ok(range)
    }

    /// The range of every limb of a measure's value, the offset in the lowest.
    fn ranges(&self, column: ColumnId) -> Result<Vec<(i128, i128)>, LowerError> {
        let limbs = self.limbs(column, Grain::Sums)?;
        let mut ranges: Vec<_> = (0..limbs.count).map(|limb| self.limb_range(column, limb, limbs)).collect();
        let offset = i128::from(min(self.schema, column));
        if let Some(lowest) = ranges.first_mut() {
            // Null counts as 0.
            *lowest = ((lowest.0 + offset).min(0), (lowest.1 + offset).max(0));
        }
        Ok(ranges)
    }

    fn limb_range(&self, column: ColumnId, limb: u8, limbs: Limbs) -> (i128, i128) {
        let width = self.schema.column(column).measure.as_ref().map_or(0, |measure| measure.width());
        let rest = width.checked_shr(u32::from(limb) * u32::from(limbs.bits)).unwrap_or(0);
        let full = (1u64 << limbs.bits) - 1;
        (0, i128::from(if limb + 1 == limbs.count { rest.min(full) } else { full.min(width) }))
    }

    fn limbs(&self, column: ColumnId, grain: Grain) -> Result<Limbs, LowerError> {
        let stored = self.layout.limbs_of(column, grain);
        stored.ok_or_else(|| LowerError::NotStored(describe_measure(self.schema, column)))
    }

    /// No sum over all rows may leave the half of the plaintext space on its side of 0.
    fn check(&self, range: (i128, i128)) -> Result<(), LowerError> {
        if self.largest(range) > u128::from(self.parameters.max_sum()) {
            return Err(self.overflow(range));
        }
        Ok(())
    }

    fn largest(&self, (low, high): (i128, i128)) -> u128 {
        low.unsigned_abs().max(high.unsigned_abs()).saturating_mul(u128::from(self.rows))
    }

    fn overflow(&self, range: (i128, i128)) -> LowerError {
        let (set, limit) = (self.layout.parameter_set, self.parameters.max_sum());
        BoundError::Overflow { set, largest: self.largest(range), limit }.into()
    }
}

/// The products of two lists of limbs, by the place of their product.
fn convolve(a: &[(i128, i128)], b: &[(i128, i128)]) -> Vec<(i128, i128)> {
    let mut parts = vec![(0i128, 0i128); a.len() + b.len() - 1];
    for (i, one) in a.iter().enumerate() {
        for (j, other) in b.iter().enumerate() {
            let (low, high) = value::multiply(*one, *other);
            let part = &mut parts[i + j];
            *part = (part.0.saturating_add(low), part.1.saturating_add(high));
        }
    }
    parts
}

/// The smallest value of a measure: its public offset.
pub(super) fn min(schema: &Schema, column: ColumnId) -> i64 {
    schema.column(column).measure.as_ref().map_or(0, |measure| measure.min)
}
