//! The named, pinned parameter sets. A set never changes; a better one gets a new name.
//!
//! `sdk/fhe` builds its contexts from these numbers and documents the security of each set; the
//! planner takes its static bounds from them. Nothing is generated at run time.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Name of a parameter set, recorded in every object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ParameterSet {
    /// GLWE cells, see [`RollupParameters`].
    #[serde(rename = "rollup-v1")]
    RollupV1,
    /// BFV, 8,192 slots, see [`ScanParameters`].
    #[serde(rename = "scan-8k-v1")]
    Scan8kV1,
    /// BFV, 16,384 slots, see [`ScanParameters`].
    #[serde(rename = "scan-16k-v1")]
    Scan16kV1,
    /// BFV, 16,384 slots and a small plaintext modulus, for products of many factors, see
    /// [`ScanParameters`].
    #[serde(rename = "score-16k-v1")]
    Score16kV1,
    /// BFV, 4,096 slots, for predictions without products, see [`ScanParameters`].
    #[serde(rename = "predict-4k-v2")]
    Predict4kV2,
    /// BFV, 8,192 slots, for predictions, see [`ScanParameters`].
    #[serde(rename = "predict-8k-v1")]
    Predict8kV1,
    /// BFV, 16,384 slots that can be rotated, for predictions by networks, see [`ScanParameters`].
    #[serde(rename = "network-16k-v1")]
    Network16kV1,
}

/// The text names no parameter set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a parameter set: expected one of rollup-v1, scan-8k-v1, scan-16k-v1, score-16k-v1, predict-4k-v2, predict-8k-v1, network-16k-v1"
)]
pub struct ParameterSetError(String);

/// Seeded GLWE over a 64-bit torus, one cell a coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollupParameters {
    /// Coefficients of a polynomial (N); also cells of a ciphertext.
    pub degree: usize,
    /// Polynomials of the mask (k).
    pub dimension: usize,
    /// Noise is uniform in `[-2^b, 2^b]` for this b (TUniform).
    pub noise_bits: u32,
    /// A cell is stored as `value * 2^scale_bits`.
    pub scale_bits: u32,
    /// Bits of a value, `64 - scale_bits`; sums must stay below.
    pub value_bits: u32,
    /// Ciphertexts of one stored object.
    pub segment_ciphertexts: usize,
}

/// BFV with SIMD packing, one row a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanParameters {
    /// Coefficients of a polynomial (N); also rows of a chunk.
    pub degree: usize,
    /// The ciphertext moduli; their product is q.
    pub moduli: &'static [u64],
    /// The plaintext modulus t, a prime that is 1 modulo 2N.
    pub plaintext_modulus: u64,
    /// Variance of the centred binomial distribution of secret and noise.
    pub variance: usize,
    /// Level to which results are switched down: as few moduli as bear the plaintext and the noise.
    pub finish_level: usize,
}

/// The numbers of `rollup-v1`.
pub const ROLLUP_V1: RollupParameters = RollupParameters {
    degree: 2_048,
    dimension: 1,
    noise_bits: 17,
    scale_bits: 31,
    value_bits: 33,
    segment_ciphertexts: 16,
};

/// The numbers of `scan-8k-v1`: log q = 216, t of 33 bits: each level of products costs the bits of t
/// and 15 more, so with 36 bits a conjunction of three with a group and a sum was just out of reach.
pub const SCAN_8K_V1: ScanParameters = ScanParameters {
    degree: 8_192,
    moduli: &[0x3f_ffff_ffef_8001, 0x3f_ffff_ffeb_8001, 0x3f_ffff_ffe7_c001, 0x3f_ffff_ffe6_4001],
    plaintext_modulus: 0x1_fffe_c001,
    variance: 10,
    finish_level: 3,
};

/// The numbers of `scan-16k-v1`: log q = 427, t of 56 bits.
pub const SCAN_16K_V1: ScanParameters = ScanParameters {
    degree: 16_384,
    moduli: &[
        0x1fff_ffff_ffe1_0001,
        0x1fff_ffff_ffe0_0001,
        0x1fff_ffff_ffdd_0001,
        0x1fff_ffff_ffd0_8001,
        0x1fff_ffff_ffcf_8001,
        0x1fff_ffff_ffc8_0001,
        0x1fff_ffff_ffb4_0001,
    ],
    plaintext_modulus: 0xff_ffff_fff7_8001,
    variance: 10,
    finish_level: 5,
};

/// The numbers of `score-16k-v1`: the moduli of `scan-16k-v1` and t of 20 bits. A level of products costs
/// 34 bits, so that powers up to the 255th of a score fit, and a count may reach 393,216.
pub const SCORE_16K_V1: ScanParameters =
    ScanParameters { plaintext_modulus: 0xc_0001, finish_level: 6, ..SCAN_16K_V1 };
/// The numbers of `predict-4k-v2`: log q = 108, t of 34 bits, for scores of long measures. There is room for
/// a linear combination and for the noise that hides its coefficients, but for no product. The first
/// modulus, which results are switched down to, is as small as t and the rounding allow; the second has
/// all the rest, because two transforms are fewer than three.
pub const PREDICT_4K_V2: ScanParameters = ScanParameters {
    degree: 4_096,
    moduli: &[0x3fff_fff8_4001, 0x3fff_ffff_fffd_6001],
    plaintext_modulus: 0x3_fffe_4001,
    variance: 10,
    finish_level: 1,
};

/// The numbers of `predict-8k-v1`: log q = 216, t of 24 bits. With t of 33 bits, as in `scan-8k-v1`,
/// two levels of products would leave too little room for the noise that hides the coefficients.
pub const PREDICT_8K_V1: ScanParameters = ScanParameters {
    degree: 8_192,
    moduli: &[0xff_fffd_c001, 0x3ff_ffff_fff3_4001, 0x7ff_ffff_fffc_c001, 0x7ff_ffff_fffa_4001],
    plaintext_modulus: 0xff_c001,
    variance: 10,
    finish_level: 3,
};

/// The numbers of `network-16k-v1`: the moduli of `scan-16k-v1` and t of 17 bits, the smallest prime that is
/// 1 modulo 2N. A level of products costs 30 bits, so that rotations, a polynomial of degree 255 with its own
/// coefficients in every slot, and the noise that hides what it is fit together.
pub const NETWORK_16K_V1: ScanParameters =
    ScanParameters { plaintext_modulus: 0x1_0001, finish_level: 6, ..SCAN_16K_V1 };

impl ParameterSet {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::RollupV1,
        Self::Scan8kV1,
        Self::Scan16kV1,
        Self::Score16kV1,
        Self::Predict4kV2,
        Self::Predict8kV1,
        Self::Network16kV1,
    ];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RollupV1 => "rollup-v1",
            Self::Scan8kV1 => "scan-8k-v1",
            Self::Scan16kV1 => "scan-16k-v1",
            Self::Score16kV1 => "score-16k-v1",
            Self::Predict4kV2 => "predict-4k-v2",
            Self::Predict8kV1 => "predict-8k-v1",
            Self::Network16kV1 => "network-16k-v1",
        }
    }

    /// The numbers, if this is a set of the layout `scan`.
    pub const fn scan(self) -> Option<&'static ScanParameters> {
        match self {
            Self::Scan8kV1 => Some(&SCAN_8K_V1),
            Self::Scan16kV1 => Some(&SCAN_16K_V1),
            Self::Score16kV1 => Some(&SCORE_16K_V1),
            Self::RollupV1 | Self::Predict4kV2 | Self::Predict8kV1 | Self::Network16kV1 => None,
        }
    }

    /// The numbers, if its ciphertexts are BFV: of tables or of predictions.
    pub const fn bfv(self) -> Option<&'static ScanParameters> {
        match self {
            Self::RollupV1 => None,
            Self::Scan8kV1 => Some(&SCAN_8K_V1),
            Self::Scan16kV1 => Some(&SCAN_16K_V1),
            Self::Score16kV1 => Some(&SCORE_16K_V1),
            Self::Predict4kV2 => Some(&PREDICT_4K_V2),
            Self::Predict8kV1 => Some(&PREDICT_8K_V1),
            Self::Network16kV1 => Some(&NETWORK_16K_V1),
        }
    }

    /// Whether ciphertexts can be multiplied: only then is there a relinearisation key.
    pub const fn multiplies(self) -> bool {
        !matches!(self, Self::RollupV1 | Self::Predict4kV2)
    }

    /// By how many slots, in each half of them, ciphertexts can be rotated: there is a key for each.
    pub const fn rotations(self) -> &'static [usize] {
        match self {
            Self::Network16kV1 => &[32, 128, 512, 2_048],
            _ => &[],
        }
    }
}

impl RollupParameters {
    /// Cells of one stored object.
    pub const fn segment_cells(&self) -> u64 {
        (self.segment_ciphertexts * self.degree) as u64
    }
}

impl ScanParameters {
    /// The largest sum, on either side of 0, that does not wrap.
    pub const fn max_sum(&self) -> u64 {
        (self.plaintext_modulus - 1) / 2
    }
}

impl fmt::Display for ParameterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ParameterSet {
    type Err = ParameterSetError;
    fn from_str(text: &str) -> Result<Self, ParameterSetError> {
        Self::ALL
            .into_iter()
            .find(|set| set.as_str() == text)
            .ok_or_else(|| ParameterSetError(text.chars().take(40).collect()))
    }
}
