//! Whether a request is what it claims to be: signatures, and digests that refer to one another.

use sordino_protocol::{
    canonical::Canonical, digest::Digest, ids::GateId, receipt::RefusalReason, release::ReleaseRequest,
    signature::VerifyingKey,
};

use super::error::Refusal;

/// Checks everything that can be checked with the pinned platform key alone, and returns the digest
/// of the query.
pub(super) fn check(
    request: &ReleaseRequest,
    gate: GateId,
    platform: &VerifyingKey,
) -> Result<Digest, Refusal> {
    let refuse = |detail: &str| Refusal::new(RefusalReason::NotAuthentic, detail);
    let failed = |error: &dyn std::fmt::Display| Refusal::new(RefusalReason::NotAuthentic, error);
    let receipt = request.receipt.verify(platform).map_err(|e| failed(&e))?;
    let quote = request.quote.verify(platform).map_err(|e| failed(&e))?;
    // Who the buyer's key belongs to is the journal's question; here only that it signed.
    let acceptance = request.acceptance.verify(&request.acceptance.signer).map_err(|e| failed(&e))?;
    let query = match &request.hidden {
        Some(hidden) => hidden.query,
        None => request.query.digest().map_err(|e| failed(&e))?,
    };
    let accepted = quote.digest().map_err(|e| failed(&e))?;
    let same = [
        (quote.hidden == request.hidden.is_some(), "the quote says otherwise whether the model is hidden"),
        (request.gate == gate, "the request is for another gate"),
        (receipt.query == query, "the receipt is for another query"),
        (quote.query == query, "the quote is for another query"),
        (acceptance.query == query, "the buyer accepted another query"),
        (acceptance.quote == accepted, "the buyer accepted another quote"),
        (receipt.quote == accepted, "the receipt is for another quote"),
        (receipt.dataset == request.query.dataset, "the receipt is for another dataset"),
        (quote.dataset == request.query.dataset, "the quote is for another dataset"),
        (receipt.listing == request.listing, "the receipt is for another listing"),
        (quote.listing == request.listing, "the quote is for another listing"),
        (quote.buyer == request.buyer, "the quote is for another buyer"),
        (receipt.job == request.job, "the receipt is for another job"),
        (receipt.outputs == request.outputs, "the receipt is for other outputs"),
        (receipt.program == quote.program, "receipt and quote are for different programs"),
        (receipt.parameter_set == quote.parameter_set, "receipt and quote differ in the parameter set"),
        (receipt.operations == quote.operations, "receipt and quote differ in the operations"),
        (receipt.units == quote.units, "receipt and quote differ in the compute units"),
        (receipt.price == quote.price, "receipt and quote differ in the price"),
        (receipt.currency == quote.currency, "receipt and quote differ in the currency"),
    ];
    match same.iter().find(|(holds, _)| !holds) {
        Some((_, detail)) => Err(refuse(detail)),
        None => Ok(query),
    }
}
