//! A partial result as bytes, for an engine whose parts do not share memory: the words of its
//! polynomials as they are, so that writing and reading cost little more than copying, and the sum of
//! what was read is the same to the bit.
//!
//! Bytes: header, number of outputs (4), then for each output the number of its polynomials (1), that
//! of the moduli it is left with (1), two zeros, and its words, little-endian, polynomial by polynomial.

use std::sync::Arc;

use fhe::bfv::Ciphertext;
use fhe_math::rq::{Context, Poly, Representation, traits::TryConvertFrom};
use rayon::prelude::*;
use sordino_protocol::{
    parameters::{ParameterSet, ScanParameters},
    program::ScanProgram,
};

use crate::{
    error::FheError,
    outputs::words,
    parameters::{bfv, scan},
    scan::Partial,
    trust::{HEADER, Object, Reader, TrustError, guard, header, limit},
};

const OBJECT: Object = Object::Partial;
/// Bytes before the words of an output.
const OUTPUT_HEAD: usize = 4;
/// Products are left at three polynomials; nothing has more.
const MAX_POLYNOMIALS: usize = 3;

impl Partial {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.sums.len()
    }

    /// Bytes of memory its words take.
    pub fn memory(&self) -> usize {
        self.sums
            .iter()
            .flat_map(|sum| sum.iter())
            .map(|polynomial| 8 * polynomial.coefficients().len())
            .sum()
    }

    /// The bytes, under the set it was computed in.
    pub fn to_bytes(&self, set: ParameterSet) -> Vec<u8> {
        let outputs: Vec<Vec<u8>> = self.sums.par_iter().map(write).collect();
        let count = u32::try_from(outputs.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = Vec::with_capacity(HEADER + 4 + outputs.iter().map(Vec::len).sum::<usize>());
        bytes.extend(header(OBJECT, set));
        bytes.extend(count);
        outputs.iter().for_each(|output| bytes.extend_from_slice(output));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote of a result of `program`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_bytes(bytes: &[u8], program: &ScanProgram) -> Result<Self, FheError> {
        let (set, outputs) = (program.parameter_set, program.outputs.len());
        let numbers = scan(set)?;
        let largest = OUTPUT_HEAD + MAX_POLYNOMIALS * 8 * numbers.degree * numbers.moduli.len();
        let most = (HEADER + 4).saturating_add(outputs.saturating_mul(largest));
        limit(OBJECT, bytes.len() as u64, most as u64)?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(set)?;
        if reader.u32()? as usize != outputs {
            return Err(OBJECT.malformed("it has another number of outputs").into());
        }
        let parts: Vec<_> = (0..outputs).map(|_| cut(&mut reader, numbers)).collect::<Result<_, _>>()?;
        reader.end()?;
        let sums =
            guard::<_, FheError>(OBJECT, || parts.into_par_iter().map(|part| part.read(set)).collect())?;
        Ok(Self { sums })
    }
}

fn write(sum: &Ciphertext) -> Vec<u8> {
    let words: usize = sum.iter().map(|polynomial| polynomial.coefficients().len()).sum();
    let moduli = sum.first().map_or(0, |polynomial| polynomial.ctx().moduli().len());
    let mut bytes = vec![0; OUTPUT_HEAD + 8 * words];
    // Both fit: three polynomials at most, and no set has more than a handful of moduli.
    (bytes[0], bytes[1]) = (sum.len() as u8, moduli as u8);
    let words = sum.iter().flat_map(|polynomial| polynomial.coefficients().to_slice().unwrap_or_default());
    bytes[OUTPUT_HEAD..].chunks_exact_mut(8).zip(words).for_each(|(to, word)| {
        to.copy_from_slice(&word.to_le_bytes());
    });
    bytes
}

/// An output whose size is known to be right.
struct Output<'a> {
    moduli: usize,
    words: &'a [u8],
}

/// Takes the next output.
fn cut<'a>(reader: &mut Reader<'a>, numbers: &ScanParameters) -> Result<Output<'a>, TrustError> {
    let head = reader.take(OUTPUT_HEAD)?;
    let (polynomials, moduli) = (usize::from(head[0]), usize::from(head[1]));
    let known = (2..=MAX_POLYNOMIALS).contains(&polynomials) && (1..=numbers.moduli.len()).contains(&moduli);
    if !known || head[2..] != [0, 0] {
        return Err(OBJECT.malformed("an output has another shape than any result of its set"));
    }
    Ok(Output { moduli, words: reader.take(8 * polynomials * moduli * numbers.degree)? })
}

impl Output<'_> {
    fn read(&self, set: ParameterSet) -> Result<Ciphertext, FheError> {
        let (numbers, parameters) = (scan(set)?, bfv(set)?);
        let context = parameters
            .context_at_level(numbers.moduli.len() - self.moduli)
            .map_err(FheError::bfv("choosing the level of a partial result"))?;
        let polynomials = self.words.chunks_exact(8 * self.moduli * numbers.degree);
        let read = |bytes| polynomial(bytes, &numbers.moduli[..self.moduli], numbers.degree, context);
        let polynomials = polynomials.map(read).collect::<Result<_, _>>()?;
        Ciphertext::new(polynomials, parameters).map_err(FheError::bfv("reading a partial result"))
    }
}

fn polynomial(bytes: &[u8], moduli: &[u64], degree: usize, context: &Arc<Context>) -> Result<Poly, FheError> {
    let words: Vec<u64> = words(bytes).collect();
    let reduced = |(modulus, row): (&u64, &[u64])| row.iter().all(|word| word < modulus);
    if !moduli.iter().zip(words.chunks_exact(degree)).all(reduced) {
        return Err(OBJECT.malformed("a coefficient is not reduced").into());
    }
    // Variable-time computation is allowed, as all here is public.
    Poly::try_convert_from(words, context, true, Representation::Ntt)
        .map_err(FheError::math("reading a partial result"))
}
