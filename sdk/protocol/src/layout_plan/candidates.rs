//! The ways to write the codes of a dimension as digits, from a slice for each code to many small
//! digits.

use crate::{
    layout::DimensionDigits,
    layout_plan::structure::{Kind, Structure},
    schema::{Column, ColumnId},
};

/// The most digits that are tried.
const MOST_DIGITS: usize = 4;
const MONTHS: u32 = 12;

/// One way, and why it may be a good one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) digits: DimensionDigits,
    pub(super) why: &'static str,
}

/// All ways worth a look; the first has a slice for each code but one.
pub(super) fn candidates(id: ColumnId, column: &Column) -> Vec<Candidate> {
    let codes = column.codes();
    let plain = |bases, why| Candidate { digits: DimensionDigits { column: id, bases, blocks: None }, why };
    let mut found = vec![plain(vec![codes], "one digit: no products")];
    for count in 2..=MOST_DIGITS {
        if codes >= 1 << count {
            found.push(plain(balanced(codes, count), "digits of about equal size: fewest slices"));
        }
    }
    if let Some(structure) = Structure::of(column) {
        found.extend(structured(id, codes, &structure));
    }
    found
}

/// Bits: the fewest slices there can be.
pub(super) fn bits(id: ColumnId, column: &Column) -> DimensionDigits {
    let count = (u32::BITS - column.codes().saturating_sub(1).leading_zeros()).max(1);
    let base = column.codes().clamp(1, 2);
    DimensionDigits { column: id, bases: vec![base; count as usize], blocks: None }
}

/// So many bases, as small as can be, whose product reaches `codes`.
pub(super) fn balanced(codes: u32, count: usize) -> Vec<u32> {
    let reach = |bases: &[u32]| bases.iter().map(|base| u64::from(*base)).product::<u64>();
    let mut root = 2;
    while reach(&vec![root; count]) < u64::from(codes) {
        root += 1;
    }
    let mut bases = vec![root; count];
    for position in 0..count {
        bases[position] -= 1;
        if bases[position] < 2 || reach(&bases) < u64::from(codes) {
            bases[position] += 1;
            break;
        }
    }
    bases
}

/// Leading digits for the blocks, trailing ones within a block; either may be one digit or two.
fn structured(id: ColumnId, codes: u32, structure: &Structure) -> Vec<Candidate> {
    let count = u32::try_from(structure.starts.len()).unwrap_or(u32::MAX);
    let (leading, why) = match structure.kind {
        Kind::FirstWords => (vec![vec![count], balanced(count, 2)], "the first word is a digit"),
        Kind::Months => {
            let years = count.div_ceil(MONTHS);
            let whole = if years > 1 { vec![years, MONTHS] } else { vec![count] };
            (vec![whole], "years, months and days are digits")
        }
    };
    let mut trailing = vec![vec![structure.longest]];
    if structure.longest >= 4 {
        trailing.push(balanced(structure.longest, 2));
    }
    let mut found = Vec::new();
    for leading in &leading {
        for trailing in &trailing {
            let size = trailing.iter().product();
            let bases: Vec<u32> = leading.iter().chain(trailing).copied().filter(|base| *base > 1).collect();
            let digits = DimensionDigits { column: id, bases, blocks: structure.blocks(size) };
            if digits.bases.len() <= MOST_DIGITS && digits.check(codes).is_ok() {
                found.push(Candidate { digits, why });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Domain;

    fn bases(column: &Column) -> Vec<Vec<u32>> {
        let all = candidates(ColumnId(0), column);
        for candidate in &all {
            assert_eq!(candidate.digits.check(column.codes()), Ok(()), "{candidate:?}");
        }
        all.into_iter().map(|candidate| candidate.digits.bases).collect()
    }

    fn column(domain: Domain) -> Column {
        Column {
            name: "c".to_owned(),
            description: String::new(),
            nullable: false,
            dimension: Some(domain),
            measure: None,
        }
    }

    #[test]
    fn digits_cover_the_codes_with_few_slices() {
        assert_eq!(balanced(1_000, 2), [32, 32]);
        assert_eq!(balanced(129, 2), [11, 12]);
        assert_eq!(balanced(2_550, 4), [7, 7, 7, 8]);
        assert_eq!(balanced(4, 2), [2, 2]);
        for codes in 1..=4_096 {
            let column = column(Domain::Integer { min: 1, max: codes });
            bases(&column);
            assert_eq!(bits(ColumnId(0), &column).check(column.codes()), Ok(()), "{codes}");
        }
    }

    #[test]
    fn first_words_become_a_digit() {
        let value =
            |code: u32| format!("{} {}", ["A", "B", "C", "D", "E", "F"][code as usize / 25], code % 25);
        let types = column(Domain::Category { values: (0..150).map(value).collect() });
        let found = bases(&types);
        assert!(found.contains(&vec![6, 25]) && found.contains(&vec![6, 5, 5]), "{found:?}");
    }

    #[test]
    fn years_months_and_days_become_digits() {
        let first = chrono::NaiveDate::from_ymd_opt(1992, 1, 2).expect("a date");
        let edges = (0..2_527).map(|day| first + chrono::Days::new(day)).collect();
        let found = bases(&column(Domain::Date { edges }));
        assert!(found.contains(&vec![7, 12, 31]) && found.contains(&vec![7, 12, 6, 6]), "{found:?}");
    }
}
