//! The same question asked the obvious way: every value an encrypted integer, every comparison a
//! chain of bootstraps. Kept only so that the benchmark can say what the layouts gain.

mod lineitem;

use std::{
    ops::AddAssign,
    time::{Duration, Instant},
};

use tfhe::{ClientKey, ConfigBuilder, FheUint8, FheUint32, generate_keys, prelude::*, set_server_key};

pub use lineitem::{Line, Question, plain_sums, sums};

/// What was measured of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured<T> {
    /// What it decrypts to.
    pub answer: T,
    /// Rows it ran over.
    pub rows: usize,
    /// Time of the evaluation alone, without key generation, encryption and decryption.
    pub elapsed: Duration,
}

impl<T> Measured<T> {
    /// Seconds a row.
    pub fn seconds_per_row(&self) -> f64 {
        self.elapsed.as_secs_f64() / self.rows.max(1) as f64
    }
}

/// `SELECT COUNT(*) WHERE a = equal_to AND b >= at_least`, on tfhe integers encrypted value by value.
pub fn count_where(rows: &[(u8, u8)], equal_to: u8, at_least: u8) -> Measured<u32> {
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
    Measured { answer: count.decrypt(&client), rows: rows.len(), elapsed }
}
