//! What a public domain tells about the questions that will be asked: dates come in months and years,
//! and categories that begin with the same word are asked for together (`LIKE 'PROMO%'`).

use chrono::Datelike;

use crate::{
    layout::Blocks,
    schema::{Column, Domain},
};

/// Codes that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Structure {
    /// The first code of each block, in order.
    pub(super) starts: Vec<u32>,
    /// Codes of the longest block.
    pub(super) longest: u32,
    /// What the blocks are.
    pub(super) kind: Kind,
}

/// What blocks stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Categories with the same first word.
    FirstWords,
    /// Months, from a January on; twelve make a year.
    Months,
}

/// Months of a year.
const MONTHS: usize = 12;

impl Structure {
    /// What is known of a dimension; `None` if it has no blocks.
    pub(super) fn of(column: &Column) -> Option<Self> {
        match column.dimension.as_ref()? {
            Domain::Category { values } => first_words(values, column.nullable),
            Domain::Date { edges } => {
                let (starts, inner) = (edges.first()?, &edges[..edges.len() - 1]);
                let months = inner.iter().map(|edge| {
                    let years = usize::try_from(edge.year() - starts.year()).unwrap_or(0);
                    years * MONTHS + edge.month0() as usize
                });
                months_of(&months.collect::<Vec<_>>(), column.nullable)
            }
            Domain::Integer { .. } | Domain::Buckets { .. } | Domain::Boolean | Domain::Order { .. } => None,
        }
    }

    /// The blocks padded to `size` numbers; `None` if they are equally long, so that codes are their
    /// own numbers.
    pub(super) fn blocks(&self, size: u32) -> Option<Blocks> {
        let regular = self.starts.iter().zip(0..).all(|(start, index): (_, u32)| *start == index * size);
        (!regular).then(|| Blocks { size, starts: self.starts.clone() })
    }

    /// The codes of block `index`, of `size` codes in all.
    pub(super) fn block(&self, index: usize, size: u32) -> (u32, u32) {
        (self.starts[index], self.starts.get(index + 1).copied().unwrap_or(size))
    }
}

/// Runs of categories that begin with the same word; the null code is a run of its own.
fn first_words(values: &[String], nullable: bool) -> Option<Structure> {
    let word = |value: &String| value.split_whitespace().next().unwrap_or("").to_owned();
    let mut starts = Vec::new();
    let mut before = None;
    for (code, value) in (0u32..).zip(values) {
        let word = word(value);
        if before.as_ref() != Some(&word) {
            starts.push(code);
            before = Some(word);
        }
    }
    let size = u32::try_from(values.len()).ok()?;
    let longest = longest(&starts, size);
    // A digit for the words pays only if it tells fewer apart than there are categories.
    let useful =
        starts.len() > 1 && longest > 1 && starts.len() as u64 * u64::from(longest) <= 3 * u64::from(size);
    if nullable {
        starts.push(size);
    }
    useful.then_some(Structure { starts, longest, kind: Kind::FirstWords })
}

/// Buckets sorted into the months they begin in; the null code into a year of its own.
fn months_of(months: &[usize], nullable: bool) -> Option<Structure> {
    let size = u32::try_from(months.len()).ok()?;
    let (first, last) = (*months.first()?, *months.last()?);
    // An empty month starts where the next one does.
    let start = |month| u32::try_from(months.partition_point(|of| *of < month)).unwrap_or(size);
    let mut starts: Vec<u32> = (0..=last).map(start).collect();
    let longest = longest(&starts, size);
    if nullable {
        starts.resize(starts.len().next_multiple_of(MONTHS) + 1, size);
    }
    let dense = months.len() * 2 > last - first;
    (starts.len() > 2 && dense).then_some(Structure { starts, longest, kind: Kind::Months })
}

fn longest(starts: &[u32], size: u32) -> u32 {
    let ends = starts.iter().skip(1).chain([&size]);
    starts.iter().zip(ends).map(|(start, end)| end - start).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;

    fn column(domain: Domain, nullable: bool) -> Column {
        Column {
            name: "c".to_owned(),
            description: String::new(),
            nullable,
            dimension: Some(domain),
            measure: None,
        }
    }

    fn categories(texts: &[&str]) -> Domain {
        Domain::Category { values: texts.iter().map(|text| (*text).to_owned()).collect() }
    }

    #[test]
    fn categories_are_cut_where_the_first_word_changes() {
        let domain = categories(&["car (new)", "car (used)", "tv", "van red", "van"]);
        let found = Structure::of(&column(domain.clone(), true)).expect("words");
        assert_eq!((found.starts.clone(), found.longest), (vec![0, 2, 3, 5], 2));
        assert_eq!(found.blocks(2).expect("unequal").starts, found.starts);
        assert_eq!(found.block(3, 6), (5, 6));
        let equal = Structure::of(&column(categories(&["a x", "a y", "b x", "b y"]), false)).expect("words");
        assert_eq!(equal.blocks(2), None);
        assert_eq!(Structure::of(&column(categories(&["a", "b", "c"]), false)), None);
        assert_eq!(Structure::of(&column(categories(&["a b", "a c", "a d"]), false)), None);
    }

    #[test]
    fn days_are_cut_into_months_from_a_january_on() {
        let first = NaiveDate::from_ymd_opt(1999, 11, 29).expect("a date");
        let edges: Vec<_> = (0..=100).map(|day| first + Days::new(day)).collect();
        let found = Structure::of(&column(Domain::Date { edges }, true)).expect("months");
        assert_eq!(found.starts[..11], [0; 11]);
        assert_eq!(found.starts[11..], [2, 33, 64, 93, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100]);
        assert_eq!(found.longest, 31);
        let monthly = (1..=9).map(|month| NaiveDate::from_ymd_opt(2020, month, 1).expect("a date"));
        let found = Structure::of(&column(Domain::Date { edges: monthly.collect() }, false)).expect("months");
        assert_eq!((found.longest, found.blocks(1)), (1, None));
        let years = (2000..2020).map(|year| NaiveDate::from_ymd_opt(year, 1, 1).expect("a date"));
        assert_eq!(Structure::of(&column(Domain::Date { edges: years.collect() }, false)), None);
    }
}
