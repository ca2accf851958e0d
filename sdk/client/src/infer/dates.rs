//! Edges for dates: days where they are few, months else, years for long histories.

use chrono::{Datelike, Days, Months, NaiveDate};

/// The most days that get a bucket each.
const MAX_DAYS: i64 = 366;
/// The most months that get a bucket each.
const MAX_MONTHS: i32 = 1_200;

/// Edges that cover `first..=last`, and the name of their grain.
pub(super) fn edges(first: NaiveDate, last: NaiveDate) -> (Vec<NaiveDate>, &'static str) {
    if (last - first).num_days() < MAX_DAYS {
        return (steps(first, last, |date| date.checked_add_days(Days::new(1))), "day");
    }
    let month = first.with_day(1).unwrap_or(first);
    let months = (last.year() - first.year()) * 12;
    if months < MAX_MONTHS {
        return (steps(month, last, |date| date.checked_add_months(Months::new(1))), "month");
    }
    let year = month.with_month(1).unwrap_or(month);
    (steps(year, last, |date| date.checked_add_months(Months::new(12))), "year")
}

/// From `first` in steps until one lies after `last`.
fn steps(first: NaiveDate, last: NaiveDate, next: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Vec<NaiveDate> {
    let mut edges = vec![first];
    let mut edge = first;
    while edge <= last {
        match next(edge) {
            Some(after) => edge = after,
            None => break,
        }
        edges.push(edge);
    }
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grain_follows_the_span() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        let (few, grain) = edges(day("2024-02-27"), day("2024-03-01"));
        assert_eq!((few.len(), grain), (5, "day"));
        let (months, grain) = edges(day("2020-05-17"), day("2023-01-31"));
        assert_eq!((months[0], grain), (day("2020-05-01"), "month"));
        assert_eq!(months.last(), Some(&day("2023-02-01")));
        assert_eq!(edges(day("1800-01-01"), day("2020-01-01")).1, "year");
    }
}
