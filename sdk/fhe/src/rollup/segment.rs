//! A stored segment: seeded GLWE ciphertexts, that is one seed for all masks and the bodies.
//!
//! Bytes: header, seed (16, little endian), number of ciphertexts (4), bodies (8 a cell).

use rand::{CryptoRng, RngCore};
use sordino_protocol::parameters::{ParameterSet, ROLLUP_V1};
use tfhe::core_crypto::{
    commons::{
        generators::DeterministicSeeder,
        math::random::{CompressionSeed, Seed},
    },
    prelude::{
        DefaultRandomGenerator, GlweCiphertextCount, GlweCiphertextList, PlaintextList,
        SeededGlweCiphertextList, decompress_seeded_glwe_ciphertext_list, decrypt_glwe_ciphertext_list,
        encrypt_seeded_glwe_ciphertext_list,
    },
};
use zeroize::Zeroizing;

use crate::{
    keys::SecretKeys,
    outputs::words,
    parameters::{GLWE_DEGREE, glwe_noise, glwe_size, polynomial_size, torus},
    trust::{HEADER, Object, Reader, TrustError, header, limit},
};

/// The most bytes of a segment.
const MAX_BYTES: usize = HEADER + 16 + 4 + 8 * GLWE_DEGREE * ROLLUP_V1.segment_ciphertexts;

/// Encrypted cells.
pub(crate) struct Segment {
    seed: u128,
    /// The bodies, one polynomial a ciphertext.
    bodies: Vec<u64>,
}

impl Segment {
    /// Encrypts cells, padded with zeros to whole ciphertexts. Every segment has its own seed.
    pub(crate) fn encrypt<R: RngCore + CryptoRng>(cells: &[u64], keys: &SecretKeys, rng: &mut R) -> Self {
        let mut random = || (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64());
        let seed = random();
        let mut noise = DeterministicSeeder::<DefaultRandomGenerator>::new(Seed(random()));
        let count = cells.len().div_ceil(GLWE_DEGREE);
        let mut encoded = Zeroizing::new(vec![0u64; count * GLWE_DEGREE]);
        for (slot, cell) in encoded.iter_mut().zip(cells) {
            *slot = cell << ROLLUP_V1.scale_bits;
        }
        let mut list = SeededGlweCiphertextList::new(
            0u64,
            glwe_size(),
            polynomial_size(),
            GlweCiphertextCount(count),
            CompressionSeed::from(Seed(seed)),
            torus(),
        );
        encrypt_seeded_glwe_ciphertext_list(
            &keys.glwe(),
            &mut list,
            &PlaintextList::from_container(encoded.as_slice()),
            glwe_noise(),
            &mut noise,
        );
        Self { seed, bodies: list.into_container() }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER + 20 + 8 * self.bodies.len());
        out.extend(header(Object::RollupSegment, ParameterSet::RollupV1));
        out.extend(self.seed.to_le_bytes());
        out.extend(((self.bodies.len() / GLWE_DEGREE) as u32).to_le_bytes());
        out.extend(self.bodies.iter().flat_map(|word| word.to_le_bytes()));
        out
    }

    /// Reads a segment that must have exactly `count` ciphertexts.
    pub(crate) fn from_bytes(bytes: &[u8], count: usize) -> Result<Self, TrustError> {
        const OBJECT: Object = Object::RollupSegment;
        limit(OBJECT, bytes.len() as u64, MAX_BYTES as u64)?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(ParameterSet::RollupV1)?;
        let mut seed = [0; 16];
        seed.copy_from_slice(reader.take(16)?);
        if reader.u32()? as usize != count {
            return Err(OBJECT.malformed("it has another number of ciphertexts than its place needs"));
        }
        let bodies = reader.take(8 * GLWE_DEGREE * count)?;
        reader.end()?;
        Ok(Self { seed: u128::from_le_bytes(seed), bodies: words(bodies).collect() })
    }

    /// The cells, the padding after them included.
    pub(crate) fn decrypt(&self, keys: &SecretKeys) -> Zeroizing<Vec<u64>> {
        let count = self.bodies.len() / GLWE_DEGREE;
        let ciphertexts =
            GlweCiphertextList::from_container(self.expand(count), glwe_size(), polynomial_size(), torus());
        let mut cells = Zeroizing::new(vec![0u64; self.bodies.len()]);
        let mut plain = PlaintextList::from_container(cells.as_mut_slice());
        decrypt_glwe_ciphertext_list(&keys.glwe(), &ciphertexts, &mut plain);
        // To the nearest: the noise is far below half a unit.
        let half = 1 << (ROLLUP_V1.scale_bits - 1);
        cells.iter_mut().for_each(|cell| *cell = cell.wrapping_add(half) >> ROLLUP_V1.scale_bits);
        cells
    }

    /// The body of a ciphertext.
    pub(crate) fn body(&self, ciphertext: usize) -> &[u64] {
        &self.bodies[ciphertext * GLWE_DEGREE..(ciphertext + 1) * GLWE_DEGREE]
    }

    /// The first `count` ciphertexts in full, each its mask and then its body.
    pub(crate) fn expand(&self, count: usize) -> Vec<u64> {
        let seeded = SeededGlweCiphertextList::from_container(
            &self.bodies[..count * GLWE_DEGREE],
            glwe_size(),
            polynomial_size(),
            CompressionSeed::from(Seed(self.seed)),
            torus(),
        );
        let count = GlweCiphertextCount(count);
        let mut list = GlweCiphertextList::new(0u64, glwe_size(), polynomial_size(), count, torus());
        decompress_seeded_glwe_ciphertext_list::<_, _, _, DefaultRandomGenerator>(&mut list, &seeded);
        list.into_container()
    }
}
