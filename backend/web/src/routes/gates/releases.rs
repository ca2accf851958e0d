//! `GET /v1/gates/{id}/releases?wait_s=N`: what waits for the gate; a long poll.

use std::time::Duration;

use actix_web::web;
use serde::Deserialize;
use sordino_protocol::{api::Releases, ids::GateId};
use tokio::time::{Instant, sleep};

use crate::{
    auth::extract::{Auth, GateCaller},
    problem::{WebError, WebResult},
    state::AppState,
};

/// How often storage is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// The longest wait, in seconds; a longer one is cut.
const MAX_WAIT_S: u64 = 60;
/// The most releases of a response.
const MAX_RELEASES: u64 = 16;

/// The query string.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// Seconds to wait for the first release.
    #[serde(default)]
    wait_s: u64,
}

/// The handler. Answers at once when something waits, else when something comes or the time is over.
///
/// # Errors
/// `forbidden` (not a gate's key), `not_found` (another gate).
pub async fn releases(
    state: web::Data<AppState>,
    Auth(caller): Auth<GateCaller>,
    gate: web::Path<GateId>,
    wait: web::Query<Wait>,
) -> WebResult<web::Json<Releases>> {
    if *gate != caller.gate {
        return Err(WebError::NotFound { what: "gate" });
    }
    let until = Instant::now() + Duration::from_secs(wait.wait_s.min(MAX_WAIT_S));
    loop {
        let releases = state.storage.releases().pending(caller.gate, MAX_RELEASES).await?;
        if !releases.is_empty() || Instant::now() >= until {
            return Ok(web::Json(Releases { releases }));
        }
        sleep(LOOK.min(until.saturating_duration_since(Instant::now()))).await;
    }
}
