//! What this crate encrypts and decrypts by itself is what the library would.

#![expect(unsafe_code, reason = "the library marks measuring noise as unsafe, for its timing")]

use fhe::bfv::{Ciphertext, Encoding, Plaintext};
use fhe_math::rq::Representation;
use fhe_traits::{DeserializeParametrized, FheDecoder, FheDecrypter, FheEncoder, FheEncrypter};
use rand::Rng;
use sordino_protocol::parameters::ParameterSet;

use super::support::rng;
use crate::{
    parameters::{bfv, scan},
    predict::{ClientKeys, seal::open, seal::seal},
};

const SETS: [ParameterSet; 4] = [
    ParameterSet::Predict4kV2,
    ParameterSet::Predict8kV1,
    ParameterSet::Scan8kV1,
    // Results of this one have two moduli.
    ParameterSet::Scan16kV1,
];

fn coefficients(set: ParameterSet, seed: u64) -> Vec<u64> {
    let (numbers, mut rng) = (scan(set).expect("a set"), rng(seed));
    (0..numbers.degree).map(|_| rng.random_range(0..numbers.plaintext_modulus)).collect()
}

#[test]
fn the_library_decrypts_what_is_sealed() {
    for set in SETS {
        let keys = ClientKeys::generate(set, &mut rng(1)).expect("keys");
        let plain = coefficients(set, 2);
        let parameters = bfv(set).expect("a set");
        let bytes = seal(&keys, &plain, &[3; 32]).expect("sealed");
        let read = Ciphertext::from_bytes(&bytes, parameters).expect("the library reads it");
        let decrypted = keys.secret().try_decrypt(&read).expect("decrypted");
        assert_eq!(Vec::<u64>::try_decode(&decrypted, Encoding::poly()).expect("decoded"), plain, "{set}");
        // Safety: only the time depends on the noise, and nobody watches a test.
        let noise = unsafe { keys.secret().measure_noise(&read) }.expect("measured");
        let of_library = Plaintext::try_encode(plain.as_slice(), Encoding::poly(), parameters)
            .and_then(|plain| keys.secret().try_encrypt(&plain, &mut rng(4)))
            .and_then(|fresh: Ciphertext| unsafe { keys.secret().measure_noise(&fresh) })
            .expect("measured");
        assert!(noise.abs_diff(of_library) <= 1, "{set}: {noise} bits, the library's has {of_library}");
        assert_ne!(seal(&keys, &plain, &[5; 32]).expect("sealed"), bytes);
    }
}

#[test]
fn results_are_opened_as_the_library_does() {
    for set in SETS {
        let (numbers, keys) =
            (scan(set).expect("a set"), ClientKeys::generate(set, &mut rng(6)).expect("keys"));
        let plain = coefficients(set, 7);
        let encoding = Encoding::poly_at_level(numbers.finish_level);
        let plaintext =
            Plaintext::try_encode(plain.as_slice(), encoding, bfv(set).expect("a set")).expect("encoded");
        let result: Ciphertext = keys.secret().try_encrypt(&plaintext, &mut rng(8)).expect("encrypted");
        let rows = |index: usize| {
            let mut polynomial = result[index].clone();
            polynomial.change_representation(Representation::PowerBasis);
            polynomial.coefficients().iter().copied().collect::<Vec<u64>>()
        };
        let (body, mask) = (rows(0), rows(1));
        let places = [0, 1, 77, numbers.degree - 1];
        let some = body.chunks_exact(numbers.degree).flat_map(|row| places.map(|place| row[place]));
        let opened = open(&keys, &places, &some.collect::<Vec<u64>>(), mask).expect("opened");
        assert_eq!(opened, places.map(|place| plain[place]), "{set}");
    }
}
