//! What a whole run costs at most, before anything is paid.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use sordino_model::train::Task;
use sordino_protocol::{
    api::{AskQuote, Explanation, Listing, Question},
    canonical::Canonical,
    digest::Digest,
    money::{Amount, Currency},
    policy::Epsilon,
    predicate::Predicate,
    query::Query,
};
use tokio::task::spawn_blocking;

use super::Run;
use crate::{ClientError, session::Session};

/// Numbers that a query may have computed at first.
const MOST_SUMS: u64 = 4_096;
/// With fewer, a query that has no plan has none for another reason than its size.
const LEAST_SUMS: u64 = 16;
/// Questions at a time.
const AT_ONCE: usize = 4;

/// An upper bound of what a run costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunQuote {
    /// Rounds that are left.
    pub rounds: usize,
    /// Queries that are left.
    pub queries: usize,
    /// Values that their answers may disclose.
    pub released_values: u64,
    /// Their price.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Epsilon that they cost the table's lineage.
    pub epsilon: Epsilon,
    /// What all buyers together may spend of it; none without noise.
    pub epsilon_budget: Option<Epsilon>,
    /// The largest standard deviation of noise, in thousandths of a value's unit.
    pub noise_millis: u64,
    /// Milliseconds of evaluation on this platform, estimated.
    pub expected_ms: u64,
}

/// Compiles a run and asks what it costs at most. A round is packed into as few queries as the platform can
/// evaluate: each has a price.
///
/// # Errors
/// Why the columns or options do not allow it, what would, and those of the platform.
pub async fn offer(
    session: &Session,
    listing: &Listing,
    task: &Task,
    rows: &Predicate,
) -> Result<(Run, RunQuote), ClientError> {
    let (mut max_sums, mut is_tight) = (MOST_SUMS, false);
    loop {
        let (listing, task, rows) = (listing.clone(), task.clone(), rows.clone());
        let prepared = spawn_blocking(move || super::prepare(listing, task, rows, max_sums)).await;
        let run = prepared.map_err(|_| ClientError::Task("training"))??;
        match quote(session, &run, 0).await {
            Err(error) if max_sums > LEAST_SUMS && error.has_no_plan() => {
                (max_sums, is_tight) = (max_sums / 2, true);
            }
            // How much memory a number needs depends on its program: what a later round asks may need more
            // than what was planned for it, and must not be refused once others are paid.
            Ok(_) if is_tight => (max_sums, is_tight) = ((max_sums / 4 * 3).max(LEAST_SUMS), false),
            quoted => return Ok((run, quoted?)),
        }
    }
}

/// Asks what the rounds from `first` on (from 0) cost at most. Nothing is bought, and no offer is made
/// that would have to be kept.
///
/// # Errors
/// Those of the platform: a query that it cannot plan is one of a run that cannot be made.
pub async fn quote(session: &Session, run: &Run, first: usize) -> Result<RunQuote, ClientError> {
    let rounds = run.plan.rounds.get(first..).unwrap_or_default();
    let queries: Vec<&Query> = rounds.iter().flatten().collect();
    // Rounds are often alike: each question is asked once.
    let mut distinct: HashMap<Digest, &Query> = HashMap::new();
    for query in &queries {
        distinct.insert(query.digest()?, query);
    }
    let explain = |(digest, query): (Digest, &Query)| {
        let question = Question::Query(Box::new(query.clone()));
        let ask = AskQuote::new(run.listing.id, question, None);
        async move { Ok::<_, ClientError>((digest, session.client.explanation(&ask).await?)) }
    };
    // What is refused is most likely the largest.
    let schema = &run.source.schema;
    let size = |query: &Query| query.group_count(schema) * query.requirements(schema).size(schema) as u64;
    let mut explained: HashMap<Digest, Explanation> = HashMap::with_capacity(distinct.len());
    if let Some((digest, query)) = distinct.iter().max_by_key(|(_, query)| size(query)) {
        explained.extend([explain((*digest, query)).await?]);
    }
    let others = distinct.into_iter().filter(|(digest, _)| !explained.contains_key(digest));
    let others: Vec<_> =
        stream::iter(others.collect::<Vec<_>>()).map(explain).buffer_unordered(AT_ONCE).try_collect().await?;
    explained.extend(others);
    let mut total = RunQuote {
        rounds: rounds.len(),
        queries: queries.len(),
        released_values: 0,
        price: Amount::minor(0),
        currency: run.listing.price.currency,
        epsilon: Epsilon::millionths(0),
        epsilon_budget: run.listing.policy.epsilon_budget,
        noise_millis: 0,
        expected_ms: 0,
    };
    let too_much = || ClientError::Offer("the price of the run is more than can be counted".to_owned());
    for query in queries {
        let Some(explained) = explained.get(&query.digest()?) else { continue };
        total.released_values = total.released_values.saturating_add(explained.released_values);
        total.price = total.price.plus(explained.price).map_err(|_| too_much())?;
        let epsilon = total.epsilon.as_millionths().saturating_add(explained.epsilon.as_millionths());
        total.epsilon = Epsilon::millionths(epsilon);
        let noise = explained.noise_millis.iter().copied().max().unwrap_or(0);
        total.noise_millis = total.noise_millis.max(noise);
        total.expected_ms = total.expected_ms.saturating_add(explained.expected_ms);
    }
    Ok(total)
}
