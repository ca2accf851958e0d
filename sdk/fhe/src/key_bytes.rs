//! The bytes of a BFV secret key within an object: one zigzag byte a coefficient.

use fhe::bfv::SecretKey;
use fhe_traits::{DeserializeParametrized, Serialize};
use sordino_protocol::parameters::ParameterSet;
use zeroize::Zeroizing;

use crate::{
    error::FheError,
    parameters::{bfv, scan},
    scan::wire::varint,
    trust::{Object, Reader, guard},
};

/// The largest value of a centred binomial distribution of variance 10: twice the variance.
const MAX_COEFFICIENT: i64 = 20;

/// Writes one zigzag byte a coefficient. The library writes them after a short frame.
pub(crate) fn write_scan(key: &SecretKey, set: ParameterSet, out: &mut Vec<u8>) {
    let bytes = Zeroizing::new(key.to_bytes());
    let degree = set.bfv().map_or(0, |numbers| numbers.degree);
    out.extend_from_slice(&bytes[bytes.len() - degree..]);
}

/// The coefficient of a zigzag byte.
pub(crate) fn zigzag(byte: &u8) -> i64 {
    let half = i64::from(byte >> 1);
    if byte & 1 == 0 { half } else { -half - 1 }
}

/// Reads one zigzag byte a coefficient and gives them to the library in its own framing.
pub(crate) fn read_scan(
    reader: &mut Reader<'_>,
    object: Object,
    set: ParameterSet,
) -> Result<SecretKey, FheError> {
    let degree = scan(set)?.degree;
    let coefficients = reader.take(degree)?;
    if coefficients.iter().any(|byte| i64::from(*byte) > 2 * MAX_COEFFICIENT) {
        return Err(object.malformed("a coefficient of a secret key is too large").into());
    }
    let mut framed = Zeroizing::new(vec![0x0a]);
    framed.extend(varint(degree));
    framed.extend_from_slice(coefficients);
    guard(object, || SecretKey::from_bytes(&framed, bfv(set)?).map_err(FheError::bfv("reading a secret key")))
}
