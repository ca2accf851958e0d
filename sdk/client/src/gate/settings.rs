//! How a gate works.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};

/// When scan programs are evaluated again. Rollup programs always are: they cost milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verify {
    /// Every release; as much work as the platform's.
    Always,
    /// Each release with this probability, drawn when it is decided.
    Sample(f64),
    /// Never: a platform that colludes with a buyer could then submit a false ciphertext.
    Never,
}

/// Settings of a gate.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// When scan programs are evaluated again.
    pub verify: Verify,
    /// The clock that dates decisions.
    pub clock: fn() -> DateTime<Utc>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { verify: Verify::Always, clock: system_clock }
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of the gate: its decisions are dated by this clock")]
fn system_clock() -> DateTime<Utc> {
    Utc::now()
}

/// The text is no setting of [`Verify`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a setting: expected always, never, or sample=p with p between 0 and 1")]
pub struct VerifyError(String);

impl FromStr for Verify {
    type Err = VerifyError;
    fn from_str(text: &str) -> Result<Self, VerifyError> {
        let bad = || VerifyError(text.chars().take(40).collect());
        match text {
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => text
                .strip_prefix("sample=")
                .and_then(|p| p.parse::<f64>().ok())
                .filter(|p| (0.0..=1.0).contains(p))
                .map(Self::Sample)
                .ok_or_else(bad),
        }
    }
}
impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("always"),
            Self::Sample(p) => write!(f, "sample={p}"),
            Self::Never => f.write_str("never"),
        }
    }
}
