//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    append, balance, completions, evaluate, explain, gate, job, keys, listings, model, predict, publish,
    query, quote, receipt, sandbox, schema, sign_in, top_up, train,
};

/// Sell answers about a table without showing it; buy answers without showing them to the seller's
/// platform.
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 not found; 4 refused (policy, unsupported SQL,
/// rights); 5 payment (balance, price limit, expired quote); 6 network or server unavailable;
/// 7 verification failed (signature, receipt, changed platform key).
#[derive(Debug, Parser)]
#[command(name = "sordino", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Address of the marketplace; remembered by the profile after the first use.
    #[arg(long, global = true, env = "SORDINO_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Which identity to use; several can live on one machine.
    #[arg(long, global = true, env = "SORDINO_PROFILE", default_value = "default", value_name = "NAME")]
    pub(crate) profile: String,
    /// Folder of the profiles [default: ~/.config/sordino].
    #[arg(long, global = true, env = "SORDINO_HOME", value_name = "FOLDER")]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// File with the passphrase of the keys [otherwise: $SORDINO_PASSPHRASE, or asked for].
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Log what is done; twice for more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account and sign in.
    Register(sign_in::SignIn),
    /// Sign in.
    Login(sign_in::SignIn),
    /// Make, show, back up and restore the keys of this profile.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Propose a public schema for a table.
    #[command(subcommand)]
    Schema(schema::Schema),
    /// Make synthetic rows of a table, for buyers to rehearse on.
    Sandbox(sandbox::Sandbox),
    /// Encrypt a table and list it.
    Publish(publish::Publish),
    /// Append rows to a listing.
    Append(append::Append),
    /// Release answers by your policy.
    #[command(subcommand)]
    Gate(gate::Gate),
    /// Show what is for sale.
    Listings(listings::Listings),
    /// Check a model, offer models, and show those that are offered.
    #[command(subcommand)]
    Model(model::Model),
    /// Have rows predicted by a model without showing them.
    Predict(predict::Predict),
    /// Show how a query is understood and would be answered, free of charge.
    Explain(explain::Explain),
    /// Ask what a query would cost.
    Quote(quote::Quote),
    /// Ask, pay, wait and open the answer.
    Query(query::Query),
    /// Find out how well a model predicts the rows of a listing: metrics only.
    Evaluate(evaluate::Evaluate),
    /// Fit a model to a listing from released statistics, round by round.
    Train(train::Train),
    /// Show, cancel or open a query that was paid for.
    #[command(subcommand)]
    Job(job::Job),
    /// Fetch and verify receipts.
    #[command(subcommand)]
    Receipt(receipt::Receipt),
    /// Show your balance.
    Balance(balance::Balance),
    /// Show what you earned as an owner.
    Earnings(balance::Earnings),
    /// Credit a buyer; operators only.
    TopUp(top_up::TopUp),
    /// Print completions for a shell.
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_secret_is_an_argument() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let name = argument.get_id().as_str();
                let secret = ["password", "passphrase", "secret", "token"].iter().any(|s| name.contains(s));
                assert!(!secret || name.ends_with("_file"), "{name}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
