//! Networks in slots: equal to the same in clear, parts of scores hidden, and what does not fit refused.

use sordino_protocol::predict::{Evaluation, NetworkSlots, Packing, PredictionProgram};

use super::support::{ROTATING, client, looked_up, network, rng, table};
use crate::{
    error::FheError,
    parameters::scan,
    predict::{decrypt, encrypt, outputs, rotation::rotated},
    progress::Silent,
    scan::{ciphertext::Ciphertext, tables::tables, wire},
};

#[test]
fn scores_are_those_in_clear() {
    let cases =
        [(40, 5, 1, 16, 30), (40, 16, 1, 256, 64), (9, 3, 2, 4, 7), (70, 2, 1, 64, 1), (2, 1, 1, 4, 3)];
    for (inputs, units, scores, groups, rows) in cases {
        let program = network(inputs, units, scores, groups, 17);
        assert!(program.is_consistent(), "{inputs} inputs, {groups} groups");
        let (client, table, form) = (client(ROTATING), table(inputs, rows, 2, 18), &program.form);
        let bytes = encrypt(&client.keys, form, &table, 0..rows, &mut rng(19)).expect("encrypted");
        let started = std::time::Instant::now();
        let answer = client.evaluator.evaluate(&program, &bytes, &mut rng(20), &Silent).expect("evaluated");
        println!("{inputs} inputs, {units} units, {groups} groups: {:?}", started.elapsed());
        let found = decrypt(&client.keys, form, 0..rows, &answer).expect("decrypted");
        let expected: Vec<Vec<i64>> = (0..rows).map(|row| looked_up(&program, &table, row)).collect();
        assert_eq!(found, expected, "{inputs} inputs, {units} units, {groups} groups");
    }
}
