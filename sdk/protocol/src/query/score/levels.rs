//! Arithmetic modulo a prime over the levels of a score: counts from sums of powers, and polynomials that
//! tell levels apart.

/// How many rows have each level, from the sums of the powers of their levels modulo a prime that is
/// larger than their number: `powers[k]` is the sum of `level^k`, with `0^0 = 1`.
///
/// The counts c solve a Vandermonde system: with `M(x)` the product of all `x - v`, the polynomial
/// `M(x) / (x - v)` is 0 at every level but v, so its coefficients combine the power sums to a multiple
/// of `c_v`. In time quadratic in the number of levels.
pub fn counts(powers: &[u64], prime: u64) -> Vec<u64> {
    let (levels, p) = (powers.len(), u128::from(prime));
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % p) as u64;
    let master = master(levels as u64, prime);
    (0..levels as u64)
        .map(|level| {
            // Synthetic division, with the value of the quotient at the level alongside.
            let (mut quotient, mut weighted, mut at_level) = (0u64, 0u64, 0u64);
            for power in (0..levels).rev() {
                quotient = (master[power + 1] + times(quotient, level)) % prime;
                weighted = (weighted + times(quotient, powers[power] % prime)) % prime;
                at_level = (times(at_level, level) + quotient) % prime;
            }
            times(weighted, inverse(at_level, prime))
        })
        .collect()
}

/// The coefficients of the polynomial, modulo a prime larger than their number, that is 1 at levels from
/// `cut` on and 0 at those below; from the constant on.
pub fn indicator(levels: u64, cut: u64, prime: u64) -> Vec<u64> {
    interpolated(&(0..levels).map(|level| u64::from(level >= cut)).collect::<Vec<_>>(), prime)
}

/// The coefficients of the polynomial, modulo a prime larger than their number, that has these values at 0, 1
/// and so on; from the constant on.
pub fn interpolated(values: &[u64], prime: u64) -> Vec<u64> {
    let times = |a: u64, b: u64| times(a, b, prime);
    let master = master(values.len() as u64, prime);
    let mut sum = vec![0u64; values.len()];
    for (level, value) in (0..).zip(values).filter(|(_, value)| **value != 0) {
        // Lagrange: the product of all x - v but this one, divided by its value here.
        let (mut quotient, mut at_level) = (0u64, 0u64);
        let mut coefficients = vec![0u64; values.len()];
        for power in (0..values.len()).rev() {
            quotient = (master[power + 1] + times(quotient, level)) % prime;
            coefficients[power] = quotient;
            at_level = (times(at_level, level) + quotient) % prime;
        }
        let scale = times(value % prime, inverse(at_level, prime));
        for (sum, coefficient) in sum.iter_mut().zip(coefficients) {
            *sum = (*sum + times(coefficient, scale)) % prime;
        }
    }
    sum
}

/// The coefficients of the product of all `x - level`, from the constant on.
fn master(levels: u64, prime: u64) -> Vec<u64> {
    let times = |a: u64, b: u64| times(a, b, prime);
    let mut master = vec![1u64];
    for level in 0..levels {
        let mut next = vec![0u64; master.len() + 1];
        for (power, coefficient) in master.iter().enumerate() {
            next[power + 1] = (next[power + 1] + coefficient) % prime;
            next[power] = (next[power] + prime - times(*coefficient, level)) % prime;
        }
        master = next;
    }
    master
}

/// The product of two numbers below a prime; primes of half a word, as those of scores are, take no wide
/// division.
fn times(a: u64, b: u64, prime: u64) -> u64 {
    if prime <= 1 << 32 { a * b % prime } else { (u128::from(a) * u128::from(b) % u128::from(prime)) as u64 }
}

/// By Fermat's theorem.
fn inverse(value: u64, prime: u64) -> u64 {
    let (mut result, mut base, mut exponent) = (1u128, u128::from(value), prime - 2);
    let p = u128::from(prime);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % p;
        }
        base = base * base % p;
        exponent >>= 1;
    }
    result as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_come_back_from_sums_of_powers() {
        const PRIME: u64 = 786_433;
        for levels in [1usize, 2, 3, 17, 256] {
            let expected: Vec<u64> = (0..levels as u64).map(|level| level * 97 % 1_000).collect();
            let power = |level: u64, k: u32| {
                (0..k).fold(1u128, |power, _| power * u128::from(level) % u128::from(PRIME)) as u64
            };
            let sum = |k: u32| {
                let terms = (0u64..).zip(&expected).map(|(level, count)| {
                    u128::from(power(level, k)) * u128::from(*count) % u128::from(PRIME)
                });
                (terms.sum::<u128>() % u128::from(PRIME)) as u64
            };
            let powers: Vec<u64> = (0..levels as u32).map(sum).collect();
            assert_eq!(counts(&powers, PRIME), expected, "{levels} levels");
        }
    }

    #[test]
    fn an_indicator_is_1_from_its_cut_on() {
        const PRIME: u64 = 786_433;
        for (levels, cut) in [(2u64, 1u64), (9, 4), (256, 200), (5, 5), (3, 0)] {
            let coefficients = indicator(levels, cut, PRIME);
            for level in 0..levels {
                let at = |sum: u64, coefficient: &u64| (sum * level + coefficient) % PRIME;
                let found = coefficients.iter().rev().fold(0, at);
                assert_eq!(found, u64::from(level >= cut), "{level} of {levels} from {cut}");
            }
        }
    }

    #[test]
    fn an_interpolated_polynomial_has_its_values() {
        const PRIME: u64 = 65_537;
        for levels in [0usize, 1, 2, 3, 100, 256] {
            let values: Vec<u64> =
                (0..levels as u64).map(|level| (level * level * 977 + 5) % PRIME).collect();
            let coefficients = interpolated(&values, PRIME);
            for (level, value) in (0u64..).zip(&values) {
                let at = |sum: u64, coefficient: &u64| (sum * level + coefficient) % PRIME;
                assert_eq!(coefficients.iter().rev().fold(0, at), *value, "{level} of {levels}");
            }
        }
    }
}
