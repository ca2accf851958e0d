//! The keys of a client: a secret one that encrypts and decrypts, and what is registered with the
//! platform, an encryption of 0 as public key, the relinearisation key if the set multiplies, and a key for each
//! rotation that it has.

use fhe::bfv::{Encoding, Plaintext, RelinearizationKey, SecretKey};
use fhe_traits::{FheEncoder, FheEncrypter, Serialize};
use rand::{CryptoRng, RngCore};
use sordino_protocol::parameters::ParameterSet;
use zeroize::Zeroizing;

use crate::{
    error::FheError,
    key_bytes::{read_scan, write_scan, zigzag},
    parameters::{bfv, scan},
    predict::{
        plain::signed,
        rotation::{self, RotationKey},
    },
    ring::Rows,
    scan::{RelinearisationKey, ciphertext::Ciphertext, tables::full, wire},
    trust::{HEADER, Object, Reader, header, limit},
};

/// The key of a client in one parameter set. Zeroised on drop.
pub struct ClientKeys {
    set: ParameterSet,
    secret: SecretKey,
    /// The same in all moduli, in the domain of the transform.
    transformed: Zeroizing<Rows>,
}

impl ClientKeys {
    fn new(set: ParameterSet, secret: SecretKey) -> Result<Self, FheError> {
        let mut bytes = Zeroizing::new(Vec::new());
        write_scan(&secret, set, &mut bytes);
        let coefficients: Zeroizing<Vec<i64>> = Zeroizing::new(bytes.iter().map(zigzag).collect());
        let transformed = Zeroizing::new(signed(&coefficients, &full(set)?));
        Ok(Self { set, secret, transformed })
    }

    /// A fresh key. `rng` must be cryptographically secure and seeded by the operating system.
    ///
    /// # Errors
    /// When `set` has no slots.
    pub fn generate<R: RngCore + CryptoRng>(set: ParameterSet, rng: &mut R) -> Result<Self, FheError> {
        Self::new(set, SecretKey::random(bfv(set)?, rng))
    }

    /// The set it encrypts in.
    pub const fn parameter_set(&self) -> ParameterSet {
        self.set
    }

    pub(super) fn transformed(&self) -> &[u64] {
        &self.transformed
    }

    pub(super) const fn secret(&self) -> &SecretKey {
        &self.secret
    }

    /// The secret bytes: header, then one byte a coefficient. Keep them encrypted.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let degree = self.set.bfv().map_or(0, |numbers| numbers.degree);
        let mut bytes = Zeroizing::new(Vec::with_capacity(HEADER + degree));
        bytes.extend(header(Object::ClientKey, self.set));
        write_scan(&self.secret, self.set, &mut bytes);
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_bytes(bytes: &[u8], set: ParameterSet) -> Result<Self, FheError> {
        limit(Object::ClientKey, bytes.len() as u64, (HEADER + scan(set)?.degree) as u64)?;
        let mut reader = Reader::new(Object::ClientKey, bytes);
        reader.header(set)?;
        let secret = read_scan(&mut reader, Object::ClientKey, set)?;
        reader.end()?;
        Self::new(set, secret)
    }

    /// What is registered: public, and lets nobody decrypt. Fresh each time, though any of them serves
    /// this key. Bytes: header, the public key, the relinearisation key if the set multiplies, and the
    /// rotation keys.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn registration<R: RngCore + CryptoRng>(&self, rng: &mut R) -> Result<Vec<u8>, FheError> {
        let zero = Plaintext::try_encode(&[0u64][..], Encoding::poly(), bfv(self.set)?)
            .map_err(FheError::bfv("encoding 0"))?;
        let sealed: fhe::bfv::Ciphertext =
            self.secret.try_encrypt(&zero, rng).map_err(FheError::bfv("making the public key"))?;
        let mut bytes = [&header(Object::Registration, self.set)[..], &sealed.to_bytes()].concat();
        if self.set.multiplies() {
            let key = RelinearizationKey::new(&self.secret, rng)
                .map_err(FheError::bfv("making the relinearisation key"))?;
            bytes.extend(key.to_bytes());
        }
        rotation::write(self.set, &self.secret, rng, &mut bytes)?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for ClientKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClientKeys({}, secret)", self.set)
    }
}

/// Bytes of what a client registers; it has no other size.
///
/// # Errors
/// When `set` has no slots.
pub fn registration_size(set: ParameterSet) -> Result<u64, FheError> {
    let numbers = scan(set)?;
    let relinearisation = if set.multiplies() { wire::relinearisation_len(numbers) } else { 0 };
    Ok((HEADER + wire::slice_len(numbers) + relinearisation + rotation::len(set)?) as u64)
}

/// Registered keys, expanded.
pub(super) struct Registered {
    /// An encryption of 0 in all moduli.
    pub(super) zero: [Rows; 2],
    /// Without any encryption if the set does not multiply.
    pub(super) relinearisation: RelinearisationKey,
    /// One for each rotation of the set.
    pub(super) rotations: Vec<RotationKey>,
}

impl Registered {
    /// The mask of the public key is expanded from its seed, so that nobody can choose it.
    pub(super) fn read(bytes: &[u8], set: ParameterSet) -> Result<Self, FheError> {
        const OBJECT: Object = Object::Registration;
        let numbers = scan(set)?;
        limit(OBJECT, bytes.len() as u64, registration_size(set)?)?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(set)?;
        let zero = wire::read_slice(reader.take(wire::slice_len(numbers))?, set)?;
        let Ciphertext::Early(zero) = zero else {
            return Err(OBJECT.malformed("its public key is no fresh ciphertext").into());
        };
        let relinearisation = if set.multiplies() {
            wire::read_relinearisation(reader.take(wire::relinearisation_len(numbers))?, set)?
        } else {
            RelinearisationKey { encryptions: Vec::new() }
        };
        let rotations = rotation::read(&mut reader, set)?;
        reader.end()?;
        Ok(Self { zero, relinearisation, rotations })
    }
}
