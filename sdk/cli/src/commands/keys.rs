//! `keys init`, `keys show`, `keys backup`, `keys restore`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;
use sordino_client::{ClientError, account, profile::PublicKeys};
use sordino_fhe::keys::KeyBundle;

use crate::{context::Context, output, secrets};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make the keys: signing, receiving answers, and encrypting tables. Takes a moment.
    Init,
    /// Show the public keys and their fingerprints.
    Show,
    /// Copy the encrypted key file to a safe place.
    Backup {
        /// Where to; must not exist.
        file: PathBuf,
    },
    /// Take the keys from a backup.
    Restore {
        /// The backup.
        file: PathBuf,
    },
}

impl Keys {
    pub(crate) async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Init => init(context).await,
            Self::Show => show(context),
            Self::Backup { file } => {
                context.profile.back_up_keys(&file)?;
                output::text(&format!(
                    "Copied the keys to {}; the same passphrase opens them. \
                     Without keys and passphrase, encrypted tables and paid answers are lost.",
                    file.display()
                ))
            }
            Self::Restore { file } => {
                let passphrase = secrets::passphrase(&context.global, "Passphrase of the backup: ")?;
                let keys = context.profile.restore_keys(&file, &passphrase)?;
                register(context, &keys).await?;
                show(context)
            }
        }
    }
}

async fn init(context: &Context) -> Result<()> {
    if context.profile.has_keys() {
        return Err(ClientError::KeysExist(context.profile.key_file()).into());
    }
    let passphrase = secrets::new_passphrase(&context.global)?;
    output::note("Making keys; this takes a moment ...");
    let profile = context.profile.clone();
    let keys = tokio::task::spawn_blocking(move || profile.create_keys(&passphrase, None))
        .await
        .context("making keys")??;
    register(context, &keys).await?;
    show(context)?;
    output::note("Next: `sordino keys backup FILE`. Keys cannot be recovered by anybody else.");
    Ok(())
}

/// Ties the keys to the account, if there is one; otherwise the first publication or purchase does.
async fn register(context: &Context, keys: &KeyBundle) -> Result<()> {
    if context.profile.identity()?.account.is_some() {
        account::ensure_key(&context.session().await?, keys).await?;
    }
    Ok(())
}

fn show(context: &Context) -> Result<()> {
    let missing = || ClientError::NoKeys(context.profile.name().to_owned());
    let PublicKeys { account, gate, recipient } = context.profile.identity()?.keys.ok_or_else(missing)?;
    if context.json() {
        return output::json(&json!({
            "account": account,
            "account_fingerprint": account.fingerprint(),
            "gate": gate,
            "gate_fingerprint": gate.fingerprint(),
            "recipient": recipient,
        }));
    }
    output::text(&format!(
        "account    {}  {account}\ngate       {}  {gate}\nrecipient  {:19}  {recipient}",
        account.fingerprint(),
        gate.fingerprint(),
        "",
    ))
}
