//! Encrypted predictions of fixtures: what a client and the platform do, in one process.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, Mutex, OnceLock},
};

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sordino_fhe::{
    predict::{ClientKeys, Evaluator, decrypt, encrypt},
    progress::Silent,
};
use sordino_model::quantised::{Quantised, evaluate};
use sordino_protocol::{
    coded::CodedTable, parameters::ParameterSet, predict::PredictionProgram, schema::Schema,
};

use crate::fixture::Fixture;

/// A client with what the platform keeps of it.
pub(crate) struct Client {
    pub(crate) keys: ClientKeys,
    pub(crate) evaluator: Evaluator,
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// One client a set, made once.
pub(crate) fn client(set: ParameterSet) -> Arc<Client> {
    static CLIENTS: OnceLock<Mutex<BTreeMap<ParameterSet, Arc<Client>>>> = OnceLock::new();
    let mut clients = CLIENTS.get_or_init(Mutex::default).lock().expect("no test has panicked");
    Arc::clone(clients.entry(set).or_insert_with(|| {
        let keys = ClientKeys::generate(set, &mut rng(1)).expect("keys");
        let registration = keys.registration(&mut rng(2)).expect("keys");
        let evaluator = Evaluator::new(set, &registration).expect("keys");
        Arc::new(Client { keys, evaluator })
    }))
}

/// All rows of a fixture under a schema.
pub(crate) fn coded(fixture: &Fixture, schema: &Schema) -> CodedTable {
    let mut table = CodedTable::new(schema);
    for (row, cells) in fixture.rows.iter().enumerate() {
        let cells: Vec<Option<&str>> = cells.iter().map(Option::as_deref).collect();
        table.push(schema, row as u64, &cells).expect("fits the schema");
    }
    table
}

/// Encrypts, evaluates and decrypts some rows.
pub(crate) fn serve(program: &PredictionProgram, table: &CodedTable, rows: Range<usize>) -> Vec<Vec<i64>> {
    let client = client(program.form.parameter_set);
    let inputs = encrypt(&client.keys, &program.form, table, rows.clone(), &mut rng(3)).expect("encrypted");
    let outputs = client.evaluator.evaluate(program, &inputs, &mut rng(4), &Silent).expect("evaluated");
    decrypt(&client.keys, &program.form, rows, &outputs).expect("decrypted")
}

/// The scores of some rows in clear.
pub(crate) fn clear(model: &Quantised, table: &CodedTable, rows: Range<usize>) -> Vec<Vec<i64>> {
    rows.map(|row| evaluate(model, table, row).expect("a prediction").scores).collect()
}
