//! Random histories of everything at once; whatever happens, the books balance.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sordino_domain::jobs::{Lease, Retry};
use sordino_protocol::{
    api::{JobProblem, JobState},
    ids::JobId,
    problem::ProblemCode,
};

use super::{on_each, world::*};
use crate::{
    StorageError,
    jobs::{ExpireBefore, LeasedJob},
};

/// What the random actors know.
#[derive(Default)]
struct Known {
    jobs: Vec<JobId>,
    leased: Vec<(LeasedJob, Lease)>,
    topped_up: i64,
}

/// Errors that a step may meet when another came first.
fn is_expected(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Job(_)
            | StorageError::Decision(_)
            | StorageError::Quote(_)
            | StorageError::InsufficientBalance { .. }
    )
}

#[test]
fn whatever_happens_the_books_balance() {
    let seed: u64 = std::env::var("SORDINO_TEST_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(rand::random);
    println!("seed {seed}: set SORDINO_TEST_SEED to repeat");
    on_each(|db| async move {
        let world = World::new(&db.storage).await;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut known = Known::default();
        for step in 0..250i64 {
            let outcome = one_step(&world, &mut known, &mut random, step).await;
            if let Err(error) = outcome {
                assert!(is_expected(&error), "seed {seed}, step {step}: {error:?}");
            }
            if step % 25 == 0 {
                assert_clean(&world.storage).await;
            }
        }
        assert_clean(&world.storage).await;
        check_total(&world, &known).await;
    });
}

async fn one_step(
    world: &World,
    known: &mut Known,
    random: &mut ChaCha8Rng,
    step: i64,
) -> Result<(), StorageError> {
    let (storage, now) = (&world.storage, at(10 + step));
    let jobs = storage.jobs();
    match random.random_range(0..100) {
        0..15 => {
            let amount = random.random_range(1..300);
            world.top_up(world.buyer.id, amount).await;
            known.topped_up += amount;
        }
        15..40 => {
            let quote = world.quote(world.buyer.id, 10_000).await;
            let mut accept = world.acceptance(&quote);
            let job = jobs.accept(world.buyer.id, accept.clone(), now).await?;
            known.jobs.push(job.id);
            if random.random_bool(0.3) {
                accept.job = JobId::new(id());
                assert_eq!(jobs.accept(world.buyer.id, accept, now).await?.id, job.id);
            }
        }
        40..60 => {
            let lease = lease(10 + step + random.random_range(0..20));
            if let Some(leased) = jobs.acquire(&lease, now).await? {
                known.leased.push((leased, lease));
            }
        }
        60..75 => {
            let Some((leased, lease)) = known.leased.choose(random).cloned() else { return Ok(()) };
            match random.random_range(0..4) {
                0 => jobs.renew(leased.job.id, lease.token, at(40 + step), 10).await?,
                1 => {
                    let problem = JobProblem { code: ProblemCode::Internal, detail: "test".to_owned() };
                    let retry = if random.random_bool(0.7) { Retry::Later } else { Retry::Never };
                    jobs.fail(leased.job.id, lease.token, problem, retry, now).await?;
                }
                _ => {
                    let finished = world.finished(&leased).await;
                    jobs.complete(leased.job.id, lease.token, finished, now).await?;
                }
            }
        }
        75..90 => {
            let requests = storage.releases().pending(world.gate.id, 16).await?;
            let Some(request) = requests.choose(random) else { return Ok(()) };
            let decision = if random.random_bool(0.8) { release(request) } else { refuse(request) };
            let job = storage.releases().decide(world.gate.id, &decision, now).await?;
            assert_eq!(storage.releases().decide(world.gate.id, &decision, now).await?, job);
        }
        90..96 => {
            let Some(job) = known.jobs.choose(random) else { return Ok(()) };
            jobs.cancel(world.buyer.id, *job, now).await?;
        }
        _ => {
            let before = ExpireBefore { queued: at(step - 40), awaiting_release: at(step - 40) };
            jobs.expire(before, now).await?;
        }
    }
    Ok(())
}

/// What was paid in is prepaid, held, or with owner and platform.
async fn check_total(world: &World, known: &Known) {
    let jobs = world.storage.jobs().list(world.buyer.id, 1_000).await.expect("no error");
    let sold = jobs.iter().filter(|job| job.state() == JobState::Released).count() as i64;
    let open = jobs.iter().filter(|job| !job.state().is_final()).count() as i64;
    let [prepaid, held, _] = world.balance(world.buyer.id).await;
    assert_eq!(held, open * PRICE);
    assert_eq!(prepaid + held + sold * PRICE, known.topped_up);
    assert_eq!(world.balance(world.owner.id).await, [0, 0, sold * 85]);
}
