//! Every move from every state.

use chrono::TimeDelta;
use sordino_protocol::{
    digest::Digest,
    ids::{AccountId, GateId, ListingId, QuoteId},
    money::{Amount, Currency},
};
use uuid::Uuid;

use super::*;
use crate::pricing::BasisPoints;

const ALL: [JobState; 10] = [
    JobState::Quoted,
    JobState::Held,
    JobState::Queued,
    JobState::Running,
    JobState::AwaitingRelease,
    JobState::Released,
    JobState::Refused,
    JobState::Failed,
    JobState::Cancelled,
    JobState::Expired,
];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range")
}

fn token(of: u128) -> LeaseToken {
    LeaseToken::new(Uuid::from_u128(of))
}

fn lease(of: u128) -> Lease {
    Lease { token: token(of), worker: "w".to_owned(), until: now() + TimeDelta::seconds(30) }
}

fn problem() -> JobProblem {
    JobProblem { code: ProblemCode::Internal, detail: "x".to_owned() }
}

fn job(state: JobState) -> Job {
    let id = Uuid::from_u128(1);
    Job {
        id: JobId::new(id),
        buyer: AccountId::new(id),
        owner: AccountId::new(id),
        listing: ListingId::new(id),
        dataset: Digest::from_bytes([1; 32]),
        gate: GateId::new(id),
        quote: QuoteId::new(id),
        query: Digest::from_bytes([2; 32]),
        total: 100,
        price: Amount::minor(10),
        currency: Currency::EUR,
        fee: BasisPoints::default(),
        created_at: now(),
        progress: Progress {
            state,
            lease: (state == JobState::Running).then(|| lease(7)),
            ..Progress::quoted(now())
        },
    }
}

#[test]
fn only_the_listed_moves_are_allowed() {
    type Move = (&'static str, fn(&mut Job) -> Result<(), JobError>, &'static [JobState]);
    let moves: [Move; 9] = [
        ("hold", |j| j.hold(now()), &[JobState::Quoted]),
        ("enqueue", |j| j.enqueue(now()), &[JobState::Held]),
        ("begin", |j| j.begin(lease(8), now()), &[JobState::Queued]),
        (
            "evaluated",
            |j| j.evaluated(token(7), Evaluated { evaluate_ms: 3, at: now() }),
            &[JobState::Running],
        ),
        ("fail", |j| j.fail(token(7), problem(), Retry::Never, now()), &[JobState::Running]),
        ("release", |j| j.release(now()), &[JobState::AwaitingRelease]),
        ("refuse", |j| j.refuse(problem(), now()), &[JobState::AwaitingRelease]),
        ("cancel", |j| j.cancel(now()), &[JobState::Held, JobState::Queued, JobState::Running]),
        ("expire", |j| j.expire(now()), &[JobState::Queued, JobState::AwaitingRelease]),
    ];
    for (name, make, allowed) in moves {
        for state in ALL {
            let mut moved = job(state);
            let outcome = make(&mut moved);
            assert_eq!(outcome.is_ok(), allowed.contains(&state), "{name} from {state:?}: {outcome:?}");
            if outcome.is_err() {
                assert_eq!(moved, job(state), "{name} from {state:?} failed, and yet changed the job");
            }
            assert_eq!(moved.progress.lease.is_some(), moved.state() == JobState::Running, "{name}");
        }
    }
}

#[test]
fn a_lease_that_ended_is_taken_over_and_its_token_is_worth_nothing() {
    let mut job = job(JobState::Queued);
    job.begin(lease(1), now()).expect("queued");
    assert!(job.begin(lease(2), now()).is_err());
    let later = now() + TimeDelta::seconds(30);
    job.begin(lease(2), later).expect("the lease ended");
    assert_eq!(job.progress.attempts, 2);
    let lost = Err(JobError::LeaseLost { job: job.id });
    assert_eq!(job.renew(token(1), later, 5), lost);
    assert_eq!(job.evaluated(token(1), Evaluated { evaluate_ms: 1, at: later }), lost);
    assert_eq!(job.fail(token(1), problem(), Retry::Later, later), lost);
    assert_eq!(job.renew(token(2), later, 1_000), Ok(()));
    assert_eq!(job.progress.done, 100);
}

#[test]
fn after_the_last_attempt_a_job_fails() {
    let mut retried = job(JobState::Queued);
    for attempt in 1..=MAX_ATTEMPTS {
        retried.begin(lease(9), now()).expect("queued");
        retried.fail(token(9), problem(), Retry::Later, now()).expect("leased");
        let expected = if attempt == MAX_ATTEMPTS { JobState::Failed } else { JobState::Queued };
        assert_eq!(retried.state(), expected);
    }
    let mut abandoned = job(JobState::Queued);
    abandoned.progress.attempts = MAX_ATTEMPTS;
    abandoned.begin(lease(9), now()).expect("ends");
    assert_eq!(abandoned.state(), JobState::Failed);
    assert_eq!(abandoned.progress.lease, None);
}
