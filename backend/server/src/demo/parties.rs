//! The parties of the demonstration, each with a folder and a profile of its own.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{TryRngCore, rngs::OsRng};
use secrecy::{ExposeSecret, SecretString};
use sordino_client::{
    account, buyer,
    gate::{Gate, Settings},
    profile::Profile,
    publish::Request,
    session::Session,
};
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    api::{LedgerKind, Listing, TopUp},
    coded::CodedTable,
    ids::AccountId,
    layout::LayoutKind,
    money::{Amount, Currency, Price},
    presentation,
    schema::Schema,
};

use super::{
    home, questions,
    report::{Answered, Summary},
};
use crate::{operator as operators, serve::Running};

/// Long enough for a slow machine; a demonstration that hangs tells nothing.
const PATIENCE: Duration = Duration::from_secs(300);

/// Publishes, and runs the gate.
pub(super) struct Owner {
    pub(super) session: Session,
    pub(super) keys: Arc<KeyBundle>,
}

/// Asks, pays and opens.
pub(super) struct Buyer {
    pub(super) session: Session,
    pub(super) email: String,
    keys: KeyBundle,
    password: SecretString,
}

/// A folder for this run: the accounts of earlier ones exist already.
pub(super) fn fresh_folder(data_dir: &Path) -> io::Result<PathBuf> {
    let demos = data_dir.join("demo");
    fs::create_dir_all(&demos)?;
    let mut number = 1;
    loop {
        let folder = demos.join(number.to_string());
        match fs::create_dir(&folder) {
            Ok(()) => return folder.canonicalize(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// An address that no earlier run in this data folder has taken.
fn email(folder: &Path, party: &str) -> String {
    let run = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{party}-{run}@demo.example")
}

fn secret() -> anyhow::Result<SecretString> {
    let mut bytes = [0; 12];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(SecretString::from(hex::encode(bytes)))
}

async fn join(folder: &Path, url: &str, party: &str) -> anyhow::Result<(Session, SecretString)> {
    let profile = Profile::new(&home(folder, party), party)?;
    let password = secret()?;
    let session = account::register(&profile, Some(url), &email(folder, party), &password).await?;
    Ok((session, password))
}

async fn keys(session: &Session) -> anyhow::Result<KeyBundle> {
    let (profile, passphrase) = (session.profile.clone(), secret()?);
    // The passphrase is not kept: these keys live as long as the demonstration.
    Ok(tokio::task::spawn_blocking(move || profile.create_keys(&passphrase, Some(10))).await??)
}

impl Owner {
    pub(super) async fn join(folder: &Path, url: &str) -> anyhow::Result<Self> {
        let (session, _) = join(folder, url, "owner").await?;
        let keys = Arc::new(keys(&session).await?);
        Ok(Self { session, keys })
    }

    pub(super) fn request(&self, table: PathBuf, schema: Schema) -> Request {
        let price = Price {
            currency: Currency::EUR,
            per_query: Amount::minor(50),
            per_value: Amount::minor(1),
            per_million_units: Amount::minor(10),
        };
        let mut request = Request::new(table, schema, "German credit, 1994".to_owned(), price);
        request.description = "1,000 loan applicants of a German bank with their attributes and whether the \
             loan was repaid (Statlog German Credit; H. Hofmann, UCI Machine Learning Repository, CC BY 4.0)."
            .to_owned();
        request
    }

    /// Runs the owner's gate until the handle is aborted.
    pub(super) async fn run_gate(&self) -> anyhow::Result<tokio::task::JoinHandle<()>> {
        let gate =
            Gate::open(&self.session.profile, None, Arc::clone(&self.keys), Settings::default()).await?;
        Ok(tokio::spawn(async move {
            if let Err(error) = gate.run(&|event| tracing::info!(?event, "gate")).await {
                tracing::error!(%error, "the gate stopped");
            }
        }))
    }
}

impl Buyer {
    pub(super) async fn join(folder: &Path, url: &str) -> anyhow::Result<Self> {
        let (session, password) = join(folder, url, "buyer").await?;
        let keys = keys(&session).await?;
        Ok(Self { email: email(folder, "buyer"), session, keys, password })
    }

    /// The password, which the demonstration made and shows so that one can sign in.
    pub(super) fn shown_password(&self) -> &str {
        self.password.expose_secret()
    }

    /// The whole way of one question, with the answer on the plaintext beside it.
    pub(super) async fn ask(
        &self,
        listing: &Listing,
        sql: &str,
        layout: LayoutKind,
        rows: &CodedTable,
    ) -> anyhow::Result<Answered> {
        let started = Instant::now();
        let offer = buyer::quote(&self.session, listing.id, sql, Some(layout)).await?;
        let job = buyer::buy(&self.session, &self.keys, &offer).await?;
        let waiting = buyer::wait(&self.session, job.id, |_| {});
        let job = tokio::time::timeout(PATIENCE, waiting).await??;
        anyhow::ensure!(job.problem.is_none(), "the job ended {:?}: {:?}", job.state, job.problem);
        let opened = buyer::open(&self.session, &self.keys, &job, Some(&offer)).await?;
        let total_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let schema = &listing.schema;
        let query = &offer.offer.query;
        let expected = questions::expected(schema, query, offer.query, rows, listing.policy.min_cohort)?;
        let equal = opened.answer.rows == expected.rows && opened.answer.groups == expected.groups;
        let (answer, expected) = (opened.table()?, presentation::apply(&opened.presentation, &expected)?);
        let price = offer.offer.quote.body.price;
        Ok(Answered {
            summary: Summary {
                sql: sql.to_owned(),
                layout: match layout {
                    LayoutKind::Rollup => "rollup",
                    LayoutKind::Scan => "scan",
                },
                answer: answer.rows.clone(),
                expected: expected.rows.clone(),
                equal: equal && answer == expected,
                evaluate_ms: job.evaluate_ms.unwrap_or_default(),
                total_ms,
                price_minor: price.as_minor(),
                receipt_valid: opened.report.platform_signed
                    && opened.report.gate_signed
                    && opened.report.quote_checked
                    && opened.report.answer_checked,
            },
            understood: offer.understood.clone(),
            price: format!("{price} {}", offer.offer.quote.body.currency),
            ciphertext_bytes: listing.bytes,
            sealed_bytes: opened.bytes,
            reevaluated: opened.report.reevaluated,
            answer,
            expected,
        })
    }
}

/// Registers the operator and gives the account its role, as whoever runs the server can.
pub(super) async fn operator(folder: &Path, running: &Running) -> anyhow::Result<Session> {
    let (session, _) = join(folder, running.url(), "operator").await?;
    operators::grant_in(running.storage(), &email(folder, "operator")).await?;
    Ok(session)
}

/// Credits a buyer for money received outside.
pub(super) async fn top_up(operator: &Session, account: AccountId, amount: Amount) -> anyhow::Result<()> {
    let body = TopUp { account, amount, memo: "demonstration".to_owned() };
    operator.client.top_up(&body, &format!("demo-{account}")).await?;
    Ok(())
}

/// Where the money went.
pub(super) async fn show_ledger(
    owner: &Session,
    buyer: &Session,
    balanced: bool,
    show: &dyn Fn(&str),
) -> anyhow::Result<()> {
    let paid = buyer.client.balance().await?;
    let earned = owner.client.balance().await?;
    let held =
        buyer.client.ledger().await?.entries.iter().filter(|e| e.ledger == LedgerKind::BuyerHold).count();
    show("\nLEDGER");
    show(&format!(
        "  buyer    {} {} left, {} held ({held} movements of holds)",
        paid.prepaid, paid.currency, paid.held
    ));
    show(&format!("  owner    {} {} earned", earned.payable, earned.currency));
    show(&format!("  balanced {balanced}"));
    Ok(())
}
