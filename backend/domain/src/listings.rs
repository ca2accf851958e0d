//! Listings: a dataset for sale, through its versions.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{self, ListingState},
    digest::Digest,
    ids::{AccountId, GateId, LineageId, ListingId},
    layout::{LayoutKind, RollupLayout, ScanLayout},
    manifest::Manifest,
    money::Price,
    policy::Policy,
    schema::Schema,
    signature::VerifyingKey,
};

/// The most characters of a title.
pub const MAX_TITLE: usize = 120;
/// The most characters of a description.
pub const MAX_DESCRIPTION: usize = 4_000;

/// A listing with its current dataset version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Its id.
    pub id: ListingId,
    /// Its owner.
    pub owner: AccountId,
    /// The owner's key, which signed the manifest.
    pub owner_key: VerifyingKey,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Whether it can be queried.
    pub state: ListingState,
    /// The dataset through its versions.
    pub lineage: LineageId,
    /// Of the current version.
    pub version: u32,
    /// Digest of the manifest of the current version.
    pub dataset: Digest,
    /// The public schema.
    pub schema: Schema,
    /// Number of rows.
    pub rows: u64,
    /// The layouts published.
    pub layouts: Vec<LayoutKind>,
    /// The policy.
    pub policy: Policy,
    /// The price.
    pub price: Price,
    /// The gate.
    pub gate: GateId,
    /// The gate's public key.
    pub gate_key: VerifyingKey,
    /// Bytes of ciphertext stored.
    pub bytes: u64,
    /// When it was first published.
    pub created_at: DateTime<Utc>,
}

/// Why a listing does not change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// The title is empty or too long.
    #[error("the title has {0} characters: expected 1 to {MAX_TITLE}")]
    Title(usize),
    /// The description is too long.
    #[error("the description has {0} characters: expected at most {MAX_DESCRIPTION}")]
    Description(usize),
    /// The manifest does not follow the current version.
    #[error(
        "version {version} after {previous:?} does not follow: the lineage is at version {current} with manifest {dataset}"
    )]
    NotNext {
        /// Of the new manifest.
        version: u32,
        /// Of the new manifest.
        previous: Option<Digest>,
        /// The lineage's current version.
        current: u32,
        /// The lineage's current manifest.
        dataset: Digest,
    },
    /// The first manifest of a lineage is not version 1.
    #[error("version {0} of a lineage that is not published: expected version 1")]
    NotFirst(u32),
    /// The manifest is of another dataset.
    #[error("the manifest is of lineage {found}, and the listing's is {expected}")]
    OtherLineage {
        /// Of the listing.
        expected: LineageId,
        /// Of the manifest.
        found: LineageId,
    },
    /// The version does not just add rows to the one before.
    #[error("the version does not append to the one before: {0}; publish it as a new listing instead")]
    NotAppended(&'static str),
    /// It was withdrawn.
    #[error("listing {0} was withdrawn")]
    Withdrawn(ListingId),
}

/// Checks what people read.
///
/// # Errors
/// When it is empty or too long.
pub fn check_text(title: &str, description: &str) -> Result<(), ListingError> {
    let length = title.trim().chars().count();
    if length == 0 || length > MAX_TITLE {
        return Err(ListingError::Title(length));
    }
    let length = description.chars().count();
    if length > MAX_DESCRIPTION {
        return Err(ListingError::Description(length));
    }
    Ok(())
}

/// The layouts of a manifest.
pub fn layouts(manifest: &Manifest) -> Vec<LayoutKind> {
    let rollup = manifest.rollup.as_ref().map(|_| LayoutKind::Rollup);
    let scan = manifest.scan.as_ref().map(|_| LayoutKind::Scan);
    rollup.into_iter().chain(scan).collect()
}

/// Checks that `manifest` continues a lineage: at its current version and manifest, or not published at all.
///
/// # Errors
/// When it does not.
pub fn check_successor(manifest: &Manifest, current: Option<(u32, Digest)>) -> Result<(), ListingError> {
    let (version, previous) = (manifest.version, manifest.previous);
    match current {
        None if version == 1 => Ok(()),
        None => Err(ListingError::NotFirst(version)),
        Some((current, dataset)) if Some(version) == current.checked_add(1) && previous == Some(dataset) => {
            Ok(())
        }
        Some((current, dataset)) => Err(ListingError::NotNext { version, previous, current, dataset }),
    }
}

/// Checks that a version holds what the one before it holds, laid out alike, and more rows.
///
/// # Errors
/// When something else changed, with what it is.
pub fn check_appended(before: &Manifest, after: &Manifest) -> Result<(), ListingError> {
    let changed = |what| Err(ListingError::NotAppended(what));
    if before.lineage != after.lineage {
        return Err(ListingError::OtherLineage { expected: before.lineage, found: after.lineage });
    }
    if before.schema != after.schema {
        return changed("its schema is another");
    }
    if after.rows <= before.rows {
        return changed("it has no more rows");
    }
    let cells = |manifest: &Manifest| {
        manifest.rollup.clone().map(|layout| RollupLayout { segments: vec![], ..layout })
    };
    if cells(before) != cells(after) {
        return changed("its aggregates are others");
    }
    let slices =
        |manifest: &Manifest| manifest.scan.clone().map(|layout| ScanLayout { chunks: vec![], ..layout });
    if slices(before) != slices(after) {
        return changed("its slices or evaluation keys are others");
    }
    let chunks = |manifest: &Manifest| manifest.scan.clone().map_or(vec![], |layout| layout.chunks);
    if !chunks(after).starts_with(&chunks(before)) {
        return changed("it does not begin with the chunks of the version before");
    }
    Ok(())
}

impl Listing {
    /// Whether new quotes and jobs are taken.
    ///
    /// # Errors
    /// When it was withdrawn.
    pub fn check_active(&self) -> Result<(), ListingError> {
        match self.state {
            ListingState::Active => Ok(()),
            ListingState::Withdrawn => Err(ListingError::Withdrawn(self.id)),
        }
    }
}

impl From<&Listing> for api::Listing {
    fn from(listing: &Listing) -> Self {
        Self {
            id: listing.id,
            owner: listing.owner,
            owner_key: listing.owner_key,
            title: listing.title.clone(),
            description: listing.description.clone(),
            state: listing.state,
            lineage: listing.lineage,
            version: listing.version,
            dataset: listing.dataset,
            schema: listing.schema.clone(),
            rows: listing.rows,
            layouts: listing.layouts.clone(),
            policy: listing.policy.clone(),
            price: listing.price.clone(),
            gate: listing.gate,
            gate_key: listing.gate_key,
            bytes: listing.bytes,
            created_at: listing.created_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_needed_and_short() {
        assert_eq!(check_text(" ", ""), Err(ListingError::Title(0)));
        assert_eq!(check_text(&"ä".repeat(121), ""), Err(ListingError::Title(121)));
        assert_eq!(check_text("x", &"ä".repeat(4_001)), Err(ListingError::Description(4_001)));
        assert_eq!(check_text(&"ä".repeat(120), ""), Ok(()));
    }
}
