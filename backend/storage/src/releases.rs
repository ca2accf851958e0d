//! Releases: what a gate is asked, and what follows from its decision.

mod decide;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sordino_domain::{quotes::StoredQuote, releases::ReleaseState};
use sordino_protocol::{
    canonical::Canonical,
    ids::{GateId, ReleaseId},
    query::Query,
    release::{HiddenModel, ReleaseRequest},
    signature::VerifyingKey,
};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::{
        gates, jobs, quotes, receipts,
        releases::{Column, Entity, Model},
    },
    words::{Place, word},
};

const TABLE: &str = "releases";

/// Releases, see [`Storage::releases`].
#[derive(Debug, Clone, Copy)]
pub struct Releases<'a>(pub(crate) &'a Storage);

impl Releases<'_> {
    /// Requests that wait for the gate, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn pending(self, gate: GateId, limit: u64) -> Result<Vec<ReleaseRequest>, StorageError> {
        let rows = Entity::find()
            .filter(Column::Gate.eq(gate.to_string()))
            .filter(Column::State.eq(word("state", &ReleaseState::Pending)?))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.0.reader())
            .await?;
        let mut requests = Vec::with_capacity(rows.len());
        for row in rows {
            requests.push(request(self.0.reader(), &row).await?);
        }
        Ok(requests)
    }

    /// The key that must have signed the decision on a release of the gate.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when the gate was not asked for such a release.
    pub async fn gate_key(self, gate: GateId, release: ReleaseId) -> Result<VerifyingKey, StorageError> {
        let row = Entity::find_by_id(release.to_string())
            .filter(Column::Gate.eq(gate.to_string()))
            .one(self.0.reader())
            .await?;
        row.ok_or_else(|| StorageError::not_found("release", release))?;
        let row = gates::Entity::find_by_id(gate.to_string()).one(self.0.reader()).await?;
        let row = row.ok_or_else(|| StorageError::not_found("gate", gate))?;
        Place { table: "gates", id: &row.id }.text("signing_key", &row.signing_key)
    }
}

async fn request<C: ConnectionTrait>(connection: &C, row: &Model) -> Result<ReleaseRequest, StorageError> {
    let place = Place { table: TABLE, id: &row.id };
    let job = jobs::Entity::find_by_id(row.job.clone()).one(connection).await?;
    let job = job.ok_or_else(|| place.bad("job"))?;
    let of_job = Place { table: "jobs", id: &job.id };
    let quote = quotes::Entity::find_by_id(job.quote.clone()).one(connection).await?;
    let quote: StoredQuote = quote.ok_or_else(|| of_job.bad("quote"))?.try_into()?;
    let receipt = receipts::Entity::find_by_id(row.job.clone()).one(connection).await?;
    let receipt = receipt.ok_or_else(|| place.bad("job"))?;
    let (query, hidden) = shown(quote.quote.body.hidden, quote.query, of_job)?;
    Ok(ReleaseRequest {
        id: place.text("id", &row.id)?,
        gate: place.text("gate", &row.gate)?,
        job: place.text("job", &row.job)?,
        listing: of_job.text("listing", &job.listing)?,
        buyer: of_job.text("buyer", &job.buyer)?,
        query,
        hidden,
        quote: quote.quote,
        acceptance: of_job.json("acceptance", &job.acceptance)?,
        receipt: Place { table: "receipts", id: &row.job }.json("receipt", &receipt.receipt)?,
        outputs: place.text("outputs", &row.outputs)?,
    })
}

/// What the gate is shown of a query.
fn shown(
    hidden: bool,
    query: Query,
    of_job: Place<'_>,
) -> Result<(Query, Option<HiddenModel>), StorageError> {
    if !hidden {
        return Ok((query, None));
    }
    let digest = query.digest()?;
    let veiled = query.veiled().map_err(|_| of_job.bad("quote"))?;
    Ok((veiled.query, Some(HiddenModel { query: digest, inputs: veiled.inputs })))
}
