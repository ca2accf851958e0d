//! An audition that the layouts of a listing have room for. Which sums a layout can hold, and how deep
//! conditions may be, is known where queries are planned, so the platform is asked.

use sordino_model::{
    audition::{self, Chosen},
    preflight,
};
use sordino_protocol::layout::LayoutKind;
use tokio::task::spawn_blocking;

use super::{Prepared, ask};
use crate::{ClientError, session::Session};

/// Takes coarser integers, or the levels of scores instead of conditions, where no layout has room for what is
/// at hand: the best that can be planned. Nothing is bought; a bounded number of explanations is asked for. The
/// preflight is then of the new integers, and compares no rows until [`Prepared::compare`] is called.
///
/// # Errors
/// What the platform said first, when nothing else would do either: nothing has changed then.
pub async fn fit(
    session: &Session,
    prepared: &mut Prepared,
    layout: Option<LayoutKind>,
) -> Result<(), ClientError> {
    if prepared.chosen.audition.query.is_scored() {
        return Ok(());
    }
    let Some(refused) = refusal(session, prepared, layout).await? else { return Ok(()) };
    let mut tried = prepared.clone();
    for chosen in alternatives(prepared.clone()).await? {
        tried.chosen = chosen;
        if refusal(session, &tried, layout).await?.is_none() {
            let schema = &tried.listing.schema;
            tried.preflight = preflight::preflight(&tried.model, schema, &[], &tried.chosen.options);
            *prepared = tried;
            return Ok(());
        }
    }
    Err(refused)
}

/// Why no layout can answer, if none can.
async fn refusal(
    session: &Session,
    prepared: &Prepared,
    layout: Option<LayoutKind>,
) -> Result<Option<ClientError>, ClientError> {
    match session.client.explanation(&ask(prepared, layout)).await {
        Ok(_) => Ok(None),
        Err(error) if error.has_no_plan() => Ok(Some(error)),
        Err(error) => Err(error),
    }
}

/// Off the async runtime: each is compiled.
async fn alternatives(prepared: Prepared) -> Result<Vec<Chosen>, ClientError> {
    let compile = move || {
        let Prepared { model, chosen, listing, .. } = &prepared;
        audition::alternatives(chosen, model, &listing.schema, prepared.subject()).collect()
    };
    spawn_blocking(compile).await.map_err(|_| ClientError::Task("audition"))
}
