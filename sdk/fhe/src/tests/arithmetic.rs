//! The arithmetic of this crate against that of the library, residue by residue, and random programs
//! against arithmetic on plain slots.

use fhe::bfv::RelinearizationKey;
use fhe_math::rns::{RnsContext, RnsScaler, ScalingFactor};
use fhe_traits::DeserializeParametrized;
use num_bigint::BigUint;
use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha20Rng;
use sordino_protocol::{
    bounds::{degrees, scan_noise},
    cost::OperationCounts,
    parameters::ParameterSet,
    program::{MAX_COEFFICIENT, Program, Register, ScanProgram, Step},
};

use super::support::{
    Counter, Slices, encrypt_slots, evaluation_key_bytes, evaluator, keys, library, printed_rng, program,
    random_slots, value_slice,
};
use crate::{
    evaluation_keys,
    outputs::{Outputs, decrypt},
    parameters::bfv,
    progress::Silent,
    ring::{Conversion, Ratio},
    scan::{
        Partial,
        ciphertext::{Ciphertext, Extended, Operand, product},
        tables::tables,
        wire,
    },
    trust::HEADER,
};

const SETS: [ParameterSet; 2] = [ParameterSet::Scan8kV1, ParameterSet::Scan16kV1];

#[test]
fn conversions_are_those_of_the_library() {
    let mut rng = printed_rng("conversions");
    for set in SETS {
        let most = set.scan().expect("a set").moduli.len();
        for working in [set.scan().expect("a set").relinearisation_moduli(), most] {
            let tables = tables(set, working).expect("a set");
            let (extended, last) = (&tables.extended, tables.full.primes[working - 1].value());
            for (from, to, numerator, denominator) in [
                (&tables.working, extended, 1u32.into(), 1u32.into()),
                (extended, &tables.working, 65_537u32.into(), BigUint::from(last) * last),
                (extended, &tables.late, 1u32.into(), BigUint::from(last)),
            ] {
                let values = |basis: &crate::ring::Basis| -> Vec<u64> {
                    basis.primes.iter().map(|prime| prime.value()).collect()
                };
                let context = |basis| std::sync::Arc::new(RnsContext::new(&values(basis)).expect("primes"));
                let factor = ScalingFactor::new(&numerator, &denominator);
                let scaler = RnsScaler::new(&context(from), &context(to), factor);
                let ours = Conversion::new(from.clone(), to.clone(), &Ratio { numerator, denominator });
                for _ in 0..200 {
                    let residues: Vec<u64> =
                        from.primes.iter().map(|prime| rng.random_range(0..prime.value())).collect();
                    let expected = scaler.scale_new((&residues).into(), to.len());
                    assert_eq!(ours.one(&residues), expected, "{set}, {working} moduli");
                }
            }
        }
    }
}

#[test]
fn products_are_those_of_the_library() {
    let mut rng = printed_rng("products");
    for set in SETS {
        let numbers = set.scan().expect("a set");
        let tables = tables(set, numbers.moduli.len()).expect("a set");
        let [a, b] = [0, 1].map(|_| {
            let bytes = encrypt_slots(set, &random_slots(set, 1_000, &mut rng), &mut rng);
            let ours = wire::read_slice(&bytes, set).expect("a slice");
            let theirs = fhe::bfv::Ciphertext::from_bytes(&bytes, bfv(set).expect("a set")).expect("a slice");
            assert_eq!(polynomials(&library(&ours, set, tables)), polynomials(&theirs), "reading, {set}");
            (ours, theirs)
        });
        let extended = [&a.0, &b.0].map(|slice| Extended::of(slice, tables).expect("a slice"));
        let [x, y] = [(&extended[0], &a.0), (&extended[1], &b.0)]
            .map(|(extended, itself)| Operand { extended, itself: Some(itself) });
        let products = product(x, y, tables);
        let mut expected = &a.1 * &b.1;
        assert_eq!(polynomials(&library(&products, set, tables)), polynomials(&expected), "a product, {set}");

        let bytes = evaluation_key_bytes(set);
        let key = evaluation_keys::read(bytes, set).expect("keys");
        let theirs = RelinearizationKey::from_bytes(&bytes[HEADER..], bfv(set).expect("a set"));
        theirs.expect("keys").relinearizes(&mut expected).expect("relinearised");
        let Ciphertext::Products(products) = products else { panic!("a product") };
        let relinearised = library(&key.relinearise(&products, tables), set, tables);
        assert_eq!(polynomials(&relinearised), polynomials(&expected), "relinearised, {set}");
    }
}

fn polynomials(ciphertext: &fhe::bfv::Ciphertext) -> Vec<Vec<u64>> {
    ciphertext.iter().map(|polynomial| polynomial.coefficients().iter().copied().collect()).collect()
}

/// A random program that its parameter set bears.
fn random_program(set: ParameterSet, rng: &mut ChaCha20Rng) -> ScanProgram {
    loop {
        let slices = rng.random_range(2..6);
        let mut steps = Vec::new();
        for _ in 0..rng.random_range(1..9) {
            let so_far = program(set, slices, steps.clone(), vec![0]);
            let degrees = degrees(&so_far).expect("well formed");
            let of = |degree: u8| -> Vec<Register> {
                (0..degrees.len() as u32).filter(|r| degrees[*r as usize] == degree).collect()
            };
            let (linear, products) = (of(1), of(2));
            let alike = if products.is_empty() || rng.random() { &linear } else { &products };
            let any = |rng: &mut ChaCha20Rng, from: &[Register]| *from.choose(rng).expect("not empty");
            let largest = if rng.random() { 9 } else { MAX_COEFFICIENT };
            steps.push(match rng.random_range(0..6) {
                0 => Step::Sum((0..rng.random_range(2..40)).map(|_| any(rng, alike)).collect()),
                1 => Step::Subtract(any(rng, alike), any(rng, alike)),
                2 => Step::Multiply(any(rng, &linear), any(rng, &linear)),
                3 if !products.is_empty() => Step::Relinearise(any(rng, &products)),
                4 => {
                    let mut term =
                        || (any(rng, alike), rng.random_range(1..=largest) * [1, -1][rng.random_range(0..2)]);
                    Step::Combine((0..3).map(|_| term()).collect())
                }
                _ => Step::MultiplyRaw(any(rng, &linear), any(rng, &linear)),
            });
        }
        let last = u32::from(slices) + steps.len() as u32 - 1;
        let outputs = vec![last, rng.random_range(0..=last), last];
        let program = program(set, slices, steps, outputs);
        if scan_noise(&program, 3).is_ok() {
            return program;
        }
    }
}

/// What a program makes of slots.
fn on_slots(program: &ScanProgram, slices: &[Vec<u64>], modulus: u64) -> Vec<Vec<u64>> {
    let modulus = i128::from(modulus);
    let mut registers = slices.to_vec();
    for step in &program.steps {
        let slot = |slot: usize| {
            let at = |register: &Register| i128::from(registers[*register as usize][slot]);
            let value = match step {
                Step::Sum(terms) => terms.iter().map(at).sum(),
                Step::Subtract(a, b) => at(a) - at(b),
                Step::Multiply(a, b) | Step::MultiplyRaw(a, b) => at(a) * at(b),
                Step::Combine(terms) => terms.iter().map(|(r, c)| i128::from(*c) * at(r)).sum(),
                Step::Relinearise(a) => at(a),
            };
            value.rem_euclid(modulus) as u64
        };
        registers.push((0..slices[0].len()).map(slot).collect());
    }
    registers
}

/// Evaluates chunks in a random order and grouping.
fn evaluate(program: &ScanProgram, chunks: &[Slices], rng: &mut ChaCha20Rng) -> Outputs {
    let (evaluator, progress) = (evaluator(program.parameter_set), Counter::default());
    let evaluate = |chunk: &Slices| evaluator.evaluate_chunk(program, chunk, &progress).expect("evaluated");
    let mut partials: Vec<Partial> = chunks.iter().map(evaluate).collect();
    while partials.len() > 1 {
        let other = partials.swap_remove(rng.random_range(0..partials.len()));
        let into = rng.random_range(0..partials.len());
        evaluator.merge(&mut partials[into], other, &progress).expect("merged");
    }
    let outputs = evaluator.finish(program, partials.remove(0), &progress).expect("finished");
    let counts = OperationCounts::of(&Program::Scan(program.clone()), chunks.len() as u64);
    assert_eq!(progress.total(), counts.total(), "{program:?}");
    outputs
}

fn random_programs(set: ParameterSet, count: usize) {
    let mut rng = printed_rng("random programs");
    let modulus = set.scan().expect("a set").plaintext_modulus;
    for _ in 0..count {
        let program = random_program(set, &mut rng);
        let mut expected = vec![0u128; program.outputs.len()];
        let chunks: Vec<Slices> = (0..3)
            .map(|_| {
                let slots: Vec<_> =
                    program.slices.iter().map(|_| random_slots(set, modulus, &mut rng)).collect();
                let registers = on_slots(&program, &slots, modulus);
                for (sum, output) in expected.iter_mut().zip(&program.outputs) {
                    *sum += registers[*output as usize].iter().map(|slot| u128::from(*slot)).sum::<u128>();
                }
                let mut slices = Slices::default();
                for (index, slots) in slots.iter().enumerate() {
                    slices.0.insert(value_slice(index as u8), encrypt_slots(set, slots, &mut rng));
                }
                slices
            })
            .collect();
        let outputs = evaluate(&program, &chunks, &mut rng);
        let again = evaluate(&program, &chunks, &mut rng);
        assert_eq!(outputs.digest(), again.digest(), "the order of merges matters: {program:?}");
        let closest_to_0 = |sum: &u128| {
            let sum = (sum % u128::from(modulus)) as i64;
            if sum > modulus as i64 / 2 { sum - modulus as i64 } else { sum }
        };
        let expected: Vec<i64> = expected.iter().map(closest_to_0).collect();
        let sums = decrypt(keys(), &Program::Scan(program.clone()), &outputs).expect("decrypted");
        assert_eq!(sums, expected, "{program:?}");
    }
}

#[test]
fn random_programs_equal_arithmetic_on_slots_8k() {
    random_programs(ParameterSet::Scan8kV1, 25);
}

#[test]
fn random_programs_equal_arithmetic_on_slots_16k() {
    random_programs(ParameterSet::Scan16kV1, 8);
}

/// A partial of other moduli is no partial of the program, even with as many outputs.
#[test]
fn partials_of_other_programs_are_refused() {
    let set = ParameterSet::Scan8kV1;
    let mut slices = Slices::default();
    slices.0.insert(value_slice(0), encrypt_slots(set, &[1], &mut printed_rng("partials")));
    let shallow = program(set, 1, vec![Step::MultiplyRaw(0, 0)], vec![1]);
    let deep =
        program(set, 1, vec![Step::Multiply(0, 0), Step::Multiply(1, 1), Step::MultiplyRaw(2, 2)], vec![3]);
    let evaluator = evaluator(set);
    let run = |program| evaluator.evaluate_chunk(program, &slices, &Silent).expect("evaluated");
    let (mut one, other) = (run(&shallow), run(&deep));
    assert!(evaluator.merge(&mut one, other, &Silent).is_err());
    assert!(evaluator.finish(&deep, one, &Silent).is_err());
}
