//! Measured noise stays below the static bound, and the bound is not absurdly far above it.

#![expect(unsafe_code, reason = "the library marks measuring noise as unsafe, for its timing")]

use fhe_traits::Serialize;
use sordino_protocol::{
    bounds::{register_noise, scan_noise},
    parameters::{ParameterSet, ScanParameters},
    program::{Program, ScanProgram, Step},
};

use super::support::{
    Slices, encrypt_slots, evaluator, keys, library, printed_rng, program, random_slots, value_slice,
};
use crate::{
    outputs::{Outputs, SlotSum, decrypt},
    progress::Silent,
    scan::{Partial, ciphertext::Ciphertext},
};

/// Bits between the noise and the most that decrypts.
fn room(set: ParameterSet, ciphertext: &fhe::bfv::Ciphertext) -> f64 {
    let numbers = set.scan().expect("a set");
    let moduli = ciphertext[0].ctx().moduli();
    let modulus: f64 = moduli.iter().map(|q| (*q as f64).log2()).sum();
    // Safety: only the time depends on the noise, and nobody watches a test.
    let noise = unsafe { keys().scan(set).expect("a set").measure_noise(ciphertext) }.expect("measured");
    modulus - (numbers.plaintext_modulus as f64).log2() - 1.0 - noise as f64
}

/// As [`room`] for coefficient 0 alone; the others of an output are noise by construction.
fn late_room(set: ParameterSet, sum: &SlotSum) -> f64 {
    let numbers = set.scan().expect("a set");
    let moduli = &numbers.moduli[..numbers.moduli.len() - numbers.finish_level];
    let noise = late_noise(numbers, moduli, sum, &secret(set)).max(1.0).log2().ceil();
    let modulus: f64 = moduli.iter().map(|q| (*q as f64).log2()).sum();
    modulus - (numbers.plaintext_modulus as f64).log2() - 1.0 - noise
}

/// The coefficients of the secret key, which the library writes as one zigzag byte each.
fn secret(set: ParameterSet) -> Vec<i128> {
    let bytes = keys().scan(set).expect("a set").to_bytes();
    let degree = set.scan().expect("a set").degree;
    let zigzag = bytes[bytes.len() - degree..].iter();
    zigzag.map(|byte| i128::from(byte >> 1) ^ -i128::from(byte & 1)).collect()
}

/// The distance of coefficient 0 of `c0 + c1 s` to the nearest multiple of q/t, for one or two moduli.
fn late_noise(numbers: &ScanParameters, moduli: &[u64], sum: &SlotSum, secret: &[i128]) -> f64 {
    let residues: Vec<i128> = moduli
        .iter()
        .zip(&sum.body)
        .zip(sum.mask.chunks_exact(numbers.degree))
        .map(|((modulus, body), mask)| {
            // X^N = -1: coefficient 0 takes c1_k s_(N-k) with a minus for k > 0.
            let product: i128 =
                (1..numbers.degree).map(|k| -i128::from(mask[k]) * secret[numbers.degree - k]).sum();
            (i128::from(*body) + i128::from(mask[0]) * secret[0] + product).rem_euclid(i128::from(*modulus))
        })
        .collect();
    let (phase, modulus) = match (moduli, &residues[..]) {
        ([q], [r]) => (*r, i128::from(*q)),
        ([p, q], [r, s]) => {
            let (p, q) = (i128::from(*p), i128::from(*q));
            (r + p * ((s - r).rem_euclid(q) * inverse(p, q) % q), p * q)
        }
        _ => panic!("one or two moduli"),
    };
    let t = i128::from(numbers.plaintext_modulus);
    // q = a t + b, so that (q/t) m = a m + b m / t without numbers of more than 128 bits.
    let (a, b) = (modulus / t, modulus % t);
    let error = |m: i128| phase - a * m - b * m / t;
    let near = (phase as f64 / (modulus as f64 / t as f64)) as i128;
    // Floating point is off by a few units of the plaintext; what is left over says by how many.
    let near = near + error(near) / a;
    (near - 1..=near + 1).map(|m| error(m).unsigned_abs()).min().map_or(0.0, |noise| noise as f64)
}

/// The inverse of a modulo a prime.
fn inverse(a: i128, prime: i128) -> i128 {
    let (mut power, mut base, mut exponent) = (1, a % prime, prime - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            power = power * base % prime;
        }
        base = base * base % prime;
        exponent >>= 1;
    }
    power
}

/// Runs a program of one output over some chunks; returns the room left as measured and as predicted.
fn measure(program: &ScanProgram, chunks: usize) -> (f64, f64) {
    let set = program.parameter_set;
    let mut rng = printed_rng("noise");
    let numbers = set.scan().expect("a set");
    let evaluator = evaluator(set);
    let mut sum: Option<Partial> = None;
    for _ in 0..chunks {
        let mut slices = Slices::default();
        for (index, slice) in program.slices.iter().enumerate() {
            assert_eq!(*slice, value_slice(index as u8));
            let slots = random_slots(set, numbers.plaintext_modulus, &mut rng);
            slices.0.insert(*slice, encrypt_slots(set, &slots, &mut rng));
        }
        let partial = evaluator.evaluate_chunk(program, &slices, &Silent).expect("evaluated");
        match &mut sum {
            None => sum = Some(partial),
            Some(sum) => evaluator.merge(sum, partial, &Silent).expect("merged"),
        }
    }
    let sum = sum.expect("chunks");
    let measured = |one: &Ciphertext| room(set, &library(one, set, sum.tables));
    let before = sum.sums.iter().map(measured).fold(f64::INFINITY, f64::min);
    let moduli = sum.sums[0].basis(sum.tables).len().min(numbers.moduli.len());
    let moduli =
        if matches!(sum.sums[0], Ciphertext::Products(_)) { sum.tables.working.len() } else { moduli };
    let outputs = evaluator.finish(program, sum, &Silent).expect("finished");
    let Outputs::Scan(_, finished) = outputs else { panic!("scan outputs") };
    let after = finished.iter().map(|sum| late_room(set, sum)).fold(f64::INFINITY, f64::min);
    println!("  measured room before finishing {before:.0}, after {after:.0}");
    if chunks == 1 {
        let bits = register_noise(program).expect("well formed")[program.outputs[0] as usize];
        let modulus: f64 = numbers.moduli[..moduli].iter().map(|q| (*q as f64).log2()).sum();
        let predicted = modulus - (numbers.plaintext_modulus as f64).log2() - 1.0 - f64::from(bits);
        println!("  predicted room before finishing {predicted:.0}");
        assert!(
            before >= predicted && before - predicted <= 12.0,
            "{before} measured, {predicted} predicted"
        );
    }
    let predicted = match scan_noise(program, chunks as u64) {
        Ok(noise) => f64::from(noise.budget_bits) - f64::from(noise.noise_bits),
        Err(error) => {
            println!("  refused: {error}");
            -1.0
        }
    };
    (before.min(after), predicted)
}

/// Products of `2^depth` slices as a balanced tree, the last one raw or not.
fn tree(set: ParameterSet, depth: u32, raw: bool) -> ScanProgram {
    let slices = 1u32 << depth;
    let mut level: Vec<u32> = (0..slices).collect();
    let mut steps = Vec::new();
    while level.len() > 1 {
        let last = level.len() == 2;
        level = level
            .chunks(2)
            .map(|pair| {
                let make = if last && raw { Step::MultiplyRaw } else { Step::Multiply };
                steps.push(make(pair[0], pair[1]));
                slices + steps.len() as u32 - 1
            })
            .collect();
    }
    program(set, slices as u8, steps, level)
}

fn check(what: &str, program: &ScanProgram, chunks: usize) {
    let (measured, predicted) = measure(program, chunks);
    println!("{what}: room measured {measured:.0} bits, predicted {predicted:.0}");
    // A noise beyond the budget cannot be measured: the wrong plaintext is subtracted.
    if predicted >= 0.0 {
        assert!(measured >= predicted, "{what}: measured room {measured}, predicted {predicted}");
        // At the end only one coefficient is measured, whose noise may be small by chance.
        assert!(measured - predicted <= 24.0, "{what}: measured room {measured}, predicted {predicted}");
    }
}

fn programs(set: ParameterSet, depths: u32) {
    check("one slice", &program(set, 1, vec![], vec![0]), 1);
    check("sum of 60 slices", &program(set, 60, vec![Step::Sum((0..60).collect())], vec![60]), 1);
    check("difference, 3 chunks", &program(set, 2, vec![Step::Subtract(0, 1)], vec![2]), 3);
    for depth in 1..=depths {
        check(&format!("depth {depth}"), &tree(set, depth, false), 1);
        check(&format!("depth {depth}, last raw"), &tree(set, depth, true), 1);
    }
    check("depth 1 raw, 4 chunks", &tree(set, 1, true), 4);
    let shared = vec![
        Step::Sum(vec![0, 1, 2, 3]),
        Step::Multiply(4, 0),
        Step::Multiply(5, 5),
        Step::Subtract(5, 6),
        Step::Sum(vec![4, 6, 7, 7]),
    ];
    check("a sum times one of its slices, squared", &program(set, 4, shared, vec![8]), 2);
    let combined = vec![Step::Combine((0..30).map(|slice| (slice, 1_000 - 77 * i64::from(slice))).collect())];
    check("a combination of 30 slices", &program(set, 30, combined, vec![30]), 3);
    let largest = vec![Step::Combine(vec![(0, 1 << 40), (0, 1 << 40), (1, -5)]), Step::MultiplyRaw(2, 1)];
    check("a combination, multiplied", &program(set, 2, largest, vec![3]), 1);
    // The deviations of products are added as if they were the same, so these are distinct few.
    let dot = vec![
        Step::MultiplyRaw(0, 1),
        Step::MultiplyRaw(2, 3),
        Step::Combine(vec![(4, 300), (5, -7)]),
        Step::Relinearise(6),
        Step::Combine(vec![(7, 12), (0, 5)]),
    ];
    check("a combination of products, relinearised", &program(set, 4, dot.clone(), vec![8]), 1);
    check("a combination of products", &program(set, 4, dot, vec![6]), 3);
}

#[test]
fn the_bound_holds_8k() {
    programs(ParameterSet::Scan8kV1, 3);
}

#[test]
fn the_bound_holds_16k() {
    programs(ParameterSet::Scan16kV1, 4);
}

/// The deepest balanced product that is accepted decrypts rightly; one deeper is refused.
#[test]
fn what_is_accepted_decrypts() {
    for (set, below, deepest) in [(ParameterSet::Scan8kV1, 2, 3), (ParameterSet::Scan16kV1, 2, 4)] {
        let mut rng = printed_rng("accepted");
        let accepted = (1..8).take_while(|depth| scan_noise(&tree(set, *depth, true), 1_000).is_ok()).count();
        println!("{set}: balanced products of depth {accepted} are accepted over 1,000 chunks");
        assert!(accepted >= deepest, "{set}: {accepted}");
        let program = tree(set, accepted as u32, true);
        let mut slices = Slices::default();
        let mut expected = vec![1u64; set.scan().expect("a set").degree];
        for slice in &program.slices {
            let mut slots = random_slots(set, below, &mut rng);
            // Mostly ones, or the product would be zero everywhere.
            slots.iter_mut().enumerate().for_each(|(i, slot)| *slot |= u64::from(i % 16 != 0));
            expected.iter_mut().zip(&slots).for_each(|(product, slot)| *product *= slot);
            slices.0.insert(*slice, encrypt_slots(set, &slots, &mut rng));
        }
        let evaluator = evaluator(set);
        let partial = evaluator.evaluate_chunk(&program, &slices, &Silent).expect("evaluated");
        let outputs = evaluator.finish(&program, partial, &Silent).expect("finished");
        let sum = decrypt(keys(), &Program::Scan(program), &outputs).expect("decrypted");
        assert_eq!(sum, [expected.iter().sum::<u64>().cast_signed()]);
    }
}
