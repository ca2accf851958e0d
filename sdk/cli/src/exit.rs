//! Exit codes and how errors are shown: what happened, and what to do next. No stack traces.

use std::process::ExitCode;

use serde_json::json;
use sordino_client::{ClientError, models::ModelsError};
use sordino_protocol::problem::ProblemCode;

use crate::output;

/// Failed.
pub(crate) const FAILED: u8 = 1;
/// There is no such thing.
pub(crate) const NOT_FOUND: u8 = 3;
/// Refused by policy, rights or the limits of encrypted SQL.
pub(crate) const REFUSED: u8 = 4;
/// Balance, price limit, expired quote.
pub(crate) const PAYMENT: u8 = 5;
/// Network or server unavailable.
pub(crate) const UNAVAILABLE: u8 = 6;
/// A signature, digest or pinned key does not match.
pub(crate) const VERIFICATION: u8 = 7;

/// Shows an error and says how to exit.
pub(crate) fn report(error: &anyhow::Error, as_json: bool) -> ExitCode {
    let client = error.downcast_ref::<ClientError>();
    let problem = client.and_then(ClientError::problem);
    let code = client.map_or(FAILED, code);
    let hint = client.and_then(hint);
    let detail = causes(error);
    if as_json {
        let document = json!({
            "error": {
                "detail": detail,
                "code": problem.map(|p| p.code),
                "retryable": client.is_some_and(ClientError::is_retryable),
                "request_id": problem.and_then(|p| p.request_id.clone()),
                "hint": hint,
                "exit_code": code,
            }
        });
        output::note(&document.to_string());
    } else {
        output::note(&format!("error: {detail}"));
        if let Some(hint) = hint {
            output::note(&format!("  next: {hint}"));
        }
        if let Some(id) = problem.and_then(|p| p.request_id.as_ref()) {
            output::note(&format!("  request: {id}"));
        }
    }
    ExitCode::from(code)
}

/// What happened and why, each once: many errors say their cause themselves.
fn causes(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| match told.as_str() {
        "" => cause,
        said if said.ends_with(&cause) => told,
        _ => format!("{told}: {cause}"),
    })
}

fn code(error: &ClientError) -> u8 {
    match error {
        ClientError::Problem(problem) => problem_code(problem.code),
        ClientError::Network { .. } | ClientError::Http { .. } => UNAVAILABLE,
        ClientError::Price { .. } => PAYMENT,
        ClientError::PlatformKeyChanged { .. }
        | ClientError::OtherAccountKey { .. }
        | ClientError::ObjectDigest { .. }
        | ClientError::Offer(_)
        | ClientError::OpenedAnswer(_)
        | ClientError::Receipt(_)
        | ClientError::Models(ModelsError::Listing(_))
        | ClientError::Signature(_)
        | ClientError::Seal(_) => VERIFICATION,
        ClientError::NotSignedIn(_) | ClientError::Audition(_) | ClientError::Models(_) => REFUSED,
        _ => FAILED,
    }
}

fn problem_code(code: ProblemCode) -> u8 {
    use ProblemCode as P;
    match code {
        P::NotFound => NOT_FOUND,
        P::Unauthenticated
        | P::Forbidden
        | P::SqlSyntax
        | P::UnknownColumn
        | P::TypeMismatch
        | P::SqlUnsupported
        | P::NoPlan
        | P::ModelUnsupported
        | P::PolicyRefused => REFUSED,
        P::QuoteExpired | P::QuoteUsed | P::InsufficientBalance => PAYMENT,
        P::RateLimited | P::QuotaExceeded | P::NoGate | P::Unavailable | P::Internal => UNAVAILABLE,
        P::BadSignature | P::DigestMismatch => VERIFICATION,
        P::Malformed
        | P::TooLarge
        | P::Conflict
        | P::IdempotencyMismatch
        | P::IdempotencyKeyMissing
        | P::BadManifest
        | P::BadCiphertext
        | P::MissingObjects => FAILED,
    }
}

fn hint(error: &ClientError) -> Option<&'static str> {
    match error {
        ClientError::Problem(problem) => match problem.code {
            ProblemCode::Unauthenticated => Some("sign in again with `sordino login`"),
            ProblemCode::InsufficientBalance => {
                Some("ask the operator for a top-up; `sordino balance` shows your account id")
            }
            ProblemCode::QuoteExpired => Some("ask again: `sordino quote` gives a fresh offer"),
            ProblemCode::NoGate => Some("the owner's gate is not running; try later"),
            ProblemCode::UnknownColumn => Some("`sordino listings LISTING` shows the columns"),
            ProblemCode::MissingObjects => Some("run the same `sordino publish` again: it continues"),
            _ => None,
        },
        ClientError::Network { .. } => {
            Some("check the address and that the server runs; every command can be repeated")
        }
        ClientError::Table(_) => {
            Some("correct the table, or the schema that describes it, and run the command again")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("the disk is full");
        let file = ClientError::File { path: "a.csv".into(), source };
        assert_eq!(causes(&anyhow::Error::new(file)), "a.csv: the disk is full");
        let wrapped = anyhow::anyhow!("the disk is full").context("a.csv");
        assert_eq!(causes(&wrapped), "a.csv: the disk is full");
    }

    #[test]
    fn errors_have_stable_exit_codes() {
        let network = ClientError::Network {
            method: "GET".to_owned(),
            path: "/v1/platform".to_owned(),
            server: "http://localhost".to_owned(),
            reason: "connection refused".to_owned(),
        };
        assert_eq!(code(&network), UNAVAILABLE);
        assert_eq!(code(&ClientError::NotSignedIn("a".to_owned())), REFUSED);
        assert_eq!(code(&ClientError::OpenedAnswer("x".to_owned())), VERIFICATION);
        assert_eq!(problem_code(ProblemCode::InsufficientBalance), PAYMENT);
        assert_eq!(problem_code(ProblemCode::NotFound), NOT_FOUND);
    }
}
