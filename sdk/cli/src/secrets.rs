//! Secrets come from a file, the environment or the terminal; never from arguments, where every user
//! of the machine could read them.

use std::{
    io::{IsTerminal, stdin},
    path::Path,
};

use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret, SecretString};

use crate::arguments::Global;

/// The passphrase of the keys.
pub(crate) fn passphrase(global: &Global, prompt: &str) -> Result<SecretString> {
    find(global.passphrase_file.as_deref(), "SORDINO_PASSPHRASE", "--passphrase-file", prompt)
}

/// A new passphrase, asked for twice on a terminal.
pub(crate) fn new_passphrase(global: &Global) -> Result<SecretString> {
    let given = global.passphrase_file.is_some() || std::env::var_os("SORDINO_PASSPHRASE").is_some();
    let first = passphrase(global, "New passphrase for your keys: ")?;
    if first.expose_secret().chars().count() < 10 {
        bail!("the passphrase is too short: use at least 10 characters; it protects all your data");
    }
    if !given {
        let second = SecretString::from(rpassword::prompt_password("The same again: ")?);
        if first.expose_secret() != second.expose_secret() {
            bail!("the two passphrases differ: nothing was changed");
        }
    }
    Ok(first)
}

/// The password of the account.
pub(crate) fn password(file: Option<&Path>) -> Result<SecretString> {
    find(file, "SORDINO_PASSWORD", "--password-file", "Password of your account: ")
}

fn find(file: Option<&Path>, variable: &str, option: &str, prompt: &str) -> Result<SecretString> {
    if let Some(path) = file {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        // One line; an editor's newline at the end is not part of it.
        return Ok(SecretString::from(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    if let Ok(value) = std::env::var(variable) {
        return Ok(SecretString::from(value));
    }
    if !stdin().is_terminal() {
        bail!("a secret is needed and there is no terminal to ask on: use {option} or ${variable}");
    }
    Ok(SecretString::from(rpassword::prompt_password(prompt)?))
}
