//! Outputs say nothing but scores: they are re-randomised, and linear algebra on the client's own
//! ciphertexts does not give weights away.

use sordino_protocol::program::Step;

use super::support::{LARGE, SMALL, batch, client, rng, row, table, trees};
use crate::{
    parameters::scan,
    predict::{decrypt, encrypt, encrypt::Inputs, outputs},
    progress::Silent,
    ring::Basis,
    scan::{ciphertext::Ciphertext, tables::tables, wire},
};

/// How a difference modulo the first modulus of a set is distributed: the share of coefficients in each
/// eighth of its range. A difference that is small or zero has all of them in the outer two.
fn eighths(a: &[u64], b: &[u64], modulus: u64) -> [f64; 8] {
    let mut shares = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        let difference = (u128::from(*a) + u128::from(modulus - b)) % u128::from(modulus);
        shares[(difference * 8 / u128::from(modulus)) as usize] += 1.0;
    }
    let total: f64 = shares.iter().sum();
    shares.map(|share| share / total)
}

#[test]
fn two_evaluations_of_one_input_differ_and_decrypt_alike() {
    let linear = batch(SMALL, 3, vec![Step::Combine(vec![(0, 5), (1, -7), (2, 11)])], &[3]);
    let products = batch(LARGE, 2, vec![Step::MultiplyRaw(0, 1), Step::Relinearise(2)], &[3]);
    let constant = batch(SMALL, 1, vec![Step::Combine(vec![(0, 1)])], &[0]);
    for (program, columns, rows) in [
        (linear, 3, 30),
        (products, 2, 30),
        (constant, 1, 30),
        (row(vec![3, 4, 5]), 3, 1),
        (trees(3, 1), 45, 1),
    ] {
        let set = program.form.parameter_set;
        let (client, table) = (client(set), table(columns, rows, 2, 4));
        let bytes = encrypt(&client.keys, &program.form, &table, 0..rows, &mut rng(5)).expect("encrypted");
        let answer =
            |seed| client.evaluator.evaluate(&program, &bytes, &mut rng(seed), &Silent).expect("evaluated");
        let (one, other) = (answer(6), answer(7));
        assert_ne!(one, other);
        assert_eq!(answer(6), one, "the same randomness gives the same bytes");
        let open = |bytes: &[u8]| decrypt(&client.keys, &program.form, 0..rows, bytes).expect("decrypted");
        assert_eq!(open(&one), open(&other));
        let mask = |bytes: &[u8]| outputs::read(bytes, &program.form, rows).expect("scores").remove(0).mask;
        let modulus = scan(set).expect("a set").moduli[0];
        for share in eighths(&mask(&one), &mask(&other), modulus) {
            assert!((0.08..0.17).contains(&share), "{share} of the differences lie in an eighth");
        }
    }
}

#[test]
fn attack_weights_by_linear_algebra() {
    let weights = [123_456, -77, 4_000];
    let terms = (0..).zip(weights).collect();
    let program = batch(SMALL, 3, vec![Step::Combine(terms)], &[3]);
    let (client, table) = (client(SMALL), table(3, 8, 100, 4));
    let bytes = encrypt(&client.keys, &program.form, &table, 0..8, &mut rng(5)).expect("encrypted");
    let answer = client.evaluator.evaluate(&program, &bytes, &mut rng(6), &Silent).expect("evaluated");
    let found = outputs::read(&answer, &program.form, 8).expect("scores").remove(0);
    // Without hiding the second polynomial is the combination of those that the client made, so that a
    // guess of the weights can be checked and the weights follow from a few coefficients.
    let inputs = Inputs::read(&bytes, &program.form).expect("inputs");
    let tables = tables(SMALL, 2).expect("tables");
    let basis: &Basis = &tables.full;
    let mut guess = basis.zero();
    for (bytes, weight) in inputs.all().iter().zip(weights) {
        let Ciphertext::Early([_, mask]) = wire::read_slice(bytes, SMALL).expect("a slice") else {
            panic!("a slice")
        };
        basis.add_multiple(&mut guess, &mask, weight);
    }
    let guess = tables.finish[0].to_coefficients(&guess);
    let modulus = scan(SMALL).expect("a set").moduli[0];
    for share in eighths(&found.mask, &guess, modulus) {
        assert!((0.1..0.15).contains(&share), "the right guess is not told from a wrong one: {share}");
    }
}
