//! What a program yields: one ciphertext of a single integer an output, in one canonical byte form.
//!
//! Bytes: header, number of outputs (4), then the outputs, all of the same length: the words of an
//! [`Lwe`] or a [`SlotSum`], little endian.

mod lwe;
mod slot_sum;

use std::fmt;

use rayon::prelude::*;
use sordino_protocol::{
    digest::{Digest, Purpose},
    parameters::ParameterSet,
    program::Program,
};

use crate::{
    error::FheError,
    keys::SecretKeys,
    trust::{HEADER, Object, Reader, TrustError, guard, header, limit},
};

pub use lwe::Lwe;
pub use slot_sum::SlotSum;

/// The encrypted results of a program, in its order.
#[derive(Clone, PartialEq, Eq)]
pub enum Outputs {
    /// Of a rollup program.
    Rollup(Vec<Lwe>),
    /// Of a scan program.
    Scan(ParameterSet, Vec<SlotSum>),
}

impl Outputs {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Rollup(sums) => sums.len(),
            Self::Scan(_, sums) => sums.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The set of the program.
    pub const fn parameter_set(&self) -> ParameterSet {
        match self {
            Self::Rollup(_) => ParameterSet::RollupV1,
            Self::Scan(set, _) => *set,
        }
    }

    /// Bytes of one output of a set.
    fn size(set: ParameterSet) -> usize {
        8 * set.scan().map_or(Lwe::WORDS, SlotSum::words)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let set = self.parameter_set();
        let mut out = Vec::with_capacity(HEADER + 4 + self.len() * Self::size(set));
        out.extend(header(Object::Outputs, set));
        out.extend((self.len() as u32).to_le_bytes());
        match self {
            Self::Rollup(sums) => sums.iter().for_each(|sum| sum.write(&mut out)),
            Self::Scan(_, sums) => sums.iter().for_each(|sum| sum.write(&mut out)),
        }
        out
    }

    /// Reads the outputs of `program`; anything else is refused.
    ///
    /// # Errors
    /// When the bytes are not the canonical form of that many outputs of that parameter set.
    pub fn from_bytes(bytes: &[u8], program: &Program) -> Result<Self, FheError> {
        const OBJECT: Object = Object::Outputs;
        let (set, count) = (program.parameter_set(), program.output_count());
        let size = Self::size(set);
        limit(OBJECT, bytes.len() as u64, (HEADER + 4) as u64 + (count as u64).saturating_mul(size as u64))?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(set)?;
        if reader.u32()? as usize != count {
            return Err(OBJECT.malformed("it has another number of outputs than the program").into());
        }
        let body = reader.take(count.saturating_mul(size))?;
        reader.end()?;
        match set.scan() {
            None => Ok(Self::Rollup(body.chunks_exact(size).map(Lwe::read).collect())),
            Some(numbers) => {
                let sums = body.par_chunks_exact(size).map(|one| SlotSum::read(one, numbers));
                Ok(Self::Scan(set, sums.collect::<Result<_, TrustError>>()?))
            }
        }
    }

    /// The digest of the canonical bytes, which is also their name as an object.
    pub fn digest(&self) -> Digest {
        Digest::of(Purpose::Object, &self.to_bytes())
    }
}

/// Decrypts every output of `program`, in its order. A sum of a scan is the integer closest to 0 that
/// stands for it.
///
/// # Errors
/// When the outputs are not those of the program.
pub fn decrypt(keys: &SecretKeys, program: &Program, outputs: &Outputs) -> Result<Vec<i64>, FheError> {
    let (expected, found) = (program.parameter_set(), outputs.parameter_set());
    if expected != found {
        return Err(FheError::MixedSets { expected, found });
    }
    let (expected, found) = (program.output_count(), outputs.len());
    if expected != found {
        return Err(FheError::Partials { expected, found });
    }
    match outputs {
        Outputs::Rollup(sums) => {
            Ok(sums.par_iter().map(|sum| sum.decrypt(keys.lwe()).cast_signed()).collect())
        }
        Outputs::Scan(set, sums) => {
            let key = keys.scan(*set)?;
            guard(Object::Outputs, || sums.par_iter().map(|sum| sum.decrypt(key, *set)).collect())
        }
    }
}

/// Little-endian words.
pub(crate) fn words(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes.chunks_exact(8).map(|word| {
        let mut array = [0; 8];
        array.copy_from_slice(word);
        u64::from_le_bytes(array)
    })
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outputs({} of {})", self.len(), self.parameter_set())
    }
}
