//! Networks in slots: equal to the same in clear, parts of scores hidden, noise below its bound, and what does
//! not fit refused.

use fhe::bfv::{Encoding, Plaintext};
use fhe_traits::{FheDecoder, FheDecrypter, FheEncoder, FheEncrypter, Serialize};
use sordino_protocol::predict::{
    Evaluation, InputForm, MAX_UNIT_LEVELS, NetworkSlots, Packing, PredictionProgram,
};

use super::{
    noise::{bare, check},
    support::{ROTATING, client, looked_up, network, rng, table},
};
use crate::{
    error::FheError,
    parameters::{bfv, scan},
    predict::{decrypt, encrypt, encrypt::Inputs, network::Run, rotation::rotated},
    progress::Silent,
    scan::{ciphertext::Ciphertext, tables::tables, wire},
    withhold::withhold,
};

fn slots_of(form: &InputForm) -> NetworkSlots {
    NetworkSlots::of(form).expect("slots")
}

#[test]
fn scores_are_those_in_clear() {
    for (inputs, units, scores, groups, rows) in
        [(40, 5, 1, 16, 30), (40, 16, 1, 256, 64), (9, 3, 2, 4, 7), (70, 2, 1, 64, 1), (2, 1, 1, 4, 3)]
    {
        let program = network(inputs, units, scores, groups, 17);
        assert!(program.is_consistent(), "{inputs} inputs, {groups} groups");
        let (client, table, form) = (client(ROTATING), table(inputs, rows, 2, 18), &program.form);
        let bytes = encrypt(&client.keys, form, &table, 0..rows, &mut rng(19)).expect("encrypted");
        let answer = client.evaluator.evaluate(&program, &bytes, &mut rng(20), &Silent).expect("evaluated");
        let found = decrypt(&client.keys, form, 0..rows, &answer).expect("decrypted");
        let expected: Vec<Vec<i64>> = (0..rows).map(|row| looked_up(&program, &table, row)).collect();
        assert_eq!(found, expected, "{inputs} inputs, {units} units, {groups} groups");
    }
}

#[test]
fn rotations_move_the_slots_of_each_half() {
    let (client, numbers) = (client(ROTATING), scan(ROTATING).expect("a set"));
    let values: Vec<u64> = (0..numbers.degree as u64).collect();
    let plain = Plaintext::try_encode(&values[..], Encoding::simd(), bfv(ROTATING).expect("a set"));
    let sealed: fhe::bfv::Ciphertext =
        client.keys.secret().try_encrypt(&plain.expect("encoded"), &mut rng(30)).expect("encrypted");
    let Ciphertext::Early(sealed) = wire::read_slice(&sealed.to_bytes(), ROTATING).expect("a slice") else {
        panic!("a fresh ciphertext")
    };
    let basis = &tables(ROTATING, numbers.moduli.len()).expect("tables").full;
    let half = numbers.degree / 2;
    for by in ROTATING.rotations() {
        let turned = rotated(&client.evaluator.keys.rotations, *by, &sealed, basis).expect("a key");
        let turned = client.keys.secret().try_decrypt(&bare(ROTATING, &turned, basis)).expect("decrypted");
        let found = Vec::<u64>::try_decode(&turned, Encoding::simd()).expect("decoded");
        let expected = |slot: usize| (slot / half * half + (slot + by) % half) as u64;
        assert!(found.iter().enumerate().all(|(slot, value)| *value == expected(slot)), "by {by}");
    }
    assert!(rotated(&client.evaluator.keys.rotations, 1, &sealed, basis).is_err());
}

/// The widest tables, all groups, and weights that take every coefficient.
#[test]
fn noise_of_networks_is_hidden_and_decrypts() {
    for groups in [16, 256] {
        let mut program = network(300, 16, 1, groups, 21);
        let Evaluation::Network(network) = &mut program.evaluation else { panic!("a network") };
        network.units.iter_mut().for_each(|unit| unit.outputs.resize(MAX_UNIT_LEVELS, 77));
        let (client, table) = (client(ROTATING), table(300, 60, 2, 22));
        let known = sordino_protocol::bounds::prediction_flooding(&program).expect("it fits");
        let bytes = encrypt(&client.keys, &program.form, &table, 0..60, &mut rng(23)).expect("encrypted");
        let inputs = Inputs::read(&bytes, &program.form).expect("inputs");
        let inputs: Vec<Ciphertext> =
            inputs.all().iter().map(|bytes| wire::read_slice(bytes, ROTATING).expect("a slice")).collect();
        let run = Run {
            set: ROTATING,
            tables: tables(ROTATING, known.working).expect("tables"),
            keys: &client.evaluator.keys,
            slots: slots_of(&program.form),
            progress: &Silent,
        };
        let Evaluation::Network(network) = &program.evaluation else { panic!("a network") };
        let score = run.scores(network, &inputs).expect("it runs").remove(0);
        check(ROTATING, score, known.working, known.noise_bits[0], known.flood_bits[0]);
    }
}

/// The slots of an answer as whoever has the key sees them.
fn opened(program: &PredictionProgram, answer: &[u8]) -> Vec<i64> {
    let degree = scan(ROTATING).expect("a set").degree;
    let whole = InputForm { packing: Packing::Batch { inputs: vec![] }, ..program.form.clone() };
    let slots = decrypt(&client(ROTATING).keys, &whole, 0..degree, answer).expect("slots");
    slots.into_iter().map(|slot| slot[0]).collect()
}

#[test]
fn what_a_unit_adds_is_not_told() {
    let program = network(20, 4, 1, 64, 24);
    let (client, table, rows) = (client(ROTATING), table(20, 5, 2, 25), 5);
    let bytes = encrypt(&client.keys, &program.form, &table, 0..rows, &mut rng(26)).expect("encrypted");
    let answer =
        |seed| client.evaluator.evaluate(&program, &bytes, &mut rng(seed), &Silent).expect("evaluated");
    let (one, other) = (opened(&program, &answer(27)), opened(&program, &answer(28)));
    // Of 16,384 numbers modulo 65,537 about a quarter of one is the same by chance.
    let same = one.iter().zip(&other).filter(|(a, b)| a == b).count();
    assert!(same < 8, "{same} slots are the same in two answers to one request");
    let slots = slots_of(&program.form);
    for (row, expected) in (0..rows).map(|row| (row, looked_up(&program, &table, row)[0])) {
        for found in [&one, &other] {
            let sum: i64 = (0..slots.units).map(|unit| found[slots.slot(row, unit)]).sum();
            assert_eq!((sum - expected).rem_euclid(65_537), 0, "row {row}");
        }
    }
}

#[test]
fn rows_that_are_not_paid_for_stay_closed() {
    for groups in [16, 256] {
        let program = network(20, 6, 2, groups, 31);
        let (client, table) = (client(ROTATING), table(20, 64, 2, 32));
        let bytes = encrypt(&client.keys, &program.form, &table, 0..64, &mut rng(33)).expect("encrypted");
        let answer = client.evaluator.evaluate(&program, &bytes, &mut rng(34), &Silent).expect("evaluated");
        let held = withhold(&program.form, 40, answer, &mut rng(35)).expect("withheld");
        let found = decrypt(&client.keys, &program.form, 0..64, &held).expect("decrypted");
        for (row, found) in found.iter().enumerate() {
            assert_eq!(*found == looked_up(&program, &table, row), row < 40, "row {row}, {groups} groups");
        }
    }
}

#[test]
fn a_network_that_contradicts_itself_is_refused() {
    let good = network(20, 4, 1, 16, 36);
    let (client, table) = (client(ROTATING), table(20, 5, 2, 37));
    let bytes = encrypt(&client.keys, &good.form, &table, 0..5, &mut rng(38)).expect("encrypted");
    let refused = |change: &dyn Fn(&mut PredictionProgram)| {
        let mut program = good.clone();
        change(&mut program);
        let refused = client.evaluator.evaluate(&program, &bytes, &mut rng(39), &Silent);
        assert!(matches!(refused, Err(FheError::Prediction(_))), "{refused:?}");
    };
    let form = |units, groups| {
        refused(&|program| {
            let Packing::Network { units: u, groups: g, .. } = &mut program.form.packing else { panic!() };
            (*u, *g) = (units, groups);
        });
    };
    for (units, groups) in
        [(4, 0), (4, 1), (4, 8), (4, 1_024), (4, u32::MAX), (0, 16), (5, 16), (u32::MAX, 16)]
    {
        form(units, groups);
    }
    let network = |change: &dyn Fn(&mut sordino_protocol::predict::Network)| {
        refused(&|program| {
            let Evaluation::Network(network) = &mut program.evaluation else { panic!("a network") };
            change(network);
        });
    };
    network(&|network| network.units[0].outputs.clear());
    network(&|network| network.units[3].outputs = vec![1; MAX_UNIT_LEVELS + 1]);
    network(&|network| network.units[1].sum.weights.truncate(19));
    network(&|network| network.units.truncate(3));
    network(&|network| network.scores[0].weights.truncate(3));
    network(&|network| network.scores.clear());
    // Other bytes of inputs than the form asks for.
    let short = client.evaluator.evaluate(&good, &bytes[..bytes.len() - 1], &mut rng(39), &Silent);
    assert!(matches!(short, Err(FheError::Untrusted(_))), "{short:?}");
}
