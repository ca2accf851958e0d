//! An owner, a platform and a buyer in one folder, and what an honest platform sends.

use super::*;

pub(super) const ROWS: usize = 90;

pub(super) fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 123_456_789).expect("an instant")
}

pub(super) fn keys() -> Arc<KeyBundle> {
    static KEYS: OnceLock<Arc<KeyBundle>> = OnceLock::new();
    Arc::clone(KEYS.get_or_init(|| Arc::new(KeyBundle::generate(&mut rand::rng()))))
}

pub(super) fn rows() -> Expression {
    Expression::Count(Predicate::All)
}

pub(super) fn schema() -> Schema {
    toml::from_str(
        "table = \"people\"\n[[column]]\nname = \"class\"\n\
         dimension = { kind = \"category\", values = [\"good\", \"bad\", \"rare\"] }\n\
         [[column]]\nname = \"age\"\ndimension = { kind = \"integer\", min = 20, max = 29 }\n\
         measure = { scale = 0, min = 20, max = 29 }\n",
    )
    .expect("a schema")
}

/// 90 rows, two of which are in the class `rare`.
pub(super) fn table(schema: &Schema) -> CodedTable {
    let mut table = CodedTable::new(schema);
    for row in 0..ROWS {
        let class = if row < 2 { "rare" } else { ["good", "bad"][row % 2] };
        let age = (20 + row % 10).to_string();
        table.push(schema, row as u64 + 1, &[Some(class), Some(&age)]).expect("fits");
    }
    table
}

/// An owner, a platform and a buyer in one folder.
pub(super) struct World {
    pub(super) _root: tempfile::TempDir,
    pub(super) profile: Profile,
    pub(super) manifest: Manifest,
    pub(super) policy: Policy,
    pub(super) platform: SigningKey,
    pub(super) buyer: SigningKey,
    pub(super) recipient: RecipientSecret,
    pub(super) gate: GateId,
}

impl World {
    pub(super) fn new(policy: Policy) -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let profile = Profile::new(root.path(), "owner").expect("a name");
        let schema = schema();
        let table = table(&schema);
        let budget = RollupBudget { max_cells_total: 4_096, ..RollupBudget::default() };
        let mut layout = layout_plan::rollup(&schema, ROWS as u64, &budget);
        let mut aggregator = Aggregator::new(&schema, &layout);
        aggregator.add(&table);
        let mut objects = Vec::new();
        make(&profile.object_cache());
        for index in 0..aggregator.segments() {
            let bytes =
                aggregator.encrypt_segment(index, &keys().secret, &mut rand::rng()).expect("encrypted");
            let digest = store(&profile, &bytes);
            objects.push(ObjectRef { digest, bytes: bytes.len() as u64 });
        }
        layout.segments = objects.iter().map(|object| object.digest).collect();
        let manifest = Manifest {
            lineage: LineageId::new(Uuid::from_u128(1)),
            version: 1,
            previous: None,
            schema,
            rows: ROWS as u64,
            rollup: Some(layout),
            scan: None,
            score: None,
            sandbox: None,
            root: merkle::root(&objects.iter().map(|o| o.digest).collect::<Vec<_>>()),
            objects,
        };
        manifest.validate().expect("sound");
        let signed = keys().signing.sign(manifest.clone()).expect("signed");
        profile.save_dataset(&signed, &policy).expect("saved");
        Self {
            _root: root,
            profile,
            manifest,
            policy,
            platform: SigningKey::from_seed(&[1; 32]),
            buyer: SigningKey::from_seed(&[2; 32]),
            recipient: RecipientSecret::from_bytes([3; 32]),
            gate: GateId::new(Uuid::from_u128(4)),
        }
    }

    pub(super) async fn gate(&self) -> Gate {
        let retry = Retry { attempts: 1, ..Retry::default() };
        let client = Client::new("http://127.0.0.1:9").expect("an address").with_retry(retry);
        let settings = Settings { clock, ..Settings::default() };
        let key = self.platform.verifying_key();
        Gate::assemble(&self.profile, client, self.gate, key, keys(), settings).await.expect("opened")
    }

    /// What an honest platform sends.
    pub(super) fn request(&self, number: u128, query: Query) -> ReleaseRequest {
        let program = lower::lower(&self.manifest, &query, LayoutKind::Rollup).expect("lowered");
        let outputs = self.evaluate(&program);
        self.request_with(number, query, &program, outputs)
    }

    pub(super) fn request_with(
        &self,
        number: u128,
        query: Query,
        program: &Program,
        outputs: Digest,
    ) -> ReleaseRequest {
        self.request_shown(number, query, program, outputs, None)
    }

    /// Of a hidden model, with what is shown of it.
    pub(super) fn request_shown(
        &self,
        number: u128,
        query: Query,
        program: &Program,
        outputs: Digest,
        shown: Option<Query>,
    ) -> ReleaseRequest {
        let (listing, buyer) = (ListingId::new(Uuid::from_u128(5)), AccountId::new(Uuid::from_u128(6)));
        let operations = OperationCounts::of(program, 0);
        let quote = Quote {
            id: QuoteId::new(Uuid::from_u128(number)),
            buyer,
            listing,
            dataset: query.dataset,
            query: query.digest().expect("canonical"),
            program: program.digest().expect("canonical"),
            layout: LayoutKind::Rollup,
            parameter_set: program.parameter_set(),
            operations,
            units: operations.units(program.parameter_set()),
            released_values: 1,
            price: Amount::minor(50),
            currency: Currency::EUR,
            expected_ms: 1,
            noise_millis: vec![],
            epsilon: self.policy.epsilon_per_query(),
            hidden: shown.is_some(),
            policy: self.policy.digest().expect("canonical"),
            expires_at: clock(),
        };
        let receipt = Receipt {
            job: JobId::new(Uuid::from_u128(number)),
            listing,
            dataset: query.dataset,
            root: self.manifest.root,
            query: quote.query,
            quote: quote.digest().expect("canonical"),
            program: quote.program,
            parameter_set: quote.parameter_set,
            evaluation_keys: None,
            outputs,
            operations,
            units: quote.units,
            price: quote.price,
            currency: quote.currency,
            evaluated_at: clock(),
        };
        let acceptance = Acceptance {
            quote: receipt.quote,
            query: quote.query,
            recipient: self.recipient.public().expect("a key"),
        };
        let hidden = shown.is_some().then(|| HiddenModel { query: receipt.query, inputs: vec![ColumnId(1)] });
        ReleaseRequest {
            id: ReleaseId::new(Uuid::from_u128(number)),
            gate: self.gate,
            job: receipt.job,
            listing,
            buyer,
            query: shown.unwrap_or(query),
            hidden,
            quote: self.platform.sign(quote).expect("signed"),
            acceptance: self.buyer.sign(acceptance).expect("signed"),
            receipt: self.platform.sign(receipt).expect("signed"),
            outputs,
        }
    }

    pub(super) fn evaluate(&self, program: &Program) -> Digest {
        let (Program::Rollup(program), Some(layout)) = (program, &self.manifest.rollup) else {
            panic!("a rollup program")
        };
        let source = Folder(&self.profile, &layout.segments);
        let outputs = rollup::evaluate(layout, program, &source, &Silent).expect("evaluated");
        store(&self.profile, &outputs.to_bytes())
    }

    pub(super) fn query(
        &self,
        expressions: &[Expression],
        groups: Vec<GroupKey>,
        predicate: Predicate,
    ) -> Query {
        let output = |(i, e): (usize, &Expression)| Output { name: format!("c{i}"), expression: e.clone() };
        Query {
            dataset: self.manifest.digest().expect("canonical"),
            outputs: expressions.iter().enumerate().map(output).collect(),
            predicate,
            groups,
            scores: Vec::new(),
        }
    }

    pub(super) fn by_class(&self) -> Query {
        let age = Value::measure(&self.manifest.schema, ColumnId(1));
        let shown = [Expression::Group(0), rows(), Expression::Average(age)];
        self.query(&shown, vec![GroupKey::Codes(ColumnId(0))], Predicate::All)
    }

    pub(super) fn open(&self, decision: &ReleaseDecision) -> Answer {
        let sealed = decision.sealed.as_ref().expect("released");
        serde_json::from_slice(&self.recipient.open(sealed).expect("opened")).expect("an answer")
    }
}

struct Folder<'a>(&'a Profile, &'a [Digest]);

impl SegmentSource for Folder<'_> {
    fn segment(&self, index: u64) -> Result<Bytes, SourceError> {
        let path = self.0.object_cache().join(self.1[index as usize].to_string());
        Ok(std::fs::read(path)?.into())
    }
}

pub(super) fn make(folder: &std::path::Path) {
    std::fs::create_dir_all(folder).expect("made");
}

pub(super) fn store(profile: &Profile, bytes: &[u8]) -> Digest {
    let digest = Digest::of(Purpose::Object, bytes);
    std::fs::write(profile.object_cache().join(digest.to_string()), bytes).expect("written");
    digest
}

pub(super) fn refusal(decision: &ReleaseDecision) -> RefusalReason {
    assert!(decision.sealed.is_none());
    match &decision.decision.body.outcome {
        Outcome::Refused { reason, .. } => *reason,
        Outcome::Released { .. } => panic!("released"),
    }
}

pub(super) fn exact() -> Policy {
    Policy { min_cohort: 5, ..Policy::default() }
}

pub(super) fn noisy(queries: u64) -> Policy {
    let epsilon_per_query = Epsilon::millionths(500_000);
    Policy {
        min_cohort: 5,
        noise: Noise::DiscreteGaussian { epsilon_per_query, delta_exponent: 6 },
        epsilon_budget: Some(Epsilon::millionths(500_000 * queries)),
        ..Policy::default()
    }
}
