//! Wire types of `/v1`: what requests and responses look like as JSON. The routes:
//!
//! | route | body -> response | who |
//! |---|---|---|
//! | `GET  /v1/platform` | -> [`Platform`] | anyone |
//! | `POST /v1/accounts` | [`Register`] -> [`Session`] | anyone |
//! | `POST /v1/sessions` | [`Login`] -> [`Session`] | anyone |
//! | `GET  /v1/account` | -> [`Account`] | signed in |
//! | `PUT  /v1/account/key` | [`RegisterKey`] -> [`Account`] | signed in |
//! | `POST /v1/api-keys` | [`CreateApiKey`] -> [`CreatedApiKey`] | signed in |
//! | `GET  /v1/api-keys` | -> [`ApiKeys`] | signed in |
//! | `DELETE /v1/api-keys/{id}` | -> 204 | signed in |
//! | `POST /v1/objects/missing` | [`ObjectsWanted`] -> [`ObjectsWanted`] | owner |
//! | `PUT  /v1/objects/{digest}` | bytes -> 204 | owner |
//! | `GET  /v1/objects/{digest}` | -> bytes (honours `Range`) | the owner of the object; its gate |
//! | `POST /v1/listings` | [`Publish`] -> [`Listing`] | owner |
//! | `GET  /v1/listings` | -> [`Listings`] | anyone |
//! | `GET  /v1/listings/{id}` | -> [`Listing`] | anyone |
//! | `GET  /v1/listings/{id}/manifest` | -> `Signed<Manifest>` | anyone |
//! | `GET  /v1/listings/{id}/sandbox` | -> CSV | anyone |
//! | `POST /v1/listings/{id}/versions` | [`Append`] -> [`Listing`] | owner |
//! | `POST /v1/listings/{id}/withdraw` | -> [`Listing`] | owner |
//! | `POST /v1/quotes` | [`AskQuote`] -> [`Offer`] | buyer |
//! | `POST /v1/explanations` | [`AskQuote`] -> [`Explanation`] | buyer |
//! | `POST /v1/queries` (Idempotency-Key) | [`Buy`] -> [`Job`] | buyer |
//! | `GET  /v1/queries/{job}` | -> [`Job`] | its buyer |
//! | `POST /v1/queries/{job}/cancel` | -> [`Job`] | its buyer |
//! | `GET  /v1/queries/{job}/events` | server-sent events, each data a [`Job`] | its buyer |
//! | `GET  /v1/queries/{job}/answer` | -> [`SealedAnswer`] | its buyer |
//! | `GET  /v1/queries/{job}/presentation` | -> [`Presentation`] | its buyer |
//! | `GET  /v1/queries/{job}/receipt` | -> [`FullReceipt`] | its buyer, its owner |
//! | `POST /v1/gates` | [`EnrolGate`] -> [`EnrolledGate`] | owner |
//! | `GET  /v1/gates/{id}/releases?wait_s=N` | -> [`Releases`] (long poll) | its gate |
//! | `POST /v1/releases/{id}` | `ReleaseDecision` -> 204 (repeat: same decision -> 204) | its gate |
//! | `GET  /v1/balance` | -> [`Balance`] | signed in |
//! | `GET  /v1/ledger` | -> [`Statement`] | signed in |
//! | `POST /v1/top-ups` (Idempotency-Key) | [`TopUp`] -> [`Balance`] | operator |
//! | `POST /v1/models` | [`models::PublishModel`] -> [`models::ModelListing`] | vendor |
//! | `GET  /v1/models` | -> [`models::ModelListings`] | anyone |
//! | `GET  /v1/models/{id}` | -> [`models::ModelListing`] | anyone |
//! | `POST /v1/models/{id}/withdraw` | -> [`models::ModelListing`] | vendor |
//! | `PUT  /v1/client-keys/{digest}?set=NAME` | bytes -> [`models::ClientKeys`] | buyer |
//! | `POST /v1/predictions?`[`models::Predict`] (Idempotency-Key) | bytes -> [`models::Prediction`] | buyer |
//! | `GET  /v1/predictions/{id}/output` | -> bytes | its buyer |
//! | `GET  /v1/predictions/{id}/receipt` | -> [`models::Prediction`] | its buyer, its vendor |
//!
//! A question is SQL, or a [`Query`] as it is: exactly one of `sql` and `query` in [`AskQuote`].
//!
//! Credentials: `Authorization: Bearer <session token or API key>`. A gate uses an API key of scope
//! [`Scope::Gate`]. Every error is [`crate::problem::Problem`].

pub mod models;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    cost::{ComputeUnits, OperationCounts},
    digest::Digest,
    ids::{AccountId, ApiKeyId, GateId, JobId, LineageId, ListingId, TransactionId},
    layout::LayoutKind,
    manifest::Manifest,
    money::{Amount, Currency, Price},
    parameters::ParameterSet,
    policy::{Epsilon, Policy},
    presentation::Presentation,
    problem::ProblemCode,
    query::Query,
    quote::{Acceptance, KeyProof, Quote},
    release::{Enrolment, ReleaseRequest},
    schema::Schema,
    signature::{Signed, VerifyingKey},
};
#[expect(unused_imports, reason = "named by the table above")]
use crate::{receipt::FullReceipt, sealed::SealedAnswer};

/// What the platform says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `sordino`.
    pub name: String,
    /// Version of the server.
    pub version: String,
    /// Signs quotes and receipts.
    pub key: VerifyingKey,
    /// Currency of new listings and balances.
    pub currency: Currency,
    /// The most bytes of one object.
    pub max_object_bytes: u64,
}

/// A new account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Name to sign in with.
    pub email: String,
    /// At least 10 characters.
    pub password: String,
}

/// Credentials.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// As registered.
    pub email: String,
    /// As registered.
    pub password: String,
}

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Session {
    /// The account.
    pub account: Account,
    /// Bearer token.
    pub token: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub email: String,
    /// What it may do beyond buying and selling.
    pub role: Role,
    /// Its Ed25519 key, once registered.
    pub key: Option<VerifyingKey>,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Buys and sells.
    Member,
    /// Also runs the platform: top-ups.
    Operator,
}

/// Registers the account's Ed25519 key, with the proof that it is held. The first key stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterKey {
    /// Signed with the key itself.
    pub proof: Signed<KeyProof>,
}

/// What an API key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All the account may do, except manage keys.
    Full,
    /// Buy only.
    Buy,
    /// Serve as the owner's gate only.
    Gate,
}

/// Asks for an API key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateApiKey {
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
}

/// An API key, shown once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreatedApiKey {
    /// Its public part.
    pub key: ApiKey,
    /// `sord_…`: the secret, shown this once.
    pub secret: String,
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// First characters of the secret, to recognise it.
    pub prefix: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A list of keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiKeys {
    /// Newest first.
    pub keys: Vec<ApiKey>,
}

/// Digests of objects: asked about, and answered with those that are missing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectsWanted {
    /// At most 10,000.
    pub digests: Vec<Digest>,
}

/// Publishes a dataset version as a listing; all objects must have been uploaded. Repeated with the
/// same manifest it returns the same listing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// For people.
    pub title: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Signed with the account's key.
    pub manifest: Signed<Manifest>,
    /// The policy the gate will enforce.
    pub policy: Policy,
    /// What queries cost.
    pub price: Price,
    /// The gate that releases; enrolled before.
    pub gate: GateId,
}

/// Appends rows: the next version of a listing's dataset, on the same terms. It shares schema and
/// layouts with the version before and has all of its chunks first. Repeated with the same manifest it
/// returns the listing.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Append {
    /// Signed with the account's key.
    pub manifest: Signed<Manifest>,
}

/// A listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// Its id.
    pub id: ListingId,
    /// Its owner.
    pub owner: AccountId,
    /// The owner's key, which signed the manifest.
    pub owner_key: VerifyingKey,
    /// For people.
    pub title: String,
    /// For people.
    pub description: String,
    /// Whether it can be queried.
    pub state: ListingState,
    /// The dataset through its versions.
    pub lineage: LineageId,
    /// Number of the current version, from 1.
    pub version: u32,
    /// Digest of the manifest of the current version.
    pub dataset: Digest,
    /// The public schema.
    pub schema: Schema,
    /// Number of rows.
    pub rows: u64,
    /// The layouts published.
    pub layouts: Vec<LayoutKind>,
    /// The policy.
    pub policy: Policy,
    /// The price.
    pub price: Price,
    /// The gate.
    pub gate: GateId,
    /// The gate's public key, which signs decisions.
    pub gate_key: VerifyingKey,
    /// Bytes of ciphertext stored.
    pub bytes: u64,
    /// When it was published.
    pub created_at: DateTime<Utc>,
}

/// Whether a listing can be queried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingState {
    /// Yes.
    Active,
    /// Not any more; paid answers stay available.
    Withdrawn,
}

/// A page of listings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listings {
    /// Newest first.
    pub listings: Vec<Listing>,
}

/// Asks for a quote: with SQL, or with a query as it is, which is shown as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskQuote {
    /// Of what.
    pub listing: ListingId,
    /// The question in SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The question in normal form, of the listing's current version; instead of SQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Box<Query>>,
    /// Forces a layout; the planner chooses without.
    #[serde(default)]
    pub layout: Option<LayoutKind>,
    /// Keeps the conditions of its classes from the gate, where the policy allows it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// SQL.
    Sql(String),
    /// A query as it is.
    Query(Box<Query>),
}

/// Neither SQL nor a query, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected exactly one of `sql` and `query`")]
pub struct QuestionError;

impl AskQuote {
    /// Asks a question.
    pub fn new(listing: ListingId, question: Question, layout: Option<LayoutKind>) -> Self {
        let (sql, query) = match question {
            Question::Sql(sql) => (Some(sql), None),
            Question::Query(query) => (None, Some(query)),
        };
        Self { listing, sql, query, layout, hidden: false }
    }

    /// The question, taken out.
    ///
    /// # Errors
    /// When there is none, or two.
    pub fn question(self) -> Result<Question, QuestionError> {
        match (self.sql, self.query) {
            (Some(sql), None) => Ok(Question::Sql(sql)),
            (None, Some(query)) => Ok(Question::Query(query)),
            (None, None) | (Some(_), Some(_)) => Err(QuestionError),
        }
    }
}

/// A quote with the query it is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Signed by the platform.
    pub quote: Signed<Quote>,
    /// How the platform understood the SQL.
    pub query: Query,
    /// What the buyer's own machine does with the answer: it is neither computed nor paid for.
    pub presentation: Presentation,
    /// The layouts that were considered, and why the others were not chosen.
    pub considered: Vec<Considered>,
}

/// A layout that was considered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Considered {
    /// Which.
    pub layout: LayoutKind,
    /// Its compute units, if it can answer.
    pub units: Option<u64>,
    /// Why it cannot answer, or was not chosen, or was.
    pub reason: String,
}

/// Pays a quote: holds the price and enqueues the job.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buy {
    /// The offer.
    pub quote: Signed<Quote>,
    /// Signed with the buyer's account key.
    pub acceptance: Signed<Acceptance>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Of what.
    pub listing: ListingId,
    /// Digest of the query.
    pub query: Digest,
    /// Where it is.
    pub state: JobState,
    /// Operations done.
    pub done: u64,
    /// Operations in all.
    pub total: u64,
    /// Held, captured or voided, by state.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Milliseconds the evaluation took, once done.
    pub evaluate_ms: Option<u64>,
    /// Why it was refused or failed.
    pub problem: Option<JobProblem>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When it came to this state.
    pub updated_at: DateTime<Utc>,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Offered, not accepted.
    Quoted,
    /// Price held.
    Held,
    /// Waiting for a worker.
    Queued,
    /// A worker evaluates.
    Running,
    /// The gate is to release.
    AwaitingRelease,
    /// The answer is there; the hold is captured.
    Released,
    /// The gate refused; the hold is void.
    Refused,
    /// It could not be evaluated; the hold is void.
    Failed,
    /// The buyer cancelled; the hold is void.
    Cancelled,
    /// Nobody finished it in time; the hold is void.
    Expired,
}

impl JobState {
    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Released | Self::Refused | Self::Failed | Self::Cancelled | Self::Expired)
    }
}

/// Why a job was refused or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobProblem {
    /// The stable code.
    pub code: ProblemCode,
    /// For people.
    pub detail: String,
}

/// Enrols a gate. Repeated with the same key it returns the same gate with a new secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolGate {
    /// Signed with the gate's key.
    pub enrolment: Signed<Enrolment>,
}

/// An enrolled gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrolledGate {
    /// Its id.
    pub id: GateId,
    /// An API key of scope [`Scope::Gate`], shown once.
    pub secret: String,
}

/// Release requests waiting for a gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Releases {
    /// Oldest first, at most 16.
    pub releases: Vec<ReleaseRequest>,
}

/// Money an account has on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The account.
    pub account: AccountId,
    /// The currency.
    pub currency: Currency,
    /// Free to spend.
    pub prepaid: Amount,
    /// Held for running jobs.
    pub held: Amount,
    /// Earned as an owner, not yet paid out.
    pub payable: Amount,
}

/// What moved on an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Statement {
    /// Newest first, at most 200.
    pub entries: Vec<StatementEntry>,
}

/// One ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementEntry {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// Which of the account's ledger accounts.
    pub ledger: LedgerKind,
    /// Positive adds to it.
    pub amount: Amount,
    /// The currency.
    pub currency: Currency,
    /// For people.
    pub memo: String,
    /// The job, if it is about one.
    pub job: Option<JobId>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Kinds of ledger accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerKind {
    /// What a buyer has paid in and not spent.
    BuyerPrepaid,
    /// What is set aside for a buyer's running jobs.
    BuyerHold,
    /// What the platform owes an owner.
    OwnerPayable,
    /// What the platform has earned.
    PlatformRevenue,
    /// The other side of money from outside.
    ProcessorClearing,
}

/// Credits a buyer; for money received outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUp {
    /// Whom.
    pub account: AccountId,
    /// How much; above zero.
    pub amount: Amount,
    /// For the statement.
    #[serde(default)]
    pub memo: String,
}

/// How a text is understood and what its answer would cost: what EXPLAIN shows. Free; no data is
/// touched. Asked for with [`AskQuote`], whose SQL may begin with EXPLAIN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What would be computed under encryption.
    pub query: Query,
    /// What the buyer's client would do with the answer.
    pub presentation: Presentation,
    /// Every layout, and why it is chosen or not.
    pub considered: Vec<Considered>,
    /// The layout chosen.
    pub layout: LayoutKind,
    /// The set of its ciphertexts.
    pub parameter_set: ParameterSet,
    /// The slices of every chunk, or the arrays of cells, that are read.
    pub reads: Vec<String>,
    /// Operations of the program on every chunk; 0 for a rollup.
    pub steps: u64,
    /// Exact numbers of operations.
    pub operations: OperationCounts,
    /// Bits that the noise of a ciphertext does not exceed.
    pub noise_bits: u32,
    /// Bits of noise that would still decrypt.
    pub noise_budget_bits: u32,
    /// Multiplications one after another.
    pub depth: u32,
    /// Metered size.
    pub units: ComputeUnits,
    /// The price of the answer.
    pub price: Amount,
    /// Its currency.
    pub currency: Currency,
    /// Milliseconds of evaluation on this platform, estimated.
    pub expected_ms: u64,
    /// Number of values the answer may disclose.
    pub released_values: u64,
    /// Standard deviation of the noise of each quantity, in thousandths of its unit.
    pub noise_millis: Vec<u64>,
    /// Epsilon that the release would cost the lineage.
    pub epsilon: Epsilon,
    /// All of it in lines to read, with the program.
    pub text: Vec<String>,
}
