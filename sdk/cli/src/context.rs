//! What a command works with: the profile, the platform, the keys.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result};
use sordino_client::{
    api::Client,
    profile::Profile,
    session::{self, Session},
};
use sordino_fhe::keys::KeyBundle;

use crate::{arguments::Global, secrets};

/// One run of the program.
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) profile: Profile,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        let root = match &global.home {
            Some(home) => home.clone(),
            None => default_root()?,
        };
        let profile = Profile::new(&root, &global.profile)?;
        Ok(Self { global, profile })
    }

    pub(crate) fn json(&self) -> bool {
        self.global.json
    }

    pub(crate) fn server(&self) -> Option<&str> {
        self.global.server.as_deref()
    }

    /// The profile signed in.
    pub(crate) async fn session(&self) -> Result<Session> {
        Ok(Session::resume(&self.profile, self.server()).await?)
    }

    /// A client for what anyone may see; signed in where the profile is.
    pub(crate) async fn client(&self) -> Result<Client> {
        if self.profile.identity()?.account.is_some() {
            return Ok(self.session().await?.client);
        }
        let server = self.server().context("say which marketplace: --server http://127.0.0.1:8788")?;
        Ok(session::connect(&self.profile, Some(server)).await?.client)
    }

    /// The keys, decrypted with the passphrase.
    pub(crate) fn keys(&self) -> Result<Arc<KeyBundle>> {
        if !self.profile.has_keys() {
            return Err(sordino_client::ClientError::NoKeys(self.profile.name().to_owned()).into());
        }
        let passphrase = secrets::passphrase(&self.global, "Passphrase of your keys: ")?;
        Ok(Arc::new(self.profile.keys(&passphrase)?))
    }
}

fn default_root() -> Result<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    config
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .map(|config| config.join("sordino"))
        .context("no home folder: say where profiles are kept with --home")
}
