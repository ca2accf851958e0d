//! Models for sale, clients' keys, and predictions, whose rows never change.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, include_str!("sql/m0007_models.sql")).await?;
        dialect::make_immutable(manager, "predictions").await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
