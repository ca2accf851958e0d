//! `model check`, `model publish`, `model list`, `model show`, `model withdraw`.

mod check;
mod publish;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use sordino_protocol::ids::ModelId;

use crate::{context::Context, output};

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Say whether a model can read a table, and how far its integers may be off.
    Check(check::Check),
    /// Offer a fitted model for encrypted prediction.
    Publish(publish::Publish),
    /// Show models that predict.
    List,
    /// Show one model: its columns, its price, what it reveals.
    Show {
        /// Which.
        model: ModelId,
    },
    /// End the sale of a model.
    Withdraw {
        /// Which.
        model: ModelId,
    },
}

impl Model {
    pub(crate) async fn run(self, context: &Context) -> Result<ExitCode> {
        match self {
            Self::Check(check) => return check.run(context).await,
            Self::Publish(publish) => return publish.run(context).await,
            Self::List => {
                let models = context.client().await?.models().await?;
                if context.json() {
                    output::json(&models)?;
                } else if models.models.is_empty() {
                    output::note("No model is offered yet.");
                }
                for model in models.models.iter().filter(|_| !context.json()) {
                    output::text(&show::line(model))?;
                }
            }
            Self::Show { model } => {
                let model = context.client().await?.model(model).await?;
                if context.json() { output::json(&model) } else { output::text(&show::one(&model)) }?;
            }
            Self::Withdraw { model } => {
                let model = context.session().await?.client.withdraw_model(model).await?;
                if context.json() {
                    output::json(&model)?;
                } else {
                    output::text(&format!("{} is withdrawn; receipts stay.", model.id))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
