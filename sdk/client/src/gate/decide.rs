//! One decision: from a request to something persisted that may be sent.

use std::sync::Arc;

use chrono::SubsecRound;
use sordino_fhe::outputs;
use sordino_protocol::{
    answer::Answer,
    canonical::Canonical,
    policy::Epsilon,
    receipt::{Decision, Outcome, RefusalReason},
    release::{ReleaseDecision, ReleaseRequest},
    release_values::{self, GroupTotals},
    sealed::SealedAnswer,
    signature::Signed,
};
use zeroize::Zeroizing;

use super::{
    Gate,
    error::{Refusal, Stop},
    journal::{Entry, Reserved},
    pad, protect,
    verify::Verified,
};
use crate::ClientError;

/// Each row is in one group at most. More cannot be told of what a hidden model counts: what it says of one
/// row may still be many times what one row should say.
fn plausible(totals: &[GroupTotals], rows: u64) -> Result<(), Stop> {
    let all = totals.iter().fold(0u64, |all, group| all.saturating_add(group.rows));
    if all <= rows {
        return Ok(());
    }
    let detail = format!("the groups of the hidden model have {all} rows together, the table has {rows}");
    Err(Refusal::new(RefusalReason::OutputMismatch, detail).into())
}

impl Gate {
    /// Decides a request and persists the decision; nothing is sent. A request that was decided
    /// before gets the same decision, byte for byte.
    ///
    /// # Errors
    /// When no decision could be made; the request is then as if it had not been seen.
    pub(super) async fn decide(&self, request: &ReleaseRequest) -> Result<ReleaseDecision, ClientError> {
        if let Some(persisted) = self.journal.decision(request.id).await? {
            return Ok(persisted);
        }
        let stop = match self.verify(request).await {
            Ok(verified) => match self.release(request, verified).await {
                Ok(decision) => return Ok(decision),
                Err(stop) => stop,
            },
            Err(stop) => stop,
        };
        match stop {
            Stop::Refuse(refusal) => self.refuse(request, refusal).await,
            Stop::Later(error) => Err(error),
        }
    }

    /// Seals the answer to a verified request: the one given before to the same question under the
    /// same policy, or a fresh one.
    ///
    /// Giving the same noised answer again costs no epsilon and keeps a buyer from averaging the
    /// noise away by asking twice.
    async fn release(&self, request: &ReleaseRequest, verified: Verified) -> Result<ReleaseDecision, Stop> {
        let known = self.journal.answer(verified.subject()).await?;
        let (answer, epsilon, fresh) = match known {
            Some(answer) => (answer, Epsilon::ZERO, false),
            None => (self.fresh_answer(&verified).await?, verified.epsilon(), true),
        };
        let subject = verified.subject().clone();
        let recipient = request.acceptance.body.recipient;
        let sealed = SealedAnswer::seal(request.id, subject.query, recipient, &answer)?;
        let outcome =
            Outcome::Released { sealed: sealed.digest(), epsilon, reevaluated: verified.reevaluated() };
        let decision = ReleaseDecision { decision: self.sign(request, outcome)?, sealed: Some(sealed) };
        let entry = Entry {
            release: request.id,
            decision: &decision,
            subject: Some(&subject),
            answer: fresh.then_some(answer.as_slice()),
            epsilon,
        };
        Ok(self.journal.persist(entry).await?)
    }

    /// Reserves epsilon, decrypts, adds noise and enforces the cohort.
    async fn fresh_answer(&self, verified: &Verified) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let (cost, budget) = (verified.epsilon(), verified.policy().epsilon_budget);
        let reserved =
            self.journal.reserve(verified.subject(), cost, budget, (self.settings.clock)()).await?;
        if let Reserved::Exhausted { spent, budget } = reserved {
            let detail = format!("{spent} of the dataset's epsilon of {budget} is spent; this costs {cost}");
            return Err(Refusal::new(RefusalReason::EpsilonExhausted, detail).into());
        }
        match self.compute(verified).await {
            Ok(answer) => Ok(answer),
            Err(stop) => {
                // Nothing has left the gate.
                self.journal.void(verified.subject().release).await?;
                Err(stop)
            }
        }
    }

    async fn compute(&self, verified: &Verified) -> Result<Zeroizing<Vec<u8>>, Stop> {
        let schema = &verified.manifest().schema;
        let (keys, program) = (Arc::clone(&self.keys), verified.program().clone());
        let encrypted = verified.outputs().clone();
        let decrypted = tokio::task::spawn_blocking(move || {
            outputs::decrypt(&keys.secret, &program, &encrypted).map(Zeroizing::new)
        })
        .await
        .map_err(|_| ClientError::Task("decrypt"))??;
        let query = verified.query();
        let totals = release_values::combine(schema, query, verified.program(), &decrypted)?;
        if verified.is_hidden() {
            plausible(&totals, verified.manifest().rows)?;
        }
        let (groups, noise) = protect::protect(schema, query, verified.policy(), totals)?;
        let min_cohort = verified.policy().min_cohort;
        let answer = Answer::new(schema, query, verified.subject().query, groups, noise, min_cohort);
        let mut bytes = serde_json::to_vec(&answer)
            .map(Zeroizing::new)
            .map_err(|source| ClientError::Answer { path: "answer".to_owned(), source })?;
        pad::pad(schema, query, &answer, &mut bytes);
        Ok(bytes)
    }

    async fn refuse(
        &self,
        request: &ReleaseRequest,
        refusal: Refusal,
    ) -> Result<ReleaseDecision, ClientError> {
        let outcome = Outcome::Refused { reason: refusal.reason, detail: refusal.detail };
        let decision = ReleaseDecision { decision: self.sign(request, outcome)?, sealed: None };
        let entry = Entry {
            release: request.id,
            decision: &decision,
            subject: None,
            answer: None,
            epsilon: Epsilon::ZERO,
        };
        Ok(self.journal.persist(entry).await?)
    }

    fn sign(&self, request: &ReleaseRequest, outcome: Outcome) -> Result<Signed<Decision>, ClientError> {
        Ok(self.keys.gate.sign(Decision {
            release: request.id,
            gate: self.id,
            receipt: request.receipt.body.digest()?,
            outcome,
            // As precise as it is written, so that what is kept equals what is sent.
            decided_at: (self.settings.clock)().trunc_subsecs(3),
        })?)
    }
}
