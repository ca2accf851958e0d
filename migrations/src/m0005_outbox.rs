//! Idempotency keys, the outbox, and what a database is told once.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, include_str!("sql/m0005_outbox.sql")).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
