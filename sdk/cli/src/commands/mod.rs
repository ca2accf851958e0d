//! One command, one file.

mod agreement;
pub(crate) mod answer;
pub(crate) mod append;
pub(crate) mod balance;
pub(crate) mod completions;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod gate;
pub(crate) mod job;
pub(crate) mod keys;
pub(crate) mod listings;
pub(crate) mod model;
pub(crate) mod predict;
pub(crate) mod publish;
mod purchase;
pub(crate) mod query;
pub(crate) mod quote;
pub(crate) mod receipt;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod sign_in;
pub(crate) mod top_up;
pub(crate) mod train;

use std::process::ExitCode;

use anyhow::Result;

use crate::{
    arguments::{Arguments, Command},
    context::Context,
};

/// Runs the command that was typed.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let context = Context::new(arguments.global)?;
    match arguments.command {
        Command::Register(command) => command.register(&context).await?,
        Command::Login(command) => command.login(&context).await?,
        Command::Keys(command) => command.run(&context).await?,
        Command::Schema(command) => command.run(&context)?,
        Command::Sandbox(command) => command.run()?,
        Command::Publish(command) => return command.run(&context).await,
        Command::Append(command) => return command.run(&context).await,
        Command::Gate(command) => return command.run(&context).await,
        Command::Model(command) => return command.run(&context).await,
        Command::Predict(command) => return command.run(&context).await,
        Command::Listings(command) => command.run(&context).await?,
        Command::Explain(command) => command.run(&context).await?,
        Command::Quote(command) => command.run(&context).await?,
        Command::Query(command) => return command.run(&context).await,
        Command::Evaluate(command) => return command.run(&context).await,
        Command::Train(command) => return command.run(&context).await,
        Command::Job(command) => return command.run(&context).await,
        Command::Receipt(command) => command.run(&context).await?,
        Command::Balance(command) => command.run(&context).await?,
        Command::Earnings(command) => command.run(&context).await?,
        Command::TopUp(command) => command.run(&context).await?,
        Command::Completions(command) => command.run(),
    }
    Ok(ExitCode::SUCCESS)
}
