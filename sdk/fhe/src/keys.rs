//! Secret keys: of the owner's ciphertexts, and of his signatures; and the encrypted file they are
//! kept in.
//!
//! All secrets are zeroised on drop and none has a `Debug` that shows it.

use std::{fmt, io, iter};

use age::{DecryptError, Decryptor, Encryptor, scrypt};
use fhe::bfv::SecretKey;
use fhe_traits::Serialize;
use rand::{CryptoRng, RngCore};
use secrecy::SecretString;
use sordino_protocol::{parameters::ParameterSet, sealed::RecipientSecret, signature::SigningKey};
use tfhe::core_crypto::prelude::GlweSecretKey;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    error::FheError,
    key_bytes::{read_scan, write_scan},
    parameters::{GLWE_DEGREE, bfv, polynomial_size, scan},
    trust::{Object, Reader, TrustError, header, limit},
};

/// The hardest scrypt work factor accepted when opening a key file (log2; about a minute).
const MAX_WORK_FACTOR: u8 = 22;
/// The most bytes of an encrypted key file.
const MAX_KEY_FILE: u64 = 1 << 20;

/// The keys that decrypt an owner's data: of the rollup cells and of both scan sets.
pub struct SecretKeys {
    /// Uniform bits, one a word.
    rollup: Zeroizing<Vec<u64>>,
    scan_8k: SecretKey,
    scan_16k: SecretKey,
    /// The coefficients of `scan_16k`: moduli, secret and noise are the same, and what a plaintext is taken
    /// modulo is of no concern to the key.
    score_16k: SecretKey,
}

/// Everything secret that an owner and his gate hold.
pub struct KeyBundle {
    /// Signs manifests.
    pub signing: SigningKey,
    /// Signs the gate's decisions.
    pub gate: SigningKey,
    /// Opens answers sealed to the owner.
    pub recipient: RecipientSecret,
    /// Decrypts the owner's data.
    pub secret: SecretKeys,
}

/// Why a key file could not be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The passphrase is not the one it was encrypted with.
    #[error("the passphrase does not open this key file")]
    WrongPassphrase,
    /// Not an age file encrypted with a passphrase.
    #[error("this is not a key file: expected an age file encrypted with a passphrase")]
    NotAKeyFile,
    /// The passphrase is right but the content was altered or cut off.
    #[error("the key file is damaged: restore it from a copy")]
    Damaged,
    /// Opening it would take unreasonably long.
    #[error("the key file asks for a scrypt work factor of {required}, above the {target} accepted")]
    ExcessiveWork {
        /// What the file asks for (log2).
        required: u8,
        /// The most accepted (log2).
        target: u8,
    },
    /// The plaintext is not a key bundle.
    #[error("the key file was opened, but: {0}")]
    Content(#[from] TrustError),
    /// Encryption failed.
    #[error("encrypting the key file: {0}")]
    Io(#[from] io::Error),
    /// The BFV library refused.
    #[error(transparent)]
    Fhe(#[from] FheError),
}

impl SecretKeys {
    /// Fresh keys. `rng` must be cryptographically secure and seeded by the operating system.
    ///
    /// # Panics
    /// When the pinned parameters cannot be built, which a test excludes.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut rollup = Zeroizing::new(vec![0u64; GLWE_DEGREE]);
        for word in rollup.chunks_mut(64) {
            let bits = Zeroizing::new(rng.next_u64());
            for (i, bit) in word.iter_mut().enumerate() {
                *bit = (*bits >> i) & 1;
            }
        }
        let mut key = |set| SecretKey::random(bfv(set).expect("pinned sets can be built"), rng);
        let (scan_8k, scan_16k) = (key(ParameterSet::Scan8kV1), key(ParameterSet::Scan16kV1));
        let score_16k = for_scores(&scan_16k).expect("a fresh key can be read");
        Self { rollup, scan_8k, scan_16k, score_16k }
    }

    pub(crate) fn glwe(&self) -> GlweSecretKey<&[u64]> {
        GlweSecretKey::from_container(self.rollup.as_slice(), polynomial_size())
    }

    /// The same key flattened, as it decrypts the outputs of a rollup.
    pub(crate) fn lwe(&self) -> &[u64] {
        &self.rollup
    }

    pub(crate) fn scan(&self, set: ParameterSet) -> Result<&SecretKey, FheError> {
        match set {
            ParameterSet::Scan8kV1 => Ok(&self.scan_8k),
            ParameterSet::Scan16kV1 => Ok(&self.scan_16k),
            ParameterSet::Score16kV1 => Ok(&self.score_16k),
            // Rows of predictions are encrypted with the client's own keys.
            ParameterSet::RollupV1
            | ParameterSet::Predict4kV2
            | ParameterSet::Predict8kV1
            | ParameterSet::Network16kV1 => Err(FheError::NotAScanSet(set)),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        for bits in self.rollup.chunks(8) {
            out.push(bits.iter().enumerate().fold(0, |byte, (i, bit)| byte | ((*bit as u8) << i)));
        }
        for (set, key) in [(ParameterSet::Scan8kV1, &self.scan_8k), (ParameterSet::Scan16kV1, &self.scan_16k)]
        {
            write_scan(key, set, out);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, KeyFileError> {
        let mut rollup = Zeroizing::new(Vec::with_capacity(GLWE_DEGREE));
        for byte in reader.take(GLWE_DEGREE / 8)? {
            rollup.extend((0..8).map(|i| u64::from((byte >> i) & 1)));
        }
        let scan_8k = read_scan(reader, Object::KeyFile, ParameterSet::Scan8kV1).map_err(content)?;
        let scan_16k = read_scan(reader, Object::KeyFile, ParameterSet::Scan16kV1).map_err(content)?;
        let score_16k = for_scores(&scan_16k).map_err(content)?;
        Ok(Self { rollup, scan_8k, scan_16k, score_16k })
    }
}

/// The same key for the set of scores.
fn for_scores(key: &SecretKey) -> Result<SecretKey, FheError> {
    let bytes = Zeroizing::new(key.to_bytes());
    let degree = scan(ParameterSet::Scan16kV1)?.degree;
    let mut reader = Reader::new(Object::KeyFile, &bytes[bytes.len().saturating_sub(degree)..]);
    read_scan(&mut reader, Object::KeyFile, ParameterSet::Score16kV1)
}

/// What is refused in an opened key file is told as its content.
fn content(error: FheError) -> KeyFileError {
    match error {
        FheError::Untrusted(refused) => KeyFileError::Content(refused),
        other => KeyFileError::Fhe(other),
    }
}

impl KeyBundle {
    /// Fresh keys of every kind. `rng` must be cryptographically secure and seeded by the operating
    /// system.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        let mut seed = || {
            let mut seed = Zeroizing::new([0u8; 32]);
            rng.fill_bytes(&mut seed[..]);
            seed
        };
        let (signing, gate, mut recipient) = (seed(), seed(), seed());
        let bundle = Self {
            signing: SigningKey::from_seed(&signing),
            gate: SigningKey::from_seed(&gate),
            recipient: RecipientSecret::from_bytes(*recipient),
            secret: SecretKeys::generate(rng),
        };
        recipient.zeroize();
        bundle
    }

    /// Encrypts the bundle with a passphrase (an age file). `work_factor` is the log2 of scrypt's
    /// cost; `None` takes about a second on this machine.
    ///
    /// # Errors
    /// When the library fails to write.
    pub fn encrypt(
        &self,
        passphrase: &SecretString,
        work_factor: Option<u8>,
    ) -> Result<Vec<u8>, KeyFileError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(32 * 1024));
        plain.extend(header(Object::KeyFile, ParameterSet::RollupV1));
        plain.extend(self.signing.to_seed().iter());
        plain.extend(self.gate.to_seed().iter());
        plain.extend(self.recipient.to_bytes().iter());
        self.secret.write(&mut plain);
        let mut recipient = scrypt::Recipient::new(passphrase.clone());
        if let Some(factor) = work_factor {
            recipient.set_work_factor(factor.clamp(1, MAX_WORK_FACTOR));
        }
        let encryptor = Encryptor::with_recipients(iter::once(&recipient as &dyn age::Recipient))
            .map_err(io::Error::other)?;
        let mut out = Vec::new();
        let mut writer = encryptor.wrap_output(&mut out)?;
        io::Write::write_all(&mut writer, &plain)?;
        writer.finish()?;
        Ok(out)
    }

    /// Opens a key file.
    ///
    /// # Errors
    /// When the passphrase is wrong, the file is damaged, or it is not a key file.
    pub fn decrypt(bytes: &[u8], passphrase: &SecretString) -> Result<Self, KeyFileError> {
        limit(Object::KeyFile, bytes.len() as u64, MAX_KEY_FILE)?;
        let decryptor = Decryptor::new(bytes).map_err(|_| KeyFileError::NotAKeyFile)?;
        if !decryptor.is_scrypt() {
            return Err(KeyFileError::NotAKeyFile);
        }
        let mut identity = scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(MAX_WORK_FACTOR);
        let mut reader = decryptor.decrypt(iter::once(&identity as &dyn age::Identity)).map_err(reason)?;
        let mut plain = Zeroizing::new(Vec::with_capacity(32 * 1024));
        // The passphrase was right if we get here: what fails now is a damaged body.
        io::Read::read_to_end(&mut reader, &mut plain).map_err(|_| KeyFileError::Damaged)?;
        Self::read(&plain)
    }

    /// Parses the decrypted content of a key file.
    fn read(plain: &[u8]) -> Result<Self, KeyFileError> {
        let mut reader = Reader::new(Object::KeyFile, plain);
        reader.header(ParameterSet::RollupV1)?;
        let mut seed = || -> Result<Zeroizing<[u8; 32]>, TrustError> {
            let mut seed = Zeroizing::new([0u8; 32]);
            seed.copy_from_slice(reader.take(32)?);
            Ok(seed)
        };
        let (signing, gate, recipient) = (seed()?, seed()?, seed()?);
        let secret = SecretKeys::read(&mut reader)?;
        reader.end()?;
        Ok(Self {
            signing: SigningKey::from_seed(&signing),
            gate: SigningKey::from_seed(&gate),
            recipient: RecipientSecret::from_bytes(*recipient),
            secret,
        })
    }
}

fn reason(error: DecryptError) -> KeyFileError {
    match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            KeyFileError::WrongPassphrase
        }
        DecryptError::ExcessiveWork { required, target } => KeyFileError::ExcessiveWork { required, target },
        DecryptError::InvalidMac | DecryptError::Io(_) => KeyFileError::Damaged,
        // The library may come to know more reasons; all concern files that we did not write.
        _ => KeyFileError::NotAKeyFile,
    }
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKeys(secret)")
    }
}

impl fmt::Debug for KeyBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBundle")
            .field("signing", &self.signing)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
