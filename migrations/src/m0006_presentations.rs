//! How the answer to a quote's query is shown, as its SQL asked. Null in quotes of before.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// See the file.
#[derive(Debug, DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, include_str!("sql/m0006_presentations.sql")).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
