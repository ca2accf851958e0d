//! A key file. Files that ask for much work are skipped, or the fuzzer would only compute scrypt.
#![no_main]

use libfuzzer_sys::fuzz_target;
use secrecy::SecretString;
use sordino_fhe::keys::KeyBundle;

fuzz_target!(|data: &[u8]| {
    let header = String::from_utf8_lossy(&data[..data.len().min(200)]);
    let stanza = header.lines().find(|line| line.starts_with("-> scrypt"));
    let work = stanza.and_then(|line| line.rsplit(' ').next()).and_then(|factor| factor.parse::<u8>().ok());
    if work.is_none_or(|factor| factor <= 6) {
        let _ = KeyBundle::decrypt(data, &SecretString::from("passphrase"));
    }
});
