//! Rows of `jobs`: Jobs, with their leases.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "jobs")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub version: i64,
    pub buyer: String,
    pub owner: String,
    pub listing: String,
    pub dataset: String,
    pub gate: String,
    pub quote: String,
    pub query: String,
    pub acceptance: String,
    pub price: i64,
    pub currency: String,
    pub fee: i32,
    pub total: i64,
    pub state: String,
    pub attempts: i32,
    pub lease_token: Option<String>,
    pub lease_worker: Option<String>,
    pub lease_until: Option<DateTimeUtc>,
    pub done: i64,
    pub evaluate_ms: Option<i64>,
    pub problem_code: Option<String>,
    pub problem_detail: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
