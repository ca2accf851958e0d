//! From a quote to the opened answer, with a worker and a gate played by the test.

use actix_web::http::StatusCode;
use bytes::Bytes;
use chrono::TimeDelta;
use serde_json::json;
use sordino_domain::jobs::{Lease, LeaseToken};
use sordino_protocol::{
    api::{Balance, Buy, Job, JobState, Listing, Offer, Releases},
    canonical::Canonical,
    digest::Digest,
    money::Amount,
    policy::Epsilon,
    presentation::Presentation,
    receipt::{Decision, FullReceipt, Outcome, Receipt, RefusalReason},
    release::{ReleaseDecision, ReleaseRequest},
    sealed::SealedAnswer,
};
use sordino_storage::jobs::Finished;
use uuid::Uuid;

use super::world::{Person, TestGate, World};

const OUTPUTS: &[u8] = b"what a program would yield";

/// A listing with its owner, its gate and a buyer who has paid in.
struct Market {
    world: World,
    owner: Person,
    buyer: Person,
    gate: TestGate,
    listing: Listing,
}

impl Market {
    async fn open(minor: i64) -> Self {
        let world = World::new().await;
        let (owner, buyer) = (world.register("owner").await, world.register("buyer").await);
        let gate = world.enrol(&owner, "gate").await;
        let listing = world.publish(&owner, &gate).await;
        if minor > 0 {
            world.top_up(buyer.id, minor).await;
        }
        Self { world, owner, buyer, gate, listing }
    }

    async fn bought(&self) -> (Offer, Job) {
        let offer = self.world.offer(&self.buyer, &self.listing).await;
        let job = self.world.buy(&self.buyer, &offer, "buy-1").await;
        (offer, job)
    }

    /// What a worker does.
    async fn evaluate(&self, offer: &Offer, job: &Job) {
        let (storage, now) = (&self.world.state.storage, self.world.state.now());
        let token = LeaseToken::new(Uuid::new_v4());
        let lease = Lease { token, worker: "test".to_owned(), until: now + TimeDelta::seconds(30) };
        let leased = storage.jobs().acquire(&lease, now).await.expect("acquired").expect("a job");
        assert_eq!(leased.job.id, job.id);
        let outputs = storage.objects().put_bytes(self.owner.id, Bytes::from_static(OUTPUTS), now).await;
        let quote = &offer.quote.body;
        let receipt = Receipt {
            job: job.id,
            listing: job.listing,
            dataset: quote.dataset,
            root: leased.manifest.body.root,
            query: job.query,
            quote: quote.digest().expect("a digest"),
            program: quote.program,
            parameter_set: quote.parameter_set,
            evaluation_keys: None,
            outputs: outputs.expect("stored"),
            operations: quote.operations,
            units: quote.units,
            price: quote.price,
            currency: quote.currency,
            evaluated_at: now,
        };
        let receipt = self.world.state.platform.sign(receipt).expect("signed");
        let finished = Finished { release: self.world.state.new_id(), receipt, evaluate_ms: 7 };
        storage.jobs().complete(job.id, token, finished, now).await.expect("completed");
    }

    async fn pending(&self) -> Vec<ReleaseRequest> {
        let path = format!("/v1/gates/{}/releases?wait_s=1", self.gate.id);
        self.world.get(&path, &self.gate.secret).await.json::<Releases>().releases
    }

    fn released(&self, request: &ReleaseRequest) -> ReleaseDecision {
        let recipient = request.acceptance.body.recipient;
        let query = request.query.digest().expect("a digest");
        let sealed = SealedAnswer::seal(request.id, query, recipient, b"42").expect("sealed");
        let outcome =
            Outcome::Released { sealed: sealed.digest(), epsilon: Epsilon::ZERO, reevaluated: true };
        ReleaseDecision { sealed: Some(sealed), ..self.decision(request, outcome) }
    }

    fn decision(&self, request: &ReleaseRequest, outcome: Outcome) -> ReleaseDecision {
        let decision = Decision {
            release: request.id,
            gate: self.gate.id,
            receipt: request.receipt.body.digest().expect("a digest"),
            outcome,
            decided_at: self.world.state.now(),
        };
        ReleaseDecision { decision: self.gate.key.sign(decision).expect("signed"), sealed: None }
    }

    async fn balance(&self, who: &Person) -> (i64, i64, i64) {
        let balance: Balance = self.world.get("/v1/balance", &who.token).await.json();
        (balance.prepaid.as_minor(), balance.held.as_minor(), balance.payable.as_minor())
    }
}

#[actix_web::test]
async fn a_paid_question_is_answered_and_the_money_moves_once() {
    let market = Market::open(1_000).await;
    let (world, buyer) = (&market.world, &market.buyer);
    let (offer, job) = market.bought().await;
    let price = offer.quote.body.price.as_minor();
    assert_eq!((job.state, job.price), (JobState::Queued, offer.quote.body.price));
    assert_eq!(market.balance(buyer).await, (1_000 - price, price, 0));
    let path = format!("/v1/queries/{}", job.id);
    assert_eq!(world.get(&format!("{path}/answer"), &buyer.token).await.code(), "conflict");
    assert_eq!(world.get(&format!("{path}/receipt"), &buyer.token).await.code(), "not_found");
    let shown: Presentation = world.get(&format!("{path}/presentation"), &buyer.token).await.json();
    assert_eq!(shown, offer.presentation);
    assert_eq!(world.get(&format!("{path}/presentation"), &market.owner.token).await.code(), "not_found");
    market.evaluate(&offer, &job).await;
    let waiting: Job = world.get(&path, &buyer.token).await.json();
    assert_eq!((waiting.state, waiting.evaluate_ms), (JobState::AwaitingRelease, Some(7)));

    let requests = market.pending().await;
    assert_eq!(requests.len(), 1);
    let object = world.get(&format!("/v1/objects/{}", requests[0].outputs), &market.gate.secret).await;
    assert_eq!((object.status, object.body.as_ref()), (StatusCode::OK, OUTPUTS));
    let decision = market.released(&requests[0]);
    let decide = format!("/v1/releases/{}", requests[0].id);
    for _ in 0..2 {
        let reply = world.post(&decide, &market.gate.secret, &decision).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text());
    }
    assert!(market.pending().await.is_empty());
    let sealed: SealedAnswer = world.get(&format!("{path}/answer"), &buyer.token).await.json();
    assert_eq!(buyer.recipient.open(&sealed).expect("opened").as_slice(), b"42");
    for reader in [buyer, &market.owner] {
        let receipt: FullReceipt = world.get(&format!("{path}/receipt"), &reader.token).await.json();
        receipt.receipt.verify(&world.state.platform.verifying_key()).expect("by the platform");
        receipt.decision.expect("decided").verify(&market.gate.key.verifying_key()).expect("by the gate");
    }
    assert_eq!(market.balance(buyer).await, (1_000 - price, 0, 0));
    assert_eq!(market.balance(&market.owner).await, (0, 0, price));
    assert!(world.state.storage.ledger().audit().await.expect("audited").is_clean());

    let refusal = Outcome::Refused { reason: RefusalReason::Policy, detail: "late".to_owned() };
    let other = market.decision(&requests[0], refusal);
    assert_eq!(world.post(&decide, &market.gate.secret, &other).await.code(), "conflict");
}

#[actix_web::test]
async fn a_refusal_gives_the_money_back() {
    let market = Market::open(1_000).await;
    let (offer, job) = market.bought().await;
    market.evaluate(&offer, &job).await;
    let request = market.pending().await.remove(0);
    let outcome = Outcome::Refused { reason: RefusalReason::EpsilonExhausted, detail: "spent".to_owned() };
    let path = format!("/v1/releases/{}", request.id);
    let reply = market.world.post(&path, &market.gate.secret, &market.decision(&request, outcome)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    let job: Job = market.world.get(&format!("/v1/queries/{}", job.id), &market.buyer.token).await.json();
    assert_eq!(job.state, JobState::Refused);
    assert!(job.problem.expect("a reason").detail.contains("spent"));
    assert_eq!(market.balance(&market.buyer).await, (1_000, 0, 0));
}

#[actix_web::test]
async fn decisions_that_do_not_count_change_nothing() {
    let market = Market::open(1_000).await;
    let (offer, job) = market.bought().await;
    market.evaluate(&offer, &job).await;
    let request = market.pending().await.remove(0);
    let good = market.released(&request);
    let path = format!("/v1/releases/{}", request.id);
    let other_gate = market.world.enrol(&market.owner, "another gate").await;
    let post = async |secret: &str, decision: &ReleaseDecision| {
        market.world.post(&path, secret, decision).await.code()
    };
    assert_eq!(post(&other_gate.secret, &good).await, "not_found");
    assert_eq!(post(&market.owner.token, &good).await, "forbidden");
    let mut forged = good.clone();
    forged.decision.body.receipt = Digest::from_bytes([1; 32]);
    assert_eq!(post(&market.gate.secret, &forged).await, "bad_signature");
    let mut by_owner = good.clone();
    by_owner.decision = market.owner.key.sign(good.decision.body.clone()).expect("signed");
    assert_eq!(post(&market.gate.secret, &by_owner).await, "bad_signature");
    let without = ReleaseDecision { sealed: None, ..good.clone() };
    assert_eq!(post(&market.gate.secret, &without).await, "malformed");
    let elsewhere = format!("/v1/releases/rel_{}", "0".repeat(32));
    assert_eq!(market.world.post(&elsewhere, &market.gate.secret, &good).await.code(), "malformed");
    let job: Job = market.world.get(&format!("/v1/queries/{}", job.id), &market.buyer.token).await.json();
    assert_eq!(job.state, JobState::AwaitingRelease);
}

#[actix_web::test]
async fn buying_again_with_the_same_key_is_the_same_job() {
    let market = Market::open(1_000).await;
    let (offer, job) = market.bought().await;
    market.world.pass(TimeDelta::hours(1));
    let again = market.world.buy(&market.buyer, &offer, "buy-1").await;
    assert_eq!(again.id, job.id);
    let (prepaid, held, _) = market.balance(&market.buyer).await;
    assert_eq!((prepaid + held, held), (1_000, offer.quote.body.price.as_minor()));
    let second = market.world.offer(&market.buyer, &market.listing).await;
    let body = market.world.accept(&market.buyer, &second);
    let (world, token) = (&market.world, &market.buyer.token);
    assert_eq!(world.keyed("/v1/queries", token, "buy-1", &body).await.code(), "idempotency_mismatch");
    let used = market.world.accept(&market.buyer, &offer);
    assert_eq!(world.keyed("/v1/queries", token, "buy-2", &used).await.code(), "quote_used");
    assert_eq!(world.post("/v1/queries", token, &body).await.code(), "idempotency_key_missing");
}

#[actix_web::test]
async fn what_cannot_be_bought_is_refused_by_name() {
    let market = Market::open(10).await;
    let (world, buyer) = (&market.world, &market.buyer);
    let offer = world.offer(buyer, &market.listing).await;
    let good = world.accept(buyer, &offer);
    let buy = async |token: &str, body: &Buy| world.keyed("/v1/queries", token, "k", body).await;
    let poor = buy(&buyer.token, &good).await;
    assert_eq!((poor.status, poor.code().as_str()), (StatusCode::PAYMENT_REQUIRED, "insufficient_balance"));
    assert!(poor.text().contains("0.10 EUR available"), "{}", poor.text());
    assert_eq!(market.balance(buyer).await, (10, 0, 0));

    let mut cheaper = good.clone();
    cheaper.quote.body.price = Amount::minor(1);
    assert_eq!(buy(&buyer.token, &cheaper).await.code(), "bad_signature");
    let mut own = good.clone();
    own.quote = buyer.key.sign(offer.quote.body.clone()).expect("signed");
    assert_eq!(buy(&buyer.token, &own).await.code(), "bad_signature");
    let mut other = good.clone();
    other.acceptance = market.owner.key.sign(good.acceptance.body.clone()).expect("signed");
    assert_eq!(buy(&buyer.token, &other).await.code(), "bad_signature");
    let mut query = good.acceptance.body.clone();
    query.query = Digest::from_bytes([3; 32]);
    let confused = Buy { acceptance: buyer.key.sign(query).expect("signed"), ..good.clone() };
    assert_eq!(buy(&buyer.token, &confused).await.code(), "malformed");
    let stranger = world.accept(&market.owner, &offer);
    assert_eq!(buy(&market.owner.token, &stranger).await.code(), "not_found");
    assert_eq!(buy(&market.gate.secret, &good).await.code(), "forbidden");

    world.pass(TimeDelta::minutes(15));
    let late = buy(&buyer.token, &good).await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "quote_expired"));
}

#[actix_web::test]
async fn a_withdrawn_listing_sells_nothing_more() {
    let market = Market::open(1_000).await;
    let offer = market.world.offer(&market.buyer, &market.listing).await;
    let path = format!("/v1/listings/{}/withdraw", market.listing.id);
    assert!(market.world.post(&path, &market.owner.token, &json!(null)).await.status.is_success());
    let body = market.world.accept(&market.buyer, &offer);
    assert_eq!(market.world.keyed("/v1/queries", &market.buyer.token, "k", &body).await.code(), "conflict");
}

#[actix_web::test]
async fn a_job_is_its_buyers_alone_and_can_be_cancelled_before_it_is_evaluated() {
    let market = Market::open(1_000).await;
    let (world, buyer) = (&market.world, &market.buyer);
    let (offer, job) = market.bought().await;
    let path = format!("/v1/queries/{}", job.id);
    for part in ["", "/events", "/answer"] {
        assert_eq!(
            world.get(&format!("{path}{part}"), &market.owner.token).await.code(),
            "not_found",
            "{part}"
        );
    }
    let eve = world.register("eve").await;
    assert_eq!(world.get(&format!("{path}/receipt"), &eve.token).await.code(), "not_found");
    let cancel = format!("{path}/cancel");
    assert_eq!(world.post(&cancel, &market.owner.token, &json!(null)).await.code(), "not_found");
    for _ in 0..2 {
        let cancelled: Job = world.post(&cancel, &buyer.token, &json!(null)).await.json();
        assert_eq!(cancelled.state, JobState::Cancelled);
    }
    assert_eq!(market.balance(buyer).await, (1_000, 0, 0));

    let second = world.offer(buyer, &market.listing).await;
    let job = world.buy(buyer, &second, "buy-2").await;
    market.evaluate(&second, &job).await;
    let late = world.post(&format!("/v1/queries/{}/cancel", job.id), &buyer.token, &json!(null)).await;
    assert_eq!(late.code(), "conflict");
    assert_ne!(offer.quote.body.id, second.quote.body.id);
}

#[actix_web::test]
async fn events_tell_every_change_until_the_end() {
    let market = Market::open(1_000).await;
    let (offer, job) = market.bought().await;
    let path = format!("/v1/queries/{}/events", job.id);
    let listen = market.world.get(&path, &market.buyer.token);
    let act = async {
        actix_web::rt::time::sleep(std::time::Duration::from_millis(300)).await;
        market.evaluate(&offer, &job).await;
        let request = market.pending().await.remove(0);
        actix_web::rt::time::sleep(std::time::Duration::from_millis(500)).await;
        let decide = format!("/v1/releases/{}", request.id);
        market.world.post(&decide, &market.gate.secret, &market.released(&request)).await
    };
    let (events, decided) = futures::join!(listen, act);
    assert_eq!(decided.status, StatusCode::NO_CONTENT);
    assert_eq!(events.header("content-type"), "text/event-stream");
    let states: Vec<JobState> = events
        .text()
        .split("\n\n")
        .filter_map(|event| event.strip_prefix("event: progress\ndata: "))
        .map(|data| serde_json::from_str::<Job>(data).expect("a job").state)
        .collect();
    assert_eq!(states.first(), Some(&JobState::Queued));
    assert!(states.contains(&JobState::AwaitingRelease), "{states:?}");
    assert_eq!(states.last(), Some(&JobState::Released));
}
