//! Inner products of a few rows: a row's inputs one after another in the coefficients, times a polynomial
//! of weights, leaves its score in one coefficient. Computed and hidden in one pass, because each
//! transform that is saved counts: there is nothing else to be done.

use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use sordino_protocol::{parameters::ScanParameters, predict::Weights};
use zeroize::Zeroizing;

use crate::{
    predict::{
        keys::Registered,
        noise::{Flood, small},
        outputs::Score,
        plain::Scale,
    },
    ring::{Prime, Rows},
    scan::{ciphertext::Ciphertext, tables::Tables},
};

/// What is the same for all inner products of a request.
pub(super) struct Products<'a> {
    pub(super) numbers: &'a ScanParameters,
    pub(super) tables: &'a Tables,
    pub(super) keys: &'a Registered,
    /// The coefficients that are scores: of each row the last one.
    pub(super) places: &'a [usize],
}

impl Products<'_> {
    /// The inner product of the rows in one ciphertext with `score`: the last coefficient of each row in
    /// the product with `w_(d-1) + w_(d-2) X + ..`. What goes beyond X^N comes back to coefficients before the
    /// last of the first row.
    ///
    /// Hidden as [`Mask`](super::mask::Mask) does it; only the coefficients that are sent get noise that
    /// drowns their own. Nothing for a ciphertext that is not fresh.
    pub(super) fn hidden(
        &self,
        input: &Ciphertext,
        score: &Weights,
        flood_bits: u32,
        seed: &[u8; 32],
    ) -> Option<Score> {
        let (basis, [z0, z1]) = (&self.tables.full, &self.keys.zero);
        let Ciphertext::Early([a, b]) = input else { return None };
        let mut rng = ChaCha12Rng::from_seed(*seed);
        let u = small(basis.degree, self.numbers.variance, &mut rng);
        let noise = small(basis.degree, self.numbers.variance, &mut rng);
        let flood = Flood::draw(flood_bits, self.places.len(), &mut rng);
        let modulus = self.numbers.plaintext_modulus;
        let constant = i128::from(score.constant).rem_euclid(i128::from(modulus)) as u64;
        let scale = Scale::new(modulus, basis);

        let mut weights = vec![0; basis.degree];
        weights.iter_mut().zip(score.weights.iter().rev()).for_each(|(place, weight)| *place = *weight);
        // Both polynomials of a modulus together: the weights and u are transformed once for both.
        let mut both: Vec<(Rows, Vec<u64>)> = vec![<_>::default(); basis.len()];
        basis.each_with(&mut both, |prime, index, (mask, scores)| {
            let (weights, u) = (transformed(&weights, prime), Zeroizing::new(transformed(&u, prime)));
            let product = |of: &[u64], zero: &[u64]| {
                let mut row = vec![0; basis.degree];
                prime.accumulate(&mut row, basis.row(of, index), &weights);
                prime.accumulate(&mut row, basis.row(zero, index), &u);
                prime.inverse(&mut row);
                row
            };
            *mask = product(b, z1);
            mask.iter_mut().zip(&*noise).for_each(|(sum, e)| *sum = prime.add(*sum, prime.signed(*e)));
            let body = product(a, z0);
            let constant = scale.one(constant, prime, index);
            let hidden = self.places.iter().zip(flood.residues(prime));
            *scores = hidden.map(|(place, e)| prime.add(prime.add(body[*place], e), constant)).collect();
        });
        Some(self.finish(&both))
    }

    /// Switches down.
    fn finish(&self, both: &[(Rows, Vec<u64>)]) -> Score {
        let finish = &self.tables.finish[0];
        let mask: Rows = both.iter().flat_map(|(mask, _)| mask).copied().collect();
        let moduli = self.numbers.finish_moduli();
        let mut body = vec![0; moduli * self.places.len()];
        for index in 0..self.places.len() {
            let residues: Vec<u64> = both.iter().map(|(_, scores)| scores[index]).collect();
            for (modulus, residue) in finish.one(&residues).into_iter().enumerate() {
                body[modulus * self.places.len() + index] = residue;
            }
        }
        Score { body, mask: self.switched(&mask) }
    }

    /// The coefficients of the mask at the finish level. Dropping one modulus, `(x - r) / p` for the r closest
    /// to 0 that is x modulo p, takes a tenth of the general conversion, and gives the same.
    pub(super) fn switched(&self, mask: &[u64]) -> Rows {
        let (full, end) = (&self.tables.full, &self.tables.end);
        if end.len() + 1 != full.len() {
            return self.tables.finish[0].convert(mask, |_, _| {});
        }
        let dropped = full.primes[end.len()].value();
        let last = full.row(mask, end.len());
        let mut rows = mask[..end.len() * end.degree].to_vec();
        end.each(&mut rows, |prime, _, row| {
            let inverse = prime.prepare(prime.inverse_of(dropped % prime.value()));
            for (residue, rest) in row.iter_mut().zip(last) {
                let rest = if *rest > dropped / 2 {
                    prime.signed(-(dropped - *rest).cast_signed())
                } else {
                    prime.signed(rest.cast_signed())
                };
                *residue = prime.mul_by(prime.sub(*residue, rest), inverse);
            }
        });
        rows
    }
}

fn transformed(coefficients: &[i64], prime: &Prime) -> Vec<u64> {
    let mut row: Vec<u64> = coefficients.iter().map(|c| prime.signed(*c)).collect();
    prime.forward(&mut row);
    row
}
