//! Whether a receipt is about what was asked, sent and received.

use std::fmt::Display;

use sordino_model::quantised::Reading;
use sordino_protocol::{
    api::models::{ModelListing, Predict, Prediction, ServedForm},
    digest::{Digest, Purpose},
    ids::AccountId,
    signature::VerifyingKey,
};

use crate::{ClientError, receipt::ReceiptError};

/// What the client knows of its request.
pub(super) struct Sent<'a> {
    pub(super) client: AccountId,
    pub(super) listing: &'a ModelListing<Reading>,
    pub(super) form: &'a ServedForm,
    pub(super) request: &'a Predict,
    pub(super) inputs: Digest,
}

/// Checks the platform's signature, and every digest and number that the client can check.
pub(super) fn verify(
    prediction: &Prediction,
    platform: &VerifyingKey,
    sent: &Sent<'_>,
    outputs: &[u8],
) -> Result<(), ClientError> {
    let receipt = prediction.receipt.verify(platform)?;
    let (listing, form, request) = (sent.listing, sent.form, sent.request);
    same("prediction", &receipt.prediction, &prediction.id)?;
    same("client", &receipt.client, &sent.client)?;
    same("listing", &receipt.listing, &listing.id)?;
    same("model", &receipt.model, &listing.model)?;
    same("program", &receipt.program, &form.program)?;
    same("parameter set", &receipt.parameter_set, &form.form.parameter_set)?;
    same("keys", &receipt.keys, &request.keys)?;
    same("inputs", &receipt.inputs, &sent.inputs)?;
    same("outputs", &receipt.outputs, &Digest::of(Purpose::Object, outputs))?;
    same("number of samples", &receipt.samples, &request.samples)?;
    same("price", &receipt.price, &request.price)?;
    same("currency", &receipt.currency, &listing.currency)
}

fn same<T: PartialEq + Display>(what: &'static str, stated: &T, actual: &T) -> Result<(), ClientError> {
    if stated == actual {
        return Ok(());
    }
    Err(ReceiptError::Mismatch { what, stated: stated.to_string(), actual: actual.to_string() }.into())
}
