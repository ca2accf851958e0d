//! Rows of `dataset_versions`: Dataset versions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dataset_versions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub dataset: String,
    pub listing: String,
    pub lineage: String,
    pub version: i32,
    pub row_count: i64,
    pub bytes: i64,
    pub table_schema: String,
    pub layouts: String,
    pub manifest: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
