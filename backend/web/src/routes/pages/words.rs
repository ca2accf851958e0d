//! Numbers, prices and policies as people write them.

use chrono::{DateTime, Utc};
use sordino_domain::listings::Listing;
use sordino_frontend_templates::listing::Fact;
use sordino_protocol::{
    api::{JobState, LedgerKind},
    layout::LayoutKind,
    money::{Amount, Currency, Price},
    policy::{Noise, Policy},
};

/// With commas: `1,000`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 row`, `1,000 rows`.
pub fn count(value: u64, thing: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", number(value))
}

/// Bytes in units of 1,000: `1.5 MB`.
pub fn bytes(value: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if value < 1_000 {
        return count(value, "byte");
    }
    let mut size = value as f64 / 1_000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < units.len() {
        size /= 1_000.0;
        unit += 1;
    }
    format!("{size:.1} {}", units[unit])
}

/// `EUR 0.50`.
pub fn money(amount: Amount, currency: Currency) -> String {
    format!("{currency} {amount}")
}

/// To the minute, in UTC.
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// The least a query costs.
pub fn price_from(price: &Price) -> String {
    format!("from {} a query", money(price.per_query, price.currency))
}

/// The parts of a price.
pub fn price(price: &Price) -> Vec<Fact> {
    vec![
        Fact::new("Each query", money(price.per_query, price.currency)),
        Fact::new("Each released value", money(price.per_value, price.currency)),
        Fact::new("Each million compute units", money(price.per_million_units, price.currency)),
    ]
}

/// A policy in a few words.
pub fn privacy(policy: &Policy) -> String {
    match policy.noise {
        Noise::None => "exact answers".to_owned(),
        Noise::DiscreteGaussian { .. } => "differentially private answers".to_owned(),
    }
}

/// A policy in sentences.
pub fn policy(policy: &Policy) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.push(match policy.min_cohort {
        1 => "Every group is answered, however few rows it has.".to_owned(),
        rows => format!(
            "Groups of fewer than {} are left out, and values that fewer rows stand behind withheld.",
            count(rows.into(), "row")
        ),
    });
    sentences.push(match policy.noise {
        Noise::None => "Answers are exact: no noise is added.".to_owned(),
        Noise::DiscreteGaussian { epsilon_per_query, delta_exponent } => format!(
            "Discrete Gaussian noise is added: each query costs epsilon {epsilon_per_query} at delta 1e-{delta_exponent}. A quote states its standard deviation."
        ),
    });
    if let Some(budget) = policy.epsilon_budget {
        sentences.push(format!("All queries together may spend epsilon {budget}."));
    }
    let values = count(policy.max_released_values, "value");
    sentences.push(format!("One query may release at most {values}."));
    sentences.push("The owner's gate enforces these rules itself before anything is decrypted.".to_owned());
    sentences
}

/// Facts of a listing.
pub fn facts(listing: &Listing) -> Vec<Fact> {
    let layouts: Vec<_> = listing.layouts.iter().map(|layout| self::layout(*layout)).collect();
    vec![
        Fact::new("Rows", number(listing.rows)),
        Fact::new("Encrypted size", bytes(listing.bytes)),
        Fact::new("Layouts", layouts.join(", ")),
        Fact::new("Version", listing.version.to_string()),
        Fact::new("Published", time(listing.created_at)),
        Fact::code("Owner's key", listing.owner_key.fingerprint()),
        Fact::code("Gate's key", listing.gate_key.fingerprint()),
        Fact::code("Listing", listing.id.to_string()),
    ]
}

/// A layout's name.
pub const fn layout(layout: LayoutKind) -> &'static str {
    match layout {
        LayoutKind::Rollup => "rollup",
        LayoutKind::Scan => "scan",
    }
}

/// A job's state.
pub const fn state(state: JobState) -> &'static str {
    match state {
        JobState::Quoted => "quoted",
        JobState::Held => "held",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::AwaitingRelease => "awaiting release",
        JobState::Released => "released",
        JobState::Refused => "refused",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
    }
}

/// A ledger account's name.
pub const fn ledger(kind: LedgerKind) -> &'static str {
    match kind {
        LedgerKind::BuyerPrepaid => "prepaid",
        LedgerKind::BuyerHold => "held for queries",
        LedgerKind::OwnerPayable => "earned",
        LedgerKind::PlatformRevenue => "platform revenue",
        LedgerKind::ProcessorClearing => "clearing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_sizes_rounded() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(bytes(999), "999 bytes");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
    }
}
