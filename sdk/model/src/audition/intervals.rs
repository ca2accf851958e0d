//! Shares of rows of which not all are known.

use crate::metrics::{Bounds, ratio};

/// The least and the most rows of some cells.
#[derive(Clone, Copy, Default)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Cells of the answer: each carries its own noise.
    pub(super) parts: usize,
}

impl Range {
    pub(super) fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high, parts: self.parts + other.parts }
    }

    /// The share of these rows among them and `others`.
    pub(super) fn share(self, others: Self) -> Option<Bounds> {
        let lower = ratio(self.low, self.low + others.high);
        let upper = ratio(self.high, self.high + others.low);
        // Where there may be no row at all, nothing can be said.
        (self.low + others.low > 0.0).then_some(())?;
        Some(Bounds { lower: lower.unwrap_or(0.0), upper: upper.unwrap_or(1.0) })
    }

    /// The standard error of that share.
    pub(super) fn error_of_share(self, others: Self, noise: f64) -> Option<f64> {
        let rows = self.low + others.low;
        let share = ratio(self.low, rows)?;
        let (here, there) = (self.parts as f64, others.parts as f64);
        Some(noise / rows * (here * (1.0 - share).powi(2) + there * share.powi(2)).sqrt())
    }
}
