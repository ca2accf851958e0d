//! Gates: enrolment, pending releases, decisions.

use std::time::Duration;

use sordino_protocol::{
    api::{EnrolGate, EnrolledGate, Releases},
    ids::{GateId, ReleaseId},
    release::ReleaseDecision,
};

use super::{Client, request::Call};
use crate::ClientError;

impl Client {
    /// Enrols a gate. Repeated with the same key it returns the same gate with a new secret.
    ///
    /// # Errors
    /// `bad_signature`; those of the network and the platform.
    pub async fn enrol_gate(&self, body: &EnrolGate) -> Result<EnrolledGate, ClientError> {
        self.json(Call::post("/v1/gates").json(body)?.repeatable()).await
    }

    /// Releases waiting for a gate; the platform holds the request up to `wait` for the first.
    ///
    /// # Errors
    /// `unauthenticated`; those of the network and the platform.
    pub async fn releases(&self, gate: GateId, wait: Duration) -> Result<Releases, ClientError> {
        self.json(Call::get(format!("/v1/gates/{gate}/releases?wait_s={}", wait.as_secs()))).await
    }

    /// Sends a decision. Repeated with the same decision it succeeds again.
    ///
    /// # Errors
    /// `conflict` when another decision was sent before; those of the network and the platform.
    pub async fn decide(&self, id: ReleaseId, body: &ReleaseDecision) -> Result<(), ClientError> {
        self.done(Call::post(format!("/v1/releases/{id}")).json(body)?.repeatable()).await
    }
}
