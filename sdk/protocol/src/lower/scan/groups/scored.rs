//! What groups need of scores: powers where a mask is 1, and masks of the class that is the largest.

use std::sync::Arc;

use super::{
    super::{builder::Node, score, score::Side},
    Groups, Selection,
};
use crate::query::Score;

impl Groups<'_> {
    /// A power of a score where a selection is 1. All powers of a group are products of some that have the
    /// mask and some that do not, so that each takes one more product.
    pub(super) fn power(&mut self, selection: &Selection, score: &Arc<Score>, exponent: u64) -> Node {
        let mask = match selection {
            Selection::Nothing => return self.builder.nothing(),
            Selection::Everything => None,
            Selection::All(factors) => Some(self.product(factors).0),
        };
        let Some(level) = self.level(score) else { return self.builder.nothing() };
        // Without slack, as shallow as can be: more of the products are factors then.
        if self.depth.slack == 0 {
            if let (Some(mask), 1) = (mask, exponent) {
                score::masked_powers(&mut self.builder, mask, level, score.levels());
            }
            return match mask {
                Some(mask) => score::masked_power(&mut self.builder, mask, level, exponent),
                None => score::power(&mut self.builder, level, exponent),
            };
        }
        let step = score::step(score.levels());
        let (giant, baby) = (exponent / step * step, exponent % step);
        let small = match (mask, baby) {
            (mask, 0) => mask,
            (None, baby) => Some(score::power(&mut self.builder, level, baby)),
            (Some(mask), baby) => {
                let baby = score::power(&mut self.builder, level, baby);
                Some(self.builder.multiply(mask, baby))
            }
        };
        match (small, giant) {
            (Some(small), 0) => small,
            (small, giant) => {
                let giant = score::power(&mut self.builder, level, giant.max(1));
                small.map_or(giant, |small| self.builder.multiply(small, giant))
            }
        }
    }

    /// The masks of the rows where one score is the largest, the first of equals; `None` where none is.
    pub(super) fn largest(&mut self, scores: &[Score], class: usize) -> Option<Vec<Node>> {
        let mut masks = Vec::new();
        for other in (0..scores.len()).filter(|other| *other != class) {
            let (earlier, later) = (&scores[other.min(class)], &scores[other.max(class)]);
            match self.exceeds(later, earlier) {
                Side::Never if other < class => return None,
                Side::Always if other > class => return None,
                Side::Never | Side::Always => {}
                Side::Where(mask) if other < class => masks.push(mask),
                Side::Where(mask) => masks.push(self.builder.complement(mask)),
            }
        }
        Some(masks)
    }

    /// Where one score exceeds another one; compiled once for all groups.
    fn exceeds(&mut self, later: &Score, earlier: &Score) -> Side {
        // A valid key has such a difference.
        let Some(difference) = later.minus(earlier) else { return Side::Never };
        if let Some((_, side)) = self.sides.iter().find(|(known, _)| *known == difference) {
            return *side;
        }
        let prime = self.layout.parameter_set.scan().map_or(2, |numbers| numbers.plaintext_modulus);
        let side = score::positive(&mut self.builder, self.schema, self.layout, &difference, prime);
        self.sides.push((difference, side));
        side
    }

    /// The level of a score, compiled once for all its powers and groups.
    fn level(&mut self, score: &Arc<Score>) -> Option<Node> {
        if let Some((_, level)) = self.levels.iter().find(|(known, _)| Arc::ptr_eq(known, score)) {
            return *level;
        }
        let level = score::level(&mut self.builder, self.schema, self.layout, score);
        self.levels.push((Arc::clone(score), level));
        level
    }
}
