//! What the operations of a scan program consist of, in figures of this machine; run by hand:
//! `cargo test -p sordino-fhe measure_parts -- --ignored --nocapture`.

use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use rayon::ThreadPoolBuilder;
use sordino_protocol::parameters::ParameterSet;

use super::support::{encrypt_slots, evaluation_key_bytes, random_slots};
use crate::{
    evaluation_keys,
    scan::{
        ciphertext::{Ciphertext, Extended, Operand, product},
        tables::{Tables, tables},
        wire,
    },
};

/// Each part as often as this; the fastest run is the one that was disturbed least.
const RUNS: usize = 30;

fn print<T>(name: &str, part: &str, mut run: impl FnMut() -> T) {
    let time = |_| {
        let start = Instant::now();
        drop(run());
        start.elapsed()
    };
    let fastest: Duration = (0..RUNS).map(time).min().unwrap_or_default();
    println!("{name}: {part} {fastest:?}");
}

#[test]
#[ignore = "prints figures"]
fn measure_parts() {
    ThreadPoolBuilder::new().num_threads(1).build().expect("a pool").install(|| {
        for (set, working) in [
            (ParameterSet::Scan8kV1, 2),
            (ParameterSet::Scan8kV1, 4),
            (ParameterSet::Scan16kV1, 3),
            (ParameterSet::Scan16kV1, 7),
        ] {
            parts(set, tables(set, working).expect("a set"));
        }
    });
}

fn parts(set: ParameterSet, tables: &Tables) {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let bytes = encrypt_slots(set, &random_slots(set, 2, &mut rng), &mut rng);
    let slice = wire::read_slice(&bytes, set).expect("a slice");
    let rows = &slice.polynomials()[0];
    let prime = tables.full.primes[0];
    let mut row = rows[..tables.full.degree].to_vec();
    let name = format!("{set}, products in {} moduli", tables.working.len());
    print(&name, "transform", || prime.forward(&mut row));
    print(&name, "inverse transform", || prime.inverse(&mut row));
    print(&name, "load", || wire::read_slice(&bytes, set));
    print(&name, "conversion to extend", || tables.extend_early.convert(rows, |_, _| {}));
    print(&name, "extension", || Extended::of(&slice, tables));
    let extended = Extended::of(&slice, tables).expect("a slice");
    let factor = Operand { extended: &extended, itself: Some(&slice) };
    print(&name, "product", || product(factor, factor, tables));
    let sum = product(factor, factor, tables);
    print(&name, "addition of products", || {
        let mut sum = sum.clone();
        sum.add_multiple(&sum.clone(), 1, tables);
    });
    let Ciphertext::Products(products) = &sum else { return };
    print(&name, "conversion to scale down", || tables.scale.convert(&products[0], |_, _| {}));
    let key = evaluation_keys::read(evaluation_key_bytes(set), set).expect("keys");
    print(&name, "relinearisation", || key.relinearise(products, tables));
    print(&name, "output", || key.finish(&sum, tables));
}
