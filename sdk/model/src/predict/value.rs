//! A number under construction: a constant, and a linear combination of registers that hold slices or
//! relinearised products, and of products that are not relinearised.

use std::collections::BTreeMap;

use sordino_protocol::program::Register;

/// Coefficients are exact; they are taken modulo t when they are written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) constant: i128,
    pub(super) linear: BTreeMap<Register, i128>,
    pub(super) products: BTreeMap<Register, i128>,
}

impl Value {
    pub(super) fn constant(constant: i64) -> Self {
        Self { constant: i128::from(constant), ..Self::default() }
    }

    pub(super) fn register(register: Register) -> Self {
        Self { linear: BTreeMap::from([(register, 1)]), ..Self::default() }
    }

    /// Whether it depends on no register.
    pub(super) fn is_constant(&self) -> bool {
        self.linear.is_empty() && self.products.is_empty()
    }

    pub(super) fn add(&mut self, other: &Self, factor: i128) {
        self.constant += other.constant * factor;
        add(&mut self.linear, &other.linear, factor);
        add(&mut self.products, &other.products, factor);
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        difference.add(other, -1);
        difference
    }
}

fn add(sum: &mut BTreeMap<Register, i128>, terms: &BTreeMap<Register, i128>, factor: i128) {
    for (register, coefficient) in terms {
        let total = sum.entry(*register).or_default();
        *total += coefficient * factor;
        if *total == 0 {
            sum.remove(register);
        }
    }
}
