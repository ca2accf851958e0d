//! One run of predictions, over as many attempts as it takes. Each request is paid as it is delivered, so
//! a run that is cut off has paid for some: when it is tried again, the same rows become the same
//! ciphertexts under the same idempotency keys, and the platform hands out what it has, uncharged.

use std::ops::Range;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_fhe::predict::ClientKeys;
use sordino_protocol::{
    canonical,
    digest::{Digest, Hasher, Purpose},
};
use zeroize::Zeroizing;

use super::Plan;
use crate::{
    ClientError,
    profile::{Profile, Unfinished},
};

/// Never reused for anything else.
const CONTEXT: &str = "sordino v1 randomness of encrypted rows";

/// A run, begun now or before.
pub(super) struct Attempt {
    what: Digest,
    /// Has taken the client's secret, the nonce of the run and `what`. So no two runs and no two tables have
    /// any randomness in common.
    randomness: blake3::Hasher,
    nonce: Digest,
    /// Whether it was begun before.
    pub(super) again: bool,
}

impl Attempt {
    /// The run of a plan that was cut off, or a new one.
    pub(super) fn begin(
        profile: &Profile,
        keys: &ClientKeys,
        registered: Digest,
        plan: &Plan,
    ) -> Result<Self, ClientError> {
        let what = what(keys, registered, plan)?;
        let (run, again) = match profile.unfinished(what)? {
            Some(run) => (run, true),
            None => (Unfinished { nonce: Digest::from_bytes(rand::random()) }, false),
        };
        if !again {
            profile.save_unfinished(what, &run)?;
        }
        let mut randomness = blake3::Hasher::new_derive_key(CONTEXT);
        randomness.update(&keys.to_bytes()).update(run.nonce.as_bytes()).update(what.as_bytes());
        Ok(Self { what, randomness, nonce: run.nonce, again })
    }

    /// The randomness that these rows are encrypted with.
    pub(super) fn randomness(&self, rows: &Range<usize>) -> ChaCha20Rng {
        let mut randomness = self.randomness.clone();
        randomness.update(&(rows.start as u64).to_le_bytes()).update(&(rows.end as u64).to_le_bytes());
        let seed = Zeroizing::new(*randomness.finalize().as_bytes());
        ChaCha20Rng::from_seed(*seed)
    }

    /// The idempotency key of the request for these rows.
    pub(super) fn key(&self, rows: &Range<usize>) -> String {
        format!("{}-{}-{}", self.nonce, rows.start, rows.end)
    }

    /// All rows are decrypted: the next run is another one.
    pub(super) fn end(self, profile: &Profile) -> Result<(), ClientError> {
        profile.forget_unfinished(self.what)
    }
}

/// A digest of what is predicted by what, and of the secret key, so that nobody else finds rows by it.
fn what(keys: &ClientKeys, registered: Digest, plan: &Plan) -> Result<Digest, ClientError> {
    let mut hasher = Hasher::new(Purpose::KeyProof);
    hasher.update(&keys.to_bytes());
    let listing = &plan.listing;
    let request = (listing.id, plan.form.digest, registered, listing.price, listing.currency);
    hasher.update(&canonical::to_bytes(&request)?);
    for rows in &plan.requests {
        hasher.update(&(rows.end as u64).to_le_bytes());
    }
    let table = &plan.table;
    for codes in table.codes.iter().flatten() {
        codes.iter().for_each(|code| hasher.update(&code.to_le_bytes()));
    }
    for value in table.values.iter().flatten().flatten() {
        hasher.update(&[u8::from(value.is_some())]);
        hasher.update(&value.unwrap_or_default().to_le_bytes());
    }
    Ok(hasher.finish())
}
