//! `gate run`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use serde_json::{Value, json};
use sordino_client::gate::{Event, Settings, Verify};

use crate::{context::Context, exit, output};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Gate {
    /// Release answers by your policy, until stopped. Stopping is safe at any moment.
    Run {
        /// Work off what is waiting, then return.
        #[arg(long)]
        once: bool,
        /// When scan programs are evaluated again: always, never, or sample=p. Rollup programs always are.
        #[arg(long, default_value = "always", value_name = "WHEN")]
        verify: Verify,
    },
}

impl Gate {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        let Self::Run { once, verify } = self;
        let keys = context.keys()?;
        let settings = Settings { verify, ..Settings::default() };
        let gate =
            sordino_client::gate::Gate::open(&context.profile, context.server(), keys, settings).await?;
        let as_json = context.json();
        let show = move |event: &Event| {
            // A closed standard output must not stop a gate.
            let _ =
                if as_json { output::text(&line(event).to_string()) } else { output::text(&words(event)) };
        };
        if once {
            let round = gate.run_once().await?;
            round.events.iter().for_each(show);
            let summary = format!("{} released, {} refused", round.released(), round.refused());
            output::note(&summary);
            return Ok(if round.incomplete() { exit::FAILED.into() } else { ExitCode::SUCCESS });
        }
        output::note(&format!("{} is running; stop it with Ctrl-C.", gate.id()));
        tokio::select! {
            result = gate.run(&show) => result?,
            _ = tokio::signal::ctrl_c() => output::note("Stopped."),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Released(id) => format!("{id} released"),
        Event::Refused(id, _, detail) => format!("{id} refused: {detail}"),
        Event::Undelivered(id, error) => format!("{id} decided, not delivered yet: {error}"),
        Event::Unwanted(id, error) => format!("{id} no longer wanted: {error}"),
        Event::Failed(id, error) => format!("{id} not decided, will be tried again: {error}"),
        Event::Unreachable(error) => format!("waiting for the platform: {error}"),
    }
}

fn line(event: &Event) -> Value {
    let (name, id, detail) = match event {
        Event::Released(id) => ("released", Some(id), None),
        Event::Refused(id, reason, detail) => {
            return json!({ "event": "refused", "release": id, "reason": reason, "detail": detail });
        }
        Event::Undelivered(id, error) => ("undelivered", Some(id), Some(error)),
        Event::Unwanted(id, error) => ("unwanted", Some(id), Some(error)),
        Event::Failed(id, error) => ("failed", Some(id), Some(error)),
        Event::Unreachable(error) => ("unreachable", None, Some(error)),
    };
    json!({ "event": name, "release": id, "detail": detail })
}
