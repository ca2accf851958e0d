//! Key files: the right passphrase opens them, anything else says what is wrong.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use secrecy::SecretString;

use crate::keys::{KeyBundle, KeyFileError};

#[test]
fn a_key_file_opens_with_its_passphrase_only() {
    let bundle = KeyBundle::generate(&mut ChaCha20Rng::seed_from_u64(5));
    let passphrase = SecretString::from("correct horse");
    let file = bundle.encrypt(&passphrase, Some(4)).expect("encrypted");
    println!("key file {} bytes", file.len());
    let opened = KeyBundle::decrypt(&file, &passphrase).expect("opened");
    assert_eq!(opened.signing.verifying_key(), bundle.signing.verifying_key());
    assert_eq!(opened.gate.verifying_key(), bundle.gate.verifying_key());
    assert_eq!(opened.recipient.public(), bundle.recipient.public());
    assert_eq!(opened.secret.lwe(), bundle.secret.lwe());
    for set in [
        sordino_protocol::parameters::ParameterSet::Scan8kV1,
        sordino_protocol::parameters::ParameterSet::Scan16kV1,
    ] {
        assert!(opened.secret.scan(set).expect("a set") == bundle.secret.scan(set).expect("a set"));
    }
    assert!(!format!("{bundle:?}").contains("[0"), "{bundle:?}");

    let wrong = KeyBundle::decrypt(&file, &SecretString::from("wrong"));
    assert!(matches!(wrong, Err(KeyFileError::WrongPassphrase)), "{wrong:?}");
    let mut damaged = file.clone();
    *damaged.last_mut().expect("bytes") ^= 1;
    let damaged = KeyBundle::decrypt(&damaged, &passphrase);
    assert!(matches!(damaged, Err(KeyFileError::Damaged)), "{damaged:?}");
    let cut = KeyBundle::decrypt(&file[..file.len() - 100], &passphrase);
    assert!(matches!(cut, Err(KeyFileError::Damaged)), "{cut:?}");
    let other = KeyBundle::decrypt(b"-----BEGIN", &passphrase);
    assert!(matches!(other, Err(KeyFileError::NotAKeyFile)), "{other:?}");
}
