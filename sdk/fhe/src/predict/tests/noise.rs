//! Measured noise: below its bound, hidden by what is added, and far enough from what decrypts.

#![expect(unsafe_code, reason = "the library marks measuring noise as unsafe, for its timing")]

use fhe_math::rq::{Poly, Representation, traits::TryConvertFrom};
use rand::Rng;
use sordino_protocol::{
    bounds::{FLOODING_BITS, flooding},
    parameters::ParameterSet,
    predict::Evaluation,
    program::Step,
};

use super::support::{LARGE, SMALL, batch, client, rng, row, table, trees, walked};
use crate::{
    parameters::{bfv, scan},
    predict::{
        decrypt, encrypt,
        encrypt::Inputs,
        mask::Mask,
        outputs::{self, Score},
        rows::Products,
        single::Trees,
    },
    progress::Silent,
    ring::{Basis, Rows},
    scan::{Run, ciphertext::Ciphertext, tables::tables, wire},
};

/// A ciphertext in the first moduli as the library has it.
pub(super) fn bare(set: ParameterSet, [c0, c1]: &[Rows; 2], basis: &Basis) -> fhe::bfv::Ciphertext {
    let level = scan(set).expect("a set").moduli.len() - basis.len();
    let context = bfv(set).expect("a set").context_at_level(level).expect("a level");
    let polynomial = |rows: &Rows| {
        Poly::try_convert_from(rows.clone(), context, true, Representation::Ntt).expect("a polynomial")
    };
    fhe::bfv::Ciphertext::new(vec![polynomial(c0), polynomial(c1)], bfv(set).expect("a set"))
        .expect("a ciphertext")
}

/// Bits of the largest coefficient of the noise, and bits that decrypt.
fn measured(set: ParameterSet, polynomials: &[Rows; 2], basis: &Basis) -> (u32, f64) {
    let numbers = scan(set).expect("a set");
    let ciphertext = bare(set, polynomials, basis);
    // Safety: only the time depends on the noise, and nobody watches a test.
    let noise = unsafe { client(set).keys.secret().measure_noise(&ciphertext) }.expect("measured");
    let modulus: f64 = numbers.moduli[..basis.len()].iter().map(|q| (*q as f64).log2()).sum();
    (noise as u32, modulus - (numbers.plaintext_modulus as f64).log2() - 1.0)
}

fn mask<'a>(set: ParameterSet, zero: &'a [Rows; 2], flood_bits: u32) -> Mask<'a> {
    let numbers = scan(set).expect("a set");
    Mask { zero, variance: numbers.variance, modulus: numbers.plaintext_modulus, flood_bits, constant: 5 }
}

/// The ciphertext of the only output before it is hidden, its basis, and what is known of it.
pub(super) fn check(
    set: ParameterSet,
    ciphertext: Ciphertext,
    working: usize,
    noise_bits: u32,
    flood_bits: u32,
) {
    let tables = tables(set, working).expect("tables");
    let basis = ciphertext.basis(tables).clone();
    let (Ciphertext::Early(mut rows) | Ciphertext::Late(mut rows)) = ciphertext else {
        panic!("it is relinearised")
    };
    let (own, _) = measured(set, &rows, &basis);
    assert!(own <= noise_bits, "{own} bits of noise, bounded by {noise_bits}");
    assert!(noise_bits < own + 24, "{own} bits of noise, bounded by {noise_bits}: the bound is absurd");
    mask(set, &client(set).evaluator.keys.zero, flood_bits).apply(&mut rows, &basis, &[7; 32]);
    let (hidden, budget) = measured(set, &rows, &basis);
    // The largest of thousands of uniform numbers has all bits; the sum with the rest a bit more at most.
    assert!((flood_bits..=flood_bits + 1).contains(&hidden), "{hidden} bits, {flood_bits} were added");
    assert!(hidden >= own + FLOODING_BITS, "{own} bits are hidden by {hidden}");
    assert!(f64::from(hidden) + 1.0 <= budget, "{hidden} bits of {budget}");
    let finish = &tables.finish[usize::from(basis.len() != tables.full.len())];
    let late = [finish.transformed(&rows[0]), finish.transformed(&rows[1])];
    let finish = tables.full.part(0..scan(set).expect("a set").finish_moduli());
    let (left, budget) = measured(set, &late, &finish);
    assert!(f64::from(left) + 0.5 <= budget, "{left} bits of {budget} after switching down");
    println!(
        "{set}: {own} bits of at most {noise_bits}, hidden by {hidden}; at the end {left} of {budget:.1}"
    );
}

#[test]
fn noise_of_batches_is_hidden_and_decrypts() {
    let weights: Vec<(u32, i64)> = (0..20).map(|input| (input, (1 << 22) - i64::from(input))).collect();
    let deep = vec![
        Step::Combine(vec![(0, 60_000), (1, -50_000)]),
        Step::MultiplyRaw(2, 3),
        Step::Relinearise(4),
        Step::MultiplyRaw(1, 2),
        Step::Relinearise(6),
        Step::MultiplyRaw(5, 7),
        Step::Combine(vec![(8, 9)]),
        Step::Relinearise(9),
        Step::Combine(vec![(0, 7), (10, 1)]),
    ];
    let cases = [
        (SMALL, 20, vec![Step::Combine(weights.clone())], 20),
        (LARGE, 20, vec![Step::Combine(weights)], 20),
        (LARGE, 3, deep, 11),
    ];
    for (set, columns, steps, output) in cases {
        let program = batch(set, columns, steps, &[output]);
        let line = program.scan_program();
        let known = flooding(&line).expect("it fits");
        let table = table(columns, 50, 1_000_000, 5);
        let client = client(set);
        let bytes = encrypt(&client.keys, &program.form, &table, 0..50, &mut rng(6)).expect("encrypted");
        let inputs = Inputs::read(&bytes, &program.form).expect("inputs");
        let run = Run {
            set,
            key: &client.evaluator.keys.relinearisation,
            tables: tables(set, known.working).expect("tables"),
            program: &line,
            early: false,
            chunk: &inputs,
            progress: &Silent,
        };
        let ciphertext = run.all().expect("it runs").remove(0);
        check(set, ciphertext, known.working, known.noise_bits[0], known.flood_bits[0]);
    }
}

#[test]
fn noise_of_trees_is_hidden_and_decrypts() {
    let program = trees(200, 8);
    let table = table(200 * 15, 1, 2, 9);
    let client = client(LARGE);
    let known = flooding(&program.scan_program()).expect("it fits");
    let bytes = encrypt(&client.keys, &program.form, &table, 0..1, &mut rng(10)).expect("encrypted");
    let inputs = Inputs::read(&bytes, &program.form).expect("inputs");
    let nodes: Vec<Ciphertext> =
        inputs.all().iter().map(|bytes| wire::read_slice(bytes, LARGE).expect("a slice")).collect();
    let tables = tables(LARGE, known.working).expect("tables");
    let evaluated = Trees::new(LARGE, tables, &client.evaluator.keys.relinearisation, &nodes).expect("trees");
    let Evaluation::Leaves(leaves) = &program.evaluation else { panic!("trees") };
    let score = evaluated.score(&leaves[0]).expect("a score");
    check(LARGE, score, known.working, known.noise_bits[0], known.flood_bits[0]);
    let outputs = client.evaluator.evaluate(&program, &bytes, &mut rng(11), &Silent).expect("evaluated");
    let found = decrypt(&client.keys, &program.form, 0..1, &outputs).expect("decrypted");
    assert_eq!(found, [[walked(&program, &table)]]);
}

#[test]
fn an_inner_product_takes_every_coefficient() {
    let weights: Vec<i64> = (0..4_096).map(|place| (place * 37) % 101 - 50).collect();
    let table = table(weights.len(), 1, 40, 12);
    let expected: i64 = weights
        .iter()
        .zip(&table.values)
        .map(|(w, column)| w * column.as_ref().and_then(|values| values[0]).expect("a value"))
        .sum();
    let (program, client) = (row(weights), client(SMALL));
    let bytes = encrypt(&client.keys, &program.form, &table, 0..1, &mut rng(13)).expect("encrypted");
    let outputs = client.evaluator.evaluate(&program, &bytes, &mut rng(14), &Silent).expect("evaluated");
    let found = decrypt(&client.keys, &program.form, 0..1, &outputs).expect("decrypted");
    assert_eq!(found, [[expected + 17]]);
}

#[test]
fn scores_of_rows_are_drowned_in_noise() {
    let (program, client) = (row(vec![3, -4, 5]), client(SMALL));
    let numbers = scan(SMALL).expect("a set");
    let rows = program.form.rows_of_one();
    let table = table(3, rows, 1_000, 15);
    let known = flooding(&program.scan_program()).expect("it fits");
    let bytes = encrypt(&client.keys, &program.form, &table, 0..rows, &mut rng(16)).expect("encrypted");
    let answer = client.evaluator.evaluate(&program, &bytes, &mut rng(17), &Silent).expect("evaluated");
    let scores = decrypt(&client.keys, &program.form, 0..rows, &answer).expect("decrypted");
    let Score { body, mut mask } = outputs::read(&answer, &program.form, rows).expect("scores").remove(0);
    // What the holder of the key sees is `c0 + c1 s`, and so its noise.
    let basis = tables(SMALL, known.working).expect("tables").full.part(0..1);
    let (prime, q) = (basis.primes[0], i128::from(numbers.moduli[0]));
    prime.forward(&mut mask);
    let mut phase = basis.zero();
    prime.accumulate(&mut phase, &mask, basis.row(client.keys.transformed(), 0));
    prime.inverse(&mut phase);
    let t = i128::from(numbers.plaintext_modulus);
    let places = outputs::places(&program.form);
    let noise = places.iter().zip(&body).zip(&scores).map(|((place, c0), score)| {
        let exact = i128::from(score[0]).rem_euclid(t) * q / t;
        let noise = (i128::from(prime.add(*c0, phase[*place])) - exact).rem_euclid(q);
        noise.min(q - noise)
    });
    let largest = (noise.max().expect("a row") as f64).log2();
    let added = f64::from(known.flood_bits[0]) - (numbers.moduli[1] as f64).log2();
    assert!((added - 1.0..added + 1.5).contains(&largest), "{largest} bits of noise, {added} were added");
}

#[test]
fn dropping_one_modulus_is_the_general_conversion() {
    let (numbers, client) = (scan(SMALL).expect("a set"), client(SMALL));
    let tables = tables(SMALL, 2).expect("tables");
    let products = Products { numbers, tables, keys: &client.evaluator.keys, places: &[0] };
    let mut rng = rng(18);
    let row = |q: &u64| {
        let mut row: Vec<u64> = (0..numbers.degree).map(|_| rng.random_range(0..*q)).collect();
        // Not half of all moduli, where rounding could go either way.
        row[..3].copy_from_slice(&[0, 1, q - 1]);
        row
    };
    let mask: Rows = numbers.moduli.iter().flat_map(row).collect();
    assert_eq!(products.switched(&mask), tables.finish[0].convert(&mask, |_, _| {}));
}
