//! Sums of many selected cells of one ciphertext as a product of polynomials.
//!
//! With the weights w (0 or 1) as a polynomial, the mask of the sum is `w(X) a(1/X)`: of w_j and a_i it
//! has the product at `X^(j-i)`, with a minus where that wraps. It is computed by transforms modulo two
//! primes: of as many ciphertexts as there are, the sum is below 2^76 times their number, far below half
//! the product of the primes, so it is exact as an integer and so modulo 2^64, bit for bit what adding
//! the cells one by one gives.

use std::sync::OnceLock;

use crate::{error::FheError, outputs::Lwe, parameters::GLWE_DEGREE, ring::Prime, rollup::evaluate::Piece};

/// Ranges of one ciphertext from which on the product is taken. Measured (`measure_rollup_products` in
/// the tests): a range costs 0.31 us by prefix sums; a product 46 us, and the transforms of a mask, which
/// all outputs share, 20 us. So one product alone breaks even at 210 ranges, one of many at 150.
pub(super) const CROSSOVER: usize = 192;

const PRIMES: [u64; 2] = [0x3fff_ffff_ffff_0001, 0x3fff_ffff_fffe_8001];

struct Primes {
    primes: [Prime; 2],
    /// The first modulo the second, inverted.
    inverse: (u64, u64),
}

fn primes() -> Result<&'static Primes, FheError> {
    static READY: OnceLock<Option<Primes>> = OnceLock::new();
    let make = || {
        let [first, second] = PRIMES.map(|prime| Prime::new(prime, GLWE_DEGREE));
        let (first, second) = (first?, second?);
        let inverse = second.prepare(second.inverse_of(first.value() % second.value()));
        Some(Primes { primes: [first, second], inverse })
    };
    let unfit = FheError::NotARollupSet(sordino_protocol::parameters::ParameterSet::RollupV1);
    READY.get_or_init(make).as_ref().ok_or(unfit)
}

/// The transforms of a polynomial.
pub(super) struct Transforms([Vec<u64>; 2]);

impl Transforms {
    /// Of a mask a, as `a(1/X)`.
    pub(super) fn of_mask(mask: &[u64]) -> Result<Self, FheError> {
        let transform = |prime: &Prime| {
            // a_i X^-i is -a_i X^(N-i), but for i = 0.
            let mut row: Vec<u64> = mask.iter().map(|a| prime.sub(0, prime.reduce(u128::from(*a)))).collect();
            row[1..].reverse();
            row[0] = prime.reduce(u128::from(mask[0]));
            prime.forward(&mut row);
            row
        };
        Ok(Self(primes()?.primes.each_ref().map(transform)))
    }

    /// Of nothing yet.
    pub(super) fn zero() -> Self {
        Self([vec![0; GLWE_DEGREE], vec![0; GLWE_DEGREE]])
    }

    /// Adds the product of a mask with the weights that select some pieces of it.
    pub(super) fn add_selected(&mut self, mask: &Self, pieces: &[Piece]) -> Result<(), FheError> {
        let mut weights = vec![0u64; GLWE_DEGREE];
        for (index, prime) in primes()?.primes.iter().enumerate() {
            weights.fill(0);
            // The same cell may be selected twice by overlapping ranges of a foreign program.
            pieces.iter().for_each(|piece| weights[piece.range()].iter_mut().for_each(|weight| *weight += 1));
            prime.forward(&mut weights);
            prime.accumulate(&mut self.0[index], &weights, &mask.0[index]);
        }
        Ok(())
    }

    /// Adds the polynomial modulo 2^64 to the mask of a sum.
    pub(super) fn finish(mut self, sum: &mut Lwe) -> Result<(), FheError> {
        let Primes { primes, inverse } = primes()?;
        let [first, second] = primes;
        first.inverse(&mut self.0[0]);
        second.inverse(&mut self.0[1]);
        let [p, q] = [first.value(), second.value()];
        for (mask, (a, b)) in sum.mask.iter_mut().zip(self.0[0].iter().zip(&self.0[1])) {
            // x = a + p h in 0..pq; beyond half it is negative.
            let h = second.mul_by(second.sub(*b, second.reduce(u128::from(*a))), *inverse);
            let x = a.wrapping_add(p.wrapping_mul(h));
            let x = if h > q / 2 { x.wrapping_sub(p.wrapping_mul(q)) } else { x };
            *mask = mask.wrapping_add(x);
        }
        Ok(())
    }
}
