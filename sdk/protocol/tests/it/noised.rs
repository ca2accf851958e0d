//! What is released of noised counts is nearly always what exact ones give.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    digest::Digest,
    predicate::Predicate,
    query::{Expression, Output, Query, Rank},
    release_values::{GroupTotals, release},
    schema::{ColumnId, Schema},
};

use crate::planning::{dimension, schema};

/// Of these, noise may decide one in a hundred.
const DRAWS: usize = 1_000;
const SCALE: f64 = 25.0;

#[test]
fn noised_ranks_and_distinct_values_are_nearly_always_right() {
    let mut rng = printed_rng();
    // Half of the codes have no row; of a thousand such codes, some are noised by more than three deviations.
    let few = (0..40).map(|code| if (9..=30).contains(&code) { 500 + code * 7 % 90 } else { 0 });
    for counts in [few.collect(), filled(1_000, &[(200, 6_000), (201, 9_000), (640, 5_000), (641, 4_500)])] {
        check(&mut rng, &counts);
    }
}

#[test]
fn of_no_rows_nothing_is_released() {
    let mut rng = printed_rng();
    let (schema, query) = asked(40);
    let nothing = vec![0; 40];
    let invented =
        (0..DRAWS).filter(|_| shown(&schema, &query, &nothing, &mut rng)[1..].iter().any(Option::is_some));
    // One in a hundred by what a single code reaches, and as many by what all of them add up to.
    assert!(invented.count() < DRAWS / 50);
}

fn check(rng: &mut ChaCha20Rng, counts: &[i64]) {
    let (schema, query) = asked(i64::try_from(counts.len()).expect("few codes"));
    let exact = release(&schema, &query.requirements(&schema), &totals(counts.to_vec()), &[], 10);
    let mut wrong = vec![0; exact.len()];
    for _ in 0..DRAWS {
        let noised = shown(&schema, &query, counts, rng);
        let right = noised.iter().zip(&exact).enumerate().map(|(position, (noised, exact))| match position {
            // Rows, which are not asked about here.
            0 => true,
            // DISTINCT, MIN and MAX.
            1..=3 => noised == exact,
            // The medians and the percentiles are next to each other's codes at most.
            _ => noised.zip(*exact).is_some_and(|(noised, exact)| (noised - exact).abs() <= 1),
        });
        wrong.iter_mut().zip(right).for_each(|(wrong, right)| *wrong += usize::from(!right));
    }
    println!("{} codes, wrong of {DRAWS}: {wrong:?}", counts.len());
    assert!(wrong.iter().all(|wrong| *wrong <= DRAWS / 50), "{wrong:?} of {DRAWS}");
}

/// Every value that is made of counts per code, of a dimension of so many codes.
fn asked(codes: i64) -> (Schema, Query) {
    let schema = schema(vec![dimension("d", codes)]);
    let (column, when) = (ColumnId(0), Predicate::All);
    let ranks = [Rank::Lowest, Rank::Highest, Rank::Median, Rank::Percentile(0), Rank::Percentile(1_000_000)];
    let mut expressions =
        vec![Expression::Count(when.clone()), Expression::Distinct { column, when: when.clone() }];
    expressions.extend(ranks.map(|rank| Expression::Quantile { rank, column, when: when.clone() }));
    let output = |expression| Output { name: "x".to_owned(), expression };
    let outputs = expressions.into_iter().map(output).collect();
    let query = Query {
        dataset: Digest::from_bytes([0; 32]),
        outputs,
        predicate: Predicate::All,
        groups: vec![],
        scores: vec![],
    };
    query.validate(&schema).expect("valid");
    (schema, query)
}

fn filled(codes: usize, rows: &[(usize, i64)]) -> Vec<i64> {
    let mut counts = vec![0; codes];
    rows.iter().for_each(|(code, rows)| counts[*code] = *rows);
    counts
}

fn totals(counts: Vec<i64>) -> GroupTotals {
    let rows = counts.iter().sum::<i64>();
    let values = std::iter::once(rows).chain(counts).collect();
    GroupTotals { key: vec![], rows: rows.max(0).unsigned_abs(), values }
}

/// What is released with fresh noise.
fn shown(schema: &Schema, query: &Query, counts: &[i64], rng: &mut ChaCha20Rng) -> Vec<Option<i64>> {
    let noised = counts.iter().map(|count| count + noise(rng)).collect();
    release(schema, &query.requirements(schema), &totals(noised), &[SCALE, SCALE], 1)
}

/// Discrete Gaussian noise, by rejection from a uniform integer; good enough for a test.
fn noise(rng: &mut ChaCha20Rng) -> i64 {
    loop {
        let drawn = rng.random_range(-200i32..=200);
        if rng.random::<f64>() < (-f64::from(drawn).powi(2) / (2.0 * SCALE * SCALE)).exp() {
            return i64::from(drawn);
        }
    }
}

/// A generator whose seed is printed, so that a failure can be repeated.
fn printed_rng() -> ChaCha20Rng {
    let seed = std::env::var("SORDINO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    println!("SORDINO_TEST_SEED={seed}");
    ChaCha20Rng::seed_from_u64(seed)
}
