//! The life of a job, and what is refused on the way.

use std::collections::HashSet;

use sordino_domain::{
    jobs::{JobError, MAX_ATTEMPTS, Retry},
    quotes::QuoteError,
    releases::{DecisionError, ReleaseState},
};
use sordino_protocol::{
    api::{JobProblem, JobState},
    digest::Digest,
    ids::{JobId, ReleaseId},
    problem::ProblemCode,
    release::ReleaseDecision,
};

use super::{on_each, world::*};
use crate::{StorageError, jobs::ExpireBefore, outbox::Topic};

fn problem() -> JobProblem {
    JobProblem { code: ProblemCode::BadCiphertext, detail: "object 3".to_owned() }
}

#[test]
fn from_quote_to_answer() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let jobs = world.storage.jobs();
        world.top_up(world.buyer.id, 1_000).await;
        let (job, request) = world.evaluated().await;
        assert_eq!(
            (job.state(), job.progress.done, job.progress.evaluate_ms),
            (JobState::AwaitingRelease, job.total, Some(12))
        );
        assert_eq!(world.balance(world.buyer.id).await, [1_000 - PRICE, PRICE, 0]);
        assert!(matches!(error(jobs.answer(world.buyer.id, job.id).await), StorageError::NotFound { .. }));

        let releases = world.storage.releases();
        let gate_key = releases.gate_key(world.gate.id, request.id).await.expect("asked");
        assert_eq!(gate_key, key(2).verifying_key());
        let decision = release(&request);
        let released = releases.decide(world.gate.id, &decision, at(6)).await.expect("taken");
        assert_eq!(released.state(), JobState::Released);
        assert_eq!(releases.decide(world.gate.id, &decision, at(7)).await.expect("the same"), released);
        assert_eq!(jobs.get(world.buyer.id, job.id).await.expect("found"), released);
        assert_eq!(releases.pending(world.gate.id, 9).await.expect("no error"), []);

        let sealed = jobs.answer(world.buyer.id, job.id).await.expect("there");
        assert_eq!(recipient().open(&sealed).expect("opened").as_slice(), b"42");
        for party in [world.buyer.id, world.owner.id] {
            let receipt = jobs.receipt(party, job.id).await.expect("there");
            assert_eq!(receipt.decision, Some(decision.decision.clone()));
        }
        assert!(matches!(
            error(jobs.receipt(world.operator.id, job.id).await),
            StorageError::NotFound { .. }
        ));
        // 15 % of 99 is 14, rounded down.
        assert_eq!(world.balance(world.buyer.id).await, [1_000 - PRICE, 0, 0]);
        assert_eq!(world.balance(world.owner.id).await, [0, 0, 85]);

        let events = world.storage.outbox().pending(10).await.expect("no error");
        let topics: Vec<Topic> = events.iter().map(|event| event.topic).collect();
        assert_eq!(topics, [Topic::JobQueued, Topic::ReleaseRequested, Topic::JobEnded]);
        world.storage.outbox().delivered(&[events[0].id, events[1].id]).await.expect("forgotten");
        assert_eq!(world.storage.outbox().pending(10).await.expect("no error"), events[2..]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn other_decisions_and_strangers_are_refused() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let (_, request) = world.evaluated().await;
        let releases = world.storage.releases();
        let stranger =
            world.storage.gates().enrol(world.owner.id, new_gate(7), at(0)).await.expect("enrolled");
        let refused = releases.decide(stranger.id, &release(&request), at(6)).await;
        assert!(matches!(error(refused), StorageError::NotFound { kind: "release", .. }));

        let good = release(&request);
        let mut other = request.clone();
        other.receipt.body.outputs = Digest::from_bytes([0; 32]);
        let outcome = good.decision.body.outcome.clone();
        let moved = ReleaseDecision { decision: decide(&other, outcome), sealed: good.sealed.clone() };
        let refused = error(releases.decide(world.gate.id, &moved, at(6)).await);
        assert!(
            matches!(refused, StorageError::Decision(DecisionError::Mismatch { what: "receipt", .. })),
            "{refused:?}"
        );
        let empty = ReleaseDecision { sealed: None, ..good.clone() };
        let refused = error(releases.decide(world.gate.id, &empty, at(6)).await);
        assert!(matches!(refused, StorageError::Decision(DecisionError::Answer { .. })), "{refused:?}");
        let mut swapped = good.clone();
        swapped.sealed = release(&request).sealed;
        let refused = error(releases.decide(world.gate.id, &swapped, at(6)).await);
        assert!(
            matches!(refused, StorageError::Decision(DecisionError::Mismatch { what: "sealed answer", .. })),
            "{refused:?}"
        );

        releases.decide(world.gate.id, &refuse(&request), at(6)).await.expect("taken");
        let refused = error(releases.decide(world.gate.id, &good, at(7)).await);
        let expected = DecisionError::Decided { release: request.id, state: ReleaseState::Refused };
        assert!(matches!(refused, StorageError::Decision(error) if error == expected), "{refused:?}");
        let job = world.storage.jobs().get(world.buyer.id, request.job).await.expect("found");
        assert_eq!(job.state(), JobState::Refused);
        assert_eq!(job.progress.problem.map(|problem| problem.code), Some(ProblemCode::PolicyRefused));
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn quotes_are_personal_short_lived_and_used_once() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let jobs = world.storage.jobs();
        world.top_up(world.buyer.id, 1_000).await;
        let quote = world.quote(world.buyer.id, 10).await;
        let stranger = jobs.accept(world.owner.id, world.acceptance(&quote), at(2)).await;
        assert!(matches!(error(stranger), StorageError::NotFound { kind: "quote", .. }));
        let late = jobs.accept(world.buyer.id, world.acceptance(&quote), at(10)).await;
        assert!(matches!(error(late), StorageError::Quote(QuoteError::Expired { .. })));
        let job = jobs.accept(world.buyer.id, world.acceptance(&quote), at(9)).await.expect("in time");
        let twice = error(jobs.accept(world.buyer.id, world.acceptance(&quote), at(9)).await);
        assert!(matches!(twice, StorageError::Quote(QuoteError::Used { job: by, .. }) if by == job.id));
        let stored = world.storage.quotes().get(world.buyer.id, quote.body.id).await.expect("found");
        assert_eq!(stored.job, Some(job.id));
        assert_eq!(stored.shown(), presentation());
        let stranger = world.storage.quotes().get(world.owner.id, quote.body.id).await;
        assert!(matches!(error(stranger), StorageError::NotFound { .. }));
        assert_eq!(world.balance(world.buyer.id).await, [1_000 - PRICE, PRICE, 0]);
    });
}

#[test]
fn the_same_request_at_the_same_time_is_one_job() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let quote = world.quote(world.buyer.id, 600).await;
        let accept = world.acceptance(&quote);
        let other = db.again().await;
        let mut tasks = tokio::task::JoinSet::new();
        for at_once in 0..8 {
            let storage = if at_once % 2 == 0 { world.storage.clone() } else { other.clone() };
            let accept = crate::jobs::Accept { job: JobId::new(id()), ..accept.clone() };
            let buyer = world.buyer.id;
            tasks.spawn(async move { storage.jobs().accept(buyer, accept, at(2)).await });
        }
        let jobs: HashSet<JobId> =
            tasks.join_all().await.into_iter().map(|job| job.expect("a job").id).collect();
        assert_eq!(jobs.len(), 1);
        assert_eq!(world.balance(world.buyer.id).await, [1_000 - PRICE, PRICE, 0]);
        let changed = crate::jobs::Accept { request: Digest::from_bytes([1; 32]), ..accept };
        let refused = world.storage.jobs().accept(world.buyer.id, changed, at(3)).await;
        assert!(matches!(error(refused), StorageError::IdempotencyMismatch));
        assert_clean(&world.storage).await;
    });
}

#[test]
fn two_workers_never_take_the_same_job() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 10_000).await;
        for _ in 0..12 {
            world.accepted().await;
        }
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let storage = db.again().await;
            tasks.spawn(async move {
                let mut taken = Vec::new();
                while let Some(job) = storage.jobs().acquire(&lease(600), at(3)).await.expect("no error") {
                    taken.push(job.job.id);
                }
                taken
            });
        }
        let taken: Vec<JobId> = tasks.join_all().await.into_iter().flatten().collect();
        let different: HashSet<_> = taken.iter().collect();
        // On PostgreSQL a worker may find every waiting row locked, and stop; then one is left for the next.
        let left = world.storage.jobs().acquire(&lease(600), at(3)).await.expect("no error");
        assert_eq!(taken.len(), different.len());
        assert!(left.is_none() || taken.len() < 12);
    });
}

#[test]
fn a_lost_lease_counts_for_nothing_and_the_job_goes_on() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let job = world.accepted().await;
        // The first worker takes the job and is never heard of again: its connection is dropped.
        let (first, second) = (lease(30), lease(90));
        let crashed = db.again().await;
        let leased = crashed.jobs().acquire(&first, at(3)).await.expect("no error").expect("a job");
        crashed.jobs().renew(job.id, first.token, at(40), 500).await.expect("kept");
        drop(crashed);
        let jobs = world.storage.jobs();
        assert_eq!(jobs.get(world.buyer.id, job.id).await.expect("found").progress.done, 500);
        assert!(jobs.acquire(&second, at(39)).await.expect("no error").is_none());
        let again = jobs.acquire(&second, at(40)).await.expect("no error").expect("abandoned");
        assert_eq!((again.job.id, again.job.progress.attempts, again.job.progress.done), (job.id, 2, 0));

        let lost = |error: StorageError| matches!(error, StorageError::Job(JobError::LeaseLost { .. }));
        let finished = world.finished(&leased).await;
        assert!(lost(error(jobs.complete(job.id, first.token, finished.clone(), at(41)).await)));
        assert!(lost(error(jobs.renew(job.id, first.token, at(99), 1).await)));
        assert!(lost(error(jobs.fail(job.id, first.token, problem(), Retry::Never, at(41)).await)));
        jobs.complete(job.id, second.token, finished, at(42)).await.expect("the second worker completes");
        assert_eq!(world.balance(world.buyer.id).await, [1_000 - PRICE, PRICE, 0]);
    });
}

#[test]
fn a_receipt_about_something_else_does_not_complete() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        world.top_up(world.buyer.id, 1_000).await;
        let job = world.accepted().await;
        let lease = lease(60);
        let jobs = world.storage.jobs();
        let leased = jobs.acquire(&lease, at(3)).await.expect("no error").expect("a job");
        let good = world.finished(&leased).await;
        let mut cheap = good.clone();
        cheap.receipt.body.price = sordino_protocol::money::Amount::minor(1);
        let refused = error(jobs.complete(job.id, lease.token, cheap, at(4)).await);
        assert!(matches!(refused, StorageError::Conflict { kind: "job", .. }), "{refused:?}");
        let mut lacking = good.clone();
        lacking.receipt.body.outputs = Digest::from_bytes([8; 32]);
        let refused = error(jobs.complete(job.id, lease.token, lacking, at(4)).await);
        assert!(matches!(refused, StorageError::MissingObjects(_)), "{refused:?}");
        jobs.complete(job.id, lease.token, good, at(4)).await.expect("still leased");
    });
}

#[test]
fn failures_are_retried_and_then_cost_nothing() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let jobs = world.storage.jobs();
        world.top_up(world.buyer.id, 1_000).await;
        let job = world.accepted().await;
        for attempt in 1..=MAX_ATTEMPTS {
            let lease = lease(60);
            jobs.acquire(&lease, at(3)).await.expect("no error").expect("a job");
            let failed =
                jobs.fail(job.id, lease.token, problem(), Retry::Later, at(4)).await.expect("failed");
            let last = attempt == MAX_ATTEMPTS;
            assert_eq!(failed.state(), if last { JobState::Failed } else { JobState::Queued });
        }
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);
        // Workers that die take the same way.
        let abandoned = world.accepted().await;
        for attempt in 0..MAX_ATTEMPTS {
            let now = i64::from(attempt) * 100;
            jobs.acquire(&lease(now + 50), at(now)).await.expect("no error").expect("a job");
        }
        assert!(jobs.acquire(&lease(2_000), at(1_000)).await.expect("no error").is_none());
        let abandoned = jobs.get(world.buyer.id, abandoned.id).await.expect("found");
        assert_eq!(abandoned.state(), JobState::Failed);
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn buyers_cancel_before_the_evaluation_ends_and_not_after() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let jobs = world.storage.jobs();
        world.top_up(world.buyer.id, 1_000).await;
        let job = world.accepted().await;
        assert!(matches!(
            error(jobs.cancel(world.owner.id, job.id, at(3)).await),
            StorageError::NotFound { .. }
        ));
        let lease = lease(60);
        jobs.acquire(&lease, at(3)).await.expect("no error").expect("a job");
        let cancelled = jobs.cancel(world.buyer.id, job.id, at(4)).await.expect("cancelled");
        assert_eq!(jobs.cancel(world.buyer.id, job.id, at(5)).await.expect("the same"), cancelled);
        let lost = error(jobs.renew(job.id, lease.token, at(99), 1).await);
        assert!(matches!(lost, StorageError::Job(JobError::LeaseLost { .. })));
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);

        let (job, _) = world.evaluated().await;
        let late = error(jobs.cancel(world.buyer.id, job.id, at(5)).await);
        assert!(matches!(late, StorageError::Job(JobError::Illegal { to: JobState::Cancelled, .. })));
        assert_eq!(jobs.list(world.buyer.id, 10).await.expect("no error").len(), 2);
        assert_clean(&world.storage).await;
    });
}

#[test]
fn what_waits_too_long_expires() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let jobs = world.storage.jobs();
        world.top_up(world.buyer.id, 1_000).await;
        let (asked, request) = world.evaluated().await;
        let queued = world.accepted().await;
        let never = ExpireBefore { queued: at(0), awaiting_release: at(0) };
        assert_eq!(jobs.expire(never, at(100)).await.expect("no error"), []);
        let all = ExpireBefore { queued: at(90), awaiting_release: at(90) };
        let expired: HashSet<JobId> =
            jobs.expire(all, at(100)).await.expect("no error").into_iter().collect();
        assert_eq!(expired, HashSet::from([asked.id, queued.id]));
        assert_eq!(jobs.expire(all, at(100)).await.expect("no error"), []);
        assert_eq!(world.balance(world.buyer.id).await, [1_000, 0, 0]);
        let late = error(world.storage.releases().decide(world.gate.id, &release(&request), at(101)).await);
        let expected = DecisionError::Decided { release: request.id, state: ReleaseState::Expired };
        assert!(matches!(late, StorageError::Decision(error) if error == expected), "{late:?}");
        assert_clean(&world.storage).await;
    });
}

#[test]
fn what_is_not_there_is_not_found() {
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let nothing = JobId::new(id());
        let jobs = world.storage.jobs();
        assert!(matches!(error(jobs.get(world.buyer.id, nothing).await), StorageError::NotFound { .. }));
        assert!(matches!(
            error(jobs.cancel(world.buyer.id, nothing, at(1)).await),
            StorageError::NotFound { .. }
        ));
        let token = lease(1).token;
        assert!(matches!(error(jobs.renew(nothing, token, at(9), 0).await), StorageError::NotFound { .. }));
        let key = world.storage.releases().gate_key(world.gate.id, ReleaseId::new(id())).await;
        assert!(matches!(error(key), StorageError::NotFound { .. }));
    });
}
