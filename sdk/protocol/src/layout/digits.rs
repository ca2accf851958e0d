//! How the code of a dimension becomes digits: a mixed-radix number, after blocks of unequal length
//! were padded so that a block is a value of the leading digits.

use serde::{Deserialize, Serialize};

use crate::{predicate::CodeSet, schema::ColumnId};

/// The most digits of a code.
pub const MAX_DIGITS: usize = 12;
/// The most numbers that digits may tell apart: room for blocks that are padded generously.
pub const MAX_NUMBERS: u64 = 1 << 16;

/// How a dimension's code is decomposed into digits, the most significant first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionDigits {
    /// The dimension.
    pub column: ColumnId,
    /// The base of each digit: the code's number is a mixed-radix number. A digit has one slice less
    /// than its base.
    pub bases: Vec<u32>,
    /// How codes are numbered, if not by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<Blocks>,
}

/// Codes that belong together, such as the days of a month or the categories that begin with one
/// word. Code `starts[i] + j` of block `i` has the number `i * size + j`, so that a condition on whole
/// blocks looks at the leading digits alone. Numbers that no code has are free: no row is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocks {
    /// Numbers of a block; none is longer.
    pub size: u32,
    /// The first code of each block, in order; a block that starts where the next one does is empty.
    pub starts: Vec<u32>,
}

impl DimensionDigits {
    /// Slices of a chunk for this dimension.
    pub fn slices(&self) -> u64 {
        self.bases.iter().map(|base| u64::from(base.saturating_sub(1))).sum()
    }

    /// How many numbers the digits can tell apart.
    pub fn reach(&self) -> u32 {
        self.bases.iter().fold(1, |reach, base| reach.saturating_mul(*base))
    }

    /// The number of a code.
    pub fn number(&self, code: u32) -> u32 {
        let Some(blocks) = &self.blocks else { return code };
        let block = blocks.starts.partition_point(|start| *start <= code).saturating_sub(1);
        let within = code - blocks.starts.get(block).copied().unwrap_or(0);
        u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(blocks.size).saturating_add(within)
    }

    /// The digits of a code, most significant first.
    pub fn digits_of(&self, code: u32) -> Vec<u32> {
        let mut number = self.number(code);
        let mut digits = vec![0; self.bases.len()];
        for (slot, base) in digits.iter_mut().zip(&self.bases).rev() {
            *slot = number % base;
            number /= base;
        }
        digits
    }

    /// The numbers of a set of the codes `0..size`. Free numbers between codes of the set, before the
    /// first code and after the last are counted in: that makes ranges whole, and no row is there.
    pub fn numbers(&self, codes: &CodeSet, size: u32) -> CodeSet {
        let low = |code| if code == 0 { 0 } else { self.number(code) };
        let high = |code| if code >= size { self.reach() } else { self.number(code) };
        CodeSet::from_ranges(codes.ranges().iter().map(|(from, to)| (low(*from), high(*to))).collect())
    }

    /// Whether every one of `codes` codes has digits of its own; otherwise what is wrong.
    pub(crate) fn check(&self, codes: u32) -> Result<(), String> {
        let wrong = |what: &str| Err(format!("the digits of dimension {}: {what}", self.column.0));
        if self.bases.is_empty() || self.bases.len() > MAX_DIGITS {
            return wrong(&format!("there must be 1 to {MAX_DIGITS}"));
        }
        if codes > 1 && self.bases.iter().any(|base| *base < 2) {
            return wrong("a base must be at least 2");
        }
        let reach = self.bases.iter().map(|base| u64::from(*base)).fold(1, u64::saturating_mul);
        if reach > MAX_NUMBERS {
            return wrong(&format!("they tell {reach} numbers apart, more than {MAX_NUMBERS}"));
        }
        if let Some(Blocks { size, starts }) = &self.blocks {
            let ends = starts.iter().skip(1).chain([&codes]);
            let fit = |(start, end): (&u32, &u32)| end.checked_sub(*start).is_some_and(|len| len <= *size);
            let many = starts.len() as u64 > reach;
            if many || starts.first() != Some(&0) || !starts.iter().zip(ends).all(fit) {
                return wrong(&format!("the blocks do not divide {codes} codes into at most {size} each"));
            }
        }
        if self.number(codes.saturating_sub(1)) >= self.reach() {
            return wrong(&format!("the bases do not cover its {codes} codes"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months() -> DimensionDigits {
        // From the 30th of a January of 31 days to the second of a March; no day of a December.
        let blocks = Some(Blocks { size: 31, starts: vec![0, 2, 30] });
        DimensionDigits { column: ColumnId(0), bases: vec![3, 31], blocks }
    }

    #[test]
    fn a_block_is_a_value_of_the_leading_digit() {
        let digits = months();
        assert_eq!(digits.check(32), Ok(()));
        assert_eq!(
            [0, 1, 2, 29, 30, 31].map(|code| digits.digits_of(code)),
            [[0, 0], [0, 1], [1, 0], [1, 27], [2, 0], [2, 1]]
        );
        let numbers = |low, high| digits.numbers(&CodeSet::from_ranges(vec![(low, high)]), 32);
        assert_eq!(numbers(2, 30).ranges(), &[(31, 62)], "February, to its end");
        assert_eq!(numbers(0, 32).ranges(), &[(0, 93)]);
        assert_eq!(numbers(3, 4).ranges(), &[(32, 33)]);
    }

    #[test]
    fn empty_blocks_are_passed_over() {
        let blocks = Some(Blocks { size: 2, starts: vec![0, 0, 0, 1, 1, 3] });
        let digits = DimensionDigits { column: ColumnId(0), bases: vec![6, 2], blocks };
        assert_eq!(digits.check(4), Ok(()));
        assert_eq!([0, 1, 2, 3].map(|code| digits.number(code)), [4, 8, 9, 10]);
    }

    #[test]
    fn what_does_not_cover_the_codes_is_refused() {
        let refused = |change: fn(&mut DimensionDigits), codes| {
            let mut digits = months();
            change(&mut digits);
            digits.check(codes).is_err()
        };
        assert!(refused(|_| {}, 62), "the last block is too long");
        assert!(refused(|d| d.bases[0] = 2, 32));
        assert!(refused(|d| d.bases[1] = 1, 32));
        assert!(refused(|d| d.bases[0] = u32::MAX, 32));
        assert!(refused(|d| d.bases.clear(), 32));
        assert!(refused(|d| d.blocks = Some(Blocks { size: 31, starts: vec![] }), 20));
        assert!(refused(|d| d.blocks = Some(Blocks { size: 31, starts: vec![0, 9, 3] }), 20));
        assert!(refused(|d| d.blocks = Some(Blocks { size: 31, starts: vec![1] }), 20));
        assert!(refused(|d| d.blocks = None, 94));
    }
}
