//! Products of predictions: what is multiplied again and again is extended once.

use crate::{
    error::FheError,
    scan::{
        RelinearisationKey,
        ciphertext::{Ciphertext, Extended, Operand},
        tables::Tables,
    },
};

const NOT_ONE: FheError = FheError::Prediction("a product is not relinearised");

/// A factor with its extended form.
pub(super) struct Factor {
    pub(super) itself: Ciphertext,
    pub(super) extended: Extended,
}

impl Factor {
    pub(super) fn new(itself: Ciphertext, tables: &Tables) -> Result<Self, FheError> {
        let extended = Extended::of(&itself, tables).ok_or(NOT_ONE)?;
        Ok(Self { itself, extended })
    }

    pub(super) const fn operand(&self) -> Operand<'_> {
        Operand { extended: &self.extended, itself: Some(&self.itself) }
    }
}

/// A sum of products, relinearised.
pub(super) fn relinearised(
    products: &Ciphertext,
    key: &RelinearisationKey,
    tables: &Tables,
) -> Result<Ciphertext, FheError> {
    let Ciphertext::Products(products) = products else {
        return Err(FheError::Prediction("what is to be relinearised is no product"));
    };
    Ok(key.relinearise(products, tables))
}
