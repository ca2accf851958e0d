//! `register` and `login`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use sordino_client::{account, session::Session};

use crate::{context::Context, output, secrets};

/// Arguments of both.
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Your e-mail address.
    #[arg(long)]
    email: String,
    /// File with the password [otherwise: $SORDINO_PASSWORD, or asked for].
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl SignIn {
    pub(crate) async fn register(self, context: &Context) -> Result<()> {
        let password = secrets::password(self.password_file.as_deref())?;
        let session = account::register(&context.profile, context.server(), &self.email, &password).await?;
        show(context, &session, &self.email)
    }

    pub(crate) async fn login(self, context: &Context) -> Result<()> {
        let password = secrets::password(self.password_file.as_deref())?;
        let session = account::login(&context.profile, context.server(), &self.email, &password).await?;
        show(context, &session, &self.email)
    }
}

fn show(context: &Context, session: &Session, email: &str) -> Result<()> {
    let platform = session.platform_key();
    if context.json() {
        return output::json(&json!({
            "account": session.account,
            "email": email,
            "profile": context.profile.name(),
            "server": session.client.server(),
            "platform_key": platform,
        }));
    }
    output::text(&format!(
        "Signed in to {} as {email}\n  account       {}\n  profile       {}\n  platform key  {}",
        session.client.server(),
        session.account,
        context.profile.directory().display(),
        platform.fingerprint(),
    ))?;
    if !context.profile.has_keys() {
        output::note("Next: `sordino keys init` makes the keys that sign for you and open your answers.");
    }
    Ok(())
}
