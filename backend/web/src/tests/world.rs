//! A marketplace for one test: storage, a clock that is turned by hand, people, and requests.

use std::sync::{Arc, Mutex};

use actix_web::{
    App,
    body::to_bytes,
    http::{Method, StatusCode, header::HeaderMap},
    test::{TestRequest, init_service, try_call_service},
    web::{Bytes, Data},
};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::local::LocalFileSystem;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sordino_engine::predictor::Predictor;
use sordino_protocol::{
    api::{
        Account, AskQuote, Buy, EnrolGate, EnrolledGate, Job, Listing, Offer, Publish, Question, Register,
        RegisterKey, Role, Session, TopUp,
    },
    canonical::Canonical,
    digest::{Digest, Purpose},
    ids::{AccountId, GateId, LineageId},
    layout_plan::{self, RollupBudget},
    manifest::{Manifest, ObjectRef},
    merkle,
    money::{Amount, Currency, Price},
    policy::Policy,
    problem::Problem,
    quote::{Acceptance, KeyProof},
    release::Enrolment,
    schema::{Column, Domain, Measure, Schema},
    sealed::RecipientSecret,
    signature::{Signed, SigningKey},
};
use sordino_storage::{DatabaseConfig, Storage};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{AppState, Clock, Parts, WebSettings, auth::password::PasswordCost, configure};

/// A clock that is turned by hand.
pub(super) struct HandClock(Mutex<DateTime<Utc>>);

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("not poisoned")
    }
}

/// A marketplace.
pub(super) struct World {
    pub(super) state: Data<AppState>,
    clock: Arc<HandClock>,
    _folder: TempDir,
}

/// Somebody with an account.
pub(super) struct Person {
    pub(super) id: AccountId,
    pub(super) token: String,
    pub(super) key: SigningKey,
    pub(super) recipient: RecipientSecret,
}

/// A person's gate.
pub(super) struct TestGate {
    pub(super) id: GateId,
    pub(super) secret: String,
    pub(super) key: SigningKey,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Reply {
    pub(super) fn json<T: DeserializeOwned>(&self) -> T {
        assert!(self.status.is_success(), "{}: {}", self.status, self.text());
        serde_json::from_slice(&self.body).expect("the promised JSON")
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The problem's code as written on the wire.
    pub(super) fn code(&self) -> String {
        let problem: Problem = serde_json::from_slice(&self.body).expect("a problem");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem.status, self.status.as_u16());
        assert!(problem.request_id.is_some() && !problem.detail.is_empty());
        let value: Value = serde_json::from_slice(&self.body).expect("JSON");
        assert!(problem.kind.ends_with(value["code"].as_str().expect("a code")), "{}", problem.kind);
        value["code"].as_str().expect("a code").to_owned()
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut WebSettings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let objects = LocalFileSystem::new_with_prefix(folder.path()).expect("an object store");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.sqlite").display());
        let database = DatabaseConfig { url, ..DatabaseConfig::default() };
        let storage = Storage::connect(&database, Arc::new(objects)).await.expect("connected");
        storage.migrate().await.expect("migrated");
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("in range");
        let clock = Arc::new(HandClock(Mutex::new(start)));
        let mut settings = WebSettings {
            password_cost: PasswordCost { memory_kib: 64, passes: 1, lanes: 1 },
            ..WebSettings::default()
        };
        change(&mut settings);
        let predictor = Predictor::new(1, storage.object_store()).expect("threads");
        let parts = Parts {
            storage,
            predictor,
            platform: SigningKey::from_seed(&[7; 32]),
            session_secret: vec![8; 32].into(),
            settings,
            clock: clock.clone(),
        };
        Self { state: Data::new(AppState::new(parts).expect("a state")), clock, _folder: folder }
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        *self.clock.0.lock().expect("not poisoned") += time;
    }

    pub(super) async fn call(&self, request: TestRequest) -> Reply {
        let app = init_service(App::new().configure(configure(self.state.clone()))).await;
        match try_call_service(&app, request.to_request()).await {
            Ok(response) => {
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body()).await;
                Reply { status, headers, body: body.unwrap_or_else(|error| Bytes::from(error.to_string())) }
            }
            Err(error) => {
                let response = error.error_response();
                let (status, headers) = (response.status(), response.headers().clone());
                let body = to_bytes(response.into_body()).await.expect("a body");
                Reply { status, headers, body }
            }
        }
    }

    /// A request with credentials and perhaps JSON.
    pub(super) async fn send(&self, method: Method, path: &str, token: &str, json: Option<&Value>) -> Reply {
        let mut request = TestRequest::default().method(method).uri(path);
        if !token.is_empty() {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        if let Some(json) = json {
            request = request.set_json(json);
        }
        self.call(request).await
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Reply {
        self.send(Method::GET, path, token, None).await
    }

    pub(super) async fn post<T: Serialize>(&self, path: &str, token: &str, body: &T) -> Reply {
        self.send(Method::POST, path, token, Some(&serde_json::to_value(body).expect("JSON"))).await
    }

    pub(super) async fn keyed<T: Serialize>(&self, path: &str, token: &str, key: &str, body: &T) -> Reply {
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("idempotency-key", key))
            .set_json(body);
        self.call(request).await
    }

    pub(super) async fn register(&self, name: &str) -> Person {
        let body = Register { email: format!("{name}@example.org"), password: format!("{name}-password") };
        let session: Session = self.post("/v1/accounts", "", &body).await.json();
        let seed = *blake(name).as_bytes();
        let person = Person {
            id: session.account.id,
            token: session.token,
            key: SigningKey::from_seed(&seed),
            recipient: RecipientSecret::from_bytes(seed),
        };
        let proof = KeyProof { account: person.id, key: person.key.verifying_key() };
        let body = RegisterKey { proof: person.key.sign(proof).expect("signed") };
        let json = serde_json::to_value(body).expect("JSON");
        let reply = self.send(Method::PUT, "/v1/account/key", &person.token, Some(&json)).await;
        assert_eq!(reply.json::<Account>().key, Some(person.key.verifying_key()));
        person
    }

    pub(super) async fn operator(&self) -> Person {
        let person = self.register("operator").await;
        self.state.storage.accounts().set_role(person.id, Role::Operator).await.expect("promoted");
        person
    }

    pub(super) async fn enrol(&self, owner: &Person, name: &str) -> TestGate {
        let key = SigningKey::from_seed(blake(name).as_bytes());
        let enrolment = Enrolment { owner: owner.id, gate_key: key.verifying_key(), name: name.to_owned() };
        let body = EnrolGate { enrolment: key.sign(enrolment).expect("signed") };
        let gate: EnrolledGate = self.post("/v1/gates", &owner.token, &body).await.json();
        TestGate { id: gate.id, secret: gate.secret, key }
    }

    pub(super) async fn upload(&self, owner: &Person, bytes: &[u8]) -> Digest {
        let digest = Digest::of(Purpose::Object, bytes);
        let request = TestRequest::put()
            .uri(&format!("/v1/objects/{digest}"))
            .insert_header(("authorization", format!("Bearer {}", owner.token)))
            .set_payload(bytes.to_vec());
        let reply = self.call(request).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{}", reply.text());
        digest
    }

    /// A publication whose objects are uploaded; they are no ciphertext, which nothing here looks at.
    pub(super) async fn publication(&self, owner: &Person, gate: &TestGate) -> Publish {
        let schema = schema();
        let mut layout = layout_plan::rollup(&schema, 1_000, &RollupBudget::default());
        let count = sordino_protocol::layout::RollupLayout::segment_count(layout.cells);
        let mut objects = Vec::new();
        for index in 0..count {
            let bytes = format!("segment {index} of {}", owner.id).repeat(50).into_bytes();
            objects.push(ObjectRef { digest: self.upload(owner, &bytes).await, bytes: bytes.len() as u64 });
        }
        layout.segments = objects.iter().map(|object| object.digest).collect();
        let manifest = Manifest {
            lineage: LineageId::new(Uuid::from_bytes(owner.id.uuid().into_bytes())),
            version: 1,
            previous: None,
            schema,
            rows: 1_000,
            rollup: Some(layout.clone()),
            scan: None,
            score: None,
            sandbox: None,
            objects,
            root: merkle::root(&layout.segments),
        };
        Publish {
            title: "German Credit".to_owned(),
            description: "A <b>table</b> of loans.".to_owned(),
            manifest: owner.key.sign(manifest).expect("signed"),
            policy: Policy { max_released_values: 100, ..Policy::default() },
            price: price(),
            gate: gate.id,
        }
    }

    pub(super) async fn publish(&self, owner: &Person, gate: &TestGate) -> Listing {
        let body = self.publication(owner, gate).await;
        self.post("/v1/listings", &owner.token, &body).await.json()
    }

    pub(super) async fn top_up(&self, account: AccountId, minor: i64) {
        let operator = self.operator().await;
        let body = TopUp { account, amount: Amount::minor(minor), memo: "a transfer".to_owned() };
        let reply = self.keyed("/v1/top-ups", &operator.token, "top-up-1", &body).await;
        assert!(reply.status.is_success(), "{}", reply.text());
    }

    pub(super) async fn ask(&self, buyer: &Person, listing: &Listing, sql: &str) -> Reply {
        let body = AskQuote::new(listing.id, Question::Sql(sql.to_owned()), None);
        self.post("/v1/quotes", &buyer.token, &body).await
    }

    pub(super) async fn offer(&self, buyer: &Person, listing: &Listing) -> Offer {
        self.ask(buyer, listing, "SELECT housing, COUNT(*) FROM german_credit GROUP BY housing").await.json()
    }

    /// The acceptance of an offer.
    pub(super) fn accept(&self, buyer: &Person, offer: &Offer) -> Buy {
        let acceptance = Acceptance {
            quote: offer.quote.body.digest().expect("a digest"),
            query: offer.quote.body.query,
            recipient: buyer.recipient.public().expect("a key"),
        };
        Buy { quote: offer.quote.clone(), acceptance: buyer.key.sign(acceptance).expect("signed") }
    }

    pub(super) async fn buy(&self, buyer: &Person, offer: &Offer, key: &str) -> Job {
        self.keyed("/v1/queries", &buyer.token, key, &self.accept(buyer, offer)).await.json()
    }
}

/// Signs again, after a change.
pub(super) fn resign(
    person: &Person,
    manifest: &Signed<Manifest>,
    change: impl FnOnce(&mut Manifest),
) -> Signed<Manifest> {
    let mut body = manifest.body.clone();
    change(&mut body);
    person.key.sign(body).expect("signed")
}

pub(super) fn price() -> Price {
    Price {
        currency: Currency::EUR,
        per_query: Amount::minor(50),
        per_value: Amount::minor(2),
        per_million_units: Amount::minor(3),
    }
}

fn blake(text: &str) -> Digest {
    Digest::of(Purpose::Object, text.as_bytes())
}

fn schema() -> Schema {
    let column = |name: &str, dimension, measure| Column {
        name: name.to_owned(),
        description: String::new(),
        nullable: false,
        dimension,
        measure,
    };
    let texts =
        |values: &[&str]| Some(Domain::Category { values: values.iter().map(|v| (*v).to_owned()).collect() });
    let columns = vec![
        column("housing", texts(&["own", "rent", "for free"]), None),
        column("creditability", texts(&["bad", "good"]), None),
        column("age_in_years", Some(Domain::Integer { min: 19, max: 75 }), None),
        column("credit_amount", None, Some(Measure { scale: 0, min: 0, max: 20_000 })),
    ];
    Schema { table: "german_credit".to_owned(), null_values: vec![], columns }
}
