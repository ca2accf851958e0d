//! Events, written in the transaction that causes them, so that none is told that did not happen and none is
//! forgotten. Each is told at least once.

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use sordino_domain::jobs::Job;
use sordino_protocol::ids::{AccountId, GateId, JobId};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::outbox::{ActiveModel, Column, Entity, Model},
    words::{Place, expect_rows, instant, word},
};

const TABLE: &str = "outbox";

/// See [`Storage::outbox`].
#[derive(Debug, Clone, Copy)]
pub struct Outbox<'a>(pub(crate) &'a Storage);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// A worker may take the job.
    JobQueued,
    /// The gate is to decide.
    ReleaseRequested,
    /// Nothing more will happen to the job.
    JobEnded,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Counts up, with gaps.
    pub id: i64,
    /// What happened.
    pub topic: Topic,
    /// To which job.
    pub job: JobId,
    /// Its gate.
    pub gate: GateId,
    /// Its buyer.
    pub buyer: AccountId,
    /// When.
    pub at: DateTime<Utc>,
}

impl Outbox<'_> {
    /// The oldest events that were not told.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn pending(self, limit: u64) -> Result<Vec<Event>, StorageError> {
        let rows = Entity::find().order_by_asc(Column::Id).limit(limit).all(self.0.reader()).await?;
        rows.into_iter().map(Event::try_from).collect()
    }

    /// Forgets events that were told. Those that another has forgotten are passed over.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn delivered(self, events: &[i64]) -> Result<(), StorageError> {
        if events.is_empty() {
            return Ok(());
        }
        self.0
            .write(|tx| async move {
                let told = Entity::delete_many().filter(Column::Id.is_in(events.iter().copied()));
                told.exec(tx.as_ref()).await?;
                Ok(())
            })
            .await
    }
}

/// Writes an event about a job.
pub(crate) async fn publish(
    tx: &DatabaseTransaction,
    topic: Topic,
    job: &Job,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: NotSet,
        topic: Set(word("topic", &topic)?),
        job: Set(job.id.to_string()),
        gate: Set(job.gate.to_string()),
        buyer: Set(job.buyer.to_string()),
        created_at: Set(instant(now)),
    };
    expect_rows(TABLE, job.id, 1, Entity::insert(row).exec_without_returning(tx).await?)
}

impl TryFrom<Model> for Event {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let id = row.id.to_string();
        let place = Place { table: TABLE, id: &id };
        Ok(Self {
            id: row.id,
            topic: place.word("topic", &row.topic)?,
            job: place.text("job", &row.job)?,
            gate: place.text("gate", &row.gate)?,
            buyer: place.text("buyer", &row.buyer)?,
            at: row.created_at,
        })
    }
}
