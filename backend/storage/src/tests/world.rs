//! An owner with a gate and a listing, buyers, an operator, and a clock that is set by hand.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sordino_domain::{
    accounts::{Account, PasswordHash},
    api_keys::{ApiKeySecret, RANDOM_BYTES},
    gates::Gate,
    jobs::{Job, Lease, LeaseToken},
    listings::Listing,
    pricing::BasisPoints,
};
use sordino_protocol::{
    api::Role,
    canonical::Canonical,
    cost::{ComputeUnits, OperationCounts},
    digest::{Digest, Purpose},
    ids::{AccountId, ApiKeyId, GateId, JobId, LineageId, ListingId, QuoteId, ReleaseId, TransactionId},
    layout::LayoutKind,
    manifest::{Manifest, ObjectRef},
    merkle,
    money::{Amount, Currency, Price},
    parameters::ParameterSet,
    policy::Policy,
    predicate::Predicate,
    presentation::Presentation,
    query::{Expression, Output, Query},
    quote::{Acceptance, Quote},
    receipt::{Decision, Outcome, Receipt, RefusalReason},
    release::{ReleaseDecision, ReleaseRequest},
    schema::Schema,
    sealed::{RecipientSecret, SealedAnswer},
    signature::{Signed, SigningKey},
};
use uuid::Uuid;

use crate::{
    Storage, StorageError,
    accounts::NewAccount,
    gates::NewGate,
    jobs::{Accept, Finished, LeasedJob},
    ledger::Credit,
    listings::NewListing,
};

/// Price of every quote.
pub(super) const PRICE: i64 = 99;

/// Who and what there is.
pub(super) struct World {
    pub(super) storage: Storage,
    pub(super) owner: Account,
    pub(super) operator: Account,
    pub(super) buyer: Account,
    pub(super) gate: Gate,
    pub(super) listing: Listing,
}

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("in range") + TimeDelta::seconds(seconds)
}

pub(super) fn id() -> Uuid {
    Uuid::now_v7()
}

pub(super) fn lease(until: i64) -> Lease {
    Lease { token: LeaseToken::new(Uuid::new_v4()), worker: "worker".to_owned(), until: at(until) }
}

pub(super) fn secret() -> ApiKeySecret {
    let mut random = [0; RANDOM_BYTES];
    for chunk in random.chunks_mut(16) {
        chunk.copy_from_slice(Uuid::new_v4().as_bytes());
    }
    ApiKeySecret::generate(&random)
}

pub(super) async fn account(storage: &Storage, email: &str, role: Role) -> Account {
    let new = NewAccount {
        id: AccountId::new(id()),
        email: email.parse().expect("an address"),
        password: PasswordHash::new("hash".to_owned()),
        role,
    };
    storage.accounts().create(new, at(0)).await.expect("a new account")
}

pub(super) fn new_gate(seed: u8) -> NewGate {
    NewGate {
        id: GateId::new(id()),
        key: key(seed).verifying_key(),
        name: "gate".to_owned(),
        api_key: ApiKeyId::new(id()),
        secret: secret(),
    }
}

pub(super) fn manifest(
    lineage: LineageId,
    version: u32,
    previous: Option<Digest>,
    objects: &[Bytes],
) -> Manifest {
    let objects: Vec<ObjectRef> = objects
        .iter()
        .map(|bytes| ObjectRef { digest: Digest::of(Purpose::Object, bytes), bytes: bytes.len() as u64 })
        .collect();
    let digests: Vec<Digest> = objects.iter().map(|object| object.digest).collect();
    Manifest {
        lineage,
        version,
        previous,
        schema: Schema { table: "t".to_owned(), null_values: Vec::new(), columns: Vec::new() },
        rows: 10,
        rollup: None,
        scan: None,
        score: None,
        sandbox: None,
        root: merkle::root(&digests),
        objects,
    }
}

pub(super) fn new_listing(gate: &Gate, manifest: Manifest) -> NewListing {
    NewListing {
        id: ListingId::new(id()),
        title: "A dataset".to_owned(),
        description: String::new(),
        manifest: key(1).sign(manifest).expect("canonical"),
        policy: Policy::default(),
        price: Price {
            currency: Currency::EUR,
            per_query: Amount::minor(PRICE),
            per_value: Amount::ZERO,
            per_million_units: Amount::ZERO,
        },
        gate: gate.id,
    }
}

/// How an answer is shown: the first row only.
pub(super) fn presentation() -> Presentation {
    Presentation { limit: Some(1), ..Presentation::plain(["rows".to_owned()]) }
}

impl World {
    pub(super) async fn new(storage: &Storage) -> Self {
        let owner = account(storage, "owner@example.org", Role::Member).await;
        let owner =
            storage.accounts().register_key(owner.id, key(1).verifying_key()).await.expect("first key");
        let operator = account(storage, "operator@example.org", Role::Operator).await;
        let buyer = account(storage, "buyer@example.org", Role::Member).await;
        let gate = storage.gates().enrol(owner.id, new_gate(2), at(0)).await.expect("enrolled");
        let chunk = Bytes::from_static(b"chunk");
        storage.objects().put_bytes(owner.id, chunk.clone(), at(0)).await.expect("stored");
        let manifest = manifest(LineageId::new(id()), 1, None, &[chunk]);
        let listing = storage.listings().publish(owner.id, new_listing(&gate, manifest), at(0)).await;
        let listing = listing.expect("published");
        Self { storage: storage.clone(), owner, operator, buyer, gate, listing }
    }

    pub(super) async fn top_up(&self, account: AccountId, amount: i64) {
        let credit = Credit {
            transaction: TransactionId::new(id()),
            account,
            amount: Amount::minor(amount),
            currency: Currency::EUR,
            memo: String::new(),
            key: id().to_string().parse().expect("a key"),
            request: Digest::from_bytes([0; 32]),
        };
        self.storage.ledger().top_up(self.operator.id, credit, at(1)).await.expect("credited");
    }

    /// What an account has: prepaid, held, payable.
    pub(super) async fn balance(&self, account: AccountId) -> [i64; 3] {
        let balance = self.storage.ledger().balance(account, Currency::EUR).await.expect("a balance");
        [balance.prepaid, balance.held, balance.payable].map(Amount::as_minor)
    }

    /// A quote that ends after `seconds`, stored.
    pub(super) async fn quote(&self, buyer: AccountId, seconds: i64) -> Signed<Quote> {
        let query = self.query();
        let quote = Quote {
            id: QuoteId::new(id()),
            buyer,
            listing: self.listing.id,
            dataset: self.listing.dataset,
            query: query.digest().expect("canonical"),
            program: Digest::from_bytes([3; 32]),
            layout: LayoutKind::Rollup,
            parameter_set: ParameterSet::RollupV1,
            operations: OperationCounts { cells: 1_000, ..OperationCounts::default() },
            units: ComputeUnits::new(7),
            released_values: 1,
            price: Amount::minor(PRICE),
            currency: Currency::EUR,
            expected_ms: 1,
            noise_millis: vec![0],
            epsilon: "0".parse().expect("an epsilon"),
            hidden: false,
            policy: Digest::from_bytes([4; 32]),
            expires_at: at(seconds),
        };
        let quote = key(9).sign(quote).expect("canonical");
        self.storage.quotes().save(&quote, &query, &presentation(), at(1)).await.expect("saved");
        quote
    }

    pub(super) fn query(&self) -> Query {
        Query {
            dataset: self.listing.dataset,
            outputs: vec![Output { name: "rows".to_owned(), expression: Expression::Count(Predicate::All) }],
            predicate: Predicate::All,
            groups: Vec::new(),
            scores: Vec::new(),
        }
    }

    pub(super) fn acceptance(&self, quote: &Signed<Quote>) -> Accept {
        let acceptance = Acceptance {
            quote: quote.body.digest().expect("canonical"),
            query: quote.body.query,
            recipient: recipient().public().expect("a key"),
        };
        Accept {
            job: JobId::new(id()),
            quote: quote.body.id,
            acceptance: key(5).sign(acceptance).expect("canonical"),
            fee: BasisPoints::parse(1_500).expect("a share"),
            key: id().to_string().parse().expect("a key"),
            request: quote.body.digest().expect("canonical"),
        }
    }

    /// A job that waits for a worker.
    pub(super) async fn accepted(&self) -> Job {
        let quote = self.quote(self.buyer.id, 600).await;
        let accept = self.acceptance(&quote);
        self.storage.jobs().accept(self.buyer.id, accept, at(2)).await.expect("accepted")
    }

    /// What a worker has after evaluating.
    pub(super) async fn finished(&self, leased: &LeasedJob) -> Finished {
        let outputs = Bytes::from(format!("outputs of {}", leased.job.id));
        let outputs =
            self.storage.objects().put_bytes(leased.job.owner, outputs, at(3)).await.expect("stored");
        let quote = &leased.quote.body;
        let receipt = Receipt {
            job: leased.job.id,
            listing: leased.job.listing,
            dataset: leased.job.dataset,
            root: leased.manifest.body.root,
            query: leased.job.query,
            quote: quote.digest().expect("canonical"),
            program: quote.program,
            parameter_set: quote.parameter_set,
            evaluation_keys: None,
            outputs,
            operations: quote.operations,
            units: quote.units,
            price: quote.price,
            currency: quote.currency,
            evaluated_at: at(3),
        };
        Finished {
            release: ReleaseId::new(id()),
            receipt: key(9).sign(receipt).expect("canonical"),
            evaluate_ms: 12,
        }
    }

    /// A job that waits for the gate, with the gate's request.
    pub(super) async fn evaluated(&self) -> (Job, ReleaseRequest) {
        let job = self.accepted().await;
        let lease = lease(60);
        let leased = self.storage.jobs().acquire(&lease, at(3)).await.expect("no error").expect("a job");
        assert_eq!(leased.job.id, job.id);
        let finished = self.finished(&leased).await;
        let job =
            self.storage.jobs().complete(job.id, lease.token, finished, at(4)).await.expect("completed");
        let request = self.storage.releases().pending(self.gate.id, 100).await.expect("no error");
        (job.clone(), request.into_iter().find(|request| request.job == job.id).expect("asked"))
    }
}

pub(super) fn recipient() -> RecipientSecret {
    RecipientSecret::from_bytes([6; 32])
}

/// The gate releases.
pub(super) fn release(request: &ReleaseRequest) -> ReleaseDecision {
    let query = request.query.digest().expect("canonical");
    let sealed =
        SealedAnswer::seal(request.id, query, request.acceptance.body.recipient, b"42").expect("sealed");
    let outcome = Outcome::Released {
        sealed: sealed.digest(),
        epsilon: "0".parse().expect("an epsilon"),
        reevaluated: true,
    };
    ReleaseDecision { decision: decide(request, outcome), sealed: Some(sealed) }
}

/// The gate refuses.
pub(super) fn refuse(request: &ReleaseRequest) -> ReleaseDecision {
    let outcome = Outcome::Refused { reason: RefusalReason::Policy, detail: "too few rows".to_owned() };
    ReleaseDecision { decision: decide(request, outcome), sealed: None }
}

pub(super) fn decide(request: &ReleaseRequest, outcome: Outcome) -> Signed<Decision> {
    let decision = Decision {
        release: request.id,
        gate: request.gate,
        receipt: request.receipt.body.digest().expect("canonical"),
        outcome,
        decided_at: at(5),
    };
    key(2).sign(decision).expect("canonical")
}

pub(super) async fn assert_clean(storage: &Storage) {
    let audit = storage.ledger().audit().await.expect("an audit");
    assert!(audit.is_clean(), "{:?}", audit.findings);
}

/// Shows what came instead of an error.
pub(super) fn error<T: std::fmt::Debug>(outcome: Result<T, StorageError>) -> StorageError {
    outcome.expect_err("should be refused")
}
