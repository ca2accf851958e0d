//! What follows from the counts of a dimension's codes: how many occur, and which is at a rank.
//!
//! Noise gives a code of no row a count as well. So a noised code occurs only if its count is one that
//! noise alone does not make, and a rank is found by adding counts up with their signs, where noise
//! cancels out; clamped at 0, every code of no row would add to the total.

use crate::{noise, query::CodeRank};

/// The counts of the codes of a dimension, perhaps noised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Histogram<'a> {
    /// Rows with each code; with noise, below 0 as well.
    pub(super) counts: &'a [i64],
    /// Standard deviation of the noise of each count; 0 when they are exact.
    pub(super) scale: f64,
    /// Rows that must stand behind what is shown; at least 1.
    pub(super) cohort: i64,
}

impl Histogram<'_> {
    /// How many codes occur. With noise, `None` if none does for certain: that would say that there are
    /// no rows, which is not known.
    pub(super) fn distinct(self) -> Option<i64> {
        let least = if self.is_noised() { self.least() } else { 1 };
        let occurring = self.counts.iter().filter(|count| **count >= least).count();
        i64::try_from(occurring).ok().filter(|occurring| *occurring > 0 || !self.is_noised())
    }

    /// The code at a rank; `None` if there are too few rows for it.
    pub(super) fn code_at(self, rank: CodeRank) -> Option<i64> {
        let total: i64 = self.counts.iter().sum();
        match rank {
            CodeRank::Lowest if self.is_noised() => code(self.counts.iter().position(self.occurs())),
            CodeRank::Highest if self.is_noised() => code(self.counts.iter().rposition(self.occurs())),
            CodeRank::Lowest => self.reaching(self.cohort, total),
            CodeRank::Highest => self.reaching(total - self.cohort + 1, total),
            CodeRank::LowerMedian => self.inner((total + 1) / 2, total),
            CodeRank::UpperMedian => self.inner(total / 2 + 1, total),
            CodeRank::Percentile(share) => {
                let exact = i128::from(total) * i128::from(share);
                self.inner(i64::try_from((exact + 999_999) / 1_000_000).unwrap_or(total).max(1), total)
            }
        }
    }

    fn is_noised(self) -> bool {
        self.scale > 0.0
    }

    /// The smallest noised count that shows that a code occurs.
    fn least(self) -> i64 {
        noise::least_count(self.scale, self.counts.len(), self.cohort)
    }

    fn occurs(self) -> impl Fn(&i64) -> bool {
        let least = self.least();
        move |count| *count >= least
    }

    /// The code at a rank which neither noise nor a few rows decide. A rank nearer to an end than the
    /// cohort, or than noise adds up to, is taken as near as that: the 0th percentile would else be the
    /// value of one row, or be where noise first adds up to one.
    fn inner(self, wanted: i64, total: i64) -> Option<i64> {
        let drift = if self.is_noised() { noise::drift(self.scale, self.counts.len()) } else { 1 };
        let near = drift.max(self.cohort);
        if self.is_noised() && total < near {
            return None;
        }
        // The middle is nobody's end.
        let lowest = near.min((total + 1) / 2);
        self.reaching(wanted.clamp(lowest, total + 1 - lowest), total)
    }

    /// The first code at which the counts add up to `wanted`: of two ranks, the larger is never at a
    /// smaller code.
    fn reaching(self, wanted: i64, total: i64) -> Option<i64> {
        if wanted < 1 || wanted > total {
            return None;
        }
        let mut reached = 0;
        code(self.counts.iter().position(|count| {
            reached += count;
            reached >= wanted
        }))
    }
}

fn code(position: Option<usize>) -> Option<i64> {
    i64::try_from(position?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(counts: &[i64], cohort: i64) -> Histogram<'_> {
        Histogram { counts, scale: 0.0, cohort }
    }

    #[test]
    fn ranks_follow_from_counts() {
        let counts = [0, 2, 0, 3, 1, 0];
        let at = |rank, cohort| exact(&counts, cohort).code_at(rank);
        assert_eq!(at(CodeRank::Lowest, 1), Some(1));
        assert_eq!(at(CodeRank::Highest, 1), Some(4));
        assert_eq!(at(CodeRank::Lowest, 3), Some(3), "three rows are at or below it");
        assert_eq!(at(CodeRank::Highest, 2), Some(3), "two rows are at or above it");
        assert_eq!(at(CodeRank::Lowest, 7), None);
        assert_eq!((at(CodeRank::LowerMedian, 1), at(CodeRank::UpperMedian, 1)), (Some(3), Some(3)));
        assert_eq!(at(CodeRank::Percentile(0), 1), Some(1));
        assert_eq!(at(CodeRank::Percentile(0), 3), Some(3), "three rows are at or below it");
        assert_eq!(at(CodeRank::Percentile(1_000_000), 2), Some(3), "two rows are at or above it");
        assert_eq!(at(CodeRank::Percentile(0), 100), Some(3), "the middle");
        assert_eq!(at(CodeRank::LowerMedian, 100), Some(3));
        assert_eq!(at(CodeRank::Percentile(333_334), 1), Some(3));
        assert_eq!(at(CodeRank::Percentile(333_333), 1), Some(1));
        assert_eq!(at(CodeRank::Percentile(1_000_000), 1), Some(4));
        assert_eq!(exact(&counts, 3).distinct(), Some(3), "a cohort is of all rows, not of each code");
        assert_eq!(exact(&[0, 0], 1).code_at(CodeRank::LowerMedian), None);
        assert_eq!(exact(&[0, 0], 1).distinct(), Some(0));
        let two = exact(&[1, 1], 1);
        assert_eq!(
            (two.code_at(CodeRank::LowerMedian), two.code_at(CodeRank::UpperMedian)),
            (Some(0), Some(1))
        );
    }

    #[test]
    fn what_noise_makes_of_no_rows_does_not_occur() {
        // 40, 0 and 60 rows at codes 2, 4 and 5; the others are noise of standard deviation 4.
        let counts = [3, -7, 41, 5, -2, 58, 9, -6];
        let noised = |cohort| Histogram { counts: &counts, scale: 4.0, cohort };
        assert_eq!(noised(1).least(), 15);
        assert_eq!(noised(1).distinct(), Some(2));
        assert_eq!(noised(1).code_at(CodeRank::Lowest), Some(2));
        assert_eq!(noised(1).code_at(CodeRank::Highest), Some(5));
        // A cohort above the noise decides alone.
        assert_eq!(noised(50).distinct(), Some(1));
        assert_eq!(noised(50).code_at(CodeRank::Lowest), Some(5));
        let none = noised(59);
        assert_eq!(none.distinct(), None);
        assert_eq!((none.code_at(CodeRank::Lowest), none.code_at(CodeRank::Highest)), (None, None));
    }

    #[test]
    fn ranks_of_noised_counts_come_from_their_signed_sum() {
        // They add up to 101, and to 40 and 95 at codes 3 and 5; clamped at 0, to 116.
        let counts = [3, -7, 41, 3, -2, 57, 9, -3];
        let noised = Histogram { counts: &counts, scale: 4.0, cohort: 1 };
        assert_eq!(noise::drift(4.0, 8), 35);
        let at = |rank| noised.code_at(rank);
        assert_eq!((at(CodeRank::LowerMedian), at(CodeRank::UpperMedian)), (Some(5), Some(5)));
        assert_eq!(at(CodeRank::Percentile(360_000)), Some(2), "37 rows are reached there");
        assert_eq!(at(CodeRank::Percentile(0)), Some(2), "not where 3 of nobody are");
        assert_eq!(at(CodeRank::Percentile(1_000_000)), Some(5), "not where 9 of nobody are");
        let shares = (0..=1_000_000).step_by(1_000);
        let codes: Vec<_> = shares.map(|share| at(CodeRank::Percentile(share))).collect();
        assert!(codes.is_sorted() && codes.iter().all(Option::is_some), "{codes:?}");
    }

    #[test]
    fn a_rank_of_noise_alone_is_not_invented() {
        let counts = [3, -7, 8, 3, -2, 12, 9, -3];
        let noised = |cohort| Histogram { counts: &counts, scale: 4.0, cohort };
        for rank in [
            CodeRank::Lowest,
            CodeRank::Highest,
            CodeRank::LowerMedian,
            CodeRank::UpperMedian,
            CodeRank::Percentile(500_000),
        ] {
            assert_eq!(noised(1).code_at(rank), None, "{rank:?}");
            assert_eq!(Histogram { counts: &[], ..noised(1) }.code_at(rank), None, "{rank:?}");
        }
    }
}
