//! Scores equal those in clear; rows that were not paid for, other keys and other bytes give nothing.

use object_store::{ObjectStoreExt, memory::InMemory, path::Path};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sordino_domain::objects;
use sordino_fhe::predict::{ClientKeys, decrypt, encrypt};
use sordino_model::{
    model::Link,
    quantised::{self, Format, Quantised, Score, Shape, Term},
};
use sordino_protocol::{
    api::models::Serving,
    canonical::Canonical,
    coded::CodedTable,
    digest::Purpose,
    predict::InputEncoding,
    schema::{Column, ColumnId, Domain, Schema},
};

use super::*;

struct World {
    predictor: Predictor,
    artefact: Artefact,
    digest: Digest,
    table: CodedTable,
    keys: ClientKeys,
    registered: Digest,
    rng: ChaCha20Rng,
}

async fn put(store: &InMemory, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(Purpose::Object, &bytes);
    store.put(&Path::from(objects::path(&digest)), bytes.into()).await.expect("stored");
    digest
}

impl World {
    async fn new() -> Self {
        let column = Column {
            name: "age".to_owned(),
            description: String::new(),
            nullable: false,
            dimension: Some(Domain::Integer { min: 0, max: 9 }),
            measure: None,
        };
        let schema = Schema { table: "t".to_owned(), null_values: vec![], columns: vec![column] };
        let weights: Vec<i64> = (0..10).map(|code| 7 * code - 30).collect();
        let model = Quantised {
            format: Format::V1,
            shape: Shape::Scores(vec![Score {
                intercept: 4,
                terms: vec![Term::Codes { column: ColumnId(0), weights }],
            }]),
            link: Link::Sigmoid,
            classes: vec!["no".to_owned(), "yes".to_owned()],
            fraction_bits: 3,
            bounds: vec![(-26, 37)],
        };
        let mut table = CodedTable::new(&schema);
        for row in 0..30 {
            table.push(&schema, row, &[Some(&(row % 10).to_string())]).expect("fits");
        }
        let artefact =
            Artefact::compile(model, &schema, InputEncoding::Edges, Serving::Both).expect("compiled");
        let mut rng = ChaCha20Rng::seed_from_u64(17);
        let set = artefact.programs[0].form.parameter_set;
        let keys = ClientKeys::generate(set, &mut rng).expect("keys");
        let store = InMemory::new();
        let registered = put(&store, keys.registration(&mut rng).expect("registration")).await;
        let digest = put(&store, serde_json::to_vec(&artefact).expect("JSON")).await;
        let predictor = Predictor::new(2, Arc::new(store)).expect("threads");
        Self { predictor, artefact, digest, table, keys, registered, rng }
    }

    fn request(&mut self, rows: usize, samples: u32) -> Request {
        let form = &self.artefact.programs[0].form;
        let inputs = encrypt(&self.keys, form, &self.table, 0..rows, &mut self.rng).expect("encrypted");
        Request {
            artefact: self.digest,
            form: form.digest().expect("a digest"),
            keys: self.registered,
            inputs: inputs.into(),
            samples,
        }
    }
}

#[tokio::test]
async fn scores_are_those_in_clear_and_only_of_rows_that_are_paid() {
    let mut world = World::new().await;
    let request = world.request(30, 20);
    let evaluated = world.predictor.evaluate(request).await.expect("evaluated");
    let form = &world.artefact.programs[0].form;
    let scores = decrypt(&world.keys, form, 0..30, &evaluated.outputs).expect("decrypted");
    for (row, found) in scores.iter().enumerate() {
        let expected = quantised::evaluate(&world.artefact.model, &world.table, row).expect("fits").scores;
        assert_eq!(*found == expected, row < 20, "row {row}");
    }
    let again = world.request(30, 20);
    world.predictor.evaluate(again).await.expect("evaluated");
    let stats = world.predictor.key_cache();
    assert_eq!((stats.misses, stats.hits), (1, 1));
}

#[tokio::test]
async fn what_is_no_ciphertext_or_no_key_is_refused() {
    let mut world = World::new().await;
    let good = world.request(3, 3);
    // Rows of this form share one ciphertext up to several hundred.
    let few = world.artefact.programs[1].form.clone();
    let inputs = encrypt(&world.keys, &few, &world.table, 0..3, &mut world.rng).expect("encrypted");
    let form = few.digest().expect("a digest");
    let more = Request { samples: 1_000, form, inputs: inputs.into(), ..world.request(3, 3) };
    let short = Request { inputs: good.inputs.slice(..good.inputs.len() - 1), ..world.request(3, 3) };
    let noise = Request { inputs: vec![0xab; good.inputs.len()].into(), ..world.request(3, 3) };
    for bad in [more, short, noise] {
        assert!(matches!(world.predictor.evaluate(bad).await, Err(EngineError::Fhe(_))));
    }
    let other = Request { form: world.digest, ..world.request(3, 3) };
    assert!(matches!(world.predictor.evaluate(other).await, Err(EngineError::Missing(_))));
    let unknown = Request { keys: Digest::from_bytes([9; 32]), ..world.request(3, 3) };
    assert!(matches!(world.predictor.evaluate(unknown).await, Err(EngineError::Missing(_))));
    let set = world.artefact.programs[0].form.parameter_set;
    let checked = world.predictor.check_keys(world.digest, set).await;
    assert!(matches!(checked, Err(EngineError::Fhe(_))), "an artefact is no key: {checked:?}");
}

#[tokio::test]
async fn what_clients_are_told_holds_no_weight() {
    let world = World::new().await;
    let forms = world.artefact.forms(InputEncoding::Edges, u64::MAX).expect("forms");
    assert_eq!(forms.len(), 2);
    assert!(forms[0].input_bytes > forms[1].input_bytes && forms[0].rows > forms[1].rows);
    let told = serde_json::to_string(&forms).expect("JSON");
    assert!(!told.contains("-30") && !told.contains("weights") && !told.contains("constant"), "{told}");
    let refused = world.artefact.forms(InputEncoding::Edges, 1_000).expect_err("too large");
    assert!(refused.to_string().contains("tests instead of edges"), "{refused}");
}
