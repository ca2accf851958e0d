//! Accounts.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};
use sordino_domain::accounts::{Account, Email, PasswordHash};
use sordino_protocol::{api::Role, ids::AccountId, signature::VerifyingKey};

use crate::{
    connection::Storage,
    error::StorageError,
    rows::accounts::{ActiveModel, Column, Entity, Model},
    words::{Place, expect_rows, instant, word},
};

const TABLE: &str = "accounts";

/// Accounts, see [`Storage::accounts`].
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a Storage);

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id.
    pub id: AccountId,
    /// Its name, unique.
    pub email: Email,
    /// The digest of its password.
    pub password: PasswordHash,
    /// What it may do.
    pub role: Role,
}

/// What a sign-in is checked against.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account.
    pub account: Account,
    /// The digest of its password.
    pub password: PasswordHash,
}

impl Accounts<'_> {
    /// Makes an account.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when the address is taken.
    pub async fn create(self, new: NewAccount, now: DateTime<Utc>) -> Result<Account, StorageError> {
        let account =
            Account { id: new.id, email: new.email, role: new.role, key: None, created_at: instant(now) };
        let (account, password) = (&account, &new.password);
        self.0
            .write(|tx| async move {
                let row = ActiveModel {
                    id: Set(account.id.to_string()),
                    email: Set(account.email.as_str().to_owned()),
                    password_hash: Set(password.as_str().to_owned()),
                    role: Set(word("role", &account.role)?),
                    signing_key: Set(None),
                    created_at: Set(account.created_at),
                };
                let fresh = OnConflict::column(Column::Email).do_nothing().to_owned();
                match Entity::insert(row).on_conflict(fresh).exec_without_returning(tx.as_ref()).await? {
                    0 => Err(StorageError::conflict("account", account.id, "the address is registered")),
                    _ => Ok(()),
                }
            })
            .await?;
        Ok(account.clone())
    }

    /// An account.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn get(self, account: AccountId) -> Result<Account, StorageError> {
        let row = Entity::find_by_id(account.to_string()).one(self.0.reader()).await?;
        row.ok_or_else(|| StorageError::not_found("account", account))?.try_into()
    }

    /// The account of an address, to be signed in to.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find_login(self, email: &Email) -> Result<Option<Login>, StorageError> {
        let row = Entity::find().filter(Column::Email.eq(email.as_str())).one(self.0.reader()).await?;
        row.map(|row| {
            let password = PasswordHash::new(row.password_hash.clone());
            Ok(Login { account: row.try_into()?, password })
        })
        .transpose()
    }

    /// Registers the account's key, whose possession was proven. The first key stays; the same again is fine.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] when there is another.
    pub async fn register_key(self, account: AccountId, key: VerifyingKey) -> Result<Account, StorageError> {
        self.0
            .write(|tx| async move {
                Entity::update_many()
                    .col_expr(Column::SigningKey, key.to_string().into())
                    .filter(Column::Id.eq(account.to_string()))
                    .filter(Column::SigningKey.is_null())
                    .exec(tx.as_ref())
                    .await?;
                let row = Entity::find_by_id(account.to_string()).one(tx.as_ref()).await?;
                let account: Account =
                    row.ok_or_else(|| StorageError::not_found("account", account))?.try_into()?;
                if account.key == Some(key) {
                    Ok(account)
                } else {
                    Err(StorageError::conflict(
                        "account",
                        account.id,
                        "another key is registered, and it stays",
                    ))
                }
            })
            .await
    }

    /// Changes what an account may do.
    ///
    /// # Errors
    /// [`StorageError::NotFound`].
    pub async fn set_role(self, account: AccountId, role: Role) -> Result<Account, StorageError> {
        self.get(account).await?;
        self.0
            .write(|tx| async move {
                let changed = Entity::update_many()
                    .col_expr(Column::Role, word("role", &role)?.into())
                    .filter(Column::Id.eq(account.to_string()))
                    .exec(tx.as_ref())
                    .await?;
                expect_rows(TABLE, account, 1, changed.rows_affected)
            })
            .await?;
        self.get(account).await
    }
}

impl TryFrom<Model> for Account {
    type Error = StorageError;

    fn try_from(row: Model) -> Result<Self, StorageError> {
        let place = Place { table: TABLE, id: &row.id };
        Ok(Self {
            id: place.text("id", &row.id)?,
            email: place.text("email", &row.email)?,
            role: place.word("role", &row.role)?,
            key: row.signing_key.as_deref().map(|key| place.text("signing_key", key)).transpose()?,
            created_at: row.created_at,
        })
    }
}
