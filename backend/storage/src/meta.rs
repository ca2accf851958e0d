//! What a database is told once, such as the platform key it belongs to, so that a server with another key
//! does not work on it by mistake.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::meta::{ActiveModel, Column, Entity},
    words::instant,
};

/// See [`Storage::meta`].
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a>(pub(crate) &'a Storage);

impl Meta<'_> {
    /// Stores a value unless there is one, and returns the one that is there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn pin(self, name: &str, content: &str, now: DateTime<Utc>) -> Result<String, StorageError> {
        self.0
            .write(|tx| async move {
                let row = ActiveModel {
                    name: Set(name.to_owned()),
                    content: Set(content.to_owned()),
                    created_at: Set(instant(now)),
                };
                let fresh = OnConflict::column(Column::Name).do_nothing().to_owned();
                Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await?;
                let row = Entity::find_by_id(name.to_owned()).one(tx.as_ref()).await?;
                Ok(row.ok_or_else(|| StorageError::not_found("meta", name))?.content)
            })
            .await
    }
}
