//! Where a score is positive: a polynomial that is 1 at the levels above 0 and 0 at the others, modulo t.
//!
//! Evaluated as Paterson and Stockmeyer do (*On the number of nonscalar multiplications necessary to
//! evaluate polynomials*, 1973): blocks are linear in few small powers, and pairs of blocks are joined by
//! products with a power of twice the size, so that the depth is the logarithm of the degree.

use super::{Builder, Linear, Node, ScanLayout, Schema, Score, level, power, step};
use crate::query::score::indicator;

/// Where a condition on scores holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Side {
    /// For no row.
    Never,
    /// For every row.
    Always,
    /// Where a mask is 1.
    Where(Node),
}

/// Where a score is above 0.
pub(in super::super) fn positive(
    builder: &mut Builder,
    schema: &Schema,
    layout: &ScanLayout,
    score: &Score,
    prime: u64,
) -> Side {
    let (low, high) = score.bounds();
    if high <= 0 {
        return Side::Never;
    }
    if low > 0 {
        return Side::Always;
    }
    let Some(level) = level(builder, schema, layout, score) else { return Side::Never };
    let half = prime / 2;
    let centred = |coefficient: u64| {
        let signed = coefficient.cast_signed();
        if coefficient > half { signed - prime.cast_signed() } else { signed }
    };
    let levels = score.levels();
    let polynomial: Vec<i64> = indicator(levels, low.abs_diff(1), prime).into_iter().map(centred).collect();
    let mut powers = Powers { builder, level, block: step(levels) as usize };
    let mask = powers.evaluate(&polynomial);
    Side::Where(mask.node(powers.builder))
}

struct Powers<'a> {
    builder: &'a mut Builder,
    level: Node,
    /// Coefficients of a polynomial that is linear in small powers.
    block: usize,
}

impl Powers<'_> {
    fn evaluate(&mut self, polynomial: &[i64]) -> Linear {
        if polynomial.len() <= self.block {
            let mut sum = Linear::constant(polynomial.first().copied().unwrap_or(0));
            for (exponent, coefficient) in (1u64..).zip(&polynomial[1.min(polynomial.len())..]) {
                if *coefficient != 0 {
                    sum.add(Linear::of(power(self.builder, self.level, exponent)), *coefficient);
                }
            }
            return sum;
        }
        let half = polynomial.len().next_power_of_two() / 2;
        let (low, high) = polynomial.split_at(half);
        let (mut low, high) = (self.evaluate(low), self.evaluate(high));
        let power = power(self.builder, self.level, half as u64);
        if high.is_constant() {
            low.add(Linear::of(power), high.constant);
            return low;
        }
        let high = high.node(self.builder);
        low.add(Linear::of(self.builder.multiply(high, power)), 1);
        low
    }
}
