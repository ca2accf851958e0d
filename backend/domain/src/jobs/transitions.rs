//! The moves of a job. Each checks where the job is, and whose it is while it runs; a move that is not
//! allowed leaves the job as it was.

use chrono::{DateTime, Utc};
use sordino_protocol::{
    api::{JobProblem, JobState},
    ids::JobId,
    problem::ProblemCode,
};

use super::{Job, Lease, LeaseToken, MAX_ATTEMPTS, Progress};

/// Why a job does not move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The states are not connected.
    #[error("job {job} is {from:?}: it cannot become {to:?}")]
    Illegal {
        /// Which.
        job: JobId,
        /// Where it is.
        from: JobState,
        /// Where it should have gone.
        to: JobState,
    },
    /// The lease ended, or another worker has the job.
    #[error("job {job} is not leased to this worker any more")]
    LeaseLost {
        /// Which.
        job: JobId,
    },
}

/// Whether a failure is worth another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The cause may pass: queue the job again while attempts are left.
    Later,
    /// It would fail again.
    Never,
}

/// How an evaluation ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evaluated {
    /// Milliseconds it took.
    pub evaluate_ms: u64,
    /// When it ended.
    pub at: DateTime<Utc>,
}

impl Progress {
    /// A quote that nobody has accepted.
    pub fn quoted(at: DateTime<Utc>) -> Self {
        Self {
            state: JobState::Quoted,
            attempts: 0,
            lease: None,
            done: 0,
            evaluate_ms: None,
            problem: None,
            updated_at: at,
        }
    }
}

impl Job {
    /// The price is held.
    ///
    /// # Errors
    /// Unless quoted.
    pub fn hold(&mut self, at: DateTime<Utc>) -> Result<(), JobError> {
        self.go(&[JobState::Quoted], JobState::Held, at)
    }

    /// A worker may take it.
    ///
    /// # Errors
    /// Unless held.
    pub fn enqueue(&mut self, at: DateTime<Utc>) -> Result<(), JobError> {
        self.go(&[JobState::Held], JobState::Queued, at)
    }

    /// A worker takes it: from the queue, or from a worker whose lease ended. When all attempts are used up,
    /// the job fails instead; the caller tells by the state.
    ///
    /// # Errors
    /// When it is neither queued nor running with a lease that ended.
    pub fn begin(&mut self, lease: Lease, at: DateTime<Utc>) -> Result<(), JobError> {
        let abandoned = match (self.state(), &self.progress.lease) {
            (JobState::Queued, _) => false,
            (JobState::Running, Some(held)) if held.until <= at => true,
            (from, _) => return Err(JobError::Illegal { job: self.id, from, to: JobState::Running }),
        };
        if self.progress.attempts >= MAX_ATTEMPTS {
            let detail = format!("the evaluation was begun {MAX_ATTEMPTS} times and never finished");
            return self.end(
                &[JobState::Queued, JobState::Running],
                JobState::Failed,
                Some(JobProblem { code: ProblemCode::Internal, detail }),
                at,
            );
        }
        if !abandoned {
            self.go(&[JobState::Queued], JobState::Running, at)?;
        }
        self.progress.attempts += 1;
        self.progress.done = 0;
        self.progress.lease = Some(lease);
        self.progress.updated_at = at;
        Ok(())
    }

    /// The worker is alive and has done so much.
    ///
    /// # Errors
    /// When the lease is not this one any more; an ended lease that nobody took may still be renewed.
    pub fn renew(&mut self, token: LeaseToken, until: DateTime<Utc>, done: u64) -> Result<(), JobError> {
        let (job, total) = (self.id, self.total);
        let lease = self.progress.lease.as_mut().filter(|lease| lease.token == token);
        let lease = lease.ok_or(JobError::LeaseLost { job })?;
        lease.until = until;
        self.progress.done = self.progress.done.max(done.min(total));
        Ok(())
    }

    /// The outputs are there; the gate is to release.
    ///
    /// # Errors
    /// When the lease is not this one any more.
    pub fn evaluated(&mut self, token: LeaseToken, evaluated: Evaluated) -> Result<(), JobError> {
        self.check_lease(token)?;
        self.go(&[JobState::Running], JobState::AwaitingRelease, evaluated.at)?;
        self.progress.lease = None;
        self.progress.done = self.total;
        self.progress.evaluate_ms = Some(evaluated.evaluate_ms);
        Ok(())
    }

    /// The attempt failed. The job is queued again if that may help and attempts are left; otherwise it ends.
    ///
    /// # Errors
    /// When the lease is not this one any more.
    pub fn fail(
        &mut self,
        token: LeaseToken,
        problem: JobProblem,
        retry: Retry,
        at: DateTime<Utc>,
    ) -> Result<(), JobError> {
        self.check_lease(token)?;
        if retry == Retry::Later && self.progress.attempts < MAX_ATTEMPTS {
            self.go(&[JobState::Running], JobState::Queued, at)?;
            self.progress.lease = None;
            self.progress.done = 0;
            return Ok(());
        }
        self.end(&[JobState::Running], JobState::Failed, Some(problem), at)
    }

    /// The gate released the answer.
    ///
    /// # Errors
    /// Unless awaiting release.
    pub fn release(&mut self, at: DateTime<Utc>) -> Result<(), JobError> {
        self.end(&[JobState::AwaitingRelease], JobState::Released, None, at)
    }

    /// The gate refused.
    ///
    /// # Errors
    /// Unless awaiting release.
    pub fn refuse(&mut self, problem: JobProblem, at: DateTime<Utc>) -> Result<(), JobError> {
        self.end(&[JobState::AwaitingRelease], JobState::Refused, Some(problem), at)
    }

    /// The buyer cancels. Once evaluated it is too late: the gate may have spent epsilon on the answer.
    ///
    /// # Errors
    /// When it is evaluated or ended.
    pub fn cancel(&mut self, at: DateTime<Utc>) -> Result<(), JobError> {
        self.end(&[JobState::Held, JobState::Queued, JobState::Running], JobState::Cancelled, None, at)
    }

    /// Nobody took it, or nobody released it, in time.
    ///
    /// # Errors
    /// Unless queued or awaiting release.
    pub fn expire(&mut self, at: DateTime<Utc>) -> Result<(), JobError> {
        let detail = match self.state() {
            JobState::AwaitingRelease => "the gate did not decide in time".to_owned(),
            _ => "no worker was free in time".to_owned(),
        };
        let problem = JobProblem { code: ProblemCode::Unavailable, detail };
        self.end(&[JobState::Queued, JobState::AwaitingRelease], JobState::Expired, Some(problem), at)
    }

    fn check_lease(&self, token: LeaseToken) -> Result<(), JobError> {
        match &self.progress.lease {
            Some(lease) if lease.token == token => Ok(()),
            _ => Err(JobError::LeaseLost { job: self.id }),
        }
    }

    fn end(
        &mut self,
        allowed: &[JobState],
        to: JobState,
        problem: Option<JobProblem>,
        at: DateTime<Utc>,
    ) -> Result<(), JobError> {
        self.go(allowed, to, at)?;
        self.progress.lease = None;
        self.progress.problem = problem;
        Ok(())
    }

    fn go(&mut self, allowed: &[JobState], to: JobState, at: DateTime<Utc>) -> Result<(), JobError> {
        let from = self.state();
        if !allowed.contains(&from) {
            return Err(JobError::Illegal { job: self.id, from, to });
        }
        self.progress.state = to;
        self.progress.updated_at = at;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
