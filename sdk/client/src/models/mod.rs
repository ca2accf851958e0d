//! Selling a model, and having rows predicted by one without showing them.
//!
//! A vendor: [`publish::prepare`], then [`publish::publish`]. A client: [`predict::plan`], which tells the
//! exact price, then [`predict::run`].

pub mod predict;
pub mod publish;

use sordino_fhe::error::FheError;
use sordino_model::{import::ImportError, quantise::QuantiseError};
use sordino_protocol::money::MoneyError;

/// What can go wrong with models.
#[derive(Debug, thiserror::Error)]
pub enum ModelsError {
    /// The file is no model that is known.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The model does not go with the schema.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The listing cannot be what it says.
    #[error("the listing of the model is not acceptable: {0}")]
    Listing(&'static str),
    /// The table has more rows than the model's vendor allows a day.
    #[error("{rows} rows: the vendor of this model allows a client {limit} a day: send fewer at once")]
    TooManyRows {
        /// Rows of the table.
        rows: usize,
        /// The most a day.
        limit: u64,
    },
    /// Encrypting or decrypting failed.
    #[error(transparent)]
    Fhe(#[from] FheError),
    /// The price is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}
