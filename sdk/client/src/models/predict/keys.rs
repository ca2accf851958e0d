//! Keys for predictions. The secret one follows from the profile's key bundle, so there is no further
//! secret to keep and its backup is the bundle's; the public part is registered once a parameter set.

use bytes::Bytes;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::{keys::KeyBundle, predict::ClientKeys};
use sordino_protocol::{
    digest::{Digest, Purpose},
    parameters::ParameterSet,
};
use zeroize::Zeroizing;

use crate::{ClientError, models::ModelsError, profile::Registered, session::Session};

/// Never reused for anything else.
const CONTEXT: &str = "sordino v1 client keys for predictions";

/// The secret key of a parameter set.
///
/// # Errors
/// When the set has none.
pub fn secret(bundle: &KeyBundle, set: ParameterSet) -> Result<ClientKeys, ModelsError> {
    let mut from = Zeroizing::new(Vec::with_capacity(64));
    from.extend_from_slice(&bundle.signing.to_seed()[..]);
    from.extend_from_slice(set.as_str().as_bytes());
    let seed = Zeroizing::new(blake3::derive_key(CONTEXT, &from));
    Ok(ClientKeys::generate(set, &mut ChaCha20Rng::from_seed(*seed))?)
}

/// The digest of the registered public part, and how many bytes were sent for it now: none when it was
/// registered before.
pub(super) async fn ensure_registered(
    session: &Session,
    keys: &ClientKeys,
) -> Result<(Digest, u64), ClientError> {
    let set = keys.parameter_set();
    // The secret is wide, so its digest tells nothing of it.
    let secret = Digest::of(Purpose::KeyProof, &keys.to_bytes());
    if let Some(registered) = session.profile.registered(set)?.filter(|known| known.secret == secret) {
        return Ok((registered.keys, 0));
    }
    let bytes = Bytes::from(keys.registration(&mut rand::rng()).map_err(ModelsError::from)?);
    let (digest, sent) = (Digest::of(Purpose::Object, &bytes), bytes.len() as u64);
    session.client.register_client_keys(digest, set, bytes).await?;
    session.profile.save_registered(set, &Registered { keys: digest, secret })?;
    Ok((digest, sent))
}
