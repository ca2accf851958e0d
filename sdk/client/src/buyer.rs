//! Asking, paying and opening. A buyer trusts his own digests: what he signs is what he read.

use std::time::Duration;

use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    answer::{self, Answer},
    api::{AskQuote, Buy, Job, JobState, Listing, Offer, Question},
    canonical::Canonical,
    digest::Digest,
    ids::{JobId, ListingId},
    layout::LayoutKind,
    noise,
    presentation::{self, Presentation, Table},
    quote::Acceptance,
    receipt::FullReceipt,
};

use crate::{
    ClientError, account, explain,
    receipt::{self, Context, Report},
    session::Session,
};

/// Pause between questions when there are no events.
const POLL: Duration = Duration::from_millis(500);

/// An offer whose every digest was checked.
#[derive(Debug, Clone)]
pub struct CheckedOffer {
    /// As the platform sent it.
    pub offer: Offer,
    /// The listing it is of.
    pub listing: Listing,
    /// How the platform understood the SQL, in words.
    pub understood: String,
    /// Digest of the query.
    pub query: Digest,
}

/// An answer, and the proof of how it came about.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The answer: everything that was released.
    pub answer: Answer,
    /// How the SQL wants it to be shown.
    pub presentation: Presentation,
    /// To be kept.
    pub receipt: FullReceipt,
    /// What the receipt proves.
    pub report: Report,
    /// Bytes of the opened answer.
    pub bytes: u64,
}

impl Opened {
    /// The table that the SQL asked for.
    ///
    /// # Errors
    /// When the presentation does not belong to the answer.
    pub fn table(&self) -> Result<Table, ClientError> {
        presentation::apply(&self.presentation, &self.answer).map_err(|error| {
            ClientError::OpenedAnswer(format!("{error}; it can be shown as it was released"))
        })
    }

    /// Every group and every output as it was released, without HAVING, ORDER BY and LIMIT.
    ///
    /// # Errors
    /// When a cell of the answer is not of its column's type.
    pub fn whole(&self) -> Result<Table, ClientError> {
        let names = self.answer.columns.iter().map(|column| column.name.clone());
        presentation::apply(&Presentation::plain(names), &self.answer)
            .map_err(|error| ClientError::OpenedAnswer(error.to_string()))
    }
}

/// Asks for a quote and checks it: signed by the platform, for this listing, for the query that it
/// shows, and for this account.
///
/// # Errors
/// Those of the platform (`sql_unsupported`, `policy_refused`, ...), or an offer that does not hold
/// together.
pub async fn quote(
    session: &Session,
    listing: ListingId,
    sql: &str,
    layout: Option<LayoutKind>,
) -> Result<CheckedOffer, ClientError> {
    let listing = session.client.listing(listing).await?;
    let question = Question::Sql(sql.to_owned());
    quote_question(session, listing, question, layout).await
}

/// As [`quote`], of a listing at hand, with a question in SQL or as a query. An offer for a query is
/// for that query and no other.
///
/// # Errors
/// As [`quote`].
pub async fn quote_question(
    session: &Session,
    listing: Listing,
    question: Question,
    layout: Option<LayoutKind>,
) -> Result<CheckedOffer, ClientError> {
    quote_ask(session, listing.clone(), AskQuote::new(listing.id, question, layout)).await
}

/// As [`quote_question`], with everything that can be said of a question.
///
/// # Errors
/// As [`quote`].
pub async fn quote_ask(
    session: &Session,
    listing: Listing,
    ask: AskQuote,
) -> Result<CheckedOffer, ClientError> {
    let asked = ask.query.as_ref().map(|query| query.digest()).transpose()?;
    let offer = session.client.quote(&ask).await?;
    let wrong = |what: &str| Err(ClientError::Offer(what.to_owned()));
    if let Some(asked) = asked
        && asked != offer.query.digest()?
    {
        return wrong("it is for another query than the one asked for");
    }
    if offer.quote.body.hidden != ask.hidden {
        return wrong("it says otherwise than asked whether the gate sees the query");
    }
    check(session, listing, offer)
}

/// Checks an offer: signed by the platform, for this listing, for the query that it shows, and for this
/// account.
///
/// # Errors
/// When it does not hold together.
pub fn check(session: &Session, listing: Listing, offer: Offer) -> Result<CheckedOffer, ClientError> {
    let quote = offer.quote.verify(session.platform_key())?;
    let query = offer.query.digest()?;
    let wrong = |what: &str| Err(ClientError::Offer(what.to_owned()));
    if quote.query != query {
        return wrong("the quote is for another query than the one shown");
    }
    if quote.listing != listing.id
        || quote.dataset != listing.dataset
        || offer.query.dataset != listing.dataset
    {
        return wrong("the quote is for another dataset than the listing");
    }
    if quote.buyer != session.account {
        return wrong("the quote is for another account");
    }
    if quote.currency != listing.price.currency {
        return wrong("the quote is in another currency than the listing");
    }
    if quote.policy != listing.policy.digest()? {
        return wrong("the quote follows from another policy than the listing");
    }
    offer.query.validate(&listing.schema).map_err(|e| ClientError::Offer(e.to_string()))?;
    let scales = noise::scales(&listing.schema, &offer.query, &listing.policy.noise);
    let columns = answer::columns(&listing.schema, &offer.query, &scales, listing.policy.min_cohort);
    offer.presentation.check(&columns).map_err(|e| ClientError::Offer(e.to_string()))?;
    let understood = explain::presented(&listing.schema, &offer.query, &offer.presentation);
    Ok(CheckedOffer { offer, listing, understood, query })
}

/// Accepts an offer: signs it, holds the price and enqueues the job. The idempotency key is the
/// quote's id, so a repetition after a lost connection does not buy twice.
///
/// # Errors
/// `quote_expired`, `insufficient_balance`; those of the network and the platform.
pub async fn buy(session: &Session, keys: &KeyBundle, offer: &CheckedOffer) -> Result<Job, ClientError> {
    account::ensure_key(session, keys).await?;
    let quote = offer.offer.quote.clone();
    let acceptance = keys.signing.sign(Acceptance {
        quote: quote.body.digest()?,
        query: offer.query,
        recipient: keys.recipient.public()?,
    })?;
    let key = quote.body.id.to_string();
    session.client.buy(&Buy { quote, acceptance }, &key).await
}

/// Waits until a job is final, by events and, where they break off, by asking. Every state that is
/// seen is shown to `watch`.
///
/// # Errors
/// Those of the network and the platform.
pub async fn wait(session: &Session, job: JobId, mut watch: impl FnMut(&Job)) -> Result<Job, ClientError> {
    loop {
        if let Ok(mut events) = session.client.events(job).await {
            while let Some(job) = events.next().await {
                watch(&job);
                if job.state.is_final() {
                    return Ok(job);
                }
            }
        }
        let job = session.client.job(job).await?;
        watch(&job);
        if job.state.is_final() {
            return Ok(job);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Fetches and opens the answer of a released job, and verifies its receipt. With the offer at hand,
/// every digest is followed from the quote to the gate's signature.
///
/// # Errors
/// When the answer is to another question, cannot be opened, or the receipt does not verify.
pub async fn open(
    session: &Session,
    keys: &KeyBundle,
    job: &Job,
    offer: Option<&CheckedOffer>,
) -> Result<Opened, ClientError> {
    let wrong = |what: &str| ClientError::OpenedAnswer(what.to_owned());
    if job.state != JobState::Released {
        return Err(wrong("the job is not released"));
    }
    let query = offer.map_or(job.query, |offer| offer.query);
    let sealed = session.client.answer(job.id).await?;
    if sealed.query != query {
        return Err(wrong("it was sealed for another query"));
    }
    let plain = keys.recipient.open(&sealed)?;
    let answer: Answer = serde_json::from_slice(&plain).map_err(|_| wrong("its content is not an answer"))?;
    if answer.query != query {
        return Err(wrong("it answers another query"));
    }
    let (listing, presentation) = match offer {
        Some(offer) => (offer.listing.clone(), offer.offer.presentation.clone()),
        None => (session.client.listing(job.listing).await?, session.client.presentation(job.id).await?),
    };
    let receipt = session.client.receipt(job.id).await?;
    let context = Context {
        quote: offer.map(|offer| &offer.offer.quote.body),
        query: Some(query),
        sealed: Some(&sealed),
    };
    let report = receipt::verify(&receipt, session.platform_key(), &listing.gate_key, context)?;
    if !report.answer_checked {
        return Err(wrong("the gate has not signed for it"));
    }
    if receipt.receipt.body.job != job.id {
        return Err(wrong("the receipt is for another job"));
    }
    Ok(Opened { answer, presentation, receipt, report, bytes: plain.len() as u64 })
}
