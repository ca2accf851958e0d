//! What is remembered of a column while its rows stream by; bounded, whatever the table's size.

use std::{
    collections::{BTreeMap, HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use chrono::NaiveDate;
use sordino_protocol::schema::{MAX_SCALE, scaled};

/// Texts that usually mean "no value"; only those that occur are proposed.
pub(super) const NULL_TEXTS: [&str; 9] = ["", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "\\N"];

/// The most distinct texts remembered.
pub(super) const MAX_TEXTS: usize = 1_000;
/// The longest text of a category.
const MAX_TEXT: usize = 200;
/// Values remembered to judge whether each occurs once.
pub(super) const MAX_HASHES: usize = 20_000;
/// Numbers remembered for quantiles.
const MAX_SAMPLE: usize = 4_096;

/// A column as seen so far.
#[derive(Debug, Default)]
pub(super) struct Observed {
    null_texts: Vec<&'static str>,
    nulls: u64,
    values: u64,
    /// Distinct texts with their number of rows; empty once there are too many.
    texts: BTreeMap<String, u64>,
    too_many_texts: bool,
    hashes: HashSet<u64>,
    repeated: bool,
    not: Not,
    /// Smallest and largest number as text order would not give it, in units of `10^-places`.
    places: u8,
    smallest: Option<f64>,
    largest: Option<f64>,
    first_date: Option<NaiveDate>,
    last_date: Option<NaiveDate>,
    /// Every `stride`-th number; the stride doubles when the sample is full.
    sample: Vec<String>,
    stride: u64,
    /// The texts of the extreme numbers, to be scaled exactly.
    smallest_text: String,
    largest_text: String,
}

/// What some value has ruled out.
#[derive(Debug, Default, Clone, Copy)]
struct Not {
    number: bool,
    date: bool,
    boolean: bool,
}

impl Observed {
    /// Takes the next cell.
    pub(super) fn see(&mut self, cell: Option<&str>) {
        let Some(text) = cell else {
            self.nulls += 1;
            return;
        };
        if let Some(null) = NULL_TEXTS.iter().find(|null| **null == text) {
            self.nulls += 1;
            if !self.null_texts.contains(null) {
                self.null_texts.push(*null);
            }
            return;
        }
        self.values += 1;
        self.count(text);
        if !self.not.boolean && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "t" | "f") {
            self.not.boolean = true;
        }
        if !self.not.date {
            self.date(text);
        }
        if !self.not.number {
            self.number(text);
        }
    }

    fn count(&mut self, text: &str) {
        if !self.repeated && self.hashes.len() < MAX_HASHES {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            self.repeated = !self.hashes.insert(hasher.finish());
            if self.repeated {
                self.hashes = HashSet::new();
            }
        }
        if self.too_many_texts {
            return;
        }
        if let Some(rows) = self.texts.get_mut(text) {
            *rows += 1;
        } else if self.texts.len() == MAX_TEXTS || text.chars().count() > MAX_TEXT {
            self.too_many_texts = true;
            self.texts.clear();
        } else {
            self.texts.insert(text.to_owned(), 1);
        }
    }

    fn date(&mut self, text: &str) {
        let Some(date) = (text.len() == 10).then(|| text.parse::<NaiveDate>().ok()).flatten() else {
            self.not.date = true;
            return;
        };
        self.first_date = Some(self.first_date.map_or(date, |first| first.min(date)));
        self.last_date = Some(self.last_date.map_or(date, |last| last.max(date)));
    }

    fn number(&mut self, text: &str) {
        let places = (self.places..=MAX_SCALE).find(|places| scaled(text, *places).is_ok());
        let (Some(places), Ok(value)) = (places, text.trim().parse::<f64>()) else {
            self.not.number = true;
            return;
        };
        self.places = places;
        if self.smallest.is_none_or(|smallest| value < smallest) {
            (self.smallest, self.smallest_text) = (Some(value), text.to_owned());
        }
        if self.largest.is_none_or(|largest| value > largest) {
            (self.largest, self.largest_text) = (Some(value), text.to_owned());
        }
        self.stride = self.stride.max(1);
        if self.values.is_multiple_of(self.stride) {
            self.sample.push(text.to_owned());
            if self.sample.len() == MAX_SAMPLE {
                let mut keep = false;
                self.sample.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.stride *= 2;
            }
        }
    }

    pub(super) fn has_null_text(&self, text: &str) -> bool {
        self.null_texts.contains(&text)
    }

    pub(super) fn nulls(&self) -> u64 {
        self.nulls
    }

    pub(super) fn values(&self) -> u64 {
        self.values
    }

    /// The distinct texts, sorted; `None` if there are more than [`MAX_TEXTS`] or long ones.
    pub(super) fn texts(&self) -> Option<&BTreeMap<String, u64>> {
        (!self.too_many_texts).then_some(&self.texts)
    }

    /// Whether every value seen so far (of the first [`MAX_HASHES`]) occurs once.
    pub(super) fn unique(&self) -> bool {
        self.values > 1 && !self.repeated
    }

    pub(super) fn is_boolean(&self) -> bool {
        self.values > 0 && !self.not.boolean
    }

    pub(super) fn dates(&self) -> Option<(NaiveDate, NaiveDate)> {
        if self.not.date { None } else { self.first_date.zip(self.last_date) }
    }

    /// Decimal places, smallest and largest number in units of `10^-places`.
    pub(super) fn numbers(&self) -> Option<(u8, i64, i64)> {
        if self.not.number || self.values == 0 {
            return None;
        }
        let smallest = scaled(&self.smallest_text, self.places).ok()?;
        let largest = scaled(&self.largest_text, self.places).ok()?;
        Some((self.places, smallest, largest))
    }

    /// A sorted sample of the numbers in units of `10^-places`.
    pub(super) fn sample(&self) -> Vec<i64> {
        let mut sample: Vec<i64> =
            self.sample.iter().filter_map(|text| scaled(text, self.places).ok()).collect();
        sample.sort_unstable();
        sample
    }
}
