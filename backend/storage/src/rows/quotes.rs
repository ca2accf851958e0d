//! Rows of `quotes`: Quotes.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quotes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub buyer: String,
    pub listing: String,
    pub dataset: String,
    pub expires_at: DateTimeUtc,
    pub quote: String,
    pub query: String,
    pub job: Option<String>,
    pub created_at: DateTimeUtc,
    pub presentation: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
