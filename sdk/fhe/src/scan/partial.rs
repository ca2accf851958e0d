//! A partial result as bytes, for an engine whose parts do not share memory: the words of its
//! polynomials as they are, so that writing and reading cost little more than copying, and the sum of
//! what was read is the same to the bit.
//!
//! Bytes: header, number of outputs (4), then for each output what it is (1), three zeros, and its
//! words, little-endian, polynomial by polynomial. The moduli follow from the program.

use rayon::prelude::*;
use sordino_protocol::{bounds, parameters::ParameterSet, program::ScanProgram};

use crate::{
    error::FheError,
    outputs::words,
    parameters::scan,
    ring::{Basis, Rows},
    scan::{
        Partial,
        ciphertext::Ciphertext,
        tables::{Tables, tables},
    },
    trust::{HEADER, Object, Reader, TrustError, header, limit},
};

const OBJECT: Object = Object::Partial;
/// Bytes before the words of an output.
const OUTPUT_HEAD: usize = 4;

const EARLY: u8 = 0;
const LATE: u8 = 1;
const PRODUCTS: u8 = 2;
const FINISHED: u8 = 3;

impl Partial {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.sums.len()
    }

    /// Bytes of memory its words take.
    pub fn memory(&self) -> usize {
        self.sums.iter().flat_map(Ciphertext::polynomials).map(|rows| 8 * rows.len()).sum()
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
        scan(set)?;
        let tables = tables(set, bounds::working_moduli(program)?)?;
        // Products have more moduli than anything else.
        let largest = OUTPUT_HEAD + 3 * polynomial_bytes(&tables.extended);
        let most = (HEADER + 4).saturating_add(outputs.saturating_mul(largest));
        limit(OBJECT, bytes.len() as u64, most as u64)?;
        let mut reader = Reader::new(OBJECT, bytes);
        reader.header(set)?;
        if reader.u32()? as usize != outputs {
            return Err(OBJECT.malformed("it has another number of outputs").into());
        }
        let parts: Vec<_> = (0..outputs).map(|_| cut(&mut reader, tables)).collect::<Result<_, _>>()?;
        reader.end()?;
        let sums = parts.into_par_iter().map(|part| part.read()).collect::<Result<_, TrustError>>()?;
        Ok(Self { sums, tables })
    }
}

const fn polynomial_bytes(basis: &Basis) -> usize {
    8 * basis.len() * basis.degree
}

fn write(sum: &Ciphertext) -> Vec<u8> {
    let polynomials = sum.polynomials();
    let mut bytes = vec![0; OUTPUT_HEAD + 8 * polynomials.iter().map(Vec::len).sum::<usize>()];
    bytes[0] = match sum {
        Ciphertext::Early(_) => EARLY,
        Ciphertext::Late(_) => LATE,
        Ciphertext::Products(_) => PRODUCTS,
        Ciphertext::Finished(_) => FINISHED,
    };
    bytes[OUTPUT_HEAD..].chunks_exact_mut(8).zip(polynomials.iter().flatten()).for_each(|(to, word)| {
        to.copy_from_slice(&word.to_le_bytes());
    });
    bytes
}

/// An output whose size is known to be right.
struct Output<'a> {
    kind: u8,
    basis: &'a Basis,
    words: &'a [u8],
}

/// Takes the next output.
fn cut<'a>(reader: &mut Reader<'a>, tables: &'a Tables) -> Result<Output<'a>, TrustError> {
    let head = reader.take(OUTPUT_HEAD)?;
    let whole = |polynomials, basis: &Basis| polynomials * polynomial_bytes(basis);
    let (length, basis) = match (head[0], &head[1..]) {
        (EARLY, [0, 0, 0]) => (whole(2, &tables.full), &tables.full),
        (LATE, [0, 0, 0]) => (whole(2, &tables.working), &tables.working),
        (PRODUCTS, [0, 0, 0]) => (whole(3, &tables.extended), &tables.extended),
        (FINISHED, [0, 0, 0]) => (8 * tables.end.len() + whole(1, &tables.end), &tables.end),
        _ => return Err(OBJECT.malformed("an output has another shape than any result of its set")),
    };
    Ok(Output { kind: head[0], basis, words: reader.take(length)? })
}

impl Output<'_> {
    fn read(&self) -> Result<Ciphertext, TrustError> {
        let degree = self.basis.degree;
        if self.kind == FINISHED {
            let (body, mask) = self.words.split_at(8 * self.basis.len());
            return Ok(Ciphertext::Finished([self.polynomial(body, 1)?, self.polynomial(mask, degree)?]));
        }
        let polynomials = self.words.chunks_exact(polynomial_bytes(self.basis));
        let read: Vec<Rows> =
            polynomials.map(|bytes| self.polynomial(bytes, degree)).collect::<Result<_, _>>()?;
        let shape = OBJECT.malformed("an output has another number of polynomials");
        if self.kind == PRODUCTS {
            return Ok(Ciphertext::Products(read.try_into().map_err(|_| shape)?));
        }
        let read = read.try_into().map_err(|_| shape)?;
        Ok(if self.kind == EARLY { Ciphertext::Early(read) } else { Ciphertext::Late(read) })
    }

    fn polynomial(&self, bytes: &[u8], degree: usize) -> Result<Rows, TrustError> {
        let rows: Rows = words(bytes).collect();
        let mut primes = self.basis.primes.iter().zip(rows.chunks_exact(degree));
        if primes.all(|(prime, row)| row.iter().all(|word| *word < prime.value())) {
            Ok(rows)
        } else {
            Err(OBJECT.malformed("a coefficient is not reduced"))
        }
    }
}
