//! The ledger: immutable entries, holds that resolve once, balances that cannot be overdrawn.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, include_str!("sql/m0004_ledger.sql")).await?;
        dialect::make_immutable(manager, "ledger_transactions").await?;
        dialect::make_immutable(manager, "ledger_entries").await?;
        dialect::make_immutable(manager, "usage_records").await?;
        dialect::make_final(manager, "holds", "old.state <> 'held'").await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
