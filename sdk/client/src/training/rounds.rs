//! A run, round by round: what is asked next follows from what was answered. The queries of a round are
//! bought together, since none depends on another.

use std::path::PathBuf;

use sordino_fhe::keys::KeyBundle;
use sordino_model::train::{Step, Trained, Trainer};
use sordino_protocol::{
    answer::Answer,
    api::{Job, JobState, Question},
    canonical::Canonical,
    money::Amount,
    problem::ProblemCode,
    query::Query,
};

use super::{
    Run, TrainingError,
    folder::{Folder, Place},
};
use crate::{
    ClientError,
    buyer::{self, CheckedOffer},
    session::Session,
};

/// What happens in a run.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// A round is bought.
    Round {
        /// From 1.
        round: usize,
        /// Rounds at most.
        of: usize,
        /// Its queries, without those that were answered in an earlier run.
        queries: usize,
    },
    /// A job of the round, whenever its state changes.
    Job(&'a Job),
}

/// A run that came to its end.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The model, and what a reader must know of it.
    pub trained: Trained,
    /// Where it was written.
    pub model: PathBuf,
    /// The receipts of the run, in order.
    pub receipts: Vec<PathBuf>,
    /// What was paid for all of it, in earlier runs of the same folder too.
    pub paid: Amount,
}

/// Pays and fits. At most `limit` is spent on what the folder does not hold yet; every query is within
/// the plan, so the sum of [`super::quote`] is enough unless prices change.
///
/// # Errors
/// What a query ends with; what was answered until then is kept.
pub async fn run(
    session: &Session,
    keys: &KeyBundle,
    run: &Run,
    folder: &Folder,
    limit: Amount,
    watch: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Finished, ClientError> {
    let mut trainer = Trainer::new(run.source.clone(), &run.task).map_err(TrainingError::from)?;
    let mut buying = Buying { session, keys, run, folder, left: limit };
    let (mut round, mut paid, mut receipts) = (0, Amount::minor(0), Vec::new());
    loop {
        let (next, step) = turn(trainer).await?;
        trainer = next;
        let queries = match step {
            Step::Ask(queries) => queries,
            Step::Done(trained) => {
                folder.keep_model(&trained)?;
                return Ok(Finished { trained: *trained, model: folder.model(), receipts, paid });
            }
        };
        let answers = buying.round(round, &queries, watch).await?;
        for query in 0..queries.len() {
            let place = Place { round, query };
            receipts.push(folder.receipt(place));
            if let Some(offer) = folder.offer(place)? {
                paid = paid.plus(offer.quote.body.price).unwrap_or(paid);
            }
        }
        trainer.answer(&answers).map_err(TrainingError::from)?;
        round += 1;
    }
}

/// How many rounds of a run its folder has all answers to.
///
/// # Errors
/// When the folder is damaged, or the answers do not allow a model.
pub fn rounds_done(run: &Run, folder: &Folder) -> Result<usize, ClientError> {
    let mut trainer = Trainer::new(run.source.clone(), &run.task).map_err(TrainingError::from)?;
    let mut round = 0;
    while let Step::Ask(queries) = trainer.next().map_err(TrainingError::from)? {
        let answers = kept(folder, round, &queries)?;
        if answers.iter().any(Option::is_none) {
            break;
        }
        let answers: Vec<Answer> = answers.into_iter().flatten().collect();
        trainer.answer(&answers).map_err(TrainingError::from)?;
        round += 1;
    }
    Ok(round)
}

/// The answers to a round that are at hand.
fn kept(folder: &Folder, round: usize, queries: &[Query]) -> Result<Vec<Option<Answer>>, ClientError> {
    let one = |(query, asked): (usize, &Query)| folder.answer(Place { round, query }, asked.digest()?);
    queries.iter().enumerate().map(one).collect()
}

/// The next step, off the async runtime: fitting is arithmetic.
async fn turn(mut trainer: Trainer) -> Result<(Trainer, Step), ClientError> {
    let turned = tokio::task::spawn_blocking(move || trainer.next().map(|step| (trainer, step))).await;
    Ok(turned.map_err(|_| ClientError::Task("training"))?.map_err(TrainingError::from)?)
}

/// Buys rounds within what is left of the run's price.
struct Buying<'a> {
    session: &'a Session,
    keys: &'a KeyBundle,
    run: &'a Run,
    folder: &'a Folder,
    left: Amount,
}

impl Buying<'_> {
    async fn round(
        &mut self,
        round: usize,
        queries: &[Query],
        watch: &mut (dyn FnMut(Event<'_>) + Send),
    ) -> Result<Vec<Answer>, ClientError> {
        let mut answers = kept(self.folder, round, queries)?;
        let missing = answers.iter().filter(|answer| answer.is_none()).count();
        if missing > 0 {
            let of = self.run.plan.rounds.len().max(round + 1);
            watch(Event::Round { round: round + 1, of, queries: missing });
        }
        let mut offers = Vec::new();
        for (query, asked) in queries.iter().enumerate().filter(|(query, _)| answers[*query].is_none()) {
            let place = Place { round, query };
            offers.push((place, self.offer(place, asked).await?));
        }
        self.agree(round, &offers)?;
        let mut jobs = Vec::with_capacity(offers.len());
        for (place, offer) in offers {
            jobs.push(self.buy(place, offer).await?);
        }
        for (place, offer, job) in jobs {
            let job = buyer::wait(self.session, job.id, |job| watch(Event::Job(job))).await?;
            answers[place.query] = Some(self.open(place, &offer, &job).await?);
        }
        Ok(answers.into_iter().flatten().collect())
    }

    /// The offer that was kept for a query, or a new one.
    async fn offer(&self, place: Place, query: &Query) -> Result<CheckedOffer, ClientError> {
        if let Some(offer) = self.folder.offer(place)?
            && offer.query == *query
        {
            return buyer::check(self.session, self.run.listing.clone(), offer);
        }
        let question = Question::Query(Box::new(query.clone()));
        buyer::quote_question(self.session, self.run.listing.clone(), question, None).await
    }

    /// Takes the price of a round from what is left, before any of it is bought.
    fn agree(&mut self, round: usize, offers: &[(Place, CheckedOffer)]) -> Result<(), ClientError> {
        let price = |offer: &CheckedOffer| offer.offer.quote.body.price;
        let sum = offers.iter().try_fold(Amount::minor(0), |sum, (_, offer)| sum.plus(price(offer)));
        let overrun =
            |price: String| TrainingError::Overrun { round: round + 1, price, left: self.left.to_string() };
        let sum = sum.map_err(|_| overrun("more than can be counted".to_owned()))?;
        match self.left.minus(sum) {
            Ok(left) if !left.is_negative() => {
                self.left = left;
                Ok(())
            }
            _ => Err(overrun(sum.to_string()).into()),
        }
    }

    /// Buys, or finds what was bought before: the offer is kept first, and buying it again is the same
    /// purchase.
    async fn buy(
        &self,
        place: Place,
        offer: CheckedOffer,
    ) -> Result<(Place, CheckedOffer, Job), ClientError> {
        self.folder.keep_offer(place, &offer.offer)?;
        match buyer::buy(self.session, self.keys, &offer).await {
            Ok(job) => Ok((place, offer, job)),
            Err(error) => {
                let is_void =
                    error.problem().is_some_and(|problem| problem.code == ProblemCode::QuoteExpired);
                if is_void {
                    self.folder.drop_offer(place)?;
                }
                Err(error)
            }
        }
    }

    async fn open(&self, place: Place, offer: &CheckedOffer, job: &Job) -> Result<Answer, ClientError> {
        if job.state != JobState::Released {
            self.folder.drop_offer(place)?;
            let detail = job.problem.as_ref().map(|problem| problem.detail.clone()).unwrap_or_default();
            return Err(TrainingError::Unanswered {
                round: place.round + 1,
                job: job.id.to_string(),
                state: ended(job.state),
                detail,
            }
            .into());
        }
        let opened = buyer::open(self.session, self.keys, job, Some(offer)).await?;
        self.folder.keep_answer(place, &opened.answer, &opened.receipt)?;
        Ok(opened.answer)
    }
}

const fn ended(state: JobState) -> &'static str {
    match state {
        JobState::Refused => "refused",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "given up because no gate answered",
        _ => "not completed",
    }
}
