//! From an offer to an opened answer, shared by everything that is asked of a listing.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result};
use clap::Args;
use sordino_client::{
    buyer::{self, CheckedOffer, Opened},
    session::Session,
};
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::api::{Job, JobState};

use super::{agreement::Agreement, quote::describe};
use crate::{
    context::Context,
    exit, output,
    progress::{JobBar, state},
};

/// Options of a purchase with a receipt.
#[derive(Debug, Args)]
pub(crate) struct Purchase {
    #[command(flatten)]
    agreement: Agreement,
    /// Write the receipt to this file.
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// How a purchase ended.
pub(crate) enum Bought {
    /// The answer is open.
    Answer(Box<(Job, Opened)>),
    /// There is none, and it was said why.
    Nothing(ExitCode),
}

impl Purchase {
    /// Shows an offer, pays it if that is agreed, waits, opens the answer and keeps the receipt.
    pub(crate) async fn carry_out(
        &self,
        context: &Context,
        session: &Session,
        keys: &KeyBundle,
        offer: &CheckedOffer,
    ) -> Result<Bought> {
        let quote = &offer.offer.quote.body;
        output::note(&describe(offer));
        if !self.agreement.agree(quote.price, quote.currency)? {
            return Ok(Bought::Nothing(ExitCode::from(exit::FAILED)));
        }
        let job = buyer::buy(session, keys, offer).await?;
        output::note(&format!("Paid; {} is under way.", job.id));
        let bar = JobBar::new();
        let job = buyer::wait(session, job.id, |job| bar.show(job)).await;
        bar.finish();
        let job = job?;
        if job.state != JobState::Released {
            return Ok(Bought::Nothing(unreleased(context, &job)?));
        }
        let opened = buyer::open(session, keys, &job, Some(offer)).await?;
        if let Some(path) = &self.receipt {
            let text = serde_json::to_string_pretty(&opened.receipt)?;
            std::fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(Bought::Answer(Box::new((job, opened))))
    }
}

/// Says what was paid for an answer, and what its receipt proves.
pub(crate) fn paid(job: &Job, opened: &Opened) {
    let checked = if opened.report.reevaluated { ", evaluated again by the gate" } else { "" };
    output::note(&format!(
        "{} {}; receipt valid, signed by platform and gate{checked}.",
        job.price, job.currency
    ));
}

/// Says why there is no answer, and chooses the exit code.
pub(crate) fn unreleased(context: &Context, job: &Job) -> Result<ExitCode> {
    let detail = job.problem.as_ref().map(|problem| problem.detail.as_str()).unwrap_or_default();
    if context.json() {
        output::json(job)?;
    }
    output::note(&format!("{} was {}: {detail}\nThe price was not charged.", job.id, state(job.state)));
    Ok(ExitCode::from(match job.state {
        JobState::Refused => exit::REFUSED,
        JobState::Expired => exit::UNAVAILABLE,
        _ => exit::FAILED,
    }))
}
