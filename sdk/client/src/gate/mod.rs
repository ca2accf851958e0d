//! The gate: the only place where outputs are decrypted, and only for releases that it has verified.
//!
//! For every request it checks the platform's and the buyer's signatures, follows all digests, checks
//! the query against its own copy of the policy, compiles the program itself, evaluates it again as
//! its setting says, decrypts, adds noise, enforces the minimum cohort, debits epsilon in its own
//! journal, persists decision and noised answer, and only then sends. A replayed request gets the
//! persisted decision. It is never a general decryption service.
//!
//! Anything that is wrong with a request is a signed, persisted refusal. Anything that is wrong with
//! the network or the disk is not a decision: the request stays pending and is tried again.

mod authentic;
mod decide;
mod error;
mod evaluate;
mod journal;
mod lock;
mod noise;
mod objects;
mod pad;
mod protect;
mod settings;
mod verify;

#[cfg(test)]
mod tests;

use std::{collections::HashSet, sync::Arc, time::Duration};

use secrecy::SecretString;
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    ids::{GateId, ReleaseId},
    problem::ProblemCode,
    receipt::{Outcome, RefusalReason},
    release::{ReleaseDecision, ReleaseRequest},
    signature::VerifyingKey,
};

pub use error::GateError;
pub(crate) use noise::add as noised;
pub(crate) use objects::{CachedSegments, fetch};
pub(crate) use protect::protect as protected;
pub use settings::{Settings, Verify};

use crate::{ClientError, api::Client, profile::Profile, session::connect};
use journal::Journal;

/// How long one long poll waits.
const POLL: Duration = Duration::from_secs(20);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A running gate. Only one may run on a profile at a time.
pub struct Gate {
    client: Client,
    profile: Profile,
    keys: Arc<KeyBundle>,
    id: GateId,
    platform: VerifyingKey,
    settings: Settings,
    journal: Journal,
    evaluators: Arc<evaluate::EvaluatorCache>,
    _lock: lock::Lock,
}

/// What happened to one release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An answer was sealed and sent.
    Released(ReleaseId),
    /// The request was refused.
    Refused(ReleaseId, RefusalReason, String),
    /// Persisted, but could not be sent; it will be sent again.
    Undelivered(ReleaseId, String),
    /// The platform no longer wants the decision, for instance because the job expired.
    Unwanted(ReleaseId, String),
    /// No decision could be made; the request stays pending.
    Failed(ReleaseId, String),
    /// The platform cannot be reached.
    Unreachable(String),
}

/// What one round did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// Everything that happened, in order.
    pub events: Vec<Event>,
}

impl Round {
    /// Number of answers released.
    pub fn released(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Released(_))).count()
    }

    /// Number of requests refused.
    pub fn refused(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::Refused(..))).count()
    }

    /// Whether something has to be tried again.
    pub fn incomplete(&self) -> bool {
        let again = |event: &Event| {
            matches!(event, Event::Undelivered(..) | Event::Failed(..) | Event::Unreachable(_))
        };
        self.events.iter().any(again)
    }
}

impl Gate {
    /// Opens the gate of a profile: its journal, its own copies, its credentials.
    ///
    /// # Errors
    /// When another gate runs on the profile, no gate is enrolled, the journal is damaged, the
    /// platform cannot be reached or shows another key than before.
    pub async fn open(
        profile: &Profile,
        server: Option<&str>,
        keys: Arc<KeyBundle>,
        settings: Settings,
    ) -> Result<Self, ClientError> {
        let identity = profile.identity()?;
        let no_gate = || ClientError::NoGate(profile.name().to_owned());
        let id = identity.gate.ok_or_else(no_gate)?;
        let secret = profile.credentials()?.gate_secret.clone().ok_or_else(no_gate)?;
        let connection = connect(profile, server).await?;
        let client = connection.client.with_bearer(SecretString::from(secret));
        Self::assemble(profile, client, id, connection.platform.key, keys, settings).await
    }

    async fn assemble(
        profile: &Profile,
        client: Client,
        id: GateId,
        platform: VerifyingKey,
        keys: Arc<KeyBundle>,
        settings: Settings,
    ) -> Result<Self, ClientError> {
        let lock = lock::Lock::take(profile)?;
        let journal = Journal::open(&profile.journal()).await?;
        Ok(Self {
            client,
            profile: profile.clone(),
            keys,
            id,
            platform,
            settings,
            journal,
            evaluators: Arc::default(),
            _lock: lock,
        })
    }

    /// The gate's id.
    pub fn id(&self) -> GateId {
        self.id
    }

    /// Sends what is persisted but undelivered, then works off all pending requests, and returns.
    /// An error with one request does not stop the others.
    ///
    /// # Errors
    /// When the platform cannot be asked, or the journal cannot be read.
    pub async fn run_once(&self) -> Result<Round, ClientError> {
        let mut round = Round::default();
        self.deliver_pending(&mut round).await?;
        let mut seen = HashSet::new();
        loop {
            let pending = self.client.releases(self.id, Duration::ZERO).await?.releases;
            let fresh: Vec<_> = pending.into_iter().filter(|request| seen.insert(request.id)).collect();
            if fresh.is_empty() {
                return Ok(round);
            }
            for request in &fresh {
                round.events.push(self.handle(request).await);
            }
        }
    }

    /// Serves until the returned future is dropped, which is safe at any point. Everything that
    /// happens is shown to `watch`.
    ///
    /// # Errors
    /// When the platform refuses the gate's credentials; being unreachable is waited out.
    pub async fn run(&self, watch: &(dyn Fn(&Event) + Send + Sync)) -> Result<(), ClientError> {
        let mut pause = Duration::from_secs(1);
        loop {
            let round = match self.round(watch).await {
                Ok(round) => round,
                Err(error) if error.problem().is_some_and(|p| p.code == ProblemCode::Unauthenticated) => {
                    return Err(error);
                }
                Err(error) => {
                    let event = Event::Unreachable(error.to_string());
                    watch(&event);
                    Round { events: vec![event] }
                }
            };
            if round.incomplete() {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                pause = Duration::from_secs(1);
            }
        }
    }

    async fn round(&self, watch: &(dyn Fn(&Event) + Send + Sync)) -> Result<Round, ClientError> {
        let mut round = Round::default();
        self.deliver_pending(&mut round).await?;
        round.events.iter().for_each(watch);
        for request in &self.client.releases(self.id, POLL).await?.releases {
            let event = self.handle(request).await;
            watch(&event);
            round.events.push(event);
        }
        Ok(round)
    }

    /// Decides a request and sends the decision.
    async fn handle(&self, request: &ReleaseRequest) -> Event {
        match self.decide(request).await {
            Ok(decision) => self.deliver(&decision).await,
            Err(error) => {
                tracing::warn!(release = %request.id, %error, "no decision; the request stays pending");
                Event::Failed(request.id, error.to_string())
            }
        }
    }

    /// Sends decisions that were persisted and never confirmed, for instance because of a crash.
    async fn deliver_pending(&self, round: &mut Round) -> Result<(), ClientError> {
        for decision in self.journal.undelivered().await? {
            round.events.push(self.deliver(&decision).await);
        }
        Ok(())
    }

    async fn deliver(&self, decision: &ReleaseDecision) -> Event {
        let id = decision.decision.body.release;
        let unwanted = match self.client.decide(id, decision).await {
            Ok(()) => None,
            // Credentials can be mended and the decision sent again; any other refusal is for good.
            Err(ClientError::Problem(problem))
                if !problem.retryable
                    && !matches!(problem.code, ProblemCode::Unauthenticated | ProblemCode::Forbidden) =>
            {
                Some(problem.detail)
            }
            Err(error) => return Event::Undelivered(id, error.to_string()),
        };
        if let Err(error) = self.journal.delivered(id).await {
            return Event::Undelivered(id, error.to_string());
        }
        match (unwanted, &decision.decision.body.outcome) {
            (Some(detail), _) => Event::Unwanted(id, detail),
            (None, Outcome::Released { .. }) => Event::Released(id),
            (None, Outcome::Refused { reason, detail }) => Event::Refused(id, *reason, detail.clone()),
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({} at {})", self.id, self.client.server())
    }
}
