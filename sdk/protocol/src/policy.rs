//! What an owner allows: the platform enforces it early to be helpful, the gate enforces its own
//! copy because it must.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{canonical::Canonical, digest::Purpose};

/// A privacy loss in millionths of epsilon; accounted like money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Epsilon(u64);

/// A text that is no epsilon.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an epsilon: expected a decimal such as 0.5, with at most six places")]
pub struct EpsilonError(String);

/// The rules of one listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A group with fewer rows is suppressed; at least 1.
    pub min_cohort: u32,
    /// What is added to every released value.
    pub noise: Noise,
    /// What all buyers together may spend over the dataset's lineage; `None` only without noise.
    pub epsilon_budget: Option<Epsilon>,
    /// The most values one query may release.
    pub max_released_values: u64,
    /// Whether buyers may keep their models to themselves.
    #[serde(default, skip_serializing_if = "Disclosure::is_disclosed")]
    pub models: Disclosure,
}

/// What the gate must see of a model that is tried on the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disclosure {
    /// All of it: the gate compiles it and compares what was computed.
    #[default]
    Disclosed,
    /// Digest, inputs and shape of the answer, if the buyer wants: the gate can then not tell what was
    /// computed, and noise is mandatory.
    Hidden,
}

impl Disclosure {
    /// Whether the gate sees every model.
    pub const fn is_disclosed(&self) -> bool {
        matches!(self, Self::Disclosed)
    }
}

/// What is added to released values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Noise {
    /// Nothing: answers are exact, and only the cohort protects.
    None,
    /// Discrete Gaussian noise such that one query is (epsilon, delta)-differentially private for
    /// adding or removing one row.
    DiscreteGaussian {
        /// Privacy loss of each query.
        epsilon_per_query: Epsilon,
        /// Delta is `10^-delta_exponent`; 1 to 15.
        delta_exponent: u8,
    },
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A cohort of zero would release groups of nobody as if they were somebody.
    #[error("min_cohort must be at least 1")]
    MinCohort,
    /// Noise with epsilon zero has infinite size.
    #[error("epsilon_per_query must be above 0 and at most 100")]
    Epsilon,
    /// Delta outside its range.
    #[error("delta_exponent must be between 1 and 15 (delta = 10^-delta_exponent)")]
    Delta,
    /// Hidden models without noise.
    #[error("models = \"hidden\" needs noise: the gate cannot tell what a hidden model computes")]
    Hidden,
    /// Nothing could be released.
    #[error("max_released_values must be at least 1")]
    ReleasedValues,
}

impl Canonical for Policy {
    const PURPOSE: Purpose = Purpose::Policy;
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            min_cohort: 10,
            noise: Noise::None,
            epsilon_budget: None,
            max_released_values: 10_000,
            models: Disclosure::Disclosed,
        }
    }
}

impl Policy {
    /// Checks that the rules make sense.
    ///
    /// # Errors
    /// The first problem found.
    pub fn validate(&self) -> Result<(), PolicyError> {
        if self.min_cohort == 0 {
            return Err(PolicyError::MinCohort);
        }
        if self.max_released_values == 0 {
            return Err(PolicyError::ReleasedValues);
        }
        if let Noise::DiscreteGaussian { epsilon_per_query, delta_exponent } = &self.noise {
            if epsilon_per_query.0 == 0 || epsilon_per_query.0 > 100_000_000 {
                return Err(PolicyError::Epsilon);
            }
            if !(1..=15).contains(delta_exponent) {
                return Err(PolicyError::Delta);
            }
        }
        if self.models == Disclosure::Hidden && self.noise == Noise::None {
            return Err(PolicyError::Hidden);
        }
        Ok(())
    }

    /// What one query costs in epsilon.
    pub fn epsilon_per_query(&self) -> Epsilon {
        match &self.noise {
            Noise::None => Epsilon(0),
            Noise::DiscreteGaussian { epsilon_per_query, .. } => *epsilon_per_query,
        }
    }
}

impl Epsilon {
    /// No loss.
    pub const ZERO: Epsilon = Epsilon(0);

    /// So many millionths.
    pub const fn millionths(units: u64) -> Self {
        Self(units)
    }

    /// The number of millionths.
    pub const fn as_millionths(self) -> u64 {
        self.0
    }

    /// As a float, for the mathematics of noise.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl FromStr for Epsilon {
    type Err = EpsilonError;
    fn from_str(text: &str) -> Result<Self, EpsilonError> {
        crate::schema::scaled(text, 6)
            .ok()
            .and_then(|units| u64::try_from(units).ok())
            .map(Self)
            .ok_or_else(|| EpsilonError(text.chars().take(40).collect()))
    }
}
impl TryFrom<String> for Epsilon {
    type Error = EpsilonError;
    fn try_from(text: String) -> Result<Self, EpsilonError> {
        text.parse()
    }
}
impl From<Epsilon> for String {
    fn from(epsilon: Epsilon) -> String {
        epsilon.to_string()
    }
}
impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{part:06}").trim_end_matches('0'))
    }
}
