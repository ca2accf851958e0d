//! Arithmetic modulo one prime of at most 62 bits.

use tfhe_ntt::prime64::Plan;

/// A prime with its transform.
pub(crate) struct Prime {
    value: u64,
    /// `floor(2^128 / p)`, high and low.
    ratio: (u64, u64),
    /// Bits of p, less one.
    shift: u32,
    /// `floor(2^(shift + 64) / p)`.
    narrow_ratio: u64,
    plan: Plan,
}

impl Prime {
    /// Nothing for a number that is not a prime of 32 to 62 bits with a transform of `degree`.
    pub(crate) fn new(value: u64, degree: usize) -> Option<Self> {
        let shift = value.checked_ilog2().filter(|shift| (31..62).contains(shift))?;
        let plan = Plan::try_new(degree, value)?;
        let p = u128::from(value);
        // 2^128 / p, from 2^128 - 1 = q p + r: p is odd and above 1, so it does not divide 2^128.
        let ratio = u128::MAX / p;
        let narrow_ratio = ((1u128 << (shift + 64)) / p) as u64;
        Some(Self { value, ratio: ((ratio >> 64) as u64, ratio as u64), shift, narrow_ratio, plan })
    }

    pub(crate) const fn value(&self) -> u64 {
        self.value
    }

    /// From below 2p to below p.
    #[inline(always)]
    const fn once(&self, a: u64) -> u64 {
        let less = a.wrapping_sub(self.value);
        if less < a { less } else { a }
    }

    #[inline(always)]
    pub(crate) const fn add(&self, a: u64, b: u64) -> u64 {
        self.once(a + b)
    }

    #[inline(always)]
    pub(crate) const fn sub(&self, a: u64, b: u64) -> u64 {
        self.once(a + self.value - b)
    }

    /// Any number below 2^127.
    #[inline(always)]
    pub(crate) const fn reduce(&self, a: u128) -> u64 {
        let (low, high) = (a as u64 as u128, a >> 64);
        let (ratio_high, ratio_low) = (self.ratio.0 as u128, self.ratio.1 as u128);
        // High is below 2^63, so the sum does not overflow; the quotient is at most one too small.
        let middle = high * ratio_low + low * ratio_high + ((low * ratio_low) >> 64);
        let quotient = (high * ratio_high + (middle >> 64)) as u64;
        self.once((a as u64).wrapping_sub(quotient.wrapping_mul(self.value)))
    }

    /// The sum of at most two products of reduced numbers.
    #[inline(always)]
    pub(crate) const fn reduce_products(&self, a: u128) -> u64 {
        // Below 2^(2 shift + 3), so this is below 2^(shift + 3), at most 2^64.
        let high = (a >> self.shift) as u64;
        // The quotient is at most 2 too small: each of the three roundings takes less than one.
        let quotient = ((high as u128 * self.narrow_ratio as u128) >> 64) as u64;
        let rest = (a as u64).wrapping_sub(quotient.wrapping_mul(self.value));
        self.once(self.once(rest))
    }

    #[inline(always)]
    pub(crate) const fn mul(&self, a: u64, b: u64) -> u64 {
        self.reduce_products(a as u128 * b as u128)
    }

    /// What [`Self::mul_by`] needs of a constant.
    pub(crate) const fn prepare(&self, b: u64) -> (u64, u64) {
        (b, (((b as u128) << 64) / self.value as u128) as u64)
    }

    /// The product with a prepared constant.
    #[inline(always)]
    pub(crate) const fn mul_by(&self, a: u64, (b, quotient): (u64, u64)) -> u64 {
        let quotient = ((a as u128 * quotient as u128) >> 64) as u64;
        self.once(a.wrapping_mul(b).wrapping_sub(quotient.wrapping_mul(self.value)))
    }

    /// A signed number.
    pub(crate) const fn signed(&self, a: i64) -> u64 {
        // Dividing costs more than all the rest, and nearly all numbers are small.
        let size = a.unsigned_abs();
        let size = if size < self.value { size } else { size % self.value };
        if a < 0 && size > 0 { self.value - size } else { size }
    }

    /// The inverse of a number other than 0.
    pub(crate) const fn inverse_of(&self, mut base: u64) -> u64 {
        let (mut power, mut exponent) = (1, self.value - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = self.mul(power, base);
            }
            base = self.mul(base, base);
            exponent >>= 1;
        }
        power
    }

    /// Adds the products of reduced numbers.
    pub(crate) fn accumulate(&self, sums: &mut [u64], a: &[u64], b: &[u64]) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = self.reduce_products(*a as u128 * *b as u128 + *sum as u128);
        }
    }

    /// Coefficients to the domain of the transform.
    pub(crate) fn forward(&self, row: &mut [u64]) {
        self.plan.fwd(row);
    }

    /// Back to coefficients.
    pub(crate) fn inverse(&self, row: &mut [u64]) {
        self.plan.inv(row);
        self.plan.normalize(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::printed_rng;
    use rand::Rng;

    #[test]
    fn reductions_are_exact() {
        let mut rng = printed_rng("reductions");
        for value in [0x3f_ffff_ffe6_4001, 0x1fff_ffff_ffe1_0001, 0x3fff_ffff_ffff_0001] {
            let Some(prime) = Prime::new(value, 8_192) else { panic!("{value} has no transform") };
            let p = u128::from(value);
            let edges = [0, 1, value - 1, value - 2];
            let mut any = |i: usize| if i < 4 { edges[i] } else { rng.random_range(0..value) };
            for i in 0..2_000 {
                let (a, b, c, d) = (any(i / 400), any(i % 400 / 80), any(i % 80 / 16), any(i % 16));
                let wide = |a: u64, b: u64| u128::from(a) * u128::from(b);
                assert_eq!(u128::from(prime.mul(a, b)), wide(a, b) % p);
                assert_eq!(
                    u128::from(prime.reduce_products(wide(a, b) + wide(c, d))),
                    (wide(a, b) + wide(c, d)) % p
                );
                assert_eq!(u128::from(prime.mul_by(a, prime.prepare(b))), wide(a, b) % p);
                assert_eq!(u128::from(prime.add(a, b)), (u128::from(a) + u128::from(b)) % p);
                assert_eq!(u128::from(prime.add(prime.sub(a, b), b)), u128::from(a));
            }
            for a in (0..2_000).map(|_| rng.random::<u128>() >> 1).chain([0, p, (1 << 127) - 1]) {
                assert_eq!(u128::from(prime.reduce(a)), a % p);
            }
            for a in [0, 1, -1, 1 << 53, -(1 << 53), i64::MIN, i64::MAX] {
                assert_eq!(i128::from(prime.signed(a)), i128::from(a).rem_euclid(i128::from(value)));
            }
        }
    }

    #[test]
    fn what_is_no_prime_is_refused() {
        for value in [0, 1, 0x1fff_ffff_ffe1_0003, u64::MAX] {
            assert!(Prime::new(value, 8_192).is_none(), "{value}");
        }
    }
}
