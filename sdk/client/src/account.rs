//! Making an account, signing in, and tying the account to its keys.

use secrecy::{ExposeSecret, SecretString};
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    api::{self, EnrolGate, Login, Register, RegisterKey},
    ids::GateId,
    quote::KeyProof,
    release::Enrolment,
};

use crate::{
    ClientError,
    profile::Profile,
    session::{Session, connect},
};

/// Makes an account and signs the profile in.
///
/// # Errors
/// `conflict` when the address is taken; those of the network, the platform and the profile.
pub async fn register(
    profile: &Profile,
    server: Option<&str>,
    email: &str,
    password: &SecretString,
) -> Result<Session, ClientError> {
    let connection = connect(profile, server).await?;
    let body = Register { email: email.to_owned(), password: password.expose_secret().to_owned() };
    let session = connection.client.register(&body).await?;
    remember(profile, &session)?;
    Session::resume(profile, server).await
}

/// Signs the profile in.
///
/// # Errors
/// `unauthenticated`; those of the network, the platform and the profile.
pub async fn login(
    profile: &Profile,
    server: Option<&str>,
    email: &str,
    password: &SecretString,
) -> Result<Session, ClientError> {
    let connection = connect(profile, server).await?;
    let body = Login { email: email.to_owned(), password: password.expose_secret().to_owned() };
    let session = connection.client.login(&body).await?;
    remember(profile, &session)?;
    Session::resume(profile, server).await
}

fn remember(profile: &Profile, session: &api::Session) -> Result<(), ClientError> {
    profile.update_credentials(|credentials| {
        credentials.token = Some(session.token.clone());
        credentials.expires_at = Some(session.expires_at);
    })?;
    profile
        .update(|identity| {
            identity.account = Some(session.account.id);
            identity.email = Some(session.account.email.clone());
        })
        .map(drop)
}

/// Registers the account's signing key; does nothing when it is registered already.
///
/// # Errors
/// When another key is registered; those of the network and the platform.
pub async fn ensure_key(session: &Session, keys: &KeyBundle) -> Result<(), ClientError> {
    let held = keys.signing.verifying_key();
    match session.client.account().await?.key {
        Some(registered) if registered == held => Ok(()),
        Some(registered) => Err(ClientError::OtherAccountKey { registered, held }),
        None => {
            let proof = keys.signing.sign(KeyProof { account: session.account, key: held })?;
            session.client.register_key(&RegisterKey { proof }).await.map(drop)
        }
    }
}

/// Enrols the profile's gate; does nothing when it is enrolled already.
///
/// # Errors
/// Those of the network, the platform and the profile.
pub async fn ensure_gate(session: &Session, keys: &KeyBundle, name: &str) -> Result<GateId, ClientError> {
    let known = session.profile.identity()?.gate;
    if let Some(gate) = known.filter(|_| session.profile.credentials().is_ok_and(|c| c.gate_secret.is_some()))
    {
        return Ok(gate);
    }
    let enrolment = keys.gate.sign(Enrolment {
        owner: session.account,
        gate_key: keys.gate.verifying_key(),
        name: name.to_owned(),
    })?;
    let enrolled = session.client.enrol_gate(&EnrolGate { enrolment }).await?;
    session.profile.update_credentials(|c| c.gate_secret = Some(enrolled.secret.clone()))?;
    session.profile.update(|identity| identity.gate = Some(enrolled.id))?;
    Ok(enrolled.id)
}
