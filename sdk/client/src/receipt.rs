//! Checking a receipt: what the platform signed, what the gate signed, and that they belong together.

use serde::Serialize;
use sordino_protocol::{
    canonical::{Canonical, CanonicalError},
    digest::Digest,
    quote::Quote,
    receipt::{FullReceipt, Outcome},
    sealed::SealedAnswer,
    signature::{SignatureError, VerifyingKey},
};

/// What a receipt proves, after every check passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the platform signed it.
    pub platform_signed: bool,
    /// Whether the gate countersigned it; a receipt without a decision has none.
    pub gate_signed: bool,
    /// Whether the gate says it evaluated the program again and found the same outputs.
    pub reevaluated: bool,
    /// Whether an answer was released.
    pub released: bool,
    /// Whether the quote was given and belongs to the receipt.
    pub quote_checked: bool,
    /// Whether the sealed answer was given and is the one the gate signed for.
    pub answer_checked: bool,
}

/// What else is known, to be compared with the receipt.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The accepted quote.
    pub quote: Option<&'a Quote>,
    /// Digest of the query that was asked.
    pub query: Option<Digest>,
    /// The answer that was received.
    pub sealed: Option<&'a SealedAnswer>,
}

/// Why a receipt is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// The platform's signature is wrong.
    #[error("platform: {0}")]
    Platform(#[source] SignatureError),
    /// The gate's signature is wrong.
    #[error("gate: {0}")]
    Gate(#[source] SignatureError),
    /// The parts do not belong together.
    #[error("{what}: the receipt says {stated}, but it is {actual}")]
    Mismatch {
        /// Which field.
        what: &'static str,
        /// As in the receipt.
        stated: String,
        /// As known.
        actual: String,
    },
    /// A part has no canonical form.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

/// Verifies a receipt against the pinned key of the platform and the key of the listing's gate.
///
/// # Errors
/// The first thing that does not match.
pub fn verify(
    full: &FullReceipt,
    platform: &VerifyingKey,
    gate: &VerifyingKey,
    context: Context<'_>,
) -> Result<Report, ReceiptError> {
    let receipt = full.receipt.verify(platform).map_err(ReceiptError::Platform)?;
    if let Some(quote) = context.quote {
        same("quote", &receipt.quote, &quote.digest()?)?;
        same("query", &receipt.query, &quote.query)?;
        same("dataset", &receipt.dataset, &quote.dataset)?;
        same("program", &receipt.program, &quote.program)?;
        same("listing", &receipt.listing, &quote.listing)?;
        same("parameter set", &receipt.parameter_set, &quote.parameter_set)?;
        same("price", &receipt.price, &quote.price)?;
        same("currency", &receipt.currency, &quote.currency)?;
        same("compute units", &receipt.units.get(), &quote.units.get())?;
    }
    if let Some(query) = &context.query {
        same("query", &receipt.query, query)?;
    }
    let mut report = Report {
        platform_signed: true,
        gate_signed: false,
        reevaluated: false,
        released: false,
        quote_checked: context.quote.is_some(),
        answer_checked: false,
    };
    let Some(decision) = &full.decision else { return Ok(report) };
    let decision = decision.verify(gate).map_err(ReceiptError::Gate)?;
    same("receipt", &decision.receipt, &receipt.digest()?)?;
    report.gate_signed = true;
    if let Outcome::Released { sealed, reevaluated, .. } = &decision.outcome {
        report.released = true;
        report.reevaluated = *reevaluated;
        if let Some(answer) = context.sealed {
            same("sealed answer", sealed, &answer.digest())?;
            same("release", &decision.release, &answer.release)?;
            same("query", &receipt.query, &answer.query)?;
            report.answer_checked = true;
        }
    }
    Ok(report)
}

fn same<T: PartialEq + std::fmt::Display>(
    what: &'static str,
    stated: &T,
    actual: &T,
) -> Result<(), ReceiptError> {
    if stated == actual {
        return Ok(());
    }
    Err(ReceiptError::Mismatch { what, stated: stated.to_string(), actual: actual.to_string() })
}
