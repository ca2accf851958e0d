//! Quotes, jobs, answers and receipts.

use sordino_protocol::{
    api::{AskQuote, Buy, Explanation, Job, Offer},
    ids::JobId,
    presentation::Presentation,
    receipt::FullReceipt,
    sealed::SealedAnswer,
};

use super::{Client, request::Call, sse::Events};
use crate::ClientError;

impl Client {
    /// Asks for a quote.
    ///
    /// # Errors
    /// `sql_syntax`, `unknown_column`, `type_mismatch`, `sql_unsupported`, `no_plan`,
    /// `policy_refused`; those of the network and the platform.
    pub async fn quote(&self, body: &AskQuote) -> Result<Offer, ClientError> {
        self.json(Call::post("/v1/quotes").json(body)?.repeatable()).await
    }

    /// Asks how a text is understood, how it would be answered and what that would cost.
    ///
    /// # Errors
    /// As those of [`Client::quote`].
    pub async fn explanation(&self, body: &AskQuote) -> Result<Explanation, ClientError> {
        self.json(Call::post("/v1/explanations").json(body)?.repeatable()).await
    }

    /// Pays a quote and enqueues the job. Repeated with the same key it returns the same job.
    ///
    /// # Errors
    /// `quote_expired`, `quote_used`, `insufficient_balance`, `bad_signature`; those of the network
    /// and the platform.
    pub async fn buy(&self, body: &Buy, idempotency_key: &str) -> Result<Job, ClientError> {
        self.json(Call::post("/v1/queries").json(body)?.idempotent(idempotency_key)).await
    }

    /// A job.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn job(&self, id: JobId) -> Result<Job, ClientError> {
        self.json(Call::get(format!("/v1/queries/{id}"))).await
    }

    /// Cancels a job, if it is not too late.
    ///
    /// # Errors
    /// `conflict` when it is; those of the network and the platform.
    pub async fn cancel(&self, id: JobId) -> Result<Job, ClientError> {
        self.json(Call::post(format!("/v1/queries/{id}/cancel")).repeatable()).await
    }

    /// The events of a job: its state now, and at every change.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn events(&self, id: JobId) -> Result<Events, ClientError> {
        let call = Call::get(format!("/v1/queries/{id}/events"));
        self.send(&call).await.map(Events::new)
    }

    /// The sealed answer of a released job.
    ///
    /// # Errors
    /// `not_found` before it is released; those of the network and the platform.
    pub async fn answer(&self, id: JobId) -> Result<SealedAnswer, ClientError> {
        self.json(Call::get(format!("/v1/queries/{id}/answer"))).await
    }

    /// How the answer of a job is to be shown, as its SQL asked.
    ///
    /// # Errors
    /// `not_found`; those of the network and the platform.
    pub async fn presentation(&self, id: JobId) -> Result<Presentation, ClientError> {
        self.json(Call::get(format!("/v1/queries/{id}/presentation"))).await
    }

    /// The receipt of a job, with the gate's decision once there is one.
    ///
    /// # Errors
    /// `not_found` before it is evaluated; those of the network and the platform.
    pub async fn receipt(&self, id: JobId) -> Result<FullReceipt, ClientError> {
        self.json(Call::get(format!("/v1/queries/{id}/receipt"))).await
    }
}
