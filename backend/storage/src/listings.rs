//! Listings and dataset versions.

mod publish;

pub use publish::NewListing;

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sordino_domain::listings::Listing;
use sordino_protocol::{
    api::ListingState,
    digest::Digest,
    ids::{AccountId, ListingId},
    manifest::Manifest,
    signature::Signed,
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::{
        accounts, dataset_versions, gates,
        listings::{Column, Entity, Model},
    },
    words::{Place, expect_rows, word},
};

const TABLE: &str = "listings";

/// Listings, see [`Storage::listings`].
#[derive(Debug, Clone, Copy)]
pub struct Listings<'a>(pub(crate) &'a Storage);

impl Listings<'_> {
    /// A listing; public.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, listing: ListingId) -> Result<Listing, StorageError> {
        one(self.0.reader(), listing).await
    }

    /// Active listings, newest first; public.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(self, limit: u64) -> Result<Vec<Listing>, StorageError> {
        let rows = Entity::find()
            .filter(Column::State.eq(word("state", &ListingState::Active)?))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(self.0.reader())
            .await?;
        assemble(self.0.reader(), rows).await
    }

    /// The manifest of the current version; public.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn manifest(self, listing: ListingId) -> Result<Signed<Manifest>, StorageError> {
        let row = Entity::find_by_id(listing.to_string()).one(self.0.reader()).await?;
        let row = row.ok_or_else(|| StorageError::not_found("listing", listing))?;
        let dataset = Place { table: TABLE, id: &row.id }.text("dataset", &row.dataset)?;
        manifest(self.0.reader(), dataset).await
    }

    /// Takes no new quotes and jobs for a listing from now on. Repeated, it is the same.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the owner has no such listing.
    pub async fn withdraw(self, owner: AccountId, listing: ListingId) -> Result<Listing, StorageError> {
        self.0
            .write(|tx| async move {
                let changed = Entity::update_many()
                    .col_expr(Column::State, word("state", &ListingState::Withdrawn)?.into())
                    .filter(Column::Id.eq(listing.to_string()))
                    .filter(Column::Owner.eq(owner.to_string()))
                    .exec(tx.as_ref())
                    .await?;
                match changed.rows_affected {
                    0 => Err(StorageError::not_found("listing", listing)),
                    affected => expect_rows(TABLE, listing, 1, affected),
                }?;
                one(tx.as_ref(), listing).await
            })
            .await
    }
}

/// A listing.
pub(crate) async fn one<C: ConnectionTrait>(
    connection: &C,
    listing: ListingId,
) -> Result<Listing, StorageError> {
    let row = Entity::find_by_id(listing.to_string()).one(connection).await?;
    let found = assemble(connection, row.into_iter().collect()).await?;
    found.into_iter().next().ok_or_else(|| StorageError::not_found("listing", listing))
}

/// The manifest of a dataset version, which may be older than its listing's current one.
pub(crate) async fn manifest<C: ConnectionTrait>(
    connection: &C,
    dataset: Digest,
) -> Result<Signed<Manifest>, StorageError> {
    let id = dataset.to_string();
    let row = dataset_versions::Entity::find_by_id(id.clone()).one(connection).await?;
    let row = row.ok_or_else(|| StorageError::not_found("dataset version", dataset))?;
    Place { table: "dataset_versions", id: &id }.json("manifest", &row.manifest)
}

/// What is told of a dataset version without reading its manifest, which may be large.
type Version = (String, i32, i64, i64, String, String);

/// Listings from their rows, with three more statements for all of them together.
async fn assemble<C: ConnectionTrait>(
    connection: &C,
    rows: Vec<Model>,
) -> Result<Vec<Listing>, StorageError> {
    use dataset_versions::Column as V;
    let versions: Vec<Version> = dataset_versions::Entity::find()
        .select_only()
        .columns([V::Dataset, V::Version, V::RowCount, V::Bytes, V::TableSchema, V::Layouts])
        .filter(V::Dataset.is_in(rows.iter().map(|row| row.dataset.clone())))
        .into_tuple()
        .all(connection)
        .await?;
    let versions: HashMap<_, _> = versions.into_iter().map(|version| (version.0.clone(), version)).collect();
    let gates: Vec<(String, String)> = gates::Entity::find()
        .select_only()
        .columns([gates::Column::Id, gates::Column::SigningKey])
        .filter(gates::Column::Id.is_in(rows.iter().map(|row| row.gate.clone())))
        .into_tuple()
        .all(connection)
        .await?;
    let owners: Vec<(String, Option<String>)> = accounts::Entity::find()
        .select_only()
        .columns([accounts::Column::Id, accounts::Column::SigningKey])
        .filter(accounts::Column::Id.is_in(rows.iter().map(|row| row.owner.clone())))
        .into_tuple()
        .all(connection)
        .await?;
    let (gates, owners): (HashMap<_, _>, HashMap<_, _>) =
        (gates.into_iter().collect(), owners.into_iter().collect());
    rows.into_iter()
        .map(|row| {
            let place = Place { table: TABLE, id: &row.id };
            let version = versions.get(&row.dataset).ok_or_else(|| place.bad("dataset"))?;
            let gate_key = gates.get(&row.gate).ok_or_else(|| place.bad("gate"))?;
            let owner_key = owners.get(&row.owner).cloned().flatten().ok_or_else(|| place.bad("owner"))?;
            listing(&row, version, gate_key, &owner_key)
        })
        .collect()
}

fn listing(row: &Model, version: &Version, gate_key: &str, owner_key: &str) -> Result<Listing, StorageError> {
    let place = Place { table: TABLE, id: &row.id };
    let of_version = Place { table: "dataset_versions", id: &row.dataset };
    let (_, number, rows, bytes, schema, layouts) = version;
    Ok(Listing {
        id: place.text("id", &row.id)?,
        owner: place.text("owner", &row.owner)?,
        owner_key: place.text("owner", owner_key)?,
        title: row.title.clone(),
        description: row.description.clone(),
        state: place.word("state", &row.state)?,
        lineage: place.text("lineage", &row.lineage)?,
        version: of_version.count("version", i64::from(*number))?,
        dataset: place.text("dataset", &row.dataset)?,
        schema: of_version.json("table_schema", schema)?,
        rows: of_version.count("row_count", *rows)?,
        layouts: of_version.json("layouts", layouts)?,
        policy: place.json("policy", &row.policy)?,
        price: place.json("price", &row.price)?,
        gate: place.text("gate", &row.gate)?,
        gate_key: place.text("gate", gate_key)?,
        bytes: of_version.count("bytes", *bytes)?,
        created_at: row.created_at,
    })
}
