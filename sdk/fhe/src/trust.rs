//! The trust boundary: every ciphertext and key that comes from outside is checked here before a
//! cryptographic library sees it.
//!
//! Refused are: more bytes than the kind of object can have; another kind, format version or
//! parameter set than declared; any framing that differs from the one this crate writes (so no
//! unknown fields, no other degree, level, representation or number of polynomials); coefficients
//! that are not reduced. A panic inside a library becomes [`TrustError::LibraryPanic`].
//!
//! Not detectable here: whose key a ciphertext is under. Objects are tied to keys by the digests in
//! the signed manifest.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use sordino_protocol::parameters::ParameterSet;

/// A kind of object from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// A segment of rollup cells.
    RollupSegment,
    /// A Parquet object of slices.
    ScanChunk,
    /// One encrypted slice.
    Slice,
    /// Relinearisation keys.
    EvaluationKeys,
    /// What a program yielded.
    Outputs,
    /// A decrypted key file.
    KeyFile,
    /// What a scan program has yielded so far.
    Partial,
    /// The secret key of a client of predictions.
    ClientKey,
    /// What a client of predictions registers: public key and relinearisation key.
    Registration,
    /// The encrypted inputs of a prediction.
    PredictionInputs,
    /// The encrypted scores of a prediction.
    PredictionOutputs,
}

/// Why bytes from outside were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// More bytes than such an object can have.
    #[error("{object}: {actual} bytes, more than the {limit} it can have")]
    Oversized {
        /// The kind.
        object: Object,
        /// The most bytes accepted.
        limit: u64,
        /// The bytes found.
        actual: u64,
    },
    /// Not what this crate writes.
    #[error("{object}: {reason}")]
    Malformed {
        /// The kind.
        object: Object,
        /// What is wrong.
        reason: &'static str,
    },
    /// Made with other parameters than declared.
    #[error("{object}: parameter set {found} where {expected} is declared")]
    WrongParameterSet {
        /// The kind.
        object: Object,
        /// The declared set.
        expected: ParameterSet,
        /// The set it says it has.
        found: ParameterSet,
    },
    /// A cryptographic library panicked on it.
    #[error("{object}: the library panicked on it")]
    LibraryPanic {
        /// The kind.
        object: Object,
    },
}

impl Object {
    const fn code(self) -> u8 {
        match self {
            Self::RollupSegment => 1,
            Self::ScanChunk => 2,
            Self::Slice => 3,
            Self::EvaluationKeys => 4,
            Self::Outputs => 5,
            Self::KeyFile => 6,
            Self::Partial => 7,
            Self::ClientKey => 8,
            Self::Registration => 9,
            Self::PredictionInputs => 10,
            Self::PredictionOutputs => 11,
        }
    }

    pub(crate) const fn malformed(self, reason: &'static str) -> TrustError {
        TrustError::Malformed { object: self, reason }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RollupSegment => "rollup segment",
            Self::ScanChunk => "scan chunk",
            Self::Slice => "slice",
            Self::EvaluationKeys => "evaluation keys",
            Self::Outputs => "outputs",
            Self::KeyFile => "key file",
            Self::Partial => "partial result",
            Self::ClientKey => "client key",
            Self::Registration => "registered keys",
            Self::PredictionInputs => "prediction inputs",
            Self::PredictionOutputs => "prediction outputs",
        })
    }
}

/// Runs `parse` and turns a panic into an error.
pub(crate) fn guard<T, E: From<TrustError>>(
    object: Object,
    parse: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    // The closures given here own or only read what they touch, so nothing half-changed is seen after.
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| Err(TrustError::LibraryPanic { object }.into()))
}

/// Refuses more than `limit` bytes.
pub(crate) fn limit(object: Object, actual: u64, limit: u64) -> Result<(), TrustError> {
    if actual > limit { Err(TrustError::Oversized { object, limit, actual }) } else { Ok(()) }
}

const MAGIC: &[u8; 4] = b"SRDN";
const VERSION: u8 = 1;
/// Bytes of a header: magic, format version, kind, parameter set, zero.
pub(crate) const HEADER: usize = 8;

const fn set_code(set: ParameterSet) -> u8 {
    match set {
        ParameterSet::RollupV1 => 1,
        ParameterSet::Scan8kV1 => 2,
        ParameterSet::Scan16kV1 => 3,
        ParameterSet::Predict4kV2 => 4,
        ParameterSet::Predict8kV1 => 5,
        ParameterSet::Score16kV1 => 6,
        ParameterSet::Network16kV1 => 8,
    }
}

/// The header of an object of this crate.
pub(crate) fn header(object: Object, set: ParameterSet) -> [u8; HEADER] {
    let [a, b, c, d] = *MAGIC;
    [a, b, c, d, VERSION, object.code(), set_code(set), 0]
}

/// Reads bytes from outside from front to back; whatever does not match is an error.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    object: Object,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(object: Object, bytes: &'a [u8]) -> Self {
        Self { object, rest: bytes }
    }

    /// Takes the header and checks kind, version and declared set.
    pub(crate) fn header(&mut self, expected: ParameterSet) -> Result<(), TrustError> {
        let found = self.take(HEADER)?;
        if found[..4] != MAGIC[..] {
            return Err(self.object.malformed("it does not begin as an object of Sordino does"));
        }
        if found[4] != VERSION {
            return Err(self.object.malformed("its format version is not known"));
        }
        if found[5] != self.object.code() || found[7] != 0 {
            return Err(self.object.malformed("it is another kind of object"));
        }
        match ParameterSet::ALL.into_iter().find(|set| set_code(*set) == found[6]) {
            Some(set) if set == expected => Ok(()),
            Some(found) => Err(TrustError::WrongParameterSet { object: self.object, expected, found }),
            None => Err(self.object.malformed("its parameter set is not known")),
        }
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], TrustError> {
        let (taken, rest) =
            self.rest.split_at_checked(count).ok_or(self.object.malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes bytes that must be exactly these.
    pub(crate) fn expect(&mut self, expected: &[u8]) -> Result<(), TrustError> {
        if self.take(expected.len())? == expected {
            Ok(())
        } else {
            Err(self.object.malformed("its framing is not the one of its parameter set"))
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, TrustError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn end(&self) -> Result<(), TrustError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.object.malformed("bytes follow its end")) }
    }
}
