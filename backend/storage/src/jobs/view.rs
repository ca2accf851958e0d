//! What buyers see of their jobs, and owners of theirs.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sordino_domain::jobs::Job;
use sordino_protocol::{
    ids::{AccountId, JobId},
    receipt::FullReceipt,
    release::ReleaseDecision,
    sealed::SealedAnswer,
};

use super::Jobs;
use crate::{
    error::StorageError,
    rows::{
        jobs::{Column, Entity},
        receipts, releases, sealed_answers,
    },
    words::Place,
};

impl Jobs<'_> {
    /// A job of the buyer.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, buyer: AccountId, job: JobId) -> Result<Job, StorageError> {
        let row = Entity::find_by_id(job.to_string())
            .filter(Column::Buyer.eq(buyer.to_string()))
            .one(self.0.reader())
            .await?;
        row.ok_or_else(|| StorageError::not_found("job", job))?.try_into()
    }

    /// The buyer's jobs, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(self, buyer: AccountId, limit: u64) -> Result<Vec<Job>, StorageError> {
        let rows = Entity::find()
            .filter(Column::Buyer.eq(buyer.to_string()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(limit)
            .all(self.0.reader())
            .await?;
        rows.into_iter().map(Job::try_from).collect()
    }

    /// The sealed answer of a job of the buyer.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such job or no answer.
    pub async fn answer(self, buyer: AccountId, job: JobId) -> Result<SealedAnswer, StorageError> {
        self.get(buyer, job).await?;
        let row = sealed_answers::Entity::find()
            .filter(sealed_answers::Column::Job.eq(job.to_string()))
            .one(self.0.reader())
            .await?;
        let row = row.ok_or_else(|| StorageError::not_found("answer of job", job))?;
        Place { table: "sealed_answers", id: &row.release }.json("answer", &row.answer)
    }

    /// The receipt of a job, for its buyer and for the owner of the data.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] when there is no such job or it is not evaluated.
    pub async fn receipt(self, account: AccountId, job: JobId) -> Result<FullReceipt, StorageError> {
        let (account, id) = (account.to_string(), job.to_string());
        let party = Condition::any().add(Column::Buyer.eq(&account)).add(Column::Owner.eq(&account));
        let found = Entity::find_by_id(id.clone()).filter(party).one(self.0.reader()).await?;
        found.ok_or_else(|| StorageError::not_found("job", job))?;
        let receipt = receipts::Entity::find_by_id(id.clone()).one(self.0.reader()).await?;
        let receipt = receipt.ok_or_else(|| StorageError::not_found("receipt of job", job))?;
        let release =
            releases::Entity::find().filter(releases::Column::Job.eq(&id)).one(self.0.reader()).await?;
        let decision = release.and_then(|release| release.decision);
        let decision = decision.map(|text| {
            let decided: ReleaseDecision = Place { table: "releases", id: &id }.json("decision", &text)?;
            Ok::<_, StorageError>(decided.decision)
        });
        Ok(FullReceipt {
            receipt: Place { table: "receipts", id: &id }.json("receipt", &receipt.receipt)?,
            decision: decision.transpose()?,
        })
    }
}
