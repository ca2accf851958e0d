//! Publishing: a new listing, or a new version of one.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};
use sordino_domain::listings::{self, Listing, ListingError};
use sordino_protocol::{
    api::ListingState,
    canonical::Canonical,
    digest::Digest,
    ids::{AccountId, GateId, ListingId},
    manifest::{Manifest, ObjectRef},
    money::Price,
    policy::Policy,
    signature::Signed,
};

use super::{Listings, TABLE, one};
use crate::{
    error::StorageError,
    objects,
    rows::{
        dataset_versions, gates,
        listings::{ActiveModel, Column, Entity, Model},
    },
    words::{Place, count, expect_rows, instant, json, word},
};

/// A dataset version to be published.
#[derive(Debug, Clone)]
pub struct NewListing {
    /// Its id, unless the lineage is listed already.
    pub id: ListingId,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Valid, and signed by the owner's key.
    pub manifest: Signed<Manifest>,
    /// The policy the gate will enforce.
    pub policy: Policy,
    /// What queries cost.
    pub price: Price,
    /// The gate that releases.
    pub gate: GateId,
}

impl Listings<'_> {
    /// Publishes a dataset version whose signature and inner consistency were checked. The first version of
    /// a lineage makes a listing; each later one becomes its current version, with the texts, policy and
    /// price given. The same manifest again returns the listing as it is.
    ///
    /// # Errors
    /// [`StorageError::MissingObjects`] and [`StorageError::LengthMismatch`] about uploads,
    /// [`StorageError::NotFound`] for a gate that is not the owner's, [`StorageError::Listing`] when the
    /// version does not follow, [`StorageError::Conflict`] when the lineage or manifest is another owner's.
    pub async fn publish(
        self,
        owner: AccountId,
        new: NewListing,
        now: DateTime<Utc>,
    ) -> Result<Listing, StorageError> {
        listings::check_text(&new.title, &new.description)?;
        let dataset = new.manifest.body.digest()?;
        let new = &new;
        self.0
            .write(|tx| async move {
                let before =
                    dataset_versions::Entity::find_by_id(dataset.to_string()).one(tx.as_ref()).await?;
                if let Some(version) = before {
                    let place = Place { table: "dataset_versions", id: &version.dataset };
                    return published(&tx, owner, place.text("listing", &version.listing)?).await;
                }
                check_gate(&tx, owner, new.gate).await?;
                let bytes = check_objects(&tx, owner, &new.manifest.body.objects).await?;
                let listing = place_version(&tx, owner, new, dataset, now).await?;
                insert_version(&tx, listing, &new.manifest, dataset, bytes, now).await?;
                one(tx.as_ref(), listing).await
            })
            .await
    }
}

impl Listings<'_> {
    /// Appends rows to a listing: `manifest`, whose signature and inner consistency were checked, becomes
    /// its current version, on the same terms. The same manifest again returns the listing as it is.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the owner has no such listing, [`StorageError::Listing`] when it was
    /// withdrawn, the version does not follow or changes more than rows,
    /// [`StorageError::MissingObjects`] and [`StorageError::LengthMismatch`] about uploads.
    pub async fn append(
        self,
        owner: AccountId,
        listing: ListingId,
        manifest: Signed<Manifest>,
        now: DateTime<Utc>,
    ) -> Result<Listing, StorageError> {
        let dataset = manifest.body.digest()?;
        let manifest = &manifest;
        self.0
            .write(|tx| async move {
                let row = Entity::find_by_id(listing.to_string()).lock_exclusive().one(tx.as_ref()).await?;
                let row = row.ok_or_else(|| StorageError::not_found("listing", listing))?;
                let current = owned(&tx, owner, listing).await?;
                let known = dataset_versions::Entity::find_by_id(dataset.to_string())
                    .filter(dataset_versions::Column::Listing.eq(listing.to_string()))
                    .one(tx.as_ref())
                    .await?;
                if known.is_some() {
                    return Ok(current);
                }
                current.check_active()?;
                let before = super::manifest(tx.as_ref(), current.dataset).await?;
                if manifest.body.lineage == before.body.lineage {
                    let at = (current.version, current.dataset);
                    listings::check_successor(&manifest.body, Some(at))?;
                }
                listings::check_appended(&before.body, &manifest.body)?;
                let bytes = check_objects(&tx, owner, &manifest.body.objects).await?;
                let changed = Entity::update_many()
                    .col_expr(Column::Dataset, dataset.to_string().into())
                    .filter(Column::Id.eq(&row.id))
                    .filter(Column::Dataset.eq(&row.dataset))
                    .exec(tx.as_ref())
                    .await?;
                expect_rows(TABLE, listing, 1, changed.rows_affected)?;
                insert_version(&tx, listing, manifest, dataset, bytes, now).await?;
                one(tx.as_ref(), listing).await
            })
            .await
    }
}

/// A listing that is the owner's; others do not learn that it exists.
async fn owned(
    tx: &DatabaseTransaction,
    owner: AccountId,
    listing: ListingId,
) -> Result<Listing, StorageError> {
    let found = one(tx, listing).await?;
    if found.owner == owner { Ok(found) } else { Err(StorageError::not_found("listing", listing)) }
}

async fn published(
    tx: &DatabaseTransaction,
    owner: AccountId,
    listing: ListingId,
) -> Result<Listing, StorageError> {
    let listing = one(tx, listing).await?;
    if listing.owner == owner {
        return Ok(listing);
    }
    Err(StorageError::conflict("dataset version", listing.dataset, "another owner has published it"))
}

async fn check_gate(tx: &DatabaseTransaction, owner: AccountId, gate: GateId) -> Result<(), StorageError> {
    let row = gates::Entity::find_by_id(gate.to_string())
        .filter(gates::Column::Owner.eq(owner.to_string()))
        .one(tx)
        .await?;
    row.map(drop).ok_or_else(|| StorageError::not_found("gate", gate))
}

/// Checks that all objects are there with the stated lengths, and adds the lengths up.
async fn check_objects(
    tx: &DatabaseTransaction,
    owner: AccountId,
    listed: &[ObjectRef],
) -> Result<u64, StorageError> {
    let digests: Vec<Digest> = listed.iter().map(|object| object.digest).collect();
    let stored: HashMap<Digest, u64> = objects::stored(tx, owner, &digests).await?.into_iter().collect();
    let missing: Vec<Digest> =
        digests.iter().filter(|digest| !stored.contains_key(digest)).copied().collect();
    if !missing.is_empty() {
        return Err(StorageError::MissingObjects(missing));
    }
    let mut total = 0u64;
    for object in listed {
        let stored = stored[&object.digest];
        if stored != object.bytes {
            return Err(StorageError::LengthMismatch { object: object.digest, stated: object.bytes, stored });
        }
        total = total.saturating_add(stored);
    }
    Ok(total)
}

/// Makes the listing, or moves it to the new version.
async fn place_version(
    tx: &DatabaseTransaction,
    owner: AccountId,
    new: &NewListing,
    dataset: Digest,
    now: DateTime<Utc>,
) -> Result<ListingId, StorageError> {
    let lineage = new.manifest.body.lineage;
    let current =
        Entity::find().filter(Column::Lineage.eq(lineage.to_string())).lock_exclusive().one(tx).await?;
    if let Some(current) = current {
        return advance(tx, owner, new, dataset, &current).await;
    }
    listings::check_successor(&new.manifest.body, None)?;
    let row = ActiveModel {
        id: Set(new.id.to_string()),
        owner: Set(owner.to_string()),
        title: Set(new.title.trim().to_owned()),
        description: Set(new.description.clone()),
        state: Set(word("state", &ListingState::Active)?),
        lineage: Set(lineage.to_string()),
        dataset: Set(dataset.to_string()),
        policy: Set(json("policy", &new.policy)?),
        price: Set(json("price", &new.price)?),
        gate: Set(new.gate.to_string()),
        created_at: Set(instant(now)),
    };
    let fresh = OnConflict::column(Column::Lineage).do_nothing().to_owned();
    match Entity::insert(row).on_conflict(fresh).exec_without_returning(tx).await? {
        1 => Ok(new.id),
        _ => Err(StorageError::conflict("lineage", lineage, "it is being published by another request")),
    }
}

async fn advance(
    tx: &DatabaseTransaction,
    owner: AccountId,
    new: &NewListing,
    dataset: Digest,
    current: &Model,
) -> Result<ListingId, StorageError> {
    let place = Place { table: TABLE, id: &current.id };
    let listing: ListingId = place.text("id", &current.id)?;
    if place.text::<AccountId>("owner", &current.owner)? != owner {
        return Err(StorageError::conflict("lineage", &current.lineage, "it belongs to another owner"));
    }
    if place.word::<ListingState>("state", &current.state)? == ListingState::Withdrawn {
        return Err(ListingError::Withdrawn(listing).into());
    }
    let version: Option<i32> = dataset_versions::Entity::find_by_id(current.dataset.clone())
        .select_only()
        .column(dataset_versions::Column::Version)
        .into_tuple()
        .one(tx)
        .await?;
    let version = version.ok_or_else(|| place.bad("dataset"))?;
    let version = place.count("version", i64::from(version))?;
    let at = (version, place.text("dataset", &current.dataset)?);
    listings::check_successor(&new.manifest.body, Some(at))?;
    let changed = Entity::update_many()
        .col_expr(Column::Title, new.title.trim().into())
        .col_expr(Column::Description, new.description.as_str().into())
        .col_expr(Column::Dataset, dataset.to_string().into())
        .col_expr(Column::Policy, json("policy", &new.policy)?.into())
        .col_expr(Column::Price, json("price", &new.price)?.into())
        .col_expr(Column::Gate, new.gate.to_string().into())
        .filter(Column::Id.eq(&current.id))
        .filter(Column::Dataset.eq(&current.dataset))
        .exec(tx)
        .await?;
    expect_rows(TABLE, listing, 1, changed.rows_affected)?;
    Ok(listing)
}

async fn insert_version(
    tx: &DatabaseTransaction,
    listing: ListingId,
    manifest: &Signed<Manifest>,
    dataset: Digest,
    bytes: u64,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let body = &manifest.body;
    let version = i32::try_from(body.version)
        .map_err(|_| StorageError::OutOfRange { what: "version", value: u64::from(body.version) })?;
    let row = dataset_versions::ActiveModel {
        dataset: Set(dataset.to_string()),
        listing: Set(listing.to_string()),
        lineage: Set(body.lineage.to_string()),
        version: Set(version),
        row_count: Set(count("rows", body.rows)?),
        bytes: Set(count("bytes", bytes)?),
        table_schema: Set(json("schema", &body.schema)?),
        layouts: Set(json("layouts", &listings::layouts(body))?),
        manifest: Set(json("manifest", manifest)?),
        created_at: Set(instant(now)),
    };
    let inserted = dataset_versions::Entity::insert(row).exec_without_returning(tx).await?;
    expect_rows("dataset_versions", dataset, 1, inserted)
}
