//! Choices from a sequence of numbers.

/// A sequence of random numbers.
pub(super) struct Dice(Box<dyn FnMut() -> u64>);

impl Dice {
    pub(super) fn new(next: impl FnMut() -> u64 + 'static) -> Self {
        Self(Box::new(next))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.abs_diff(low).saturating_add(1);
        low + i64::try_from((self.0)() % width).expect("a width below 2^63")
    }

    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from((self.0)() % length.max(1) as u64).expect("an index")
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.index(from.len())]
    }

    pub(super) fn word(&mut self, from: &[&'static str]) -> &'static str {
        from[self.index(from.len())]
    }
}
