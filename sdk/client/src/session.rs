//! A profile joined to its platform: the key pinned, the credentials in place.

use secrecy::SecretString;
use sordino_protocol::{api::Platform, ids::AccountId, signature::VerifyingKey};

use crate::{ClientError, api::Client, profile::Profile};

/// A signed-in profile.
#[derive(Debug, Clone)]
pub struct Session {
    /// Speaks for the account.
    pub client: Client,
    /// Where it is kept.
    pub profile: Profile,
    /// What the platform says of itself; its key was compared with the pinned one.
    pub platform: Platform,
    /// The account.
    pub account: AccountId,
}

impl Session {
    /// Resumes the session of a profile. `server` overrides the profile's, for a profile without one.
    ///
    /// # Errors
    /// When the profile is not signed in, belongs to another server, or the platform's key changed.
    pub async fn resume(profile: &Profile, server: Option<&str>) -> Result<Self, ClientError> {
        let identity = profile.identity()?;
        let signed_out = || ClientError::NotSignedIn(profile.name().to_owned());
        let account = identity.account.ok_or_else(signed_out)?;
        let token = profile.credentials()?.token.clone().ok_or_else(signed_out)?;
        let client = connect(profile, server).await?;
        let platform = client.platform;
        let client = client.client.with_bearer(SecretString::from(token));
        Ok(Self { client, profile: profile.clone(), platform, account })
    }

    /// The platform's key, which signs quotes and receipts.
    pub fn platform_key(&self) -> &VerifyingKey {
        &self.platform.key
    }
}

/// A client whose platform is the pinned one.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Without credentials.
    pub client: Client,
    /// What the platform says of itself.
    pub platform: Platform,
}

/// Connects a profile to its platform without credentials, pinning the key at first contact.
///
/// # Errors
/// When no server is known, it is another than the profile's, or its key changed.
pub async fn connect(profile: &Profile, server: Option<&str>) -> Result<Connection, ClientError> {
    let pinned = profile.identity()?.server;
    let address = match (server, &pinned) {
        (Some(server), _) => server,
        (None, Some(pinned)) => pinned.as_str(),
        (None, None) => return Err(ClientError::NotSignedIn(profile.name().to_owned())),
    };
    let client = Client::new(address)?;
    if let Some(pinned) = pinned.filter(|pinned| pinned != client.server()) {
        return Err(ClientError::OtherServer { pinned, asked: client.server().to_owned() });
    }
    let platform = client.platform().await?;
    profile.pin(client.server(), platform.key)?;
    Ok(Connection { client, platform })
}
