//! What the platform keeps of a model for sale, and what it tells of it.

use serde::{Deserialize, Serialize};
use sordino_fhe::predict::{inputs_size, registration_size};
use sordino_model::{
    predict::{self, PredictError},
    quantised::{Quantised, Shape},
};
use sordino_protocol::{
    api::models::{ModelKind, ServedForm, Serving, reveals},
    canonical::{Canonical, CanonicalError},
    predict::{InputEncoding, PredictionProgram},
    schema::Schema,
};

/// A model with its programs, one a way of packing rows. Never leaves the platform, but to its vendor.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Artefact {
    /// The model in integers.
    pub model: Quantised,
    /// At least one.
    pub programs: Vec<PredictionProgram>,
}

/// Why a model is not offered.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// It cannot be evaluated on encrypted inputs.
    #[error(transparent)]
    Program(#[from] PredictError),
    /// A request would be larger than the platform takes.
    #[error(
        "the inputs of a request have {found} bytes, more than the {limit} that this platform takes: encode \
         tests instead of edges, or publish fewer edges"
    )]
    TooLarge {
        /// Bytes of a request.
        found: u64,
        /// The most taken.
        limit: u64,
    },
    /// It has no digest.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// Its programs have no keys: they are of no set that predicts.
    #[error("the programs of the model are in a parameter set without slots")]
    Set,
}

impl Artefact {
    /// Compiles a model. Takes a moment: not on a thread that serves others.
    ///
    /// # Errors
    /// When the model cannot be evaluated, with what to change.
    pub fn compile(
        model: Quantised,
        schema: &Schema,
        encoding: InputEncoding,
        serving: Serving,
    ) -> Result<Self, OfferError> {
        let packings: &[predict::Serving] = match serving {
            Serving::Batch => &[predict::Serving::Batch],
            Serving::Single => &[predict::Serving::Single],
            Serving::Both => &[predict::Serving::Batch, predict::Serving::Single],
        };
        let one = |packing: &predict::Serving| predict::program(&model, schema, encoding, *packing);
        let programs = packings.iter().map(one).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { model, programs })
    }

    /// What is evaluated, in a word.
    pub const fn kind(&self) -> ModelKind {
        match &self.model.shape {
            Shape::Scores(_) => ModelKind::Sums,
            Shape::Network { .. } => ModelKind::Network,
            Shape::Trees { .. } => ModelKind::Trees,
        }
    }

    /// What clients are told of each program.
    ///
    /// # Errors
    /// When the inputs of a request would have more than `limit` bytes.
    pub fn forms(&self, encoding: InputEncoding, limit: u64) -> Result<Vec<ServedForm>, OfferError> {
        let one = |program: &PredictionProgram| {
            let form = &program.form;
            let size = |rows| inputs_size(form, rows).map_err(|_| OfferError::Set);
            let (input_bytes, most_input_bytes) = (size(1)?, size(form.rows())?);
            if most_input_bytes > limit {
                return Err(OfferError::TooLarge { found: most_input_bytes, limit });
            }
            Ok(ServedForm {
                digest: form.digest()?,
                program: program.digest()?,
                rows: u32::try_from(form.rows()).unwrap_or(u32::MAX),
                key_bytes: registration_size(form.parameter_set).map_err(|_| OfferError::Set)?,
                input_bytes,
                most_input_bytes,
                reveals: reveals(form, encoding),
                form: form.clone(),
            })
        };
        self.programs.iter().map(one).collect()
    }
}
