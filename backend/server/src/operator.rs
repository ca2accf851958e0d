//! Making an account an operator: only whoever runs the server can.

use anyhow::Context;
use sordino_domain::accounts::Email;
use sordino_protocol::api::Role;
use sordino_storage::Storage;

use crate::{Config, platform};

/// Gives a registered account the operator's role.
///
/// # Errors
/// When there is no such account or the database does not answer.
pub async fn grant(config: &Config, email: &str) -> anyhow::Result<()> {
    grant_in(&platform::storage(config).await?, email).await?;
    println!("{email} is an operator now.");
    Ok(())
}

/// As [`grant`], in an open storage.
///
/// # Errors
/// As [`grant`].
pub async fn grant_in(storage: &Storage, email: &str) -> anyhow::Result<()> {
    let address: Email = email.parse()?;
    let login = storage
        .accounts()
        .find_login(&address)
        .await?
        .with_context(|| format!("no account has the address {email}: register it first"))?;
    storage.accounts().set_role(login.account.id, Role::Operator).await?;
    Ok(())
}
