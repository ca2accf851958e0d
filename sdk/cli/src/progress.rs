//! Progress bars on standard error; nothing is drawn where there is no terminal.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use sordino_client::publish::{Progress, Stage};
use sordino_protocol::api::{Job, JobState};

/// Bars of a publication, one stage at a time.
#[derive(Debug, Default)]
pub(crate) struct PublishBars(Mutex<Option<ProgressBar>>);

impl PublishBars {
    fn swap(&self, bar: Option<ProgressBar>) {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(done) = current.take() {
            done.finish();
        }
        *current = bar;
    }

    pub(crate) fn finish(&self) {
        self.swap(None);
    }
}

impl Progress for PublishBars {
    fn begin(&self, stage: Stage, total: u64) {
        let (name, unit) = match stage {
            Stage::Rows => ("encrypting rows", "{human_pos}/{human_len} rows"),
            Stage::Aggregates => ("encrypting aggregates", "{human_pos}/{human_len} segments"),
            Stage::EvaluationKeys => ("making evaluation keys", ""),
            Stage::Upload => ("uploading", "{bytes}/{total_bytes} {bytes_per_sec}"),
        };
        self.swap(Some(bar(name, unit, total)));
    }

    fn advance(&self, steps: u64) {
        if let Some(bar) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(steps);
        }
    }
}

/// The bar of a job.
pub(crate) struct JobBar(ProgressBar);

impl JobBar {
    pub(crate) fn new() -> Self {
        let bar = bar("waiting", "{msg}", 1);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(crate) fn show(&self, job: &Job) {
        self.0.set_length(job.total.max(1));
        self.0.set_position(job.done);
        self.0.set_message(state(job.state));
    }

    /// Says what the jobs that follow are for.
    pub(crate) fn begin(&self, what: String) {
        self.0.println(&what);
        self.0.set_prefix(what);
    }

    pub(crate) fn finish(&self) {
        self.0.finish_and_clear();
    }
}

/// A state for people.
pub(crate) fn state(state: JobState) -> &'static str {
    match state {
        JobState::Quoted => "quoted",
        JobState::Held => "price held",
        JobState::Queued => "queued",
        JobState::Running => "running",
        JobState::AwaitingRelease => "awaiting release by the owner's gate",
        JobState::Released => "released",
        JobState::Refused => "refused",
        JobState::Failed => "failed",
        JobState::Cancelled => "cancelled",
        JobState::Expired => "expired",
    }
}

fn bar(name: &'static str, unit: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = format!("{{prefix:>24}} [{{bar:30}}] {{percent:>3}}% {unit}");
    // A template that indicatif refuses leaves its default, which also shows the position.
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name);
    bar
}
