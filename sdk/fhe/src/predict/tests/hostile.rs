//! Bytes from outside: an error, never a panic, unless they are what this crate writes.

use sordino_protocol::{parameters::ParameterSet, predict::Evaluation, program::Step};

use super::support::{LARGE, ROTATING, SMALL, batch, client, rng, row, table, trees};
use crate::{
    error::FheError,
    parameters::scan,
    predict::{
        ClientKeys, Evaluator, decrypt, encrypt, inputs_size, outputs_size, registration_size,
        rotation::frame,
    },
    progress::Silent,
    scan::wire,
    trust::HEADER,
};

/// Changes that no reader may accept: cut, extended, and any bit of the first `framing` bytes.
fn damaged(bytes: &[u8], framing: usize) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> =
        [0, 1, HEADER, HEADER + 3, bytes.len() - 1].map(|length| bytes[..length].to_vec()).into();
    all.push([bytes, &[0]].concat());
    all.push([bytes, bytes].concat());
    for bit in 0..8 * framing {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        all.push(flipped);
    }
    all
}

/// Flips of single bits all over, which may be valid.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..40).map(|step| {
        let mut flipped = bytes.to_vec();
        let at = (step * 7_919_993) % bytes.len();
        flipped[at] ^= 1 << (step % 8);
        flipped
    })
}

#[test]
fn registered_keys_are_checked() {
    for set in [SMALL, LARGE] {
        let bytes = &client(set).registration;
        assert_eq!(bytes.len() as u64, registration_size(set).expect("a set"));
        println!("{set}: {} bytes are registered", bytes.len());
        // The header and the framing of the first polynomial.
        for hostile in damaged(bytes, HEADER + 4) {
            assert!(Evaluator::new(set, &hostile).is_err());
        }
        for hostile in flipped(bytes).take(8) {
            drop(Evaluator::new(set, &hostile));
        }
        // No reduced coefficient has all bits.
        let mut full = bytes.clone();
        full[HEADER + 40..HEADER + 80].fill(0xff);
        assert!(Evaluator::new(set, &full).is_err());
    }
    let refused = Evaluator::new(LARGE, &client(SMALL).registration).map(|_| ());
    assert!(matches!(refused, Err(FheError::Untrusted(_))), "{refused:?}");
    assert!(Evaluator::new(ParameterSet::RollupV1, &[]).is_err());
}

#[test]
fn rotation_keys_are_checked() {
    let good = &client(ROTATING).registration;
    assert_eq!(good.len() as u64, registration_size(ROTATING).expect("a set"));
    println!("{ROTATING}: {} bytes are registered", good.len());
    let numbers = scan(ROTATING).expect("a set");
    let key = wire::relinearisation_len(numbers);
    let mut at = HEADER + wire::slice_len(numbers) + key;
    for by in ROTATING.rotations() {
        let (before, after) = frame(*by, numbers);
        let end = at + before.len() + key + after.len();
        for byte in [at, at + before.len() - 1, end - after.len(), end - 1] {
            let mut hostile = good.clone();
            hostile[byte] ^= 1;
            assert!(Evaluator::new(ROTATING, &hostile).is_err(), "rotation by {by}, byte {byte}");
        }
        at = end;
    }
    assert_eq!(at, good.len());
    let cut = Evaluator::new(ROTATING, &good[..good.len() - key]);
    assert!(cut.is_err());
    assert!(Evaluator::new(LARGE, good).is_err());
}

#[test]
fn client_keys_are_checked() {
    let client = client(SMALL);
    let bytes = client.keys.to_bytes();
    let read = ClientKeys::from_bytes(&bytes, SMALL).expect("its own bytes");
    assert_eq!(read.to_bytes(), bytes);
    for hostile in damaged(&bytes, HEADER) {
        assert!(ClientKeys::from_bytes(&hostile, SMALL).is_err());
    }
    let mut large = bytes.to_vec();
    large[HEADER + 9] = 41;
    assert!(ClientKeys::from_bytes(&large, SMALL).is_err());
    assert_eq!(format!("{read:?}"), "ClientKeys(predict-4k-v2, secret)");
}

#[test]
fn inputs_and_outputs_are_checked() {
    let cases = [
        (batch(SMALL, 2, vec![Step::Combine(vec![(0, 5), (1, 6)])], &[2]), 2, 10),
        (row(vec![1, 2, 3]), 3, 1),
        (trees(2, 3), 30, 1),
    ];
    for (program, columns, rows) in cases {
        let set = program.form.parameter_set;
        let (client, table, form) = (client(set), table(columns, rows, 2, 4), &program.form);
        let inputs = encrypt(&client.keys, form, &table, 0..rows, &mut rng(5)).expect("encrypted");
        assert_eq!(inputs.len() as u64, inputs_size(form, rows).expect("a size"));
        let evaluate = |bytes: &[u8]| client.evaluator.evaluate(&program, bytes, &mut rng(6), &Silent);
        let outputs = evaluate(&inputs).expect("evaluated");
        assert_eq!(outputs.len() as u64, outputs_size(form, rows).expect("a size"));
        println!("{set}: {} bytes in, {} bytes out", inputs.len(), outputs.len());
        for hostile in damaged(&inputs, HEADER + 8) {
            assert!(evaluate(&hostile).is_err());
        }
        for hostile in flipped(&inputs).take(6) {
            drop(evaluate(&hostile));
        }
        for hostile in damaged(&outputs, HEADER + 4) {
            assert!(decrypt(&client.keys, form, 0..rows, &hostile).is_err());
        }
        for hostile in flipped(&outputs) {
            drop(decrypt(&client.keys, form, 0..rows, &hostile));
        }
        let mut full = outputs.clone();
        full[HEADER + 4..HEADER + 60].fill(0xff);
        assert!(decrypt(&client.keys, form, 0..rows, &full).is_err());
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let product = batch(SMALL, 2, vec![Step::MultiplyRaw(0, 1), Step::Relinearise(2)], &[3]);
    let (client, table) = (client(SMALL), table(2, 9, 3, 4));
    let inputs = encrypt(&client.keys, &product.form, &table, 0..9, &mut rng(5)).expect("encrypted");
    let refused = client.evaluator.evaluate(&product, &inputs, &mut rng(6), &Silent);
    assert!(matches!(refused, Err(FheError::Prediction(_) | FheError::Program(_))), "{refused:?}");

    let mut other = batch(SMALL, 2, vec![Step::Combine(vec![(0, 1), (1, 1)])], &[2]);
    other.evaluation = Evaluation::Weights(Vec::new());
    let refused = client.evaluator.evaluate(&other, &inputs, &mut rng(6), &Silent);
    assert!(matches!(refused, Err(FheError::Prediction(_))), "{refused:?}");

    let mut form = product.form.clone();
    form.parameter_set = LARGE;
    assert!(matches!(
        encrypt(&client.keys, &form, &table, 0..9, &mut rng(5)),
        Err(FheError::MixedSets { .. })
    ));
    assert!(matches!(
        encrypt(&client.keys, &product.form, &table, 0..4_097, &mut rng(5)),
        Err(FheError::TooManyRows { rows: 4_097, slots: 4_096 })
    ));
    assert!(matches!(
        encrypt(&client.keys, &product.form, &table, 5..10, &mut rng(5)),
        Err(FheError::Input(_))
    ));
    assert!(encrypt(&client.keys, &row(vec![]).form, &table, 0..0, &mut rng(5)).is_err());
}
