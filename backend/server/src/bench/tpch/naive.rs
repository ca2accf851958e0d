//! The same questions written directly with tfhe's integer types.

use chrono::NaiveDate;
use serde::Serialize;
use sordino_fhe::naive::{self, Line, Question};

use super::{
    queries::TpchQuery,
    rows::Row,
    table::{FLAGS, MODES, PRIORITIES, STATUSES, types},
};

/// The least that the design asks for.
const TIMES: f64 = 1_000.0;

/// How a query compares.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    pub(super) case: &'static str,
    pub(super) rows: usize,
    pub(super) seconds_per_row: f64,
    pub(super) times_as_long: f64,
    at_least_times: f64,
    pub(super) exact: bool,
}

/// Asks it of a few rows, when a row of layout scan takes so many seconds.
pub(super) fn compare(query: &TpchQuery, rows: &[Row], seconds_per_row: f64) -> Compared {
    let lines: Vec<Line> = rows.iter().map(line).collect();
    let question = question(query.name);
    let measured = naive::sums(&lines, &question);
    Compared {
        case: query.name,
        rows: measured.rows,
        seconds_per_row: measured.seconds_per_row(),
        times_as_long: measured.seconds_per_row() / seconds_per_row,
        at_least_times: TIMES,
        exact: measured.answer == naive::plain_sums(&lines, &question),
    }
}

fn question(name: &str) -> Question {
    let urgent_below = position(&PRIORITIES, "3-MEDIUM");
    match name {
        "q1" => Question::PricingSummary {
            ship_before: day(1998, 9, 3),
            flags: u8::try_from(FLAGS.len()).unwrap_or(u8::MAX),
            statuses: u8::try_from(STATUSES.len()).unwrap_or(u8::MAX),
        },
        "q6" => Question::Revenue {
            ship: (day(1994, 1, 1), day(1995, 1, 1)),
            discount: (5, 7),
            quantity_below: 24,
        },
        "q12" => Question::ShippingModes {
            modes: vec![position(&MODES, "MAIL"), position(&MODES, "SHIP")],
            receipt: (day(1994, 1, 1), day(1995, 1, 1)),
            urgent_below,
        },
        _ => {
            let types = types();
            let promoted = |kind: &String| kind.starts_with("PROMO");
            let first = types.iter().position(promoted).unwrap_or(0);
            let count = types.iter().filter(|kind| promoted(kind)).count();
            let code = |position: usize| u8::try_from(position).unwrap_or(u8::MAX);
            Question::Promotion {
                ship: (day(1995, 9, 1), day(1995, 10, 1)),
                promoted: (code(first), code(first + count)),
            }
        }
    }
}

fn line(row: &Row) -> Line {
    let day = |days: i32| u16::try_from(days).unwrap_or(u16::MAX);
    let small = |value: i64| u8::try_from(value).unwrap_or(u8::MAX);
    let kind = types().iter().position(|kind| kind == row.part_type);
    Line {
        ship: day(row.ship),
        commit: day(row.commit),
        receipt: day(row.receipt),
        quantity: small(row.quantity),
        price: u32::try_from(row.price).unwrap_or(u32::MAX),
        discount: small(row.discount),
        tax: small(row.tax),
        flag: position(&FLAGS, row.flag),
        status: position(&STATUSES, row.status),
        mode: position(&MODES, row.mode),
        priority: position(&PRIORITIES, row.priority),
        part_type: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(u8::MAX),
    }
}

fn position(words: &[&str], word: &str) -> u8 {
    let found = words.iter().position(|known| *known == word);
    found.and_then(|found| u8::try_from(found).ok()).unwrap_or(u8::MAX)
}

/// Days since 1970-01-01.
fn day(year: i32, month: u32, day: u32) -> u16 {
    let date = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
    u16::try_from((date - NaiveDate::default()).num_days()).unwrap_or(u16::MAX)
}
