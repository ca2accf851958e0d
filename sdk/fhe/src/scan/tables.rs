//! The bases that a scan set computes in, and the conversions between them. See
//! [`sordino_protocol::bounds`] for which there are and why.

use std::sync::OnceLock;

use num_bigint::BigUint;
use sordino_protocol::parameters::{ParameterSet, ScanParameters};

use crate::{
    error::FheError,
    parameters::{SETS, place, scan},
    ring::{Basis, Conversion, Prime, Ratio},
};

/// The moduli of extended bases beside those of the set, in order: the largest primes below 2^62 that
/// are 1 modulo 2N.
const EXTENSION_8K: [u64; 5] = [
    0x3fff_ffff_ffff_0001,
    0x3fff_ffff_fffe_8001,
    0x3fff_ffff_fff1_c001,
    0x3fff_ffff_ffee_c001,
    0x3fff_ffff_ffe8_0001,
];
const EXTENSION_16K: [u64; 8] = [
    0x3fff_ffff_ffff_0001,
    0x3fff_ffff_fffe_8001,
    0x3fff_ffff_ffe8_0001,
    0x3fff_ffff_ffd7_8001,
    0x3fff_ffff_ffca_8001,
    0x3fff_ffff_ffc3_0001,
    0x3fff_ffff_ffbe_0001,
    0x3fff_ffff_ffb8_0001,
];

/// The most moduli of a set.
const MOST_MODULI: usize = 8;

/// The primes of a set: its moduli and those of its extended bases.
struct Primes {
    moduli: Vec<Prime>,
    extension: Vec<Prime>,
}

/// Everything that depends on the number of moduli that products are computed in.
pub(crate) struct Tables {
    /// All moduli: of slices and sums of slices.
    pub(crate) full: Basis,
    /// Of everything that comes after a product.
    pub(crate) working: Basis,
    /// Of products until they are scaled down.
    pub(crate) extended: Basis,
    /// Of products of an output when they are relinearised.
    pub(crate) late: Basis,
    /// From `full` to `working`.
    pub(crate) lower: Conversion,
    /// From `full` to `extended`; without the moduli they share if they are all.
    pub(crate) extend_early: Conversion,
    /// From `working` to those of `extended` that it lacks.
    pub(crate) extend: Conversion,
    /// Products to `working`, times t/q.
    pub(crate) scale: Conversion,
    /// Products to `late`, times t/q and divided by the moduli in between.
    pub(crate) scale_late: Conversion,
    /// The finish level.
    pub(crate) end: Basis,
    /// To the finish level from `full`, `working` and `late`.
    pub(crate) finish: [Conversion; 3],
}

fn primes(set: ParameterSet) -> Result<&'static Primes, FheError> {
    static PRIMES: [OnceLock<Primes>; SETS] = [const { OnceLock::new() }; SETS];
    let (numbers, cell) = (scan(set)?, &PRIMES[place(set)?]);
    // Whatever is 1 modulo 2N is so for every smaller N.
    let large = numbers.degree > 8_192;
    let extension: &[u64] = if large { &EXTENSION_16K } else { &EXTENSION_8K };
    if let Some(ready) = cell.get() {
        return Ok(ready);
    }
    let primes = |moduli: &[u64]| {
        let primes = moduli.iter().map(|modulus| Prime::new(*modulus, numbers.degree));
        primes.collect::<Option<Vec<_>>>().ok_or(FheError::NotAScanSet(set))
    };
    let built = Primes { moduli: primes(numbers.moduli)?, extension: primes(extension)? };
    Ok(cell.get_or_init(|| built))
}

/// The basis of all moduli of a set.
pub(crate) fn full(set: ParameterSet) -> Result<Basis, FheError> {
    Ok(Basis { degree: scan(set)?.degree, primes: primes(set)?.moduli.iter().collect() })
}

/// The tables of a set for so many moduli of products; made once.
pub(crate) fn tables(set: ParameterSet, working: usize) -> Result<&'static Tables, FheError> {
    static TABLES: [[OnceLock<Tables>; MOST_MODULI]; SETS] =
        [const { [const { OnceLock::new() }; MOST_MODULI] }; SETS];
    let cell = TABLES[place(set)?].get(working).ok_or(FheError::NotAScanSet(set))?;
    if let Some(ready) = cell.get() {
        return Ok(ready);
    }
    let built = Tables::new(set, working)?;
    Ok(cell.get_or_init(|| built))
}

impl Tables {
    fn new(set: ParameterSet, working: usize) -> Result<Self, FheError> {
        let (numbers, primes, full) = (scan(set)?, primes(set)?, full(set)?);
        let extension = Basis {
            degree: numbers.degree,
            primes: primes.extension[..ScanParameters::extended_moduli(working) - working].iter().collect(),
        };
        let moduli = numbers.moduli;
        let part = |to: usize| full.part(0..to);
        let (late, end) = (numbers.relinearisation_moduli(), numbers.finish_moduli());
        let mut extended = part(working);
        extended.primes.extend(&extension.primes);
        let between = |to: usize, from: usize| Ratio::inverse(&moduli[to..from]);
        let scale = |to: usize| Ratio {
            numerator: BigUint::from(numbers.plaintext_modulus),
            denominator: moduli[..working].iter().chain(&moduli[to..working]).product(),
        };
        let early_target = if working == moduli.len() { &extension } else { &extended };
        let finish = |from: usize| Conversion::new(part(from), part(end), &between(end, from));
        Ok(Self {
            lower: Conversion::new(full.clone(), part(working), &between(working, moduli.len())),
            extend_early: Conversion::new(
                full.clone(),
                early_target.clone(),
                &between(working, moduli.len()),
            ),
            extend: Conversion::new(part(working), extension, &Ratio::inverse(&[])),
            scale: Conversion::new(extended.clone(), part(working), &scale(working)),
            scale_late: Conversion::new(extended.clone(), part(late), &scale(late)),
            finish: [finish(moduli.len()), finish(working), finish(late)],
            end: part(end),
            working: part(working),
            late: part(late),
            extended,
            full,
        })
    }

    /// Whether products are computed in all moduli.
    pub(crate) fn is_full(&self) -> bool {
        self.working.len() == self.full.len()
    }
}
