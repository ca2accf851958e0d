//! The same question asked the obvious way: every value an encrypted integer, every comparison a
//! chain of bootstraps. Kept only so that the benchmark can say what the layouts gain.

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use tfhe::{ClientKey, ConfigBuilder, FheUint8, FheUint32, generate_keys, prelude::*, set_server_key};

/// What [`count_where`] measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// The decrypted count.
    pub count: u32,
    /// Rows counted over.
    pub rows: usize,
    /// Time of the evaluation alone, without key generation, encryption and decryption.
    pub elapsed: Duration,
}

impl Measured {
    /// Seconds a row.
    pub fn seconds_per_row(&self) -> f64 {
        self.elapsed.as_secs_f64() / self.rows.max(1) as f64
    }
}

/// `SELECT COUNT(*) WHERE a = equal_to AND b >= at_least`, on tfhe integers encrypted value by value.
pub fn count_where(rows: &[(u8, u8)], equal_to: u8, at_least: u8) -> Measured {
    let (client, server) = generate_keys(ConfigBuilder::default().build());
    set_server_key(server);
    let encrypt = |value: u8, key: &ClientKey| FheUint8::encrypt(value, key);
    let rows: Vec<_> = rows.iter().map(|(a, b)| (encrypt(*a, &client), encrypt(*b, &client))).collect();
    let start = Instant::now();
    let mut count = FheUint32::encrypt_trivial(0u32);
    for (a, b) in &rows {
        let matches = a.eq(equal_to) & b.ge(at_least);
        count.add_assign(FheUint32::cast_from(matches));
    }
    let elapsed = start.elapsed();
    Measured { count: count.decrypt(&client), rows: rows.len(), elapsed }
}
