//! `GET /v1/queries/{job}/events`: progress as server-sent events, until the job ends.

use std::time::Duration;

use actix_web::{HttpResponse, http::header, web};
use async_stream::try_stream;
use bytes::Bytes;
use futures::Stream;
use sordino_protocol::{
    api::Job,
    ids::{AccountId, JobId},
};
use tokio::time::{Instant, interval};

use crate::{
    auth::extract::{Auth, Buyer},
    problem::{WebError, WebResult},
    state::AppState,
};

/// How often the job is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long a connection is silent at most.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The handler. The first event comes at once; every change follows.
///
/// # Errors
/// `not_found` (also for somebody else's job).
pub async fn events(
    state: web::Data<AppState>,
    Auth(Buyer(who)): Auth<Buyer>,
    id: web::Path<JobId>,
) -> WebResult<HttpResponse> {
    let first = Job::from(&state.storage.jobs().get(who.account, *id).await?);
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Compression would hold events back, and so would a proxy that buffers.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream(state, who.account, first)))
}

fn stream(
    state: web::Data<AppState>,
    buyer: AccountId,
    first: Job,
) -> impl Stream<Item = Result<Bytes, WebError>> + 'static {
    try_stream! {
        let (id, mut seen) = (first.id, first);
        yield event(&seen)?;
        let mut spoke = Instant::now();
        let mut ticks = interval(LOOK);
        while !seen.state.is_final() {
            ticks.tick().await;
            let job = Job::from(&state.storage.jobs().get(buyer, id).await?);
            if job != seen {
                seen = job;
                yield event(&seen)?;
                spoke = Instant::now();
            } else if spoke.elapsed() >= HEARTBEAT {
                yield Bytes::from_static(b": still here\n\n");
                spoke = Instant::now();
            }
        }
    }
}

fn event(job: &Job) -> Result<Bytes, WebError> {
    let data = serde_json::to_string(job).map_err(|_| WebError::Bug("a job has no JSON"))?;
    Ok(Bytes::from(format!("event: progress\ndata: {data}\n\n")))
}
