//! Identifiers: one type per kind of thing, so that a job id is never taken for a release id.
//!
//! Written `lst_018f…`: the kind's prefix and a UUIDv7 in simple hexadecimal.

use std::{cmp::Ordering, fmt, hash, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// What an [`Id`] identifies.
pub trait Kind: 'static {
    /// The prefix of the written form, without the underscore.
    const PREFIX: &'static str;
}

/// An identifier of a thing of kind `K`.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// The text was not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an identifier of this kind: expected `{expected}_` and 32 hexadecimal digits")]
pub struct IdError {
    expected: &'static str,
    given: String,
}

impl<K> Id<K> {
    /// Wraps a UUID; time-ordered (version 7) ones keep database indexes compact.
    pub const fn new(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID within.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|hex| hex.len() == 32)
            .and_then(|hex| Uuid::try_parse(hex).ok())
            .map(Self::new)
            .ok_or_else(|| IdError { expected: K::PREFIX, given: text.chars().take(80).collect() })
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.0.simple())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> hash::Hash for Id<K> {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Kinds of things that have an [`Id`].
pub mod kind {
    use super::Kind;

    /// A person or organisation with a balance.
    #[derive(Debug)]
    pub enum Account {}
    /// A key for programs.
    #[derive(Debug)]
    pub enum ApiKey {}
    /// A dataset for sale.
    #[derive(Debug)]
    pub enum Listing {}
    /// The succession of versions of one dataset; the epsilon budget belongs to it.
    #[derive(Debug)]
    pub enum Lineage {}
    /// An exact offer for one query.
    #[derive(Debug)]
    pub enum Quote {}
    /// One paid evaluation.
    #[derive(Debug)]
    pub enum Job {}
    /// One request to a gate.
    #[derive(Debug)]
    pub enum Release {}
    /// An owner's gate.
    #[derive(Debug)]
    pub enum Gate {}
    /// Money set aside for a job.
    #[derive(Debug)]
    pub enum Hold {}
    /// One balanced set of ledger entries.
    #[derive(Debug)]
    pub enum Transaction {}

    /// A model for sale.
    #[derive(Debug)]
    pub enum Model {}
    /// One paid request for predictions.
    #[derive(Debug)]
    pub enum Prediction {}

    impl Kind for Account {
        const PREFIX: &'static str = "acc";
    }
    impl Kind for ApiKey {
        const PREFIX: &'static str = "key";
    }
    impl Kind for Listing {
        const PREFIX: &'static str = "lst";
    }
    impl Kind for Lineage {
        const PREFIX: &'static str = "lin";
    }
    impl Kind for Quote {
        const PREFIX: &'static str = "quo";
    }
    impl Kind for Job {
        const PREFIX: &'static str = "job";
    }
    impl Kind for Release {
        const PREFIX: &'static str = "rel";
    }
    impl Kind for Gate {
        const PREFIX: &'static str = "gat";
    }
    impl Kind for Hold {
        const PREFIX: &'static str = "hld";
    }
    impl Kind for Transaction {
        const PREFIX: &'static str = "txn";
    }
    impl Kind for Model {
        const PREFIX: &'static str = "mdl";
    }
    impl Kind for Prediction {
        const PREFIX: &'static str = "prd";
    }
}

/// See [`kind::Account`].
pub type AccountId = Id<kind::Account>;
/// See [`kind::ApiKey`].
pub type ApiKeyId = Id<kind::ApiKey>;
/// See [`kind::Listing`].
pub type ListingId = Id<kind::Listing>;
/// See [`kind::Lineage`].
pub type LineageId = Id<kind::Lineage>;
/// See [`kind::Quote`].
pub type QuoteId = Id<kind::Quote>;
/// See [`kind::Job`].
pub type JobId = Id<kind::Job>;
/// See [`kind::Release`].
pub type ReleaseId = Id<kind::Release>;
/// See [`kind::Gate`].
pub type GateId = Id<kind::Gate>;
/// See [`kind::Hold`].
pub type HoldId = Id<kind::Hold>;
/// See [`kind::Transaction`].
pub type TransactionId = Id<kind::Transaction>;
/// See [`kind::Model`].
pub type ModelId = Id<kind::Model>;
/// See [`kind::Prediction`].
pub type PredictionId = Id<kind::Prediction>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_written_form_and_refuses_another_kind() {
        let id = ListingId::new(Uuid::from_u128(7));
        assert_eq!(id.to_string().parse::<ListingId>(), Ok(id));
        assert!(id.to_string().parse::<JobId>().is_err());
        assert!("lst_7".parse::<ListingId>().is_err());
    }
}
