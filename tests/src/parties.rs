//! Owners, buyers and operators with profiles in temporary folders.

use std::{path::Path, sync::Arc};

use secrecy::SecretString;
use sordino_client::{
    ClientError, account,
    api::Client,
    buyer::{self, CheckedOffer, Opened},
    gate::{Gate, Settings},
    profile::Profile,
    publish::{self, Published, Request},
    session::Session,
};
use sordino_fhe::keys::KeyBundle;
use sordino_protocol::{
    api::{Job, Listing, TopUp},
    layout::LayoutKind,
    money::{Amount, Currency, Price},
    policy::Policy,
    schema::Schema,
};
use sordino_server::serve::Running;

/// The password of every test account.
pub const PASSWORD: &str = "correct horse battery";
/// The passphrase of every test key file.
pub const PASSPHRASE: &str = "a passphrase of tests";

/// Someone with an account and keys.
pub struct Party {
    /// Signed in.
    pub session: Session,
    /// Held in memory, as after unlocking.
    pub keys: Arc<KeyBundle>,
}

impl Party {
    /// Registers, makes keys and registers them.
    pub async fn join(folder: &Path, url: &str, name: &str) -> Self {
        let profile = Profile::new(folder, name).expect("a profile");
        let email = format!("{name}@test.example");
        let password = SecretString::from(PASSWORD);
        let session = account::register(&profile, Some(url), &email, &password).await.expect("registered");
        let keys = profile.create_keys(&SecretString::from(PASSPHRASE), Some(6)).expect("keys");
        account::ensure_key(&session, &keys).await.expect("the key is registered");
        Self { session, keys: Arc::new(keys) }
    }

    /// Publishes a table under `policy`.
    pub async fn publish(
        &self,
        table: &Path,
        schema: Schema,
        policy: Policy,
    ) -> Result<Published, ClientError> {
        self.publish_as(table, schema, |request| request.policy = policy).await
    }

    /// Publishes a table as a request that is made here says.
    pub async fn publish_as(
        &self,
        table: &Path,
        schema: Schema,
        change: impl FnOnce(&mut Request),
    ) -> Result<Published, ClientError> {
        let title = format!("{} of a test", schema.table);
        let mut request = Request::new(table.to_owned(), schema, title, price());
        change(&mut request);
        let plan = publish::plan(&request, &self.keys).await?;
        publish::publish(&self.session, &self.keys, &request, &plan, Arc::new(publish::Silent)).await
    }

    /// Opens the gate of this owner.
    pub async fn gate(&self) -> Gate {
        Gate::open(&self.session.profile, None, Arc::clone(&self.keys), Settings::default())
            .await
            .expect("the gate opens")
    }

    /// What the gate of this owner is sent can be read with this.
    pub fn gate_client(&self) -> Client {
        let secret = self.session.profile.credentials().expect("credentials").gate_secret.clone();
        self.session.client.clone().with_bearer(SecretString::from(secret.expect("an enrolled gate")))
    }

    /// Runs the gate until the handle is aborted.
    pub async fn run_gate(&self) -> tokio::task::JoinHandle<()> {
        let gate = self.gate().await;
        tokio::spawn(async move {
            gate.run(&|event| eprintln!("gate: {event:?}")).await.expect("the gate runs");
        })
    }

    /// Asks and pays.
    pub async fn buy(
        &self,
        listing: &Listing,
        sql: &str,
        layout: Option<LayoutKind>,
    ) -> Result<(CheckedOffer, Job), ClientError> {
        let offer = buyer::quote(&self.session, listing.id, sql, layout).await?;
        let job = buyer::buy(&self.session, &self.keys, &offer).await?;
        Ok((offer, job))
    }

    /// The whole way of a question.
    pub async fn ask(
        &self,
        listing: &Listing,
        sql: &str,
        layout: Option<LayoutKind>,
    ) -> Result<(CheckedOffer, Job, Opened), ClientError> {
        let (offer, job) = self.buy(listing, sql, layout).await?;
        let job = buyer::wait(&self.session, job.id, |_| {}).await?;
        let opened = buyer::open(&self.session, &self.keys, &job, Some(&offer)).await?;
        Ok((offer, job, opened))
    }
}

/// What every test listing costs.
pub fn price() -> Price {
    Price {
        currency: Currency::EUR,
        per_query: Amount::minor(50),
        per_value: Amount::minor(1),
        per_million_units: Amount::minor(10),
    }
}

/// Makes `party` an operator, as whoever runs the server can.
pub async fn make_operator(running: &Running, party: &Party) {
    let email = party.session.profile.identity().expect("an identity").email.expect("an address");
    sordino_server::operator::grant_in(running.storage(), &email).await.expect("granted");
}

/// Credits `buyer` through `operator`.
pub async fn top_up(operator: &Party, buyer: &Party, minor: i64) {
    let account = buyer.session.account;
    let body = TopUp { account, amount: Amount::minor(minor), memo: "test".to_owned() };
    let key = format!("top-up-{account}-{minor}");
    operator.session.client.top_up(&body, &key).await.expect("credited");
}

/// An owner, and a buyer whom an operator has credited.
pub async fn traders(running: &Running, folder: &Path, url: &str, credit: i64) -> (Party, Party) {
    let owner = Party::join(folder, url, "owner").await;
    let buyer = Party::join(folder, url, "buyer").await;
    let operator = Party::join(folder, url, "operator").await;
    make_operator(running, &operator).await;
    top_up(&operator, &buyer, credit).await;
    (owner, buyer)
}
